"""Exercises of notebooks/00_tour: the nearest island, and what guessing gets."""

from __future__ import annotations

import math

import numpy as np

from wdlib.course.exercises.exercise import Exercise


def _distances(codes, means) -> np.ndarray:
    """Squared distances [N, K]."""
    return np.square(codes[:, None] - means[None]).sum(2)


def _codes() -> list[tuple]:
    rng = np.random.default_rng(0)
    return [
        (rng.normal(size=(count, dim)).round(2), 2 * rng.normal(size=(values, dim)).round(2))
        for count, values, dim in ((6, 3, 2), (40, 5, 8), (3, 3, 3))
    ]


EXERCISES = (
    Exercise(
        "00.1",
        lambda codes, means: _distances(codes, means).argmin(1),
        inputs=_codes,
        slips=(
            ("the island furthest away is taken", lambda c, m: _distances(c, m).argmax(1)),
            (
                "for every island the nearest code is told; wanted is an island for every code",
                lambda c, m: _distances(c, m).argmin(0),
            ),
            (
                "the largest product is taken; a far mean has large products in every direction",
                lambda c, m: (c @ m.T).argmax(1),
            ),
            (
                "the differences are added up with their signs, and cancel",
                lambda c, m: np.abs((c[:, None] - m[None]).sum(2)).argmin(1),
            ),
            (
                "only the first number of the codes is looked at",
                lambda c, m: np.abs(c[:, :1] - m[None, :, 0]).argmin(1),
            ),
            ("values are counted from 1", lambda c, m: _distances(c, m).argmin(1) + 1),
            ("the distances are returned", _distances),
            ("the smallest distance is returned", lambda c, m: _distances(c, m).min(1)),
        ),
    ),
    Exercise(
        "00.2",
        lambda sizes: 1 / math.prod(sizes),
        inputs=lambda: [((3, 9),), ((3, 9, 5),), ((10, 10, 10, 8),), ((4,),)],
        slips=(
            (
                "shares of single factors are averaged; all have to be right at once",
                lambda sizes: sum(1 / size for size in sizes) / len(sizes),
            ),
            ("shares are added up", lambda sizes: sum(1 / size for size in sizes)),
            ("the sizes are added up; combinations multiply", lambda sizes: 1 / sum(sizes)),
            ("only the largest factor counts", lambda sizes: 1 / max(sizes)),
            ("this is how often one of them is wrong", lambda sizes: 1 - 1 / math.prod(sizes)),
            ("combinations are counted; wanted is a share", math.prod),
        ),
        tolerance=1e-6,
    ),
)
