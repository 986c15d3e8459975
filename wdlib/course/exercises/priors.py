"""Exercises of notebooks/03_priors: densities, ranks, repaired covariances, shared labels."""

from __future__ import annotations

import math

from wdlib.course.exercises.exercise import Exercise

SIZES = ((3, 9), (3, 9, 5, 8), (10, 10, 10, 4, 3))  # v2 and v4 of dSprites, v5 of Shapes3D


def _prior(mean, covariance):
    import torch

    from wdlib.model import AdaptivePrior

    prior = AdaptivePrior((1,), len(mean))
    prior.mean[0, 0] = mean
    prior.scale_tril[0, 0] = torch.linalg.cholesky(covariance)
    return prior


def _log_density(z, mean, covariance):
    return _prior(mean, covariance).log_density(z[:, None])[:, 0, 0]


def _squared(z, mean, covariance):
    """(z - mean) covariance^-1 (z - mean), [B]."""
    import torch

    away = z - mean
    return (away * torch.linalg.solve(covariance, away.T).T).sum(1)


def _codes() -> list[tuple]:
    import torch

    g = torch.Generator().manual_seed(0)
    found = [(torch.tensor([[0.0, 0.0], [1.0, 2.0]]), torch.zeros(2), torch.eye(2))]
    for count, dim in ((4, 2), (6, 3), (5, 8)):
        root = torch.randn(dim, dim, generator=g) + torch.eye(dim)
        covariance = root @ root.T + 0.5 * torch.eye(dim)
        z = 2 * torch.randn(count, dim, generator=g)
        found.append((z, torch.randn(dim, generator=g), covariance))
    return found


def _repaired(own, pooled, scale, shrink, ridge):
    import torch

    return scale * ((1 - shrink) * own + shrink * pooled) + ridge * torch.eye(len(own))


def _covariances() -> list[tuple]:
    import torch

    g = torch.Generator().manual_seed(1)
    found = []
    for dim, scale, shrink, ridge in ((2, 1.0, 0.5, 0.1), (3, 0.1, 0.5, 0.02), (8, 0.1, 0.2, 0.3)):
        a, b = torch.randn(2, dim, dim, generator=g)
        found.append((a @ a.T, b @ b.T, scale, shrink, ridge))
    return found


def _rank_needed(dim: int) -> int:
    """The fewest codes that AdaptivePrior fits in ``dim`` dimensions without a ridge."""
    import torch

    from wdlib.model import AdaptivePrior, FitConfig

    codes = torch.randn(3 * dim, 1, dim, generator=torch.Generator().manual_seed(2))
    for count in range(2, 3 * dim):
        try:
            AdaptivePrior((1,), dim).fit(
                codes[:count], torch.zeros(count, 1, dtype=torch.long), FitConfig(1.0, 0.0, 0.0)
            )
        except ValueError:  # singular
            continue
        return count
    raise AssertionError("random codes span their space")


EXERCISES = (
    Exercise(
        "03.1",
        _log_density,
        inputs=_codes,
        slips=(
            (
                "log det of the covariance is missing",
                lambda z, m, c: _log_density(z, m, c) + 0.5 * c.logdet(),
            ),
            (
                "log det of the covariance counts whole, not half",
                lambda z, m, c: _log_density(z, m, c) - 0.5 * c.logdet(),
            ),
            (
                "log det of the covariance has the wrong sign",
                lambda z, m, c: _log_density(z, m, c) + c.logdet(),
            ),
            (
                "the constant with 2 pi is missing",
                lambda z, m, c: _log_density(z, m, c) + 0.5 * len(m) * math.log(2 * math.pi),
            ),
            (
                "the constant with 2 pi counts one dimension only",
                lambda z, m, c: _log_density(z, m, c) + 0.5 * (len(m) - 1) * math.log(2 * math.pi),
            ),
            (
                "the half before the squared distance is missing",
                lambda z, m, c: _log_density(z, m, c) - 0.5 * _squared(z, m, c),
            ),
            (
                "the squared distance takes the covariance, not its inverse",
                lambda z, m, c: _log_density(z, m, c)
                + 0.5 * _squared(z, m, c) - 0.5 * _squared(z, m, c.inverse()),
            ),
            ("this is the density, not its logarithm", lambda z, m, c: _log_density(z, m, c).exp()),
            (
                "the mean is not taken off",
                lambda z, m, c: _log_density(z, 0 * m, c),
            ),
        ),
    ),
    Exercise(
        "03.2",
        lambda: _rank_needed(8),
        slips=(
            ("the mean costs nothing; but it is taken from the same codes", lambda: 8),
            ("two codes more than dimensions were counted, one is enough", lambda: 10),
            ("a line through two codes were enough; it has rank 1", lambda: 2),
            ("the entries of the matrix are counted", lambda: 64),
            ("the free entries of a symmetric matrix are counted", lambda: 36),
        ),
    ),
    Exercise(
        "03.3",
        _repaired,
        inputs=_covariances,
        slips=(
            (
                "the shrinkage counts the wrong way round",
                lambda o, p, s, a, r: _repaired(o, p, s, 1 - a, r),
            ),
            ("the ridge is scaled, too", lambda o, p, s, a, r: _repaired(o, p, s, a, s * r)),
            (
                "the ridge is added to every entry, not to the diagonal",
                lambda o, p, s, a, r: _repaired(o, p, s, a, 0) + r,
            ),
            ("the ridge is missing", lambda o, p, s, a, r: _repaired(o, p, s, a, 0)),
            ("the scale is missing", lambda o, p, s, a, r: _repaired(o, p, 1, a, r)),
            (
                "the scale stands before the value's own covariance only",
                lambda o, p, s, a, r: _repaired(s * o, p, 1, a, r),
            ),
            (
                "the value's own covariance keeps its full weight",
                lambda o, p, s, a, r: _repaired(o, p, s, a, r) + s * a * o,
            ),
            ("the pooled covariance is left out", lambda o, p, s, a, r: _repaired(o, o, s, a, r)),
        ),
        tolerance=1e-4,
    ),
    Exercise(
        "03.4",
        lambda sizes, each: (each * max(sizes), each * math.prod(sizes)),
        inputs=lambda: [(sizes, each) for sizes, each in zip(SIZES, (1, 10, 10))],
        slips=(
            (
                "every factor needs pictures of its own; but one picture is labelled for all",
                lambda sizes, each: (each * sum(sizes), each * math.prod(sizes)),
            ),
            (
                "the smallest factor decides; then larger ones have too few",
                lambda sizes, each: (each * min(sizes), each * math.prod(sizes)),
            ),
            (
                "the number for each component is left out",
                lambda sizes, each: (max(sizes), math.prod(sizes)),
            ),
            (
                "only the number for each component is counted in the modular prior",
                lambda sizes, each: (each, each * math.prod(sizes)),
            ),
            (
                "combinations add up; but every value meets every other",
                lambda sizes, each: (each * max(sizes), each * sum(sizes)),
            ),
        ),
        parts=("modular", "for combinations"),
    ),
)  # fmt: skip
