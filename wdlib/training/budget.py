"""A preset within a budget: cut to a number of steps, or its phases' shares of a time."""

from __future__ import annotations

from dataclasses import replace

import torch

from wdlib.data import Images, Split
from wdlib.training.clock import computed
from wdlib.training.phases import Preset
from wdlib.training.trainer import Trainer


def cut(preset: Preset, steps: int) -> Preset:
    """The preset with ``steps`` steps in all, shared among its phases as they were.

    Raises ValueError where a phase would be left without a step.
    """
    if steps < len(preset.phases):
        raise ValueError(
            f"{preset.name} has {len(preset.phases)} phases, {steps} steps are too few"
        )
    phases, before, given = [], 0, 0
    for left, phase in zip(range(len(preset.phases) - 1, -1, -1), preset.phases):
        before += phase.steps
        wanted = round(steps * before / preset.steps) - given
        mine = min(max(wanted, 1), steps - given - left)  # one at least for each that follows
        phases.append(replace(phase, steps=mine))
        given += mine
    return replace(preset, phases=tuple(phases))


PILOT = 4096  # images that a preset is tried on


def shares_of(
    split: Split, images: Images, preset: Preset, *, seed: int = 0, device="cpu"
) -> list[float]:
    """How the time of a preset is shared among its phases on this machine; the shares sum to 1.

    A budget in seconds is cut by these. A few steps of every phase are timed on a part of the
    images, and thrown away.
    """
    part = replace(split, train=split.train[: max(PILOT, len(split.labelled))])
    few = replace(preset, phases=tuple(replace(p, steps=60) for p in preset.phases))
    trainer = Trainer(part, images, few, seed=seed, device=device)
    taken = []
    for phase, whole in zip(few.phases, preset.phases):
        begin = _timed(trainer, 1)  # also what comes before the phase
        once, steps = 0.0, 0
        while not steps or (once < 1 and steps < phase.steps - 1):
            once, steps = once + _timed(trainer, 1), steps + 1
        trainer.done += phase.steps - 1 - steps  # on to the next phase
        one = once / steps
        begin = max(begin - one, 0)
        if phase.freeze_encoder or phase.taught:  # it begins by encoding all images
            begin *= len(split.train) / len(part.train)
        if phase.refit_every:
            start = computed(device)
            trainer.refit()
            one += (computed(device) - start) / phase.refit_every
        taken.append(begin + one * whole.steps)
    return [seconds / sum(taken) for seconds in taken]


def _timed(trainer: Trainer, steps: int) -> float:
    """Seconds of computing; a GPU, which takes its orders ahead of time, is waited for."""
    start = computed(trainer.device)
    trainer.run(steps)
    if trainer.device.type == "cuda":
        torch.cuda.synchronize(trainer.device)
    return computed(trainer.device) - start
