"""Exercises of notebooks/07_baselines: the KL of a VAE, total correlation, a move, fair pairs."""

import numpy as np
import torch

from wdlib.baselines.vae import kl
from wdlib.course.exercises.exercise import Exercise

_draw, _rng = torch.Generator().manual_seed(0), np.random.default_rng(0)
POSTERIORS = (  # means and log variances
    (torch.zeros(2, 3), torch.zeros(2, 3)),
    (torch.tensor([[1.0, -2.0, 0.5]]), torch.tensor([[-1.0, 0.5, -3.0]])),
    (torch.randn(4, 2, generator=_draw), torch.randn(4, 2, generator=_draw)),
)
COVARIANCES = (
    (np.diag([1.0, 4.0, 0.25]),),
    (np.array([[1.0, 0.8], [0.8, 1.0]]),),
    (np.array([[4.0, 1.0, 0.0], [1.0, 1.0, -0.3], [0.0, -0.3, 0.5]]),),
)
MOVES = (  # codes, new values, dimensions, means
    (_rng.normal(size=(3, 4)), np.array([1, 0, 1]), [2], _rng.normal(size=(2, 4))),
    (_rng.normal(size=(5, 6)), np.array([2, 0, 1, 2, 2]), [0, 3, 4], _rng.normal(size=(3, 6))),
)
FAIR = frozenset("BDF")
MISSING = "you left out a fair pair: one whose two scores answer the same question"


def _total_correlation(covariance, factor: float = 0.5) -> float:
    separate = np.log(np.diag(covariance)).sum()
    return float(factor * (separate - np.linalg.slogdet(covariance)[1]))


def _move(codes, values, dims, means) -> np.ndarray:
    moved = codes.copy()
    moved[:, dims] = means[values][:, dims]
    return moved


EXERCISES = {
    "07.1": Exercise(kl, inputs=POSTERIORS, slips=(
        ("you used the log variance as a log standard deviation", lambda m, s: kl(m, 2 * s)),
        ("you left out the mean; a mean far from 0 costs, too", lambda m, s: kl(0 * m, s)),
        ("you forgot the exponential of the log variance", lambda m, s: 0.5 * (m * m + s - 1 - s)),
        ("you computed the KL from the prior to q; compute it from q to the prior",
         lambda m, s: 0.5 * (s - 1 + (1 + m * m) * (-s).exp())),
    )),
    "07.2": Exercise(_total_correlation, inputs=COVARIANCES, slips=(
        ("you left out the factor 1/2", lambda c: _total_correlation(c, 1.0)),
        ("you left out the variances; then the result depends on the unit of a dimension",
         lambda c: -0.5 * np.linalg.slogdet(c)[1]),
        ("you left out the determinant, which says how the dimensions depend on each other",
         lambda c: 0.5 * np.log(np.diag(c)).sum()),
        ("you used the variances as standard deviations",
         lambda c: np.log(np.diag(c)).sum() - 0.5 * np.linalg.slogdet(c)[1]),
    )),
    "07.3": Exercise(_move, inputs=MOVES, slips=(
        ("you replaced the whole code, not only the factor's dimensions", lambda z, v, d, m: m[v]),
        ("you replaced all dimensions except those of the factor",
         lambda z, v, d, m: _move(m[v], range(len(z)), d, z)),
        ("you added the mean to the code; replace the code by the mean",
         lambda z, v, d, m: z + _move(0 * z, v, d, m)),
        ("you moved every code to the first mean", lambda z, v, d, m: _move(z, 0 * v, d, m)),
    )),
    "07.4": Exercise(FAIR, slips=(
        ("one of your pairs compares converted codes with raw ones", FAIR | {"A"}),
        ("one of your pairs compares codes with images", FAIR | {"C"}),
        ("one of your pairs compares two tasks, which have different ceilings", FAIR | {"E"}),
        ("you chose the unfair pairs", frozenset("ACE")),
        *((MISSING, FAIR - {letter}) for letter in FAIR),
    )),
}  # fmt: skip
