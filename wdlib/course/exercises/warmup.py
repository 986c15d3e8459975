"""Exercises of notebooks/02_warmup: the critic's loss and the best critic."""

import math

import numpy as np
import torch

from wdlib.course.exercises.exercise import Exercise
from wdlib.training.method import critic

_draw = torch.Generator().manual_seed(0)
LOGITS = (
    (torch.zeros(3), torch.zeros(3)),
    (torch.tensor([2.0, 1.0]), torch.tensor([-1.0, 0.5, -3.0])),
    (3 * torch.randn(5, generator=_draw), 3 * torch.randn(8, generator=_draw)),
    (torch.tensor([-200.0, 150.0]), torch.tensor([200.0, -1.0])),
)
DENSITIES = (
    (np.array([0.2, 0.4, 0.1]), np.array([0.2, 0.1, 0.4])),
    (np.array([0.5, 0.0]), np.array([0.0, 0.3])),
    (np.array([1.7, 0.02, 3.0, 0.5]), np.array([0.1, 0.9, 2.0, 0.5])),
)


def _loss(prior: float, codes: float) -> float:
    """The library's loss for two probabilities."""
    return float(critic(*torch.tensor([[prior], [codes]], dtype=torch.float64).logit()))


def _sums(prior, codes):
    """The two terms, summed where the loss takes their means."""
    sure = prior.new_tensor([1e4])  # a logit that costs nothing
    return len(prior) * critic(prior, -sure) + len(codes) * critic(sure, codes)


def _ratio(p, q):
    with np.errstate(divide="ignore"):
        return p / q


EXERCISES = {
    "02.1": Exercise(lambda: _loss(0.9, 0.2), tolerance=2e-3, slips=(
        ("you used log D for the codes; use log(1 - D)", lambda: _loss(0.9, 0.8)),
        ("you exchanged prior and codes", lambda: _loss(0.2, 0.9)),
        ("you averaged the two terms; add them", lambda: _loss(0.9, 0.2) / 2),
        ("you used the logarithm of base 10, not e", lambda: _loss(0.9, 0.2) / math.log(10)),
    )),
    "02.2": Exercise(critic, inputs=LOGITS, slips=(
        ("you exchanged prior and codes", lambda p, c: critic(c, p)),
        ("you used log D for the codes; use log(1 - D)", lambda p, c: critic(p, -c)),
        ("you took one mean over all logits; take one for the prior and one for the codes",
         lambda p, c: _sums(p, c) / (len(p) + len(c))),
        ("you added over the logits; take the mean", _sums),
    )),
    "02.3": Exercise(lambda p, q: p / (p + q), inputs=DENSITIES, slips=(
        ("you exchanged prior and codes", lambda p, q: q / (p + q)),
        ("you took the difference; take the share of the prior", lambda p, q: (p - q) / (p + q)),
        ("you returned the ratio of the densities; D is between 0 and 1", _ratio),
        ("you returned 1 wherever the prior is denser", lambda p, q: (p > q) * 1.0),
    )),
}  # fmt: skip
