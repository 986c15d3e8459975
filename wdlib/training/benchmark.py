"""What a training step costs: images a second, share of the machine's matrix rate, what each trick
gains; and how many minutes a task takes to 90% of what it ends with.

``python -m wdlib.training.benchmark`` prints both for dSprites.v4.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch.utils.flop_counter import FlopCounterMode

from wdlib.data import device_images, load
from wdlib.data.split import split
from wdlib.tasks import task
from wdlib.training import stages
from wdlib.training.presets import COURSE, Preset
from wdlib.training.trainer import Trainer

SIDE = 1024  # of the square matrices whose product is the machine's rate


def matrix_rate(repeats: int = 10) -> float:
    """Floating-point operations a second in products of float32 matrices: the best of a few."""
    a, b = torch.randn(2, SIDE, SIDE)
    best = 0.0
    for _ in range(repeats):
        start = time.perf_counter()
        a @ b
        best = max(best, 2 * SIDE**3 / (time.perf_counter() - start))
    return best


def phase_costs(trainer: Trainer, number: int, *, steps: int = 30) -> tuple[float, float]:
    """Seconds and floating-point operations of a step of a phase, after three to warm up.

    The operations are those of matrix products and convolutions, forwards and backwards.
    """
    phase = trainer.preset.phases[number]
    trainer.done = sum(p.steps for p in trainer.preset.phases[:number])
    trainer._begin(phase)
    for at in range(3):
        trainer._step(phase, at)
    start = time.perf_counter()
    for at in range(3, 3 + steps):
        trainer._step(phase, at)
    seconds = (time.perf_counter() - start) / steps
    with FlopCounterMode(display=False) as counter:
        trainer._step(phase, 3 + steps)
    return seconds, counter.get_total_flops()


def _contiguous(trainer: Trainer) -> None:
    trainer.model.autoencoder.to(memory_format=torch.contiguous_format)


def _plain_adam(trainer: Trainer) -> None:
    for optimiser in trainer.optimisers.values():
        for group in optimiser.param_groups:
            group["fused"] = False


def _pass_a_view(trainer: Trainer) -> None:
    encode, batch = trainer.model.autoencoder.encode, trainer.preset.phases[0].batch
    trainer.model.autoencoder.encode = lambda x: torch.cat([encode(v) for v in x.split(batch)])


TRICKS: dict[str, Callable[[Trainer], None]] = {
    "as it is": lambda trainer: None,
    "without channels-last weights": _contiguous,
    "without fused Adam": _plain_adam,
    "with an encoder pass for each view": _pass_a_view,
}


def milestones(trainer: Trainer, images, *, every: int = 100) -> list[tuple[float, float]]:
    """(seconds of training, share of validation images read right in all factors) along a run.

    Values are read by what the phase trains: the heads in the warm-up, then the components.
    """
    some = trainer.split.validation[:2000]
    x = device_images(images, trainer.split.task.classes(some), trainer.device)
    values = torch.from_numpy(trainer.split.task.labels(some)).to(trainer.device)
    seconds, curve = 0.0, []
    while trainer.done < trainer.preset.steps:
        start = time.perf_counter()
        trainer.run(every)
        seconds += time.perf_counter() - start
        phase = replace(trainer.preset.phase_at(trainer.done - 1)[0], confidence=0.0)
        right = (stages.read(trainer.model, phase, x) == values).all(1)
        curve.append((seconds, float(right.float().mean())))
    return curve


def report(name: str, *, preset: Preset = COURSE, seed: int = 0, whole: bool = False) -> None:
    """Print the cost of every phase, what each trick gains, and with ``whole`` the milestones."""
    images, wanted = load(task(name).dataset), task(name)
    parts = split(wanted, seed=seed, labels=1000, limit=40_000)
    preset = preset.for_task(wanted.name)
    rate = matrix_rate()
    threads = torch.get_num_threads()
    print(f"{wanted.name}, {threads} thread(s), matrix products {rate / 1e9:.0f} Gflop/s")
    for number, phase in enumerate(preset.phases):
        for trick, change in TRICKS.items():
            if phase.freeze_encoder and change is _pass_a_view:
                continue
            trainer = Trainer(parts, images, preset, seed=seed)
            change(trainer)
            seconds, work = phase_costs(trainer, number)
            print(f"{phase.name:8s} {trick:36s} {1000 * seconds:6.1f} ms a step  "
                  f"{phase.batch / seconds:6.0f} unlabelled images/s  "
                  f"{work / seconds / rate:5.1%} of the matrix rate")  # fmt: skip
    for batch in (32, 64, 128, 256):
        one = replace(preset.phases[0], batch=batch, labelled_batch=batch)
        trainer = Trainer(parts, images, replace(preset, phases=(one,)), seed=seed)
        seconds, _ = phase_costs(trainer, 0, steps=10)
        print(f"{one.name:8s} batch {batch:3d} {batch / seconds:6.0f} unlabelled images/s")
    if whole:
        curve = milestones(Trainer(parts, images, preset, seed=seed), images)
        best = max(share for _, share in curve)
        for share in (0.5, 0.9, 0.99):
            first = next(seconds for seconds, found in curve if found >= share * best)
            print(f"{share:.0%} of the best encoder accuracy ({best:.3f}): {first / 60:.1f} of "
                  f"{curve[-1][0] / 60:.1f} min")  # fmt: skip


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m wdlib.training.benchmark")
    parser.add_argument("task", nargs="?", default="dSprites.v4")
    parser.add_argument("--threads", type=int, help="default: torch's own")
    parser.add_argument("--whole", action="store_true", help="also train to the end: milestones")
    args = parser.parse_args(argv)
    if args.threads:
        torch.set_num_threads(args.threads)
    report(args.task, whole=args.whole)


if __name__ == "__main__":
    main()
