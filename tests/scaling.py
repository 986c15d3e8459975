"""Runs the same grid with one worker process and with two: two must be TIMES as fast at least.

    python tests/scaling.py

A cell is training on one thread, and as much work however many run beside it. Starting the
processes counts. Exit code 1 where two gain less. Other programs must rest meanwhile: the clock is
the one on the wall.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from measured import heading

from wdlib.cells import Cell, most_images, threads
from wdlib.data import load
from wdlib.data.split import split
from wdlib.grid import Processes, run
from wdlib.methods import method
from wdlib.tasks import task

TIMES = 1.7


def train(cell: Cell, folder: Path) -> list[dict]:
    """A cell's work without judge and scores: two cells of a seed wait for the one's judge."""
    wanted = task(cell.task)
    with threads(cell.threads):
        parts = split(wanted, seed=cell.seed, labels=cell.labels, limit=most_images(wanted))
        images = replace(load(wanted.dataset), threads=cell.threads)
        budget = {"steps": cell.steps, "seconds": None}
        method(cell.method).fit(parts, images, labels=cell.labels, seed=cell.seed, **budget)
    return []


def measure(workers: int, cells: int, steps: int) -> float:
    """Seconds by the clock on the wall. Raises RuntimeError where a cell fails."""
    grid = [Cell("dSprites.v2", "modular", seed, steps=steps) for seed in range(cells)]
    with tempfile.TemporaryDirectory() as folder, Processes(workers) as executor:
        start = time.perf_counter()
        table = run(grid, executor, folder=folder, work=train)
        taken = time.perf_counter() - start
    if table.failed:
        raise RuntimeError(next(iter(table.failed.values())))
    return taken


def main(argv: list[str] | None = None) -> int:
    """Print the seconds of either, and their ratio."""
    parser = argparse.ArgumentParser(prog="python tests/scaling.py")
    parser.add_argument("--cells", type=int, default=8)
    parser.add_argument("--steps", type=int, default=400, help="of training, a cell")
    parser.add_argument("--times", type=float, default=TIMES)
    args = parser.parse_args(argv)
    print(heading(), flush=True)
    one, two = (measure(workers, args.cells, args.steps) for workers in (1, 2))
    print(f"{args.cells} cells of dSprites.v2, {args.steps} steps and one thread each")
    print(f"{one:.1f} s with one worker, {two:.1f} s with two")
    good = one / two >= args.times
    print(f"{one / two:.2f} times as fast, {'at least' if good else 'NOT'} {args.times:g}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
