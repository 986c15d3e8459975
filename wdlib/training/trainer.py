"""The one trainer: runs a preset's phases by steps, can stop and go on; or runs them by the clock.

The data lies on the device, the random numbers come from the trainer's own generator, and a step
never waits for the host. A run that is saved, stopped and resumed ends with the weights of a run
that never stopped, bit for bit on a CPU.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path

import torch
from torch import Tensor

from wdlib.data import Images, check_images, check_labels, device_images
from wdlib.data.split import Split
from wdlib.factors import DSPRITES
from wdlib.files import provenance
from wdlib.model.modular import ModularModel
from wdlib.training import checkpoint, losses, stages
from wdlib.training.clock import computed
from wdlib.training.optimisers import Optimisers
from wdlib.training.phases import Phase, Preset
from wdlib.training.progress import Progress, Silence
from wdlib.training.saved import check_state


class Trainer:
    """A model in training, and all that its next step depends on.

    Args:
        split: which images are used, and which of them with labels.
        images: where they come from.
        preset: PAPER, COURSE, or one of your own.
        seed: of the weights and of every random number of training.
        device: "cpu", "cuda", ...; images, labels and random numbers live there.
        compile: compile encoder and decoder (torch.compile); pays on long runs only.
        autocast: bfloat16 matrix products where the device has them.

    Raises ValueError where a factor's value has no labelled image, for images all alike, and where
    something else than a sprite shall roam.
    """

    def __init__(
        self,
        split: Split,
        images: Images,
        preset: Preset,
        *,
        seed: int = 0,
        device: str | torch.device = "cpu",
        compile: bool = False,
        autocast: bool = False,
    ):
        check_labels(split)
        check_images(split, images)
        if split.task.space is not DSPRITES and any(phase.roam for phase in preset.phases):
            raise ValueError(f"{split.task.name}: only sprites can roam, one thing on black each")
        self.split, self.seed, self.device = split, seed, torch.device(device)
        self.source = getattr(images, "source", "")  # drawn, or the file
        self.preset = preset.for_images(len(split.train))
        self.autocast = autocast
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = ModularModel(split.task, preset.networks)
        self.model.to(self.device)
        self.generator = torch.Generator(self.device).manual_seed(seed)

        self.unlabelled = device_images(images, split.task.classes(split.train), self.device)
        self.labelled = device_images(images, split.task.classes(split.labelled), self.device)
        self.values = torch.from_numpy(split.task.labels(split.labelled)).to(self.device)
        self.moves = stages.Moves(split.task, self.model.relations, self.device)

        self.optimisers = Optimisers(self.model, preset)
        if compile:
            self.model.autoencoder.encoder.compile()
            self.model.autoencoder.decoder.compile()
        self.done, self.seconds = 0, 0.0  # steps taken, and what they took by the clock on the wall
        self.order = torch.zeros(0, dtype=torch.long, device=self.device)  # rest of this epoch
        self.codes: Tensor | None = None  # of all unlabelled images, while the encoder is frozen
        n = len(split.task.sizes)
        self.beliefs = torch.zeros((0, n), dtype=torch.long, device=self.device)  # see _begin
        self.swaps = torch.zeros(n, dtype=torch.bool, device=self.device)
        self.history: list[dict] = []

    def run(
        self,
        steps: int | None = None,
        *,
        progress: Progress | None = None,
        folder: Path | str | None = None,
        save_every: int = 500,
    ) -> ModularModel:
        """Train for ``steps`` steps, or to the end of the preset; return the model.

        With a ``folder``, a checkpoint is left there every ``save_every`` steps and at the end.
        Raises FloatingPointError, naming step and loss, when a loss has diverged where it is said
        or where a checkpoint is due, and ValueError where a partition has collapsed when the prior
        is to adapt to it; no such state is ever saved.
        """
        total = self.preset.steps
        end = total if steps is None else min(total, self.done + steps)
        return self._run(self._by_steps(end), total, progress, folder, save_every)

    def run_for(
        self, seconds: float, shares: Sequence[float], *, progress: Progress | None = None
    ) -> ModularModel:
        """Train from the start for so many seconds of computing (see ``clock``); return the model.

        ``shares``: of the seconds, one a phase; they sum to 1. The rates of a phase fall by the
        clock, and it ends by the clock after at least one step. Afterwards ``preset`` says how many
        steps each has taken. Raises FloatingPointError and ValueError as ``run`` does.
        """
        return self._run(self._by_the_clock(seconds, shares), None, progress)

    def _by_steps(self, end: int) -> Iterator[tuple[Phase, int, float]]:
        while self.done < end:
            phase, at = self.preset.phase_at(self.done)
            yield phase, at, at / phase.steps

    def _by_the_clock(
        self, seconds: float, shares: Sequence[float]
    ) -> Iterator[tuple[Phase, int, float]]:
        start, taken = computed(self.device), []
        for phase, share in zip(self.preset.phases, accumulate(shares), strict=True):
            at, until = 0, start + share * seconds
            yield phase, at, 0.0
            began = computed(self.device)  # what comes before a phase is no part of its rates' fall
            while (now := computed(self.device)) < until:
                at += 1
                yield phase, at, (now - began) / (until - began)
            taken.append(dataclasses.replace(phase, steps=at + 1))
        self.preset = dataclasses.replace(self.preset, phases=tuple(taken))

    def _run(
        self,
        pace: Iterator[tuple[Phase, int, float]],
        total: int | None,
        progress: Progress | None,
        folder: Path | str | None = None,
        save_every: int = 500,
    ) -> ModularModel:
        """Take the steps of ``pace``: (phase, its steps before this one, how much of it is spent).

        ``total``: steps of the whole training; None where the clock decides.
        """
        progress = progress or Silence()
        since, images, before = time.perf_counter(), 0, None
        began = since - self.seconds
        step = next(pace, None)
        while step is not None:
            phase, at, spent = step
            if at == 0:
                self._begin(phase, before)
            elif phase.freeze_encoder and self.codes is None:  # resumed inside the phase
                self.codes = self.model.encode(self.unlabelled)
            elif phase.refit_every and at % phase.refit_every == 0:
                self.refit()
            terms = self._step(phase, at, spent)
            self.done += 1
            images += phase.batch
            before, step = phase, next(pace, None)
            ended = step is None and total in (None, self.done)
            saves = folder is not None and (self.done % save_every == 0 or step is None)
            says = self.done % progress.every == 0 or ended
            if saves or says:
                said = {name: float(loss) for name, loss in terms.items()}
                losses.check_sound(said, self.split.task.channels, step=self.done)
            if says:
                self.history.append({"step": self.done, "phase": phase.name, **said})
                rate = images / (time.perf_counter() - since)
                left = total or (self.done if ended else max(self.preset.steps, self.done + 1))
                progress(self.done, left, phase.name, said, rate)
                since, images = time.perf_counter(), 0
            self.seconds = time.perf_counter() - began
            if saves:
                self.save(folder)
        self._ready(frozen=False)
        return self.model

    def refit(self) -> None:
        """Estimate the adaptive prior from the labelled images as they are encoded now."""
        self.model.prior.fit(self.model.encode(self.labelled), self.values, self.preset.fit)

    def _begin(self, phase: Phase, before: Phase | None = None) -> None:
        self.codes, self.beliefs = None, self.beliefs[:0]
        if phase.fresh:
            self.optimisers.forget()
        if phase.freeze_encoder or phase.taught:
            stages.refresh_statistics(self.model, self.unlabelled[:4096])
        if phase.freeze_encoder:
            self.codes = self.model.encode(self.unlabelled)
        if phase.taught:  # by what the phase before has learnt to read values with
            if before is None and self.done:  # resumed between two phases
                before, _ = self.preset.phase_at(self.done - 1)
            teacher = before or phase
            self.beliefs = stages.read(self.model, teacher, self.unlabelled, phase.balanced)
        if phase.prior == "adaptive":
            self.refit()
        if phase.swap:  # the partitions that hold no detail which the picture needs
            some = self.unlabelled[:2000], self.codes[:2000]
            plain, swapped = stages.swap_costs(self.model, *some, self.generator)
            self.swaps = swapped - plain <= phase.spare * plain

    def _step(self, phase: Phase, at: int, spent: float | None = None) -> dict[str, Tensor]:
        self.optimisers.set_rates(phase, at, at / phase.steps if spent is None else spent)
        self._ready(frozen=phase.freeze_encoder)
        pick = self._next(phase.batch)
        common = (self.model, phase, self.moves, self.unlabelled[pick])
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast):
            if self.codes is not None:
                return stages.step_on_codes(
                    *common, self.codes[pick], self.swaps, self.optimisers.minimise, self.generator
                )
            mine = torch.randint(
                len(self.labelled),
                (phase.labelled_batch,),
                generator=self.generator,
                device=self.device,
            )
            labelled = (self.labelled[mine], self.values[mine])
            beliefs = self.beliefs[pick] if phase.taught else None
            return stages.step(*common, labelled, beliefs, self.optimisers.minimise, self.generator)

    def _ready(self, *, frozen: bool) -> None:
        """Put the model in training mode, its encoder only where that is not frozen."""
        self.model.train()
        encoder = self.model.autoencoder.encoder
        encoder.requires_grad_(not frozen)
        for part in (encoder, self.model.autoencoder.standardise):
            part.train(not frozen)

    def _next(self, batch: int) -> Tensor:
        """[batch] numbers of unlabelled images; every image once an epoch."""
        while len(self.order) < batch:
            epoch = torch.randperm(
                len(self.unlabelled), generator=self.generator, device=self.device
            )
            self.order = torch.cat([self.order, epoch])
        pick, self.order = self.order[:batch], self.order[batch:]
        return pick

    def save(self, folder: Path | str) -> None:
        """Leave a checkpoint in ``folder``: all that the next step depends on."""
        tensors = {f"model.{k}": t for k, t in self.model.state_dict().items()}
        tensors |= self.optimisers.moments()
        tensors |= {"generator": self.generator.get_state(), "order": self.order}
        tensors |= {"beliefs": self.beliefs, "swaps": self.swaps}
        progress = {"done": self.done, "seconds": self.seconds, "history": self.history}
        progress |= {"source": provenance()}
        checkpoint.save(folder, checkpoint.CHECKPOINT, tensors, self.identity() | progress)

    def save_model(self, folder: Path | str) -> None:
        """Leave the model alone in ``folder``, without what only training needs."""
        took = {"steps": self.done, "seconds": round(self.seconds, 1)}
        took |= {"device": self.device.type, "threads": torch.get_num_threads()}
        record = self.identity() | {"training": took, "source": provenance()}
        checkpoint.save(folder, checkpoint.MODEL, self.model.state_dict(), record)

    def identity(self) -> dict:
        """What makes this run this run: a checkpoint of another one is refused."""
        return {
            "task": self.split.task.name,
            "seed": self.seed,
            "labels": len(self.split.labelled),
            "split": self.split.record,
            "images": self.source,
            "preset": dataclasses.asdict(self.preset),
        }

    def resume(self, folder: Path | str) -> None:
        """Go back to the checkpoint in ``folder``.

        Raises FileNotFoundError where there is none, and ValueError, leaving this trainer as it
        was, for a broken one or one of another task, split, preset, seed or number of labels.
        """
        tensors, record = checkpoint.load(folder, checkpoint.CHECKPOINT)
        for name, value in self.identity().items():
            theirs = record.get(name)
            if checkpoint.plain(theirs) != checkpoint.plain(value):
                named = f"{name} {theirs!s:.40}, not {value}"
                what = f"another {name}" if name in ("preset", "split") else named
                raise ValueError(f"the checkpoint in {folder} is of {what}")
        check_state(self, tensors, record, folder)
        weights = {k[6:]: t for k, t in tensors.items() if k.startswith("model.")}
        self.model.load_state_dict(weights)
        self.optimisers.put_back(tensors)
        self.generator.set_state(tensors["generator"])
        self.order = tensors["order"].to(self.device)
        self.beliefs, self.swaps = (tensors[k].to(self.device) for k in ("beliefs", "swaps"))
        self.done, self.history, self.codes = record["done"], record["history"], None
        self.seconds = record["seconds"]
