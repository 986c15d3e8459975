"""How fast the images of every task are drawn, with one thread and with two.

    python tests/drawing.py

Random images, warm: whatever is cached has been drawn before. Exit code 1 where two threads draw
less than RATE images of 3D Shapes a second. The clock is the one on the wall.
"""

import argparse
import sys
import time
from dataclasses import replace

import numpy as np
from measured import heading

from wdlib.data import load
from wdlib.experiments.studies import TASKS_OF_TABLE_1
from wdlib.tasks import task

RATE = 20_000


def measure(name: str, threads: int, *, count: int = 20_000, repeats: int = 3) -> float:
    """Images a second: the best of a few."""
    wanted = task(name)
    images = replace(load(wanted.dataset), threads=threads)
    numbers = np.random.default_rng(0).integers(len(wanted), size=count)
    classes, taken = wanted.classes(numbers), []
    images.draw(classes)
    for _ in range(repeats):
        start = time.perf_counter()
        images.draw(classes)
        taken.append(time.perf_counter() - start)
    return count / min(taken)


def main(argv: list[str] | None = None) -> int:
    """Print a line a task, and whether 3D Shapes is fast enough."""
    parser = argparse.ArgumentParser(prog="python tests/drawing.py")
    parser.add_argument("tasks", nargs="*", default=TASKS_OF_TABLE_1)
    args = parser.parse_args(argv)
    print(heading(), flush=True)
    good = True
    for name in args.tasks:
        one, two = (measure(name, threads) for threads in (1, 2))
        print(f"{name}: {one:,.0f} images/s with one thread, {two:,.0f} with two", flush=True)
        good &= task(name).dataset != "shapes3d" or two >= RATE
    print(f"3D Shapes with two threads: {'at least' if good else 'NOT'} {RATE:,} images/s")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
