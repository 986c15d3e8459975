"""Training of the modular model: the phases of a preset, on the loop that all methods share.

On a CPU, a run that is saved and resumed ends with the weights of a run that never stopped.

Where researchers change things, with ``split``, ``images`` and ``preset`` as in README::

    def small(config, shape, outputs):  # an encoder of your own: images [B, *shape] -> codes
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(prod(shape), outputs))

    trainer = Trainer(split, images, preset, encoder=small)
    trainer.run().save("small")
    model = wdlib.load_model("small", encoder=small)

    # Relations of several values, learned like the others
    two = Relation("two right", (Step("position", 2, axis=1),))
    trainer = Trainer(split, images, preset, relations=[*relations_of(split.task), two])

    # A loss of your own: codes stay small
    def small_codes(model, x):
        return 0.01 * model.autoencoder.encode(x).square().mean()

    seen = []
    trainer = Trainer(split, images, preset, extra_loss=small_codes)
    trainer.run(on_step=lambda t: seen.append(t.loop.losses["reconstruction"]))

    # Four dimensions for the first partition, eight for the second
    networks = dataclasses.replace(preset.networks, dims=(4, 8))
    trainer = Trainer(split, images, dataclasses.replace(preset, networks=networks))
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path

import torch
from torch import Tensor

from wdlib.data import Images, Split, Stream, scaled
from wdlib.factors import DSPRITES
from wdlib.files import provenance, recordable
from wdlib.model import saved
from wdlib.model.modular import Factory, ModularModel
from wdlib.relations import Relation
from wdlib.training import checkpoint, method, ours
from wdlib.training.checkpoint import Optimisers
from wdlib.training.loop import Loop, Run, computed
from wdlib.training.progress import Progress, Silence
from wdlib.training.schedule import Phase, Preset

PILOT = 4096  # images that a preset is tried on, to measure how long its phases take
ENOUGH = 10_000  # labelled images that estimate the prior, and RARE of each value
RARE = 100


class Trainer(Run):
    """A model in training; split, images, seed and device are as in ``FitRequest``.

    Args:
        preset: COURSE, FEW, PAPER, or one of your own.
        relations, encoder, decoder: as in ``ModularModel``.
        extra_loss: (model, images [B, C, H, W] in [0, 1]) -> a loss that is added to those of the
            autoencoder at every step.
        compile: compile encoder and decoder (torch.compile); this pays on long runs only.
        autocast: bfloat16 matrix products where the device has them.

    Raises ValueError where a value has no labelled image, for images that are all alike, and where
    images other than sprites shall roam; TypeError for settings that JSON cannot hold.
    """

    takes_missing = True

    def __init__(
        self,
        split: Split,
        images: Images,
        preset: Preset,
        *,
        seed: int = 0,
        device: str | torch.device = "cpu",
        relations: Sequence[Relation] | None = None,
        encoder: Factory | None = None,
        decoder: Factory | None = None,
        extra_loss: Callable[[ModularModel, Tensor], Tensor] | None = None,
        compile: bool = False,
        autocast: bool = False,
    ):
        if split.task.space is not DSPRITES and any(p.views.roam for p in preset.phases):
            raise ValueError(
                f"images of {split.task.name} cannot roam, only a single sprite on black can: set "
                f"roam to 0"
            )
        preset = recordable(preset)  # refuses here what a checkpoint could not hold
        self.preset = preset.for_images(len(split.train))
        knows_nothing = split.task.shape[0] * 64 * math.log(2)  # reconstruction loss of any image
        limits = {"critic": 80.0, "adversarial": 80.0, "reconstruction": 100 * knows_nothing}
        steps = max(self.preset.steps, 1)
        super().__init__(split, images, seed=seed, device=device, limits=limits, steps=steps)
        self.images, self.autocast, self.extra_loss = images, autocast, extra_loss
        parts = {"relations": relations, "encoder": encoder, "decoder": decoder}
        self.model = self.build(lambda: ModularModel(split.task, preset.networks, **parts))
        self.moves = method.Moves(split.task, self.model.relations, self.device)
        if compile:
            self.model.autoencoder.encoder.compile()
            self.model.autoencoder.decoder.compile()
        n = len(split.task.sizes)
        self.seconds = 0.0  # that the steps took by the clock on the wall
        self.order = self.batches(64)
        self.codes: Tensor | None = None  # of all unlabelled images, where a finish needs most
        self.taught = torch.zeros((0, n), dtype=torch.long, device=self.device)  # see ours.teach
        self.swaps = torch.zeros(n, dtype=torch.bool, device=self.device)  # see ours.finish_step

    @cached_property
    def optimisers(self) -> Optimisers:
        """Adam for the networks that the model has when training begins."""
        return Optimisers(self.model, self.preset)

    done = property(lambda self: self.loop.done, doc="Steps taken.")
    history = property(lambda self: self.loop.history, doc="Step, phase and losses per report.")

    def run(
        self,
        steps: int | None = None,
        *,
        progress: Progress | None = None,
        folder: Path | str | None = None,
        save_every: int = 500,
        on_step: Callable[[Trainer], None] | None = None,
    ) -> ModularModel:
        """Train for ``steps`` steps, or to the end of the preset; return the model.

        ``on_step`` is called with the trainer after every step; ``done`` counts them, and
        ``loop.losses`` holds the last losses. With a ``folder``, a checkpoint is saved there every
        ``save_every`` steps and at the end. Raises FloatingPointError where a loss has diverged
        when it is shown or saved, and ValueError where a partition has collapsed when the prior is
        estimated.
        """
        total = self.preset.steps
        end = total if steps is None else min(total, self.done + steps)
        shares = [phase.steps / max(total, 1) for phase in self.preset.phases]
        self.loop.progress = progress or Silence()
        self.loop.restart()
        began = time.perf_counter() - self.seconds
        if self.done < end:
            for _ in self._train(shares):
                self.seconds = time.perf_counter() - began
                if on_step is not None:
                    on_step(self)
                if folder is not None and (self.done % save_every == 0 or self.done == end):
                    self.loop.check()
                    self.save(folder)
                if self.done == end:
                    break
        self._ready(frozen=False)
        return self.model

    def run_for(
        self, seconds: float, shares: Sequence[float], *, progress: Progress | None = None
    ) -> ModularModel:
        """Train from the start for so many seconds of computing; return the model.

        ``shares``: of the seconds, one per phase; they sum to 1. Every phase takes at least one
        step; afterwards ``preset`` holds how many. Raises as ``run`` does.
        """
        began = time.perf_counter()
        how = {"device": self.device, "progress": progress, "limits": self.loop.limits}
        self.loop = Loop(seconds=seconds, **how)
        for _ in self._train(shares):
            pass
        self.seconds = time.perf_counter() - began
        self.preset = self.preset.with_steps(self.loop.taken)
        self._ready(frozen=False)
        return self.model

    def _train(self, shares: Sequence[float]) -> Iterator[None]:
        """Take the steps that are left, one at a time."""
        before = self.preset.phases[0]
        for phase, share in zip(self.preset.phases, shares, strict=True):
            for spent in self.loop.phase(phase.name, share):
                at = self.loop.at
                short = self._is_short(phase)
                if at == 0:
                    self.begin(phase, before, short=short)
                elif phase.finish and self.codes is None and not short:  # resumed inside the phase
                    self.codes = self.model.encode(self.unlabelled)
                elif phase.refit_every and at % phase.refit_every == 0:
                    self.refit()
                self.loop.report(phase.batch, **self.step(phase, at, spent))
                yield
            before = phase

    def _is_short(self, phase: Phase) -> bool:
        """Whether it is known that a phase will use fewer than half of the unlabelled images."""
        return bool(self.loop.steps) and 2 * phase.steps * phase.batch < len(self.unlabelled)

    def begin(self, phase: Phase, before: Phase, *, short: bool = False) -> None:
        """Prepare a phase; ``before`` is the phase whose model is the teacher.

        In a ``short`` phase the teacher reads only the images of its steps, and the finish encodes
        an image when a step uses it.
        """
        self.codes, self.taught = None, self.taught[:0]
        if phase.rates.fresh:
            for optimiser in self.optimisers.values():
                optimiser.state.clear()
        if phase.finish or phase.weight("teacher"):
            ours.refresh_statistics(self.model, self.unlabelled[:4096])
        if phase.finish and not short:
            self.codes = self.model.encode(self.unlabelled)
        if phase.weight("teacher"):
            self.taught = self._teach(phase, before, short)
        if phase.prior == "adaptive":
            self.refit()
        if phase.finish and phase.finish.swap:  # partitions that hold no details of the image
            some = self.unlabelled[:2000]
            codes = self.model.encode(some) if short else self.codes[:2000]
            plain, swapped = ours.swap_costs(self.model, some, codes, self.generator)
            self.swaps = swapped - plain <= phase.finish.spare * plain

    def _teach(self, phase: Phase, before: Phase, short: bool) -> Tensor:
        """The teacher's pseudo-labels [N, n] of the unlabelled images; in a ``short`` phase, -1 for
        images that no step will use."""
        how = {"balanced": phase.labels.balanced}
        if not short:
            return ours.teach(self.model, before, self.unlabelled, **how)
        used = self.order.ahead(phase.steps * phase.batch).unique()
        taught = torch.full((len(self.unlabelled), len(self.task.sizes)), -1, device=self.device)
        images = Stream(self.unlabelled.__getitem__, used)
        taught[used] = ours.teach(self.model, before, images, **how)
        return taught

    def step(self, phase: Phase, at: int, spent: float) -> dict[str, Tensor]:
        """Step number ``at`` of a phase of which ``spent`` is over; returns the losses."""
        self.optimisers.set_rates(phase.rates, at, spent)
        pick = self.order.take(phase.batch)
        images = self.unlabelled[pick]
        if phase.finish:
            z = self.model.encode(images) if self.codes is None else self.codes[pick]
        self._ready(frozen=phase.finish is not None)
        common = (self.model, phase, self.moves, images)
        how = (partial(self._minimise, images), self.generator)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast):
            if phase.finish:
                return ours.finish_step(*common, z, self.swaps, *how)
            size, where = (phase.labels.batch,), {"device": self.device}
            mine = torch.randint(len(self.labelled), size, generator=self.generator, **where)
            if phase.is_published:
                return method.step(*common, *how)
            taught = self.taught[pick] if phase.weight("teacher") else None
            return ours.step(*common, (self.labelled[mine], self.values[mine]), taught, *how)

    def _minimise(self, images: Tensor, name: str, loss: Tensor) -> None:
        """One step of the optimiser called ``name``, with the extra loss for the autoencoder."""
        if self.extra_loss is not None and name == "autoencoder":
            loss = loss + self.extra_loss(self.model, scaled(images))
        self.optimisers.minimise(name, loss)

    def refit(self) -> None:
        """Estimate the adaptive prior from the labelled images as they are encoded now."""
        images, values = self.labelled, self.values
        if len(values) > ENOUGH:
            images, values = Stream(images.__getitem__, self._enough), values[self._enough]
        self.model.prior.fit(self.model.encode(images), values, self.preset.fit)

    @cached_property
    def _enough(self) -> Tensor:
        """The first ENOUGH labelled images, and the first RARE of each value, as numbers [M]."""
        each = [
            (column == value).nonzero()[:RARE, 0]
            for column, size in zip(self.values.T, self.task.sizes)
            for value in range(size)
        ]
        return torch.cat([torch.arange(ENOUGH, device=self.device), *each]).unique()

    def _ready(self, *, frozen: bool) -> None:
        """Training mode for the model; not for the encoder where it is frozen."""
        self.model.train()
        encoder = self.model.autoencoder.encoder
        encoder.requires_grad_(not frozen)
        for part in (encoder, self.model.autoencoder.standardise):
            part.train(not frozen)

    def identity(self) -> dict:
        """What a checkpoint must share with this run to be resumed."""
        return {
            "task": self.split.task.name,
            "seed": self.seed,
            "labels": self.split.labels,
            "split": self.split.record,
            "images": getattr(self.images, "identity", ""),
            "preset": dataclasses.asdict(self.preset),
        }

    def save(self, folder: Path | str) -> None:
        """Save a checkpoint in ``folder``: everything that the next step depends on."""
        progress = {"done": self.done, "seconds": self.seconds, "history": self.history}
        record = self.identity() | progress | {"source": provenance()}
        tensors = checkpoint.tensors_of(self) | self.optimisers.moments()
        saved.save(folder, saved.CHECKPOINT, tensors, record)

    def resume(self, folder: Path | str) -> None:
        """Go back to the checkpoint in ``folder``.

        Raises FileNotFoundError where there is none; ValueError, and leaves this trainer unchanged,
        for a broken one and for one of another ``identity``.
        """
        checkpoint.restore(self, folder)

    def save_model(self, folder: Path | str) -> None:
        """Save the model alone in ``folder``, without what only training needs."""
        self.model.record = self.record
        self.model.save(folder)

    @property
    def record(self) -> dict:
        """How the model was trained, ready for JSON."""
        took = {"steps": self.done, "seconds": round(self.seconds, 1)}
        took |= {"device": self.device.type, "threads": torch.get_num_threads()}
        return self.identity() | {"training": took, "source": provenance()}


def shares_of(
    split: Split, images: Images, preset: Preset, *, seed: int = 0, device="cpu"
) -> list[float]:
    """How the time of a preset is shared among its phases on this machine; the shares sum to 1.

    A few steps of every phase are timed on a part of the images, and thrown away.
    """
    part = dataclasses.replace(split, train=split.train[: max(PILOT, len(split.labelled))])
    short, taken = preset.cut(60 * len(preset.phases)), []
    trainer = Trainer(part, images, short, seed=seed, device=device)
    for phase in preset.phases:
        begin, one = _pilot(trainer, phase)
        if phase.finish or phase.weight("teacher"):  # such a phase encodes all images first
            begin *= len(split.train) / len(part.train)
        taken.append(begin + one * phase.steps)
    return [seconds / sum(taken) for seconds in taken]


def _pilot(trainer: Trainer, phase: Phase) -> tuple[float, float]:
    """Seconds that a phase takes to begin, and per step."""
    begin = _timed(trainer, trainer.begin, phase, phase)
    trainer.step(phase, 0, 0.0)  # the first step is slower
    took = []
    while not took or (sum(took) < 1 and len(took) < 58):
        took.append(_timed(trainer, trainer.step, phase, len(took) + 1, 0.0))
    one = sum(took) / len(took)
    if phase.refit_every:
        one += _timed(trainer, trainer.refit) / phase.refit_every
    return begin, one


def _timed(trainer: Trainer, work, *arguments) -> float:
    """Seconds of computing that ``work`` takes; a GPU, which works ahead, is waited for."""
    start = computed(trainer.device)
    work(*arguments)
    if trainer.device.type == "cuda":
        torch.cuda.synchronize(trainer.device)
    return computed(trainer.device) - start
