"""How long a step of the navigator takes: python tests/navigating.py [FOLDER] [--steps N].

On one core, in the kernel: from the press of a control until the view shows the new step. The time
of the browser is not included.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch

from wdlib.data import load
from wdlib.data.split import split
from wdlib.metrics.judge import Judge
from wdlib.model import ModularModel
from wdlib.model.loading import load_model
from wdlib.navigator.view import Navigator
from wdlib.tasks import task


def moves(navigator: Navigator, rng: np.random.Generator) -> Iterator[tuple[str, Callable]]:
    """(kind, press) of every kind of move in turn, at random places, for ever."""
    relations = list(navigator.relations.values())
    gesture = 0
    while True:
        gesture += 1
        view = navigator.map_views[rng.integers(len(navigator.maps))]
        menu = navigator.islands[rng.integers(len(navigator.maps))]
        dimension = navigator.dimensions[rng.integers(len(navigator.dimensions))]
        x, y, value = rng.uniform(0.1, 0.9, 2).tolist() + [rng.uniform(-2, 2)]
        yield "relation", relations[rng.integers(len(relations))].click
        yield "map", lambda v=view, place=[x, y, gesture]: setattr(v, "pressed", place)
        yield "island", lambda m=menu: setattr(m, "value", (m.value + 1) % len(m.options))
        yield "dimension", lambda s=dimension, v=value: setattr(s, "value", v)
        yield "undo", navigator.undo.click


def latency(
    navigator: Navigator, steps: int, *, seed: int = 0, clock=time.perf_counter
) -> dict[str, np.ndarray]:
    """Kind of move -> milliseconds of each of its steps; ``steps`` in total, on one thread.

    clock: ``time.process_time`` does not count the work of other processes.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    took: dict[str, list[float]] = {}
    try:
        for _, (kind, press) in zip(range(steps), moves(navigator, np.random.default_rng(seed))):
            start = clock()
            press()
            took.setdefault(kind, []).append(1e3 * (clock() - start))
    finally:
        torch.set_num_threads(threads)
    return {kind: np.array(times) for kind, times in took.items()}


def untrained(name: str) -> ModularModel:
    """A model of a task with random weights and islands: as slow as a trained one."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = ModularModel(task(name)).eval()
        model.prior.mean.normal_(std=2)
        model.prior.scale_tril.mul_(0.2)
    return model


def main(arguments: list[str] | None = None) -> None:
    """Print a table: for each kind of move the median and the 95th percentile in milliseconds."""
    parser = argparse.ArgumentParser(prog="python tests/navigating.py", description=__doc__)
    parser.add_argument("folder", nargs="?", help="a trained model; default: random weights")
    parser.add_argument("--task", default="dSprites.v2", help="of the random weights")
    parser.add_argument("--steps", type=int, default=200)
    options = parser.parse_args(arguments)
    model = load_model(options.folder) if options.folder else untrained(options.task)
    parts = split(model.task, seed=0, limit=4000)
    judge = Judge(model.task)
    navigator = Navigator(model, parts, load(model.task.dataset), judge)
    print(f"{model.task.name}, one thread, milliseconds a step in the kernel")
    print(f"{'move':10s} {'steps':>6s} {'median':>7s} {'95 %':>7s}")
    for kind, times in latency(navigator, options.steps).items():
        print(f"{kind:10s} {len(times):6d} {np.median(times):7.1f} {np.quantile(times, 0.95):7.1f}")


if __name__ == "__main__":
    main()
