"""Exercises of notebooks/03_priors: densities, ranks, repaired covariances, shared labels."""

import math

import torch
from torch.distributions import MultivariateNormal

from wdlib.course.exercises.exercise import Exercise

_draw = torch.Generator().manual_seed(0)


def _codes(count: int, dim: int) -> tuple:
    """Codes [count, dim], a mean and a covariance."""
    root = torch.randn(dim, dim, generator=_draw) + torch.eye(dim)
    z = 2 * torch.randn(count, dim, generator=_draw)
    return z, torch.randn(dim, generator=_draw), root @ root.T + 0.5 * torch.eye(dim)


def _covariances(dim: int, scale: float, shrink: float, ridge: float) -> tuple:
    own, pooled = torch.randn(2, dim, dim, generator=_draw)
    return own @ own.T, pooled @ pooled.T, scale, shrink, ridge


CODES = (
    (torch.tensor([[0.0, 0.0], [1.0, 2.0]]), torch.zeros(2), torch.eye(2)),
    *(_codes(4, 2), _codes(6, 3), _codes(5, 8)),
)
COVARIANCES = (
    _covariances(2, 1.0, 0.5, 0.1),
    _covariances(3, 0.1, 0.5, 0.02),
    _covariances(8, 0.1, 0.2, 0.3),
)
SIZES = (((3, 9), 1), ((3, 9, 5, 8), 10), ((10, 10, 10, 4, 3), 10))


def _density(z, mean, covariance):
    """Log densities [B] of codes [B, d] under a component of the prior."""
    return MultivariateNormal(mean, covariance).log_prob(z)


def _squared(z, mean, covariance):
    """(z - mean) covariance^-1 (z - mean), [B]."""
    away = z - mean
    return (away * torch.linalg.solve(covariance, away.T).T).sum(1)


def _repaired(own, pooled, scale, shrink, ridge):
    return scale * ((1 - shrink) * own + shrink * pooled) + ridge * torch.eye(len(own))


def _labels(sizes, each) -> tuple[int, int]:
    return each * max(sizes), each * math.prod(sizes)


EXERCISES = {
    "03.1": Exercise(_density, inputs=CODES, slips=(
        ("you left out the log determinant of the covariance",
         lambda z, m, c: _density(z, m, c) + 0.5 * c.logdet()),
        ("you left out the term with 2 pi",
         lambda z, m, c: _density(z, m, c) + 0.5 * len(m) * math.log(2 * math.pi)),
        ("you used the covariance in the squared distance; use its inverse",
         lambda z, m, c: _density(z, m, c)
         + 0.5 * _squared(z, m, c) - 0.5 * _squared(z, m, c.inverse())),
        ("you did not subtract the mean", lambda z, m, c: _density(z, 0 * m, c)),
    )),
    # A covariance around the mean of n codes has at most rank n - 1; here it needs rank 8.
    "03.2": Exercise(8 + 1, slips=(
        ("you forgot that the mean is computed from the same codes, which costs one", 8),
        ("you took two codes for enough; their covariance has rank 1", 2),
        ("you counted the entries of the matrix", 64),
    )),
    "03.3": Exercise(_repaired, inputs=COVARIANCES, tolerance=1e-4, slips=(
        ("you exchanged shrink and 1 - shrink", lambda o, p, s, a, r: _repaired(o, p, s, 1 - a, r)),
        ("you scaled the ridge, too", lambda o, p, s, a, r: _repaired(o, p, s, a, s * r)),
        ("you added the ridge to every entry; add it to the diagonal only",
         lambda o, p, s, a, r: _repaired(o, p, s, a, 0) + r),
        ("you scaled the value's own covariance only; scale the mixture of both",
         lambda o, p, s, a, r: _repaired(s * o, p, 1, a, r)),
    )),
    "03.4": Exercise(_labels, inputs=SIZES, parts=("modular", "for combinations"), slips=(
        ("you counted separate images for every factor; one image is labelled for all factors",
         lambda sizes, each: (each * sum(sizes), each * math.prod(sizes))),
        ("you used the smallest factor; the largest one needs the most labels",
         lambda sizes, each: (each * min(sizes), each * math.prod(sizes))),
        ("you left out the number of labels for each component",
         lambda sizes, each: (max(sizes), math.prod(sizes))),
        ("you added the sizes; every value meets every other, so multiply them",
         lambda sizes, each: (each * max(sizes), each * sum(sizes))),
    )),
}  # fmt: skip
