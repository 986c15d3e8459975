"""Exercises of notebooks/02_warmup: the critic's loss and the best critic."""

from __future__ import annotations

import math

import numpy as np

from wdlib.course.exercises.exercise import Exercise


def _critic(prior_logits, code_logits):
    from wdlib.training.losses import critic

    return critic(prior_logits, code_logits)


def _loss_of(prior: float, codes: float) -> float:
    """The library's loss for two probabilities."""
    import torch

    return float(_critic(*torch.tensor([[prior], [codes]], dtype=torch.float64).logit()))


def _logits() -> list[tuple]:
    import torch

    draw = torch.Generator().manual_seed(0)
    return [
        (torch.zeros(3), torch.zeros(3)),
        (torch.tensor([2.0, 1.0]), torch.tensor([-1.0, 0.5, -3.0])),
        (3 * torch.randn(5, generator=draw), 3 * torch.randn(8, generator=draw)),
        (torch.tensor([-200.0, 150.0]), torch.tensor([200.0, -1.0])),
    ]


def _ratio(p, q):
    with np.errstate(divide="ignore"):
        return p / q


EXERCISES = (
    Exercise(
        "02.1",
        lambda: _loss_of(0.9, 0.2),
        slips=(
            ("log D stands for the codes where log(1 - D) belongs", lambda: _loss_of(0.9, 0.8)),
            ("prior and codes have changed places", lambda: _loss_of(0.2, 0.9)),
            ("the terms are averaged, not added", lambda: _loss_of(0.9, 0.2) / 2),
            ("the logarithm has base 10", lambda: _loss_of(0.9, 0.2) / math.log(10)),
            ("the logarithm has base 2", lambda: _loss_of(0.9, 0.2) / math.log(2)),
            ("the codes are left out", lambda: -math.log(0.9)),
            ("the prior is left out", lambda: -math.log(0.8)),
            ("there is no logarithm", lambda: 0.9 + 0.8),
        ),
        tolerance=2e-3,
    ),
    Exercise(
        "02.2",
        _critic,
        inputs=_logits,
        slips=(
            ("prior and codes have changed places", lambda p, c: _critic(c, p)),
            ("log D stands for the codes where log(1 - D) belongs", lambda p, c: _critic(p, -c)),
            ("the terms are averaged, not added", lambda p, c: _critic(p, c) / 2),
            (
                "all logits share one mean; each side has its own",
                lambda p, c: (len(p) * _critic(p, -p.new_tensor([1e4]))
                              + len(c) * _critic(c.new_tensor([1e4]), c)) / (len(p) + len(c)),
            ),
            (
                "the logits are added up, not averaged",
                lambda p, c: len(p) * _critic(p, -p.new_tensor([1e4]))
                + len(c) * _critic(c.new_tensor([1e4]), c),
            ),
        ),
    ),
    Exercise(
        "02.3",
        lambda p, q: p / (p + q),
        inputs=lambda: [
            (np.array([0.2, 0.4, 0.1]), np.array([0.2, 0.1, 0.4])),
            (np.array([0.5, 0.0]), np.array([0.0, 0.3])),
            (np.array([1.7, 0.02, 3.0, 0.5]), np.array([0.1, 0.9, 2.0, 0.5])),
        ],
        slips=(
            ("prior and codes have changed places", lambda p, q: q / (p + q)),
            ("the difference is taken, not the share", lambda p, q: (p - q) / (p + q)),
            ("this is the ratio of the densities, and D is between 0 and 1", _ratio),
            ("D is 1 wherever the prior is the denser one", lambda p, q: (p > q) * 1.0),
            ("D is 1/2 everywhere; that holds only where p = q", lambda p, q: p * 0 + 0.5),
        ),
    ),
)  # fmt: skip
