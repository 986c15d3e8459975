"""What a step of training costs: seconds, operations, and what each trick of ours gains.

On one thread time is the processor's, so that what other programs take does not count. A GPU is
waited for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from wdlib.data import load
from wdlib.data.split import split
from wdlib.tasks import task
from wdlib.training.loop import computed
from wdlib.training.schedule import COURSE, Phase, Preset
from wdlib.training.trainer import Trainer

SIDE = 1024  # of the square matrices whose product is the machine's rate
BATCHES = (32, 64, 128, 256)
ROUNDS = 3
WARM = 3  # steps


def now(device: str | torch.device = "cpu") -> float:
    """Seconds: of computing on one thread of a processor, else by the clock on the wall."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
    elif torch.get_num_threads() == 1:
        return computed(device)
    return time.perf_counter()


def matrix_rate(repeats: int = 10, device: str | torch.device = "cpu") -> float:
    """Floating-point operations a second in products of float32 matrices: the best of a few."""
    side = SIDE if torch.device(device).type == "cpu" else 8 * SIDE  # enough to fill a GPU
    a, b = torch.randn((2, side, side), device=device)
    best = 0.0
    for _ in range(repeats):
        start = now(device)
        a @ b
        best = max(best, 2 * side**3 / (now(device) - start))
    return best


def warmed(trainer: Trainer, number: int) -> Phase:
    """The phase of that number, begun, with WARM steps taken."""
    phase = trainer.preset.phases[number]
    trainer.begin(phase, trainer.preset.phases[max(number - 1, 0)])
    for at in range(WARM):
        trainer.step(phase, at, at / phase.steps)
    return phase


def phase_costs(trainer: Trainer, number: int, *, steps: int = 30) -> tuple[float, float]:
    """Seconds (the median) and floating-point operations of a step of a phase, once warm.

    The operations are those of matrix products and convolutions, forwards and backwards.
    """
    phase, taken = warmed(trainer, number), []
    for at in range(WARM, WARM + steps):
        start = now(trainer.device)
        trainer.step(phase, at, at / phase.steps)
        taken.append(now(trainer.device) - start)
    seconds = median(taken)
    with FlopCounterMode(display=False) as counter:
        trainer.step(phase, WARM + steps, 0.5)
    return seconds, counter.get_total_flops()


def _contiguous(trainer: Trainer) -> None:
    """Weights and images channels-first, as torch makes them."""
    auto = trainer.model.autoencoder
    auto.to(memory_format=torch.contiguous_format)

    def encode(x: Tensor) -> Tensor:
        z = auto.standardise(auto.encoder(x.contiguous()))
        return z.view(-1, auto.partitions, auto.dim)

    auto.encode = encode


def _plain_adam(trainer: Trainer) -> None:
    for optimiser in trainer.optimisers.values():
        for group in optimiser.param_groups:
            group["fused"] = False


def _pass_a_view(trainer: Trainer) -> None:
    """In the warm-up: one for the plain images that are reconstructed, one for the labelled ones,
    one for the shifted ones of the pseudo-labels."""
    encode, batch = trainer.model.autoencoder.encode, trainer.preset.phases[0].batch
    trainer.model.autoencoder.encode = lambda x: torch.cat([encode(v) for v in x.split(batch)])


def _before(trainer: Trainer) -> None:
    for change in (_contiguous, _plain_adam, _pass_a_view):
        change(trainer)


TRICKS: dict[str, Callable[[Trainer], None]] = {
    "as it is": lambda trainer: None,
    "without channels-last": _contiguous,
    "without fused Adam": _plain_adam,
    "with an encoder pass for each view": _pass_a_view,
    "without any of these": _before,
}


def step_costs(
    name: str,
    *,
    preset: Preset = COURSE,
    seed: int = 0,
    limit: int = 6000,
    steps: int = 30,
    device: str | torch.device = "cpu",
) -> list[dict]:
    """Rows of each phase's steps, as they are and without each trick, and of the warm-up's batch.

    The ways take turns, ROUNDS times, and the best of each counts: what else the machine does hits
    them alike. ``limit``: images; a step costs the same whatever their number.
    """
    wanted = task(name)
    images, preset = load(wanted.dataset), preset.for_task(wanted.name)
    parts = split(wanted, seed=seed, labels=1000 if limit > 2000 else limit // 2, limit=limit)
    rate, rows, how = matrix_rate(device=device), [], {"seed": seed, "device": device}

    def say(phase: str, way: str, batch: int, seconds: float, work: float) -> None:
        figures = {"ms a step": 1000 * seconds, "images/s": batch / seconds}
        figures |= {"matrix share": work / seconds / rate}
        rows.extend({"phase": phase, "way": way, "measure": m, "value": v}
                    for m, v in figures.items())  # fmt: skip

    for number, phase in enumerate(preset.phases):
        ways = {}
        for way, change in TRICKS.items():
            if not (phase.freeze_encoder and change is _pass_a_view):
                ways[way] = Trainer(parts, images, preset, **how)
                change(ways[way])
        for way, costs in _in_turns(ways, number, steps).items():
            say(phase.name, way, phase.batch, *costs)
    ways = {}
    for batch in BATCHES:
        one = replace(preset.phases[0], batch=batch, labelled_batch=batch)
        ways[batch] = Trainer(parts, images, replace(preset, phases=(one,)), **how)
    for batch, costs in _in_turns(ways, 0, steps).items():
        say(preset.phases[0].name, f"batch {batch}", batch, *costs)
    return rows


def _in_turns(trainers: dict, number: int, steps: int) -> dict:
    """The least ``phase_costs`` of each trainer over ROUNDS rounds of ``steps`` steps in all."""
    each = max(steps // ROUNDS, 1)
    rounds = [
        {way: phase_costs(trainer, number, steps=each) for way, trainer in trainers.items()}
        for _ in range(ROUNDS)
    ]
    return {way: min(one[way] for one in rounds) for way in trainers}
