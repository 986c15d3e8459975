"""The loop that baselines share: a budget in steps or in seconds, cut into phases, and batches.

A budget of steps makes a run that a seed repeats exactly; a budget of seconds makes methods of very
different cost comparable. Either is cut into phases by fixed shares, so that a method of several
stages spends no more than one of a single stage. Seconds are seconds of computing (see
``wdlib.training.loop``), from the moment the loop is made: after the images are on the device,
before the first step.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from wdlib.data import Split, check_labels, to_float
from wdlib.training.loop import computed
from wdlib.training.progress import Progress, Silence


class Loop:
    """A budget being spent.

    Args:
        steps, seconds: the budget; exactly one is given, and it is positive.
        progress: told what training says, as in ``wdlib.training``.
        device: whose seconds are counted.

    ``history`` keeps what was said. Raises ValueError for another budget.
    """

    def __init__(
        self,
        *,
        steps: int | None = None,
        seconds: float | None = None,
        progress: Progress | None = None,
        device: str | torch.device = "cpu",
    ):
        check_budget(steps, seconds)
        self.steps, self.seconds, self.device = steps, seconds, device
        self.progress = progress or Silence()
        self.done, self.end, self.history = 0, 0.0, []  # end: of the phases so far, in shares
        self.losses: dict[str, Tensor] = {}
        self.start = computed(device)
        self.said_at, self.images = time.perf_counter(), 0

    def phase(self, name: str, share: float | None = None) -> Iterator[float]:
        """Yield before each step how much of the phase is spent, from 0 towards 1.

        ``share`` of the whole budget, or what is left of it. A phase of a time budget takes at
        least one step, however late it starts. Raises FloatingPointError, naming phase and loss,
        where a reported loss is not finite when it is said or when the phase ends.
        """
        self.end = 1.0 if share is None else min(self.end + share, 1.0)
        first, last = self._spent(), self.end
        if self.steps is not None:
            last = round(self.end * self.steps) / self.steps
        over = last <= first and self.steps is not None
        while not over:
            yield min(max(self._spent() - first, 0) / max(last - first, 1e-9), 1.0)
            self.done += 1
            over = self._spent() >= last
            if over or self.done % self.progress.every == 0:
                self._say(name, finished=over and self.end == 1.0)

    def report(self, images: int, **losses: Tensor) -> None:
        """What a step did: how many images it saw, and its losses, which stay on the device."""
        self.images += images
        self.losses = {name: loss.detach() for name, loss in losses.items()}

    def _spent(self) -> float:
        """Share of the budget."""
        if self.steps is not None:
            return self.done / self.steps
        return (computed(self.device) - self.start) / self.seconds

    def _say(self, phase: str, finished: bool) -> None:
        said = {name: float(loss) for name, loss in self.losses.items()}
        for name, loss in said.items():
            if not math.isfinite(loss):
                raise FloatingPointError(
                    f"the {name} loss is {loss} at step {self.done} ({phase}): training has "
                    f"diverged; lower the learning rate"
                )
        now = time.perf_counter()
        rate = self.images / max(now - self.said_at, 1e-9)
        self.said_at, self.images = now, 0
        total = self.steps or max(self.done, round(self.done / self._spent()))
        self.history.append({"step": self.done, "phase": phase, **said})
        self.progress(self.done, self.done if finished else total, phase, said, rate)


def check_budget(steps: int | None, seconds: float | None) -> None:
    """Raises ValueError unless exactly one of the two is given, and is positive."""
    if (steps is None) == (seconds is None):
        raise ValueError(
            f"give exactly one of steps and seconds, got steps={steps} and seconds={seconds}"
        )
    if not (steps or seconds or 0) > 0:
        raise ValueError(f"a budget must be positive, got steps={steps} and seconds={seconds}")


def batches(count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Batches [size] of the numbers 0 to count - 1, without end; every number once an epoch."""
    device = generator.device
    rest = torch.zeros(0, dtype=torch.long, device=device)
    while True:
        while len(rest) < size:
            epoch = torch.randperm(count, generator=generator, device=device)
            rest = torch.cat([rest, epoch])
        batch, rest = rest[:size], rest[size:]
        yield batch


def anneal(optimiser: torch.optim.Optimizer, at: float, least: float = 0.0) -> None:
    """Rates along half a cosine: each group's own at 0, ``least`` at 1."""
    for group in optimiser.param_groups:
        peak = group.setdefault("peak", group["lr"])
        group["lr"] = least + (peak - least) * 0.5 * (1 + math.cos(math.pi * at))


def update(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    """One optimiser step down ``loss``."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()


def pictures(images: Tensor) -> Tensor:
    """uint8 images [B, C, 64, 64] -> float in [0, 1], laid out as the convolutions like it."""
    x = images if images.is_floating_point() else to_float(images)
    return x.contiguous(memory_format=torch.channels_last)


def with_labels(split: Split, labels: int | None) -> Split:
    """The split with the first ``labels`` of its labelled images (None: with all of them).

    Raises ValueError for more labels than the split has, and where a factor's value is left with no
    labelled image.
    """
    if labels is not None:
        if not 1 <= labels <= len(split.labelled):
            raise ValueError(
                f"{labels} labels were asked for; the split of {split.task.name} has "
                f"{len(split.labelled)}"
            )
        split = replace(split, labelled=split.labelled[:labels])
    check_labels(split)
    return split
