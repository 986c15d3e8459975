"""Where the time of a training step goes: the share of each kind of operation, and of none.

``python -m wdlib.experiments.profile`` prints a table of two tasks (``make profile``). On one
thread of a processor: an operation's time is its own, without that of the operations inside of it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import torch
from torch.profiler import ProfilerActivity, profile

from wdlib.data import load
from wdlib.data.split import split
from wdlib.experiments.costs import WARM, now, warmed
from wdlib.experiments.pipes import piped
from wdlib.tasks import task
from wdlib.training.schedule import COURSE, Preset
from wdlib.training.trainer import Trainer

TASKS = ("dSprites.v4", "Shapes3D.v5")
# Kind -> what the names of its operations hold; the first that fits.
KINDS = {
    "convolutions, backwards": ("convolution_backward",),
    "convolutions": ("convolution",),
    "matrix products": ("::mm", "::addmm", "::bmm", "::baddbmm"),
    "batch norm": ("batch_norm",),
    "Adam": ("adam", "Adam"),
    "picking and moving images": ("::index", "::gather", "::cat", "::copy_"),
}
OTHER, OUTSIDE = "other operations", "outside of operations"


def kind_of(operation: str) -> str:
    """The kind of an operation by its name in a profile, such as "aten::mm"."""
    for kind, names in KINDS.items():
        if any(name in operation for name in names):
            return kind
    return OTHER


def phase_profile(trainer: Trainer, number: int, *, steps: int = 20) -> dict[str, float]:
    """Milliseconds of a step of a phase by kind of operation, their number under "operations",
    and what the step takes without a profiler under "ms a step".

    OUTSIDE is the rest of the step's time under the profiler: Python and autograd, and what the
    profiler takes itself, so at most that much.
    """
    phase, start = warmed(trainer, number), now(trainer.device)
    for at in range(WARM, WARM + steps):
        trainer.step(phase, at, at / phase.steps)
    step = 1000 * (now(trainer.device) - start) / steps
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        start = time.perf_counter()  # as the profiler counts
        for at in range(WARM + steps, WARM + 2 * steps):
            trainer.step(phase, at, at / phase.steps)
        watched = 1000 * (time.perf_counter() - start) / steps
    found = dict.fromkeys((*KINDS, OTHER), 0.0)
    events = [event for event in seen.key_averages() if event.key.startswith(("aten::", "Optim"))]
    for event in events:
        found[kind_of(event.key)] += event.self_cpu_time_total / 1000 / steps
    found[OUTSIDE] = watched - sum(found.values())
    return found | {"operations": sum(e.count for e in events) / steps, "ms a step": step}


def format_profile(
    names: Sequence[str] = TASKS, *, preset: Preset = COURSE, limit: int = 6000, steps: int = 20
) -> str:
    """One line a task and phase, as Markdown: the share of each kind in a step's time."""
    lines = [["task, phase", "ms a step", "operations", *KINDS, OTHER, OUTSIDE]]
    for name in names:
        wanted = task(name)
        labels = 1000 if limit > 2000 else limit // 2
        parts = split(wanted, seed=0, labels=labels, limit=limit)
        trainer = Trainer(parts, load(wanted.dataset), preset.for_task(wanted.name))
        for number, phase in enumerate(trainer.preset.phases):
            found = phase_profile(trainer, number, steps=steps)
            operations, step = found.pop("operations"), found.pop("ms a step")
            whole = sum(found.values())
            shares = [f"{value / whole:.0%}" for value in found.values()]
            lines.append(
                [f"{wanted.name}, {phase.name}", f"{step:.0f}", f"{operations:.0f}", *shares]
            )
    return piped(lines)


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m wdlib.experiments.profile")
    parser.add_argument("tasks", nargs="*", default=TASKS, help=f"default {' '.join(TASKS)}")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    print(format_profile(args.tasks))


if __name__ == "__main__":
    main()
