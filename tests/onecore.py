"""Runs a notebook as `make tour` does: seconds, and the most memory that its kernel held.

    taskset -c 0 python tests/onecore.py

The kernel keeps to the cores of this process. Exit code 1 where it takes more than SECONDS or MB.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import nbformat
import notebook_memory as memory
from measured import heading  # which also finds the course's tools
from nbconvert.preprocessors import ExecutePreprocessor
from traitlets.config import Config

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "00_tour.ipynb"
SECONDS, MB = 600, 1000
QUIET = Config({"KernelManager": {"transport_encryption": "auto"}})  # as make tour


class Watched(ExecutePreprocessor):
    """Asks for the peak after every cell: once the kernel is gone, nobody knows."""

    peak: float | None = None

    def preprocess_cell(self, cell, resources, index):
        done = super().preprocess_cell(cell, resources, index)
        self.peak = memory.peak(getattr(self.km.provisioner, "pid", None))
        return done


def measure(path: Path) -> tuple[float, float | None]:
    """Seconds, and MB (of 10**6 bytes; None where the system does not tell)."""
    start, watched = time.perf_counter(), Watched(timeout=None, config=QUIET)
    notebook = nbformat.read(path, as_version=4)
    watched.preprocess(notebook, {"metadata": {"path": str(path.parent)}})
    return time.perf_counter() - start, watched.peak


def main(argv: list[str] | None = None) -> int:
    """Print both, and whether they are within the limits."""
    parser = argparse.ArgumentParser(prog="python tests/onecore.py")
    parser.add_argument("notebook", type=Path, nargs="?", default=NOTEBOOK)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--mb", type=float, default=MB)
    args = parser.parse_args(argv)
    print(heading(), flush=True)
    seconds, peak = measure(args.notebook)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = os.environ.get("OMP_NUM_THREADS", "as many as cores")
    print(f"{args.notebook.stem}, cores {cores}, threads {threads}:")
    print(f"{seconds:.0f} s, at most {args.seconds:g}")
    print("memory unknown" if peak is None else f"{peak:.0f} MB, at most {args.mb:g}")
    good = seconds <= args.seconds and peak is not None and peak <= args.mb
    print("within both limits" if good else "NOT within both limits")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
