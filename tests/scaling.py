"""How a grid scales with worker processes, and a table with its rows.

    python tests/scaling.py

The same grid runs with one worker process and with two: two must be TIMES as fast at least. Cells
are whole ones, of one thread each: training, judge's readings and scores, as in any table. All of
them share a judge (they differ in the number of labels), which is trained before the clock starts:
two cells that lack one train one each. Starting the processes counts. Exit code 1 where two gain
less. Other programs must rest meanwhile: the clock is the one on the wall.

Then tables of ROWS images (uint8, 64 x 64, in a file that is mapped into memory) are made, split,
trained on for a few steps, measured, and read as a whole, each in a process of its own. A further
row may take at most SLACK times as long in a large table as in a small one, and no process may need
more than PEAK MB. Pages of the file that were read count, although the system may drop them.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from measured import heading

import wdlib
from wdlib.data import load
from wdlib.data.split import most_images, split
from wdlib.experiments.cells import Cell, shared_judge
from wdlib.experiments.grid import Processes, evaluate_cell, run
from wdlib.metrics.judge import train_judge
from wdlib.simple import parts_of
from wdlib.tasks import task
from wdlib.training import COURSE, Trainer

TIMES = 1.7
TASK = "dSprites.v2"
ROWS = 20_000, 100_000, 700_000
SLACK = 1.5
PEAK = 4000


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


def drawn(rows: int, folder: Path) -> tuple[dict, np.ndarray]:
    """A table of squares of two brightnesses in nine places, and its images on disk."""
    rng = np.random.default_rng(0)
    frame = {"light": rng.integers(2, size=rows), "place": rng.integers(9, size=rows)}
    images = np.lib.format.open_memmap(
        folder / "images.npy", "w+", dtype=np.uint8, shape=(rows, 64, 64)
    )
    for start in range(0, rows, 4096):
        part = images[start : start + 4096]
        part[:] = rng.integers(30, size=part.shape, dtype=np.uint8)
        for image, light, place in zip(part, frame["light"][start:], frame["place"][start:]):
            y, x = (4 + 20 * (place // 3), 4 + 20 * (place % 3)) + rng.integers(5, size=2)
            image[y : y + 12, x : x + 12] = (110, 250)[light]
    images.flush()
    return frame, np.load(folder / "images.npy", mmap_mode="r")


def use(rows: int, folder: Path, steps: int) -> None:
    """Make, train, measure and read a table; print the seconds of each as JSON, and MB at most."""
    torch.set_num_threads(1)
    frame, pixels = drawn(rows, folder)
    clock, taken = time.process_time(), {}

    def lap(name: str) -> None:
        nonlocal clock
        taken[name], clock = time.process_time() - clock, time.process_time()

    task, images = wdlib.table(frame, pixels)
    lap("table")
    parts = parts_of(task, seed=0)
    model = Trainer(parts, images, COURSE.cut(steps)).run()
    lap("train")
    judge = train_judge(parts, images, steps=100)
    wdlib.evaluate(model, parts, images, judge, metrics=["mig"])
    lap("measure")
    assert len(model.read(pixels)) == rows
    lap("read")
    taken["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000
    print(json.dumps(taken))


def weigh(rows: int, steps: int = 60) -> dict[str, float]:
    """What ``use`` prints, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        code = "import scaling, sys, pathlib; scaling.use({}, pathlib.Path(sys.argv[1]), {})"
        command = [sys.executable, "-c", code.format(rows, steps), folder]
        run = subprocess.run(command, cwd=Path(__file__).parent, stdout=subprocess.PIPE, check=True)
        return json.loads(run.stdout.decode().splitlines()[-1])


def by_rows(rows: Sequence[int]) -> bool:
    """Print seconds and memory for each number of rows; whether they are within the limits."""
    print(f"tables of images of 64 x 64: {'seconds of one core':>20s}{'MB':>23s}")
    print(f"{'rows':>9s}{'table':>9s}{'train':>9s}{'measure':>9s}{'read':>9s}{'peak':>9s}")
    seconds, peaks = [], []
    for count in rows:
        *laps, peak = (taken := weigh(count)).values()
        print(f"{count:9,d}" + "".join(f"{value:9,.1f}" for value in taken.values()), flush=True)
        seconds.append(sum(laps))
        peaks.append(peak)
    each = np.diff(seconds) / np.diff(rows)  # seconds that a further row takes
    linear, small = (each[1:] <= SLACK * each[:-1]).all(), max(peaks) <= PEAK
    said = " and ".join(f"{1e6 * one:,.0f}" for one in each)
    print(f"a further row takes {said} microseconds: {'linear' if linear else 'NOT linear'}")
    print(f"{max(peaks):,} MB, {'at most' if small else 'NOT'} {PEAK:,}")
    return bool(linear and small)


def main(argv: list[str] | None = None) -> int:
    """Print the seconds of either, and their ratio."""
    parser = argparse.ArgumentParser(prog="python tests/scaling.py")
    parser.add_argument("--cells", type=int, default=6)
    parser.add_argument("--steps", type=int, default=400, help="of training, a cell")
    parser.add_argument("--times", type=float, default=TIMES)
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
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
    return 0 if by_rows(args.rows) and good else 1


if __name__ == "__main__":
    sys.exit(main())
