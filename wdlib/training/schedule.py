"""Schedules as data: a preset is network sizes and a sequence of phases.

A phase lists its losses with their weights. A loss without a weight is not computed, so an ablation
is one ``Preset.changed``.

PAPER is the published schedule, Modular (paper). COURSE is Modular for a thousand labels and
minutes on two cores; FEW is Modular for about a hundred labels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from wdlib.model.modular import NetworkConfig
from wdlib.model.prior import FitConfig

# Every loss that a phase can weigh: Eq. 1 to 3, then our own (see method.py and ours.py).
PUBLISHED_LOSSES = ("reconstruction", "adversarial", "relational")
LOSSES = (*PUBLISHED_LOSSES, "labels", "pseudo", "teacher", "cycle", "recomposition")


@dataclass(frozen=True)
class Rates:
    """Adam's learning rates, one per optimiser."""

    autoencoder: float = 2e-3
    critic: float = 1e-3
    learner: float = 1e-3
    cosine: bool = True  # the rates fall to zero along a half cosine over the phase
    rise: int = 0  # number of first steps over which the rates grow linearly
    # Adam forgets the moments of the previous phase: after small gradients, the first large ones
    # would move the weights by many times the rate.
    fresh: bool = False


@dataclass(frozen=True)
class Labels:
    """How labelled images and pseudo-labels enter the losses "labels", "pseudo" and "teacher"."""

    batch: int = 64  # labelled images per step
    temperature: float = 0.3  # factor on the components' log densities when they act as logits
    confidence: float = 0.95  # the least probability of a pseudo-label
    # A share selects the surest images of every value instead: at most this share of an equal part
    # of all images. 0 selects by confidence.
    balanced: float = 0.0


@dataclass(frozen=True)
class Views:
    """Changed copies of the images."""

    shift: int = 2  # images with labels or pseudo-labels move by up to so many pixels
    roam: float = 0.0  # share of them that moves to any place; its position is then unknown
    corrupt: bool = False  # add the noisy and dropped-out copies of the authors' earlier code


@dataclass(frozen=True)
class Relations:
    """What the relational learner practises on."""

    batch: int = 128  # relations per step
    encodings: float = 0.0  # share that starts from encoded images instead of prior samples


@dataclass(frozen=True)
class Finish:
    """The frozen-encoder finish: decoder and relational learner train alone, on cached codes."""

    code_noise: float = 0.0  # standard deviation of the normal noise on half of the codes
    swap: float = 0.0  # probability that a partition becomes a sample of its own component
    # A partition is not swapped where this raises the reconstruction loss by more than this share:
    # it then holds details of the image.
    spare: float = math.inf


@dataclass(frozen=True)
class Phase:
    """A stretch of training with constant loss weights. Raises ValueError for an unknown loss."""

    name: str
    steps: int = 0  # of the optimisers;
    epochs: int = 0  # or passes over the unlabelled images
    batch: int = 64  # unlabelled images per step
    prior: str = "adaptive"  # in full training; "uniform" or "normal" in the warm-up
    refit_every: int = 0  # steps between estimates of the adaptive prior; 0 estimates it once
    losses: Mapping[str, float] = field(default_factory=lambda: {"reconstruction": 1.0})  # weights
    rates: Rates = Rates()
    labels: Labels = Labels()
    views: Views = Views()
    relations: Relations = Relations()
    finish: Finish | None = None  # None trains the encoder, too

    def __post_init__(self):
        if unknown := sorted(set(self.losses) - set(LOSSES)):
            raise ValueError(f"there is no loss {unknown[0]!r}; the losses are {', '.join(LOSSES)}")

    def weight(self, loss: str) -> float:
        """The weight of a loss; 0 where the phase does not have it."""
        return self.losses.get(loss, 0.0)

    @property
    def is_published(self) -> bool:
        """Whether every loss of the phase is one of the paper's (its step is ``method.step``)."""
        ours = any(self.weight(name) for name in LOSSES if name not in PUBLISHED_LOSSES)
        return not (ours or self.finish or self.relations.encodings)

    def changed(self, **parts) -> Phase:
        """The phase with other fields; a dict changes only the named entries of a part.

        ``phase.changed(steps=100, losses={"cycle": 0.0}, views={"roam": 0.5})``
        """
        new = {}
        for name, value in parts.items():
            old = getattr(self, name)
            if isinstance(old, Mapping):
                value = {**old, **value}
            elif isinstance(value, Mapping):  # a phase without a finish has nothing to change
                value = old and replace(old, **value)
            new[name] = value
        return replace(self, **new)


@dataclass(frozen=True)
class Preset:
    """Network sizes, how components are estimated, and the phases in order."""

    name: str
    networks: NetworkConfig
    fit: FitConfig
    phases: tuple[Phase, ...]
    critic_betas: tuple[float, float] = (0.5, 0.99)  # of Adam
    lengths: Mapping[str, float] = field(default_factory=dict)  # task -> factor on its steps
    # Dataset or task -> what differs there, as in Phase.changed.
    changes: Mapping[str, dict] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """Steps of all phases."""
        return sum(p.steps for p in self.phases)

    def changed(self, **parts) -> Preset:
        """The preset with every phase changed, as in ``Phase.changed``."""
        return replace(self, phases=tuple(phase.changed(**parts) for phase in self.phases))

    def with_steps(self, steps: Iterable[int]) -> Preset:
        """The preset with another number of steps for each phase."""
        phases = (replace(p, steps=n) for p, n in zip(self.phases, steps, strict=True))
        return replace(self, phases=tuple(phases))

    def for_task(self, name: str) -> Preset:
        """The preset of the task called ``name``: ``lengths`` and ``changes`` are applied. The
        changes of a dataset come before those of a task."""
        factor, preset = self.lengths.get(name, 1.0), replace(self, lengths={}, changes={})
        for key in (name.partition(".")[0], name):
            preset = preset.changed(**self.changes.get(key, {}))
        return preset.with_steps(max(round(factor * p.steps), min(p.steps, 1)) for p in self.phases)

    def for_images(self, count: int) -> Preset:
        """The preset with epochs turned into steps, for ``count`` unlabelled images.

        With corrupted copies an epoch is seven times as long: every image once as it is, three
        times noisy and three times with dropped pixels.
        """
        steps = []
        for phase in self.phases:
            seen = count * (7 if phase.views.corrupt else 1)
            steps.append(phase.epochs * math.ceil(seen / phase.batch) or phase.steps)
        return self.changed(epochs=0).with_steps(steps)

    def cut(self, steps: int) -> Preset:
        """The preset with ``steps`` steps in all; every phase keeps its share of them.

        Raises ValueError where a phase would be left without a step.
        """
        if steps < len(self.phases):
            raise ValueError(
                f"{steps} steps are too few for {self.name}: each of its {len(self.phases)} phases "
                f"needs at least one step"
            )
        shares, before = [], 0
        for left, phase in zip(range(len(self.phases) - 1, -1, -1), self.phases):
            before += phase.steps
            given = sum(shares)
            wanted = round(steps * before / self.steps) - given
            shares.append(min(max(wanted, 1), steps - given - left))  # later phases need one each
        return self.with_steps(shares)


# Modular (paper). Where the paper is silent, the authors' earlier code decides: weight 0.2 beside a
# reconstruction that is the mean over pixels and colours, the rates, a uniform warm-up prior,
# covariance times 0.1 estimated once, noisy and dropped-out copies. That code takes one Adam step
# per loss of the encoder; one step on their sum, and one critic, are our readings.
_COPIES = Views(corrupt=True)
_SLOW = Rates(1e-4, 1e-4, 1e-4, cosine=False)
_MATCH = {"reconstruction": 1 / 64, "adversarial": 0.2}  # our reconstruction sums over 64 rows
PAPER = Preset(
    name="PAPER",
    networks=NetworkConfig(decoder="conv", width=1024, activation="tanh", residual=False),
    fit=FitConfig(scale=0.1, shrink=0.0, ridge=1e-4, only_if_singular=True),
    phases=tuple(
        Phase(name, epochs=n, batch=1024, prior=prior, losses=losses, rates=_SLOW, views=_COPIES)
        for name, n, prior, losses in (
            ("warm-up", 1000, "uniform", _MATCH),
            ("full", 5000, "adaptive", _MATCH | {"relational": 1.0}),
        )
    ),
    critic_betas=(0.9, 0.999),
    changes={
        "Shapes3D": {
            "rates": {"autoencoder": 1e-5, "critic": 1e-5, "learner": 1e-5},
            "losses": {"reconstruction": 1 / 192},
        }
    },
)

# Modular. In the warm-up the label loss and pseudo-labels weigh fifty times as much as
# reconstruction: with equal weights the encoder learns what most pixels show, and never catches up
# with small differences such as an orientation. Full training reads values from the components.
_WARM_UP = Phase(
    "warm-up",
    2500,
    prior="normal",
    losses={"reconstruction": 0.02, "labels": 1.0, "pseudo": 1.0},
    rates=Rates(autoencoder=3e-3, rise=50),
)
_FULL = Phase(
    "full",
    500,
    refit_every=100,
    losses={"reconstruction": 0.02, "adversarial": 0.003, "relational": 1.0}
    | {"labels": 1.0, "teacher": 1.0, "cycle": 0.02},
    rates=Rates(autoencoder=1e-3, rise=50, fresh=True),
)
_FINISH = Phase(
    "finish",
    4000,
    losses={"reconstruction": 1.0, "recomposition": 0.3, "relational": 1.0},
    rates=Rates(autoencoder=4e-3, rise=100, fresh=True),
    relations=Relations(encodings=0.5),
    finish=Finish(code_noise=0.12, swap=0.5, spare=0.3),
)
# The orientation of a small heart (dSprites.v4) shows in three or four pixels, and a thousand
# labels show each sprite at 8 of 225 places: it takes more steps, and half of the labelled images
# roam. Without labels of size (Shapes3D.v2), shape needs all steps (half of them: .974, not .999).
_ROAM = {"views": {"roam": 0.5}}
_LONGER = {"dSprites.v4": 1.6, "dSprites.v4-circle": 1.6}
COURSE = Preset(
    name="COURSE",
    networks=NetworkConfig(standard=True),
    fit=FitConfig(scale=0.1, shrink=0.5, ridge=0.02, only_if_singular=False),
    phases=(_WARM_UP, _FULL, _FINISH),
    lengths=_LONGER | {"dSprites.v2": 0.4, "Shapes3D.v3": 0.5, "Shapes3D.v5": 0.5},
    changes={"dSprites.v4": _ROAM, "dSprites.v4-circle": _ROAM},
)

# Modular with about a hundred labels. A warm-up on labels alone comes first, then rounds of
# self-training: the model of the previous round is the teacher, and a growing share of its surest
# pseudo-labels counts, equally many per value. (Selected by confidence, a poor teacher does harm on
# large tasks.) The cycle loss begins with the rounds, because shuffled codes show combinations that
# no labelled image has.
_ALONE = _WARM_UP.changed(steps=1000, losses={"pseudo": 0.0})
_ROUND = _ALONE.changed(steps=375, losses={"teacher": 1.0, "cycle": 0.1}, rates={"fresh": True})
_ROUNDS = [_ROUND.changed(name=f"round {n}", labels={"balanced": n / 10}) for n in (1, 2, 3, 4)]
_FULL_FEW = _FULL.changed(losses={"cycle": 0.1}, labels={"balanced": 0.4})
FEW = replace(COURSE, name="FEW", phases=(_ALONE, *_ROUNDS, _FULL_FEW, _FINISH), lengths=_LONGER)
PRESETS = {preset.name: preset for preset in (PAPER, COURSE, FEW)}


def preset(name: str) -> Preset:
    """The preset called ``name`` in any case. Raises ValueError for another name."""
    if name.upper() not in PRESETS:
        raise ValueError(f"there is no preset {name!r}; the presets are {', '.join(PRESETS)}")
    return PRESETS[name.upper()]
