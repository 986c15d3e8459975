"""The loop: every method of the package trains in it.

A ``FitRequest`` describes a training. A ``Run`` holds its data on the device, random numbers, and
the ``Loop``, which spends the budget phase by phase, checks the losses and shows the progress. A
method adds its networks and its losses.

A budget in steps gives the same weights for the same seed. A budget in seconds of computing makes
methods of different cost comparable.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from operator import index

import numpy as np
import torch
from torch import Tensor, nn

from wdlib.data import Images, Split, by_place, check_images, check_labels, device_of, scaled
from wdlib.training.progress import Progress, Silence


@dataclass(frozen=True)
class FitRequest:
    """What a method shall fit.

    Raises ValueError for a budget that is missing, double, or not positive, and for a device that
    is not there; TypeError for a seed, labels or steps that are not integers.
    """

    split: Split  # which images are used, and which of them have labels
    images: Images
    labels: int | None = None  # of the split, the first so many of each factor; None: all
    seed: int = 0  # of the weights and of all random numbers
    steps: int | None = None  # the budget of training: these,
    seconds: float | None = None  # or these
    device: str | torch.device = "cpu"  # or "auto", which is the GPU if there is one
    progress: Progress | None = None  # shows how training proceeds

    def __post_init__(self):  # integers of numpy become Python's, which JSON can record
        for name in ("seed", "labels", "steps"):
            if (number := getattr(self, name)) is not None:
                object.__setattr__(self, name, index(number))
        object.__setattr__(self, "device", device_of(self.device))
        check_budget(self.steps, self.seconds)

    @property
    def labelled(self) -> Split:
        """The split with the first ``labels`` labels of each factor.

        Raises ValueError for more labels than the split has, and for a value without any label.
        """
        few, most = self.labels, len(self.split.labelled)
        if few is None:
            return self.split
        if not 1 <= few <= most:
            name = self.split.task.name
            raise ValueError(f"labels is {few}, but the split of {name} has {most} labelled images")
        return self.split.first(few)


def with_every_label(split: Split) -> Split:
    """The split whose labelled images lack no label; they come first in train."""
    whole = (split.values >= 0).all(1)
    if whole.all():
        return split
    labelled = split.labelled[whole]
    others = split.train[~np.isin(split.train, labelled)]
    train = np.concatenate([labelled, others])
    return replace(split, labelled=labelled, train=train, count=None)


def check_budget(steps: int | None, seconds: float | None) -> None:
    """Raises ValueError unless exactly one of the two is given, positive and finite."""
    given = [amount for amount in (steps, seconds) if amount is not None]
    if len(given) != 1 or not 0 < given[0] < math.inf:
        raise ValueError(
            f"invalid budget steps={steps}, seconds={seconds}: give one, positive and finite"
        )


class Run:
    """One training: its data on the device, its random numbers, and its loop.

    Args:
        seed: of the weights (see ``seeded``) and of ``generator``.
        budget: of the ``Loop``: steps or seconds, progress and limits.

    Attributes: ``unlabelled``, uint8 images [N, C, H, W] of split.train; ``labelled``, uint8
    images [L, C, H, W], and their ``values`` [L, n]; ``generator``; ``loop``. Of more images than
    memory should hold, ``unlabelled`` and ``labelled`` are a ``Stream``, which makes those of a
    batch.

    Labelled images that lack a label count as unlabelled, except for a method that takes missing
    labels (-1 in ``values``).

    Raises ValueError where a value has no labelled image, and for images that are all alike.
    """

    takes_missing = False

    def __init__(
        self,
        split: Split,
        images: Images,
        *,
        seed: int = 0,
        device: str | torch.device = "cpu",
        **budget,
    ):
        self.device = device_of(device)
        split = split if self.takes_missing else with_every_label(split)
        check_labels(split)
        check_images(split, images)
        self.split, self.task, self.seed = split, split.task, int(seed)
        self.unlabelled = by_place(images, self.task.classes(split.train), self.device)
        mine, first = split.labelled, split.train[: len(split.labelled)]
        if isinstance(self.unlabelled, Tensor) and np.array_equal(mine, first):
            self.labelled = self.unlabelled[: len(mine)]  # in memory once
        else:
            self.labelled = by_place(images, self.task.classes(mine), self.device)
        self.values = torch.from_numpy(split.values).to(self.device)
        self.generator = torch.Generator(self.device).manual_seed(self.seed)
        self.loop = Loop(device=self.device, **budget)

    @classmethod
    def of(cls, request: FitRequest) -> Run:
        """The run that a request describes."""
        names = ("seed", "device", "steps", "seconds", "progress")
        how = {name: getattr(request, name) for name in names}
        return cls(request.labelled, request.images, **how)

    def batches(self, size: int, count: int | None = None) -> Batches:
        """Batches of the numbers of unlabelled images, or of the first ``count`` of them."""
        return Batches(len(self.unlabelled) if count is None else count, size, self.generator)

    def minimise(
        self,
        objective: Callable[[float], tuple[Tensor, Mapping[str, Tensor]]],
        optimiser: torch.optim.Optimizer,
        images: int,
        *,
        name: str = "train",
        share: float | None = None,
        least: float | None = 0.0,
    ) -> None:
        """One phase of training: minimise a loss over a share of the budget (see ``Loop.phase``).

        Args:
            objective: share of the phase that is spent -> the loss of this step, and its terms.
            images: per step.
            least: where the rates fall to; None leaves them constant.

        Raises FloatingPointError where a loss has diverged.
        """
        for spent in self.loop.phase(name, share):
            if least is not None:
                anneal(optimiser, spent, least)
            loss, terms = objective(spent)
            update(optimiser, loss)
            self.loop.report(images, **terms)

    def build(self, make: Callable[[], nn.Module]) -> nn.Module:
        """A network on the device whose first weights depend on the seed alone."""
        with seeded(self.seed):
            network = make()
        return network.to(self.device)


class Loop:
    """A budget that is spent phase by phase.

    Args:
        steps, seconds: the budget; exactly one of them.
        progress: called every ``progress.every`` steps, and when a phase ends.
        limits: loss -> the largest value that training recovers from; infinite by default.

    Attributes: ``done``, the steps taken; ``at``, those of this phase; ``taken``, those of each
    finished phase; ``history``, a dict of step, phase and losses per report.
    """

    def __init__(
        self,
        *,
        steps: int | None = None,
        seconds: float | None = None,
        device: str | torch.device = "cpu",
        progress: Progress | None = None,
        limits: Mapping[str, float] | None = None,
    ):
        check_budget(steps, seconds)
        self.steps, self.seconds, self.device = steps, seconds, device
        self.progress, self.limits = progress or Silence(), limits or {}
        self.done, self.history, self.losses = 0, [], {}
        self.restart()

    def restart(self) -> None:
        """Go through the phases from the first one again, without the steps that are done."""
        self.end, self.at, self.taken = 0.0, 0, []
        self.start: float | None = None  # seconds count from the first phase on
        self.said_at, self.images = time.perf_counter(), 0

    def phase(self, name: str, share: float | None = None) -> Iterator[float]:
        """Yield before each step how much of the phase is spent, from 0 towards 1.

        ``share``: of the whole budget; None takes what is left. With a budget in seconds a phase
        takes at least one step. Call ``report`` after each step.
        """
        if self.start is None:
            self.start = computed(self.device)
        self.end, before = 1.0 if share is None else min(self.end + share, 1.0), self.end
        if self.steps is None:
            first, last, self.at, over = self._spent(), self.end, 0, False
        else:
            first, last = round(before * self.steps), round(self.end * self.steps)
            self.at, over = self.done - first, self.done >= last
        self.name, self.last = name, last
        while not over:
            part = self.at if self.steps else self._spent() - first
            yield min(max(part, 0) / max(last - first, 1e-9), 1.0)
            over = self.over
        self.taken.append(self.at)

    def report(self, images: int, **losses: Tensor) -> None:
        """End a step that used so many images; its losses stay on the device until they are shown.
        Raises FloatingPointError as ``check`` does, where they are."""
        self.images += images
        self.losses = {name: loss.detach() for name, loss in losses.items()}
        self.done, self.at = self.done + 1, self.at + 1
        self.over = (self.done if self.steps else self._spent()) >= self.last
        if self.over or self.done % self.progress.every == 0:
            self._show(finished=self.over and self.end == 1.0)

    def check(self) -> dict[str, float]:
        """The losses of the last step as floats.

        Raises FloatingPointError, naming step and loss, where one is not finite or above its limit.
        """
        said = {name: float(loss) for name, loss in self.losses.items()}
        for name, loss in said.items():
            if not (math.isfinite(loss) and loss <= self.limits.get(name, math.inf)):
                raise FloatingPointError(
                    f"the {name} loss is {loss:g} at step {self.done} ({self.name}): training has "
                    f"diverged, and the last checkpoint is kept; start again with lower learning "
                    f"rates"
                )
        return said

    def _spent(self) -> float:
        """Share of the budget in seconds."""
        return (computed(self.device) - self.start) / self.seconds

    def _show(self, *, finished: bool) -> None:
        said = self.check()
        now = time.perf_counter()
        rate = self.images / max(now - self.said_at, 1e-9)
        self.said_at, self.images = now, 0
        total = self.steps or max(self.done, round(self.done / self._spent()))
        self.history.append({"step": self.done, "phase": self.name, **said})
        self.progress(self.done, self.done if finished else total, self.name, said, rate)


class Batches:
    """Batches of the numbers 0 to count - 1 without end; every number once per epoch, of which
    ``rest`` is left."""

    def __init__(self, count: int, size: int, generator: torch.Generator):
        self.count, self.size, self.generator = count, size, generator
        self.rest = torch.zeros(0, dtype=torch.long, device=generator.device)

    def __next__(self) -> Tensor:
        return self.take(self.size)

    def ahead(self, size: int) -> Tensor:
        """The next ``size`` numbers, [size] int64, which are still to be taken."""
        while len(self.rest) < size:
            how = {"generator": self.generator, "device": self.generator.device}
            self.rest = torch.cat([self.rest, torch.randperm(self.count, **how)])
        return self.rest[:size]

    def take(self, size: int) -> Tensor:
        """The next ``size`` numbers, [size] int64."""
        batch = self.ahead(size)
        self.rest = self.rest[size:]
        return batch


def adam(weights, lr: float, betas: tuple[float, float] = (0.9, 0.999)) -> torch.optim.Adam:
    """Adam for some weights, or for groups ``{"params": weights, "lr": rate}``."""
    return torch.optim.Adam(weights, lr=lr, betas=betas, fused=True)


def anneal(optimiser: torch.optim.Optimizer, spent: float, least: float = 0.0) -> None:
    """Set the rates along half a cosine: each group's own rate at 0, ``least`` at 1."""
    for group in optimiser.param_groups:
        peak = group.setdefault("peak", group["lr"])
        group["lr"] = least + (peak - least) * half_cosine(spent)


def half_cosine(spent: float) -> float:
    """1 at 0, 0 at 1, along half a cosine."""
    return 0.5 * (1 + math.cos(math.pi * spent))


def update(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step of the optimiser down the gradient of ``loss``."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()


def network_input(images: Tensor) -> Tensor:
    """Images on the device, uint8 with 0 to 255 or float [B, C, H, W] -> float in [0, 1],
    channels-last (faster on a CPU)."""
    x = images if images.is_floating_point() else scaled(images)
    return x.contiguous(memory_format=torch.channels_last)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Weights made inside depend on the seed alone; the global random state stays as it was."""
    generator = torch.random.default_generator
    state = generator.get_state()
    generator.manual_seed(int(seed))
    try:
        yield
    finally:
        generator.set_state(state)


def computed(device: str | torch.device) -> float:
    """Seconds of computing of this process on ``device``, counted from some moment.

    On a CPU this is processor time, divided by the number of torch's threads, so that the time of
    other programs does not count. On other devices it is the time that passes.
    """
    if torch.device(device).type == "cpu":
        return time.process_time() / torch.get_num_threads()
    return time.perf_counter()
