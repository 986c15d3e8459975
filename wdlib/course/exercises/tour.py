"""Exercises of notebooks/00_tour: the nearest mean, and the accuracy of a guess."""

import math

import numpy as np

from wdlib.course.exercises.exercise import Exercise


def _distances(codes, means) -> np.ndarray:
    """Squared distances [N, K]."""
    return np.square(codes[:, None] - means[None]).sum(2)


def _guess(sizes) -> float:
    return 1 / math.prod(sizes)


_rng = np.random.default_rng(0)
CODES = tuple(
    (_rng.normal(size=(count, dim)).round(2), 2 * _rng.normal(size=(values, dim)).round(2))
    for count, values, dim in ((6, 3, 2), (40, 5, 8), (3, 3, 3))
)
SIZES = (((3, 9),), ((3, 9, 5),), ((10, 10, 10, 8),), ((4,),))

EXERCISES = {
    "00.1": Exercise(lambda codes, means: _distances(codes, means).argmin(1), inputs=CODES, slips=(
        ("you looked for the nearest code of every mean; look for the nearest mean of every "
         "code (the other axis)", lambda c, m: _distances(c, m).argmin(0)),
        ("you took the largest product; a mean far from 0 has large products with many codes",
         lambda c, m: (c @ m.T).argmax(1)),
        ("you added signed differences, which cancel; square them first",
         lambda c, m: np.abs((c[:, None] - m[None]).sum(2)).argmin(1)),
        ("you counted the values from 1, not from 0", lambda c, m: _distances(c, m).argmin(1) + 1),
    )),
    "00.2": Exercise(_guess, inputs=SIZES, tolerance=1e-6, slips=(
        ("you averaged the accuracies of the factors; all of them must be right at once",
         lambda s: sum(1 / k for k in s) / len(s)),
        ("you added the accuracies of the factors; multiply them", lambda s: sum(1 / k for k in s)),
        ("you added the sizes; the number of combinations is their product", lambda s: 1 / sum(s)),
        ("you used only the largest factor", lambda s: 1 / max(s)),
    )),
}  # fmt: skip
