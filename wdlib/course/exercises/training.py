"""Exercises of notebooks/05_training: whom a loss moves, the floor of Eq. 3, a diagnosis, steps."""

from __future__ import annotations

import math

import numpy as np

from wdlib.course.exercises.exercise import Exercise
from wdlib.training import PAPER, Phase

OTHERS = ("critic", "relational")  # these have optimisers of their own
OURS = ("labels", "pseudo", "taught", "cycle")


def _autoencoders_loss(terms: dict, phase: Phase, without=OTHERS) -> float:
    return sum(getattr(phase, name) * loss for name, loss in terms.items() if name not in without)


def _steps_told() -> list[tuple]:
    """Losses of one step and its phase: a warm-up, full training, and one with all terms."""
    warm_up = Phase("warm-up", reconstruction=0.3, adversarial=0.1, labels=3.0)
    full = Phase("full", adversarial=0.2, relational=1.5)
    weights = zip(OURS, (0.4, 0.7, 0.6, 0.25))
    every = Phase("full", adversarial=0.03, relational=0.5, **dict(weights))
    terms = {"adversarial": 1.9, "reconstruction": 2.5, "critic": 0.6}
    more = {"labels": 0.8, "pseudo": 0.2, "cycle": 1.1, "taught": 0.5, "relational": 0.7}
    return [
        (terms | {"labels": 0.8}, warm_up),
        (terms | {"relational": 3.0}, full),
        (terms | more, every),
    ]


def _floor(partitions: int, affected: int, deviation: float) -> float:
    """Mean squared error left when ReL answers the mean of the component it is sent to."""
    return affected / partitions * deviation**2


def _paper_steps(images: int, copies: int = 7, batch: int = 1024, epochs: int = 6000) -> int:
    return epochs * math.ceil(copies * images / batch)


BALANCED, STRONG, IDLE = "balanced", "critic too strong", "critic does not learn"


def diagnosis(critic) -> str:
    """What the critic's losses, one a step, say of the game."""
    end = float(critic[-50:].mean())
    return STRONG if end < 0.5 else IDLE if end > 1.6 else BALANCED


def _by_all(critic) -> str:
    return diagnosis(critic.mean().repeat(50))


def _exchanged(critic) -> str:
    return {STRONG: IDLE, IDLE: STRONG}.get(diagnosis(critic), BALANCED)


def _games() -> list[tuple]:
    """Games of 300 steps whose ends leave no doubt, each with noise and an odd last step."""
    import torch

    rng, step = np.random.default_rng(0), np.arange(300)
    level = 2 * np.log(2)
    curves = [
        (level - np.exp(-step / 20), 0.2),  # balanced, from below
        (0.1 + level * np.exp(-step / 15), 1.5),  # found out at once
        (0.05 + level * (step < 200), 0.9),  # balanced for long, then lost
        (level + 4 * (step / 300) ** 3, 1.3),  # the encoder walks away, late
        (level + np.exp(-step / 60) * 4, 2.4),  # a bad start that is made good
        (level + step / 100, 0.3),  # nobody answers
    ]
    found = []
    for curve, last in curves:
        noisy = (curve * np.exp(0.1 * rng.normal(size=300))).astype(np.float32)
        noisy[-1] = last
        found.append((torch.from_numpy(noisy),))
    return found


EXERCISES = (
    Exercise(
        "05.1",
        _autoencoders_loss,
        inputs=_steps_told,
        slips=(
            ("the ReL's loss is in it, and the ReL has an optimiser of its own",
             lambda t, p: _autoencoders_loss(t, p, without=("critic",))),
            ("the critic's loss is in it, and it would help the critic",
             lambda t, p: _autoencoders_loss(t, p) + t["critic"]),
            ("the critic's loss is in it, with the weight of the match",
             lambda t, p: _autoencoders_loss(t, p) + p.adversarial * t["critic"]),
            ("the losses of all three networks are in it",
             lambda t, p: _autoencoders_loss(t, p, without=("critic",)) + t["critic"]),
            ("the terms are not weighted",
             lambda t, p: sum(loss for name, loss in t.items() if name not in OTHERS)),
            ("the match is left out; it is the encoder's, not the critic's",
             lambda t, p: _autoencoders_loss(t, p, without=(*OTHERS, "adversarial"))),
            ("the match is subtracted; the encoder wants a low loss here, too",
             lambda t, p: _autoencoders_loss(t, p) - 2 * p.adversarial * t["adversarial"]),
            ("only reconstruction and match are counted, the terms of Eq. 1",
             lambda t, p: _autoencoders_loss(t, p, (*OTHERS, *OURS))),
            *(
                (f"the term '{name}' is left out",
                 lambda t, p, name=name: _autoencoders_loss(t, p, (*OTHERS, name)))
                for name in (*OURS, "reconstruction")
            ),
            ("the terms are averaged, not added",
             lambda t, p: _autoencoders_loss(t, p) / len(set(t) - set(OTHERS))),
        ),
    ),
    Exercise(
        "05.2",
        lambda: _floor(2, 1, 0.4),
        slips=(
            ("both partitions were counted; one of them only has to stay",
             lambda: _floor(2, 2, 0.4)),
            ("the standard deviation is not squared", lambda: 0.2),
            ("this is the standard deviation itself", lambda: 0.4),
            ("squared errors are summed over the dimensions, not averaged", lambda: 8 * 0.16),
            ("a perfect ReL could foresee the sample; it knows only the component", lambda: 0.0),
            ("the spread is counted twice, as if the answer were a sample, too", lambda: 0.16 * 2),
        ),
    ),
    Exercise(
        "05.3",
        diagnosis,
        inputs=_games,
        slips=(
            ("the first steps are looked at; all games begin alike", lambda c: diagnosis(c[:50])),
            ("one single step decides, and steps are noisy", lambda c: diagnosis(c[-1:])),
            ("the mean of all steps is taken, and the start counts as much", _by_all),
            ("a low loss is taken for a critic that does not learn", _exchanged),
            (
                "whatever is not near 0 is called balanced",
                lambda c: "critic too strong" if c[-50:].mean() < 0.5 else "balanced",
            ),
            (
                "whatever is not far above 2 log 2 is called balanced",
                lambda c: "critic does not learn" if c[-50:].mean() > 1.6 else "balanced",
            ),
        ),
    ),
    Exercise(
        "05.4",
        lambda images: PAPER.for_images(images).steps,
        inputs=lambda: [(12_757,), (1000,), (1024,), (147,)],
        slips=(
            ("the six corrupted copies of every image are left out",
             lambda n: _paper_steps(n, copies=1)),
            ("only the six copies are counted, not the image itself",
             lambda n: _paper_steps(n, copies=6)),
            ("only the warm-up is counted", lambda n: _paper_steps(n, epochs=1000)),
            ("only full training is counted", lambda n: _paper_steps(n, epochs=5000)),
            ("the last, smaller batch of an epoch is left out",
             lambda n: 6000 * (7 * n // 1024)),
            ("the batch is the learner's", lambda n: _paper_steps(n, batch=128)),
            ("only the total is rounded up, not every epoch",
             lambda n: math.ceil(6000 * 7 * n / 1024)),
            ("these are images, not steps", lambda n: 6000 * 7 * n),
        ),
    ),
)  # fmt: skip
