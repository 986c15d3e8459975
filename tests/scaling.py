"""Runs the same grid with one worker process and with two: two must be TIMES as fast at least.

    python tests/scaling.py

Cells are whole ones, of one thread each: training, judge's readings and scores, as in any table.
All of them share a judge (they differ in the number of labels), which is trained before the clock
starts: two cells that lack one train one each. Starting the processes counts. Exit code 1 where two
gain less. Other programs must rest meanwhile: the clock is the one on the wall.
"""

import argparse
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from measured import heading

from wdlib.data import load
from wdlib.data.split import most_images, split
from wdlib.experiments.cells import Cell, shared_judge
from wdlib.experiments.grid import Processes, evaluate_cell, run
from wdlib.tasks import task

TIMES = 1.7
TASK = "dSprites.v2"


def keep_judge(folder: Path, limit: int | None = None) -> None:
    """Train the judge of all cells, or leave the one that is in ``folder``."""
    wanted = task(TASK)
    parts = split(wanted, seed=0, limit=limit or most_images(wanted))
    shared_judge(folder, parts, replace(load(wanted.dataset), threads=1))


def measure(workers: int, cells: int, steps: int, judges: Path, **tiny) -> float:
    """Seconds by the clock on the wall. ``tiny``: of ``evaluate_cell``, to measure less.

    Raises RuntimeError where a cell fails.
    """
    grid = [Cell(TASK, "modular", labels=1000 - 50 * n, steps=steps) for n in range(cells)]
    with tempfile.TemporaryDirectory() as folder, Processes(workers) as executor:
        shutil.copytree(judges, folder, dirs_exist_ok=True)
        start = time.perf_counter()
        table = run(grid, executor, folder=folder, work=partial(evaluate_cell, **tiny))
        taken = time.perf_counter() - start
    if table.failed:
        raise RuntimeError(next(iter(table.failed.values())))
    return taken


def main(argv: list[str] | None = None) -> int:
    """Print the seconds of either, and their ratio."""
    parser = argparse.ArgumentParser(prog="python tests/scaling.py")
    parser.add_argument("--cells", type=int, default=6)
    parser.add_argument("--steps", type=int, default=400, help="of training, a cell")
    parser.add_argument("--times", type=float, default=TIMES)
    args = parser.parse_args(argv)
    print(heading(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        keep_judge(Path(folder))
        how = args.cells, args.steps, Path(folder)
        one, two = (measure(workers, *how) for workers in (1, 2))
    print(f"{args.cells} whole cells of {TASK}, {args.steps} steps and one thread each")
    print(f"{one:.1f} s with one worker, {two:.1f} s with two")
    good = one / two >= args.times
    print(f"{one / two:.2f} times as fast, {'at least' if good else 'NOT'} {args.times:g}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
