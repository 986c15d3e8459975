"""Exercises of notebooks/07_baselines: the KL of a VAE, total correlation, a move, fair pairs."""

from __future__ import annotations

import numpy as np

from wdlib.course.exercises.exercise import Exercise


def _kl(mean, log_variance):
    from wdlib.baselines.vae import kl

    return kl(mean, log_variance)


def _posteriors() -> list[tuple]:
    import torch

    draw = torch.Generator().manual_seed(0)
    return [
        (torch.zeros(2, 3), torch.zeros(2, 3)),
        (torch.tensor([[1.0, -2.0, 0.5]]), torch.tensor([[-1.0, 0.5, -3.0]])),
        (torch.randn(4, 2, generator=draw), torch.randn(4, 2, generator=draw)),
    ]


def _total_correlation(covariance, share: float = 0.5) -> float:
    covariance = np.asarray(covariance, float)
    separate = np.log(np.diag(covariance)).sum()
    return float(share * (separate - np.linalg.slogdet(covariance)[1]))


def _covariances() -> list[tuple]:
    return [
        (np.diag([1.0, 4.0, 0.25]),),
        (np.array([[1.0, 0.8], [0.8, 1.0]]),),
        (np.array([[4.0, 1.0, 0.0], [1.0, 1.0, -0.3], [0.0, -0.3, 0.5]]),),
    ]


def _move(codes, new_values, dims, means):
    moved = np.array(codes, float)
    moved[:, dims] = np.asarray(means)[new_values][:, dims]
    return moved


def _codes() -> list[tuple]:
    rng = np.random.default_rng(0)
    few = rng.normal(size=(3, 4)), np.array([1, 0, 1]), [2], rng.normal(size=(2, 4))
    more = rng.normal(size=(5, 6)), np.array([2, 0, 1, 2, 2]), [0, 3, 4], rng.normal(size=(3, 6))
    return [few, more]


def _others(dims, means) -> list[int]:
    return [d for d in range(means.shape[1]) if d not in dims]


FAIR = frozenset("BDF")
MISSING = "a fair pair is missing: one in which both were asked the same question"


EXERCISES = (
    Exercise(
        "07.1",
        _kl,
        inputs=_posteriors,
        slips=(
            ("the factor 1/2 is missing", lambda m, s: 2 * _kl(m, s)),
            ("the log variance is taken for the log standard deviation",
             lambda m, s: _kl(m, 2 * s)),
            ("the mean is not squared", lambda m, s: _kl(m, s) + 0.5 * (m - m * m)),
            ("the mean is missing: a posterior far out costs, too", lambda m, s: _kl(0 * m, s)),
            ("the log variance is not exponentiated",
             lambda m, s: 0.5 * (m * m + s - 1 - s)),
            ("the log variance is added where it should be subtracted",
             lambda m, s: _kl(m, s) + s),
            ("the 1 is missing: where q is the prior there is nothing to pay",
             lambda m, s: _kl(m, s) + 0.5),
            ("the KL is the other way round, from the prior to q",
             lambda m, s: 0.5 * (s - 1 + (1 + m * m) * (-s).exp())),
        ),
    ),
    Exercise(
        "07.2",
        _total_correlation,
        inputs=_covariances,
        slips=(
            ("the factor 1/2 is missing", lambda c: _total_correlation(c, 1.0)),
            ("the logarithm has base 2", lambda c: _total_correlation(c, 0.5 / np.log(2))),
            ("the variances are left out, so the unit of a dimension matters",
             lambda c: -0.5 * np.linalg.slogdet(c)[1]),
            ("only the single dimensions count, and nothing of how they depend",
             lambda c: 0.5 * np.log(np.diag(c)).sum()),
            ("there is no logarithm: this is the determinant of the correlations",
             lambda c: np.exp(-2 * _total_correlation(c))),
            ("variances are taken for standard deviations",
             lambda c: np.log(np.diag(c)).sum() - 0.5 * np.linalg.slogdet(c)[1]),
        ),
    ),
    Exercise(
        "07.3",
        _move,
        inputs=_codes,
        slips=(
            ("the whole code is replaced, and with it all that no label speaks of",
             lambda z, v, dims, m: m[v]),
            ("the dimensions of all other factors are written, and the factor's own are kept",
             lambda z, v, dims, m: _move(z, v, _others(dims, m), m)),
            ("the mean is added to what stood there",
             lambda z, v, dims, m: z + _move(0 * z, v, dims, m)),
            ("nothing is moved", lambda z, v, dims, m: z),
            ("every code goes to the mean of the first value",
             lambda z, v, dims, m: _move(z, 0 * v, dims, m)),
            ("only the first of the factor's dimensions is written",
             lambda z, v, dims, m: _move(z, v, dims[:1], m)),
        ),
    ),
    Exercise(
        "07.4",
        lambda: FAIR,
        slips=(
            ("one of them compares converted codes with raw ones", lambda: FAIR | {"A"}),
            ("one of them compares codes with pictures", lambda: FAIR | {"C"}),
            ("one of them compares two tasks, whose ceilings differ", lambda: FAIR | {"E"}),
            ("the unfair ones were chosen", lambda: frozenset("ACE")),
            (MISSING, lambda: FAIR - {"B"}),
            (MISSING, lambda: FAIR - {"D"}),
            (MISSING, lambda: FAIR - {"F"}),
        ),
    ),
)  # fmt: skip
