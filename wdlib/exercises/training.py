"""Exercises of notebooks/05_training: Eq. 2, the floor of Eq. 3, a diagnosis, PAPER's steps."""

from __future__ import annotations

import math

import numpy as np
import torch

from wdlib.exercises.exercise import Exercise
from wdlib.training import PAPER, losses


def _critic_loss(prior_logits, code_logits) -> float:
    prior, code = (
        torch.as_tensor(np.asarray(x), dtype=torch.float64) for x in (prior_logits, code_logits)
    )
    return float(losses.critic(prior, code))


def _sigmoid(x) -> np.ndarray:
    return 1 / (1 + np.exp(-np.asarray(x)))


def _floor(partitions: int, affected: int, deviation: float) -> float:
    """Mean squared error left when ReL answers the mean of the component it is sent to."""
    return affected / partitions * deviation**2


def _paper_steps(images: int, copies: int = 7, batch: int = 1024, epochs: int = 6000) -> int:
    return epochs * math.ceil(copies * images / batch)


EXERCISES = (
    Exercise(
        "05.1",
        _critic_loss,
        inputs=lambda: [
            (np.array([0.0, 0.0, 0.0]), np.array([0.0, 0.0, 0.0])),
            (np.array([2.0, 1.0, -0.5]), np.array([-1.5, 0.5, -2.0])),
            (np.array([-3.0, 0.5]), np.array([1.0, 2.0])),
        ],
        slips=(
            ("the sign is that of Eq. 2, which the critic maximises; a loss falls",
             lambda p, c: -_critic_loss(p, c)),
            ("samples of the prior and codes have changed places",
             lambda p, c: _critic_loss(c, p)),
            ("the two terms are averaged, not added", lambda p, c: _critic_loss(p, c) / 2),
            ("the term of the codes is missing",
             lambda p, c: float(np.log1p(np.exp(-p)).mean())),
            ("the term of the prior is missing",
             lambda p, c: float(np.log1p(np.exp(c)).mean())),
            ("the examples are summed, not averaged", lambda p, c: len(p) * _critic_loss(p, c)),
            ("the logarithm is missing",
             lambda p, c: float(-(_sigmoid(p).mean() + (1 - _sigmoid(c)).mean()))),
            ("log D is asked of the codes, too; it should be log (1 - D)",
             lambda p, c: float(np.log1p(np.exp(-p)).mean() + np.log1p(np.exp(-c)).mean())),
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
        lambda: ["balanced", "critic too strong", "critic does not learn"],
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
