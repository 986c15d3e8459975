"""Exercises of notebooks/09_tables: mean and range, who wins, the cost of a grid, labels needed."""

import math
from collections.abc import Callable

import numpy as np

from wdlib.course.exercises.exercise import Exercise

MEASURED = {  # three seeds of two methods: two scores, two conventions, and the oracle of one
    ("first", "mig", "raw"): (0.11, 0.08, 0.17),
    ("first", "mig", "converted"): (0.97, 0.92, 0.93),
    ("first", "sap", "raw"): (0.05, 0.01, 0.03),
    ("first", "oracle_mig", "raw"): (0.99, 0.98, 1.0),
    ("second", "mig", "raw"): (0.31, 0.44, 0.36),
    ("second", "mig", "grouped"): (0.41, 0.49, 0.39),
}
ROWS = [
    {"method": method, "seed": seed, "convention": convention, "score": score, "value": value}
    for (method, score, convention), values in MEASURED.items()
    for seed, value in enumerate(values)
]
ASKED = tuple(
    (ROWS, *names)
    for names in (("first", "mig", "raw"), ("first", "mig", "converted"), ("second", "mig", "raw"))
)
PAIRS = (  # any two of mean, median, best, worst, first and majority disagree on one of them
    ([0.81, 0.84, 0.80], [0.71, 0.79, 0.70]),
    ([0.60, 0.62], [0.63, 0.70]),
    ([0.80, 0.86, 0.85], [0.79, 0.84, 0.81]),  # a wins every pair
    ([0.95, 0.60, 0.61], [0.80, 0.81, 0.79]),  # a has the best and the first seed
    ([0.93, 0.95, 0.45], [0.60, 0.61, 0.62]),  # only by its worst seed, b wins
    ([0.70, 0.70, 0.70], [0.69, 0.69, 0.90]),  # b has the higher mean and the best seed
    ([0.60, 0.80, 0.82], [0.70, 0.75, 0.74]),  # b has the first seed, and a the worst
    ([0.50, 0.60, 0.90], [0.55, 0.65, 0.20]),  # b has the first seed and the majority
    ([0.70, 0.76], [0.60, 0.70]),  # the ranges touch
    ([0.90], [0.50]),
    ([0.90], [0.50, 0.55]),  # one seed of either is too few
    ([0.80, 0.80, 0.60], [0.55, 0.55, 0.65]),  # mean minus and plus the deviation: a wins
)
GRIDS = ((2, 14, 3, 4, 1), (2, 14, 3, 4, 2), (6, 1, 3, 10, 4), (1, 5, 1, 60, 3))
SIZES = (((3, 9),), ((3, 9, 5, 8),), ((10, 10, 10, 4, 3),), ((2, 2),))
PARTS = ("labels at 10 per combination", "labels per combination out of 1000")


def _picked(**wanted) -> Callable:
    """The values of the rows with these entries."""
    return lambda rows: np.array(
        [r["value"] for r in rows if all(r[key] == entry for key, entry in wanted.items())]
    )


def _range(values) -> tuple[float, float, float]:
    return values.mean(), values.min(), values.max()


def _summary(change: Callable = _range) -> Callable:
    """An answer to 09.1 that computes something from the right values."""
    return lambda rows, m, s, c: change(_picked(method=m, score=s, convention=c)(rows))


def _apart(low_a, high_a, low_b, high_b) -> str:
    return "a" if low_a > high_b else "b" if low_b > high_a else "nobody"


def _by(measure: Callable) -> Callable:
    """An answer to 09.2 that compares one number of each method."""
    return lambda a, b: _apart(measure(a), measure(a), measure(b), measure(b))


def _trusting(a, b) -> str:
    return _apart(min(a), max(a), min(b), max(b))


def _winner(a, b) -> str:
    return "nobody" if min(len(a), len(b)) < 2 else _trusting(a, b)


def _by_deviations(a, b) -> str:
    if min(len(a), len(b)) < 2 or abs(np.mean(a) - np.mean(b)) <= np.std(a) + np.std(b):
        return "nobody"
    return _by(np.mean)(a, b)


def _plan(tasks, methods, seeds, minutes, workers) -> tuple[int, float]:
    cells = tasks * methods * seeds
    return cells, math.ceil(cells / workers) * minutes / 60


def _labels(sizes) -> tuple[int, float]:
    return 10 * math.prod(sizes), 1000 / math.prod(sizes)


EXERCISES = {
    "09.1": Exercise(_summary(), inputs=ASKED, parts=("mean", "lowest", "highest"), slips=(
        ("you mixed the conventions; pick one of them",
         lambda rows, m, s, c: _range(_picked(method=m, score=s)(rows))),
        ("you mixed several scores; pick one of them",
         lambda rows, m, s, c: _range(_picked(method=m, convention=c)(rows))),
        ("you mixed several methods; pick one of them",
         lambda rows, m, s, c: _range(_picked(score=s, convention=c)(rows))),
        ("you returned the mean minus and plus the standard deviation; return the range",
         _summary(lambda v: (v.mean(), v.mean() - v.std(), v.mean() + v.std()))),
    )),
    "09.2": Exercise(_winner, inputs=PAIRS, choices=("a", "b", "nobody"), slips=(
        ("you compared the means and ignored the spread", _by(np.mean)),
        ("you used the standard deviation as the spread; use the range", _by_deviations),
        ("you trusted a single seed; it has no spread, so nobody can win", _trusting),
        ("a wins where the two ranges touch; then nobody should win",
         lambda a, b: "a" if min(a) >= max(b) and len(a) > 1 else _winner(a, b)),
    )),
    "09.3": Exercise(_plan, inputs=GRIDS, parts=("cells", "hours"), slips=(
        ("you forgot the seeds", lambda t, m, s, x, w: _plan(t, m, 1, x, w)),
        ("you added tasks, methods and seeds; multiply them",
         lambda t, m, s, x, w: _plan(1, 1, t + m + s, x, w)),
        ("you split a cell among workers; each cell runs on one worker",
         lambda t, m, s, x, w: (t * m * s, t * m * s * x / 60 / w)),
        ("you left out the last round, in which some workers have no cell; round up",
         lambda t, m, s, x, w: (t * m * s, t * m * s // w * x / 60)),
    )),
    "09.4": Exercise(_labels, inputs=SIZES, parts=PARTS, slips=(
        ("you added the sizes; that is the number of values, so multiply them",
         lambda s: (10 * sum(s), 1000 / sum(s))),
        ("you left out the 10", lambda s: (math.prod(s), 1000 / math.prod(s))),
        ("your second number is inverted: it counts combinations per label",
         lambda s: (10 * math.prod(s), math.prod(s) / 1000)),
        ("you rounded the second number down; keep its fraction",
         lambda s: (10 * math.prod(s), 1000 // math.prod(s))),
    )),
}  # fmt: skip
