"""Exercises of notebooks/05_training: the autoencoder's loss, Eq. 3's floor, a diagnosis, steps."""

import math

import numpy as np
import torch

from wdlib.course.exercises.exercise import Exercise
from wdlib.training import PAPER, Phase

OTHERS = ("critic", "relational")  # losses of networks that have their own optimisers


def _loss(terms: dict, phase: Phase, without=OTHERS) -> float:
    return sum(phase.weight(name) * loss for name, loss in terms.items() if name not in without)


def _phase(**losses) -> Phase:
    return Phase("phase", losses={"reconstruction": 1.0} | losses)


def _steps() -> tuple[tuple, ...]:
    """Losses of one step and their phase: warm-up, full training, and all terms at once."""
    every = {"labels": 0.4, "pseudo": 0.7, "teacher": 0.6, "cycle": 0.25}
    terms = {"adversarial": 1.9, "reconstruction": 2.5, "critic": 0.6}
    more = {"labels": 0.8, "pseudo": 0.2, "cycle": 1.1, "teacher": 0.5, "relational": 0.7}
    return (
        (terms | {"labels": 0.8}, _phase(reconstruction=0.3, adversarial=0.1, labels=3.0)),
        (terms | {"relational": 3.0}, _phase(adversarial=0.2, relational=1.5)),
        (terms | more, _phase(adversarial=0.03, relational=0.5, **every)),
    )


STRONG, IDLE, BALANCED = "critic too strong", "critic does not learn", "balanced"
EXCHANGED = {STRONG: IDLE, IDLE: STRONG, BALANCED: BALANCED}


def _diagnosis(critic) -> str:
    """The state of the game: the mean of the critic's last losses, against two thresholds."""
    end = float(critic[-50:].mean())
    return STRONG if end < 0.5 else IDLE if end > 1.6 else BALANCED


def _games() -> tuple[tuple, ...]:
    """Games of 300 steps whose ends are clear, each with noise and an odd last step."""
    rng, step = np.random.default_rng(0), np.arange(300)
    level = 2 * np.log(2)  # the loss of a critic that can only guess
    curves = (
        (level - np.exp(-step / 20), 0.2),  # balanced, from below
        (0.1 + level * np.exp(-step / 15), 1.5),  # the critic wins at once
        (0.05 + level * (step < 200), 0.9),  # balanced for long, then lost
        (level + 4 * (step / 300) ** 3, 1.3),  # the codes leave the prior, late
        (level + np.exp(-step / 60) * 4, 2.4),  # a bad start, then balanced
        (level + step / 100, 0.3),  # the critic never reacts
        (0.65 + np.exp(-step / 30), 0.2),  # the critic is ahead, which is no fault
    )
    noise = np.exp(0.1 * rng.normal(size=(len(curves), 300)))
    games = np.stack([curve for curve, _ in curves]) * noise
    games[:, -1] = [last for _, last in curves]
    return tuple((torch.tensor(game, dtype=torch.float32),) for game in games)


def _paper_steps(images: int, copies: int) -> int:
    return 6000 * math.ceil(copies * images / 1024)


IMAGES = ((12_757,), (1000,), (1024,), (147,))

EXERCISES = {
    "05.1": Exercise(_loss, inputs=_steps(), slips=(
        ("you included the ReL's loss; the ReL has its own optimiser",
         lambda t, p: _loss(t, p, without=("critic",))),
        ("you included the critic's loss; minimising it would help the critic",
         lambda t, p: _loss(t, p) + t["critic"]),
        ("you did not multiply the terms by their weights",
         lambda t, p: sum(loss for name, loss in t.items() if name not in OTHERS)),
        ("you left out the adversarial loss; it trains the encoder, not the critic",
         lambda t, p: _loss(t, p, without=(*OTHERS, "adversarial"))),
    )),
    # The variance of a dimension, in one of two partitions.
    "05.2": Exercise(0.4**2 / 2, slips=(
        ("you counted the error of both partitions; one of them only has to stay", 0.4**2),
        ("you did not square the standard deviation", 0.4 / 2),
        ("you let the ReL know the sample; it can only know the component", 0.0),
        ("you counted the spread twice, as if the ReL's answer were a sample, too", 2 * 0.4**2),
    )),
    "05.3": Exercise(_diagnosis, inputs=_games(), choices=(STRONG, IDLE, BALANCED), slips=(
        ("you looked at the first steps; all games begin alike", lambda c: _diagnosis(c[:50])),
        ("you looked at one step; steps are noisy, so take a mean", lambda c: _diagnosis(c[-1:])),
        ("you averaged all steps, the beginning included",
         lambda c: _diagnosis(c.mean().repeat(50))),
        ("you exchanged the two faults; a low loss means that the critic wins",
         lambda c: EXCHANGED[_diagnosis(c)]),
    )),
    "05.4": Exercise(lambda n: PAPER.for_images(n).steps, inputs=IMAGES, slips=(
        ("you left out six corrupted copies of every image", lambda n: _paper_steps(n, copies=1)),
        ("you counted the six copies but not the image itself",
         lambda n: _paper_steps(n, copies=6)),
        ("you left out the last, smaller batch of an epoch", lambda n: 6000 * (7 * n // 1024)),
        ("you rounded up the total; round up the steps of every epoch",
         lambda n: math.ceil(6000 * 7 * n / 1024)),
    )),
}  # fmt: skip
