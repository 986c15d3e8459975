"""Schedules as data: a preset is network sizes and a sequence of phases with loss weights.

The same trainer runs every preset, and a loss of weight 0 is not computed, so an ablation is one
``dataclasses.replace``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from wdlib.model.autoencoder import NetworkConfig
from wdlib.model.prior import FitConfig


@dataclass(frozen=True)
class Phase:
    """A stretch of training under one set of weights.

    Args:
        name: what a reader of the log sees.
        steps: optimiser steps; or ``epochs``, passes over the unlabelled images.
        batch: unlabelled images a step.
        lr: Adam's learning rate; the critic's and the learner's are ``critic_lr``, ``learner_lr``.
        cosine: let the rates fall to zero along a half cosine over the phase.
        rise: steps over which the rates first grow.
        fresh: forget Adam's moments of the phase before. Where its gradients had become small, the
            first of the new losses would move the weights by many times the rate.
        prior: "uniform" or "normal" in the warm-up, "adaptive" in full training.
        refit_every: steps between estimates of the adaptive prior; 0 is once, at the start.
        learner_batch: relations a step.

    Weights of the published losses: ``reconstruction``, ``adversarial``, ``relational``.

    Weights of ours, each with what goes with it:
        labels: cross-entropy on ``labelled_batch`` labelled images, shifted by up to ``shift``
            pixels; through linear heads, or once the prior adapts through its components' log
            densities times ``temperature``.
        roam: share of them, and of the moved ones of ``pseudo`` and ``balanced``, that go to any
            place in the picture instead, and say nothing of their position; of sprites only.
        pseudo: the same on the unlabelled images, shifted, with the values that the model itself
            reads off the unshifted ones, where it gives them at least ``confidence``.
        taught: the same on the unlabelled images as they are, with the values that the model read
            off all of them when the phase began, where it gave them at least ``confidence``: the
            phase before is this one's teacher.
        balanced: believe that teacher not by ``confidence`` but as often for every value: the
            surest images of each, at most this share of those that an even part of all would
            be. These images are moved.
        cycle: decode samples of the prior, and codes with shuffled partitions; encode the
            pictures; find the components again. Before there are any: shuffled codes alone, with
            the values that the heads read off them. With the encoder frozen: codes of which one
            partition has moved to another value.
        encodings: share of the learner's batch that starts from encoded images.
        freeze_encoder: train decoder and learner alone, on cached codes, half of them with normal
            noise of standard deviation ``code_noise``, and with probability ``swap`` partitions
            swapped for samples of their own component; not those whose swap costs more than
            ``spare`` times the reconstruction loss, for they hold details of the picture.

    From the authors' earlier code: ``corrupt``, the noisy and dropped copies of every image.
    """

    name: str
    steps: int = 0
    epochs: int = 0
    batch: int = 64
    lr: float = 2e-3
    critic_lr: float = 1e-3
    learner_lr: float = 1e-3
    cosine: bool = True
    rise: int = 0
    fresh: bool = False
    prior: str = "adaptive"
    refit_every: int = 0
    reconstruction: float = 1.0
    adversarial: float = 0.0
    relational: float = 0.0
    learner_batch: int = 128
    labels: float = 0.0
    labelled_batch: int = 64
    shift: int = 2
    roam: float = 0.0
    temperature: float = 0.3
    pseudo: float = 0.0
    taught: float = 0.0
    balanced: float = 0.0
    confidence: float = 0.95
    cycle: float = 0.0
    encodings: float = 0.0
    freeze_encoder: bool = False
    code_noise: float = 0.0
    swap: float = 0.0
    spare: float = math.inf
    corrupt: bool = False


@dataclass(frozen=True)
class Preset:
    """Network sizes, how components are estimated, and the phases in order.

    Args:
        critic_betas: Adam's betas for the critic.
        lengths: (task, factor) of the tasks that take another number of steps; see ``for_task``.
        datasets: (dataset or task, fields) of those on which every phase has other fields; a
            task's own come after its dataset's.
    """

    name: str
    networks: NetworkConfig
    fit: FitConfig
    phases: tuple[Phase, ...]
    critic_betas: tuple[float, float] = (0.5, 0.99)
    lengths: tuple[tuple[str, float], ...] = ()
    datasets: tuple[tuple[str, tuple[tuple[str, float], ...]], ...] = ()

    @property
    def steps(self) -> int:
        """Steps of all phases."""
        return sum(p.steps for p in self.phases)

    def phase_at(self, step: int) -> tuple[Phase, int]:
        """The phase that step number ``step`` belongs to, and how many of its steps lie before.

        Raises ValueError past the last step.
        """
        before = step
        for phase in self.phases:
            if before < phase.steps:
                return phase, before
            before -= phase.steps
        raise ValueError(f"{self.name} has {self.steps} steps, there is no step {step}")

    def for_task(self, name: str) -> Preset:
        """The preset for the task called ``name``: every phase's steps times its factor in
        ``lengths``, or as they are, and with the fields of it and its dataset in
        ``datasets``."""
        factor, given = dict(self.lengths).get(name, 1.0), dict(self.datasets)
        fields = dict(given.get(name.partition(".")[0], ())) | dict(given.get(name, ()))
        phases = tuple(
            replace(p, steps=max(round(factor * p.steps), min(p.steps, 1)), **fields)
            for p in self.phases
        )
        return replace(self, phases=phases, lengths=(), datasets=())

    def for_images(self, count: int) -> Preset:
        """The same preset with epochs turned into steps, for ``count`` unlabelled images.

        A corrupted set counts seven times: every image as it is, three noisy, three dropped out.
        """
        phases = []
        for phase in self.phases:
            if phase.epochs:
                seen = count * (7 if phase.corrupt else 1)
                phase = replace(phase, steps=phase.epochs * math.ceil(seen / phase.batch), epochs=0)
            phases.append(phase)
        return replace(self, phases=tuple(phases))

    @classmethod
    def from_dict(cls, record: dict) -> Preset:
        """The preset that ``dataclasses.asdict`` wrote (through JSON or not).

        Raises ValueError for a record that is none.
        """
        try:
            networks = dict(record["networks"])
            networks["encoder_widths"] = tuple(networks["encoder_widths"])
            return cls(
                name=record["name"],
                networks=NetworkConfig(**networks),
                fit=FitConfig(**record["fit"]),
                phases=tuple(Phase(**phase) for phase in record["phases"]),
                critic_betas=tuple(record["critic_betas"]),
                lengths=tuple((name, factor) for name, factor in record.get("lengths", ())),
                datasets=tuple(
                    (name, tuple((field, value) for field, value in fields))
                    for name, fields in record.get("datasets", ())
                ),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"this is not the record of a preset: {error}") from None
