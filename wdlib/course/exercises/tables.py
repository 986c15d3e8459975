"""Exercises of notebooks/09_tables: mean and range, who wins, what a grid costs, labels needed."""

from __future__ import annotations

import math

import numpy as np

from wdlib.course.exercises.exercise import Exercise


def _picked(rows, **wanted) -> np.ndarray:
    return np.array([r["value"] for r in rows if all(r[k] == v for k, v in wanted.items())])


def _range(values) -> tuple[float, float, float]:
    return float(np.mean(values)), float(np.min(values)), float(np.max(values))


def _summary(rows, method, score, convention) -> tuple[float, float, float]:
    return _range(_picked(rows, method=method, score=score, convention=convention))


def _of_summary(change):
    """The slip that makes something else of the right values."""
    return lambda rows, m, s, c: change(_picked(rows, method=m, score=s, convention=c))


def _rows() -> list[tuple]:
    """Three seeds of two methods, two scores under two conventions, and the oracle of one."""
    found = {
        ("ours", "mig", "raw"): (0.11, 0.08, 0.17),
        ("ours", "mig", "converted"): (0.97, 0.92, 0.93),
        ("ours", "sap", "raw"): (0.05, 0.01, 0.03),
        ("ours", "oracle_mig", "raw"): (0.99, 0.98, 1.0),
        ("theirs", "mig", "raw"): (0.31, 0.44, 0.36),
        ("theirs", "mig", "grouped"): (0.41, 0.49, 0.39),
    }
    rows = [
        {"method": m, "seed": seed, "convention": c, "score": s, "value": value}
        for (m, s, c), values in found.items()
        for seed, value in enumerate(values)
    ]
    asked = (("ours", "mig", "raw"), ("ours", "mig", "converted"), ("theirs", "mig", "raw"))
    return [(rows, *names) for names in asked]


def _winner(a, b) -> str:
    if min(len(a), len(b)) < 2:
        return "nobody"
    return "a" if min(a) > max(b) else "b" if min(b) > max(a) else "nobody"


def _larger(measure):
    """The slip that decides by one number of each."""

    def slip(a, b) -> str:
        x, y = measure(a), measure(b)
        return "a" if x > y else "b" if y > x else "nobody"

    return slip


def _by_deviation(a, b) -> str:
    gap = np.mean(a) - np.mean(b)
    if abs(gap) <= max(np.std(a), np.std(b)):
        return "nobody"
    return "a" if gap > 0 else "b"


def _by_deviations(a, b) -> str:
    if min(len(a), len(b)) < 2 or abs(np.mean(a) - np.mean(b)) <= np.std(a) + np.std(b):
        return "nobody"
    return "a" if np.mean(a) > np.mean(b) else "b"


def _by_majority(a, b) -> str:
    won = sum(np.sign(x - y) for x, y in zip(a, b))
    return "a" if won > 0 else "b" if won < 0 else "nobody"


def _pairs() -> list[tuple]:
    """Any two of mean, median, best, worst, first and majority disagree on one of them."""
    return [
        ([0.81, 0.84, 0.80], [0.71, 0.79, 0.70]),
        ([0.60, 0.62], [0.63, 0.70]),
        ([0.80, 0.86, 0.85], [0.79, 0.84, 0.81]),  # every pair says a
        ([0.95, 0.60, 0.61], [0.80, 0.81, 0.79]),  # best and first say a
        ([0.93, 0.95, 0.45], [0.60, 0.61, 0.62]),  # only the worst says b
        ([0.70, 0.70, 0.70], [0.69, 0.69, 0.90]),  # mean and best say b
        ([0.60, 0.80, 0.82], [0.70, 0.75, 0.74]),  # first and worst say b
        ([0.50, 0.60, 0.90], [0.55, 0.65, 0.20]),  # first and majority say b
        ([0.70, 0.76], [0.60, 0.70]),  # they touch
        ([0.90], [0.50]),
        ([0.90], [0.50, 0.55]),  # one seed of either is too few
        ([0.80, 0.80, 0.60], [0.55, 0.55, 0.65]),  # mean less and plus the deviation says a
    ]


def _plan(tasks, methods, seeds, minutes, workers) -> tuple[int, float]:
    cells = tasks * methods * seeds
    return cells, math.ceil(cells / workers) * minutes / 60


def _labels(sizes) -> tuple[int, float]:
    combinations = math.prod(sizes)
    return 10 * combinations, 1000 / combinations


EXERCISES = (
    Exercise(
        "09.1",
        _summary,
        inputs=_rows,
        parts=("mean", "lowest", "highest"),
        slips=(
            ("conventions are thrown together",
             lambda rows, m, s, c: _range(_picked(rows, method=m, score=s))),
            ("other scores are thrown in",
             lambda rows, m, s, c: _range(_picked(rows, method=m, convention=c))),
            ("other methods are thrown in",
             lambda rows, m, s, c: _range(_picked(rows, score=s, convention=c))),
            ("all rows are taken, whatever was asked for",
             lambda rows, m, s, c: _range(_picked(rows))),
            ("this is mean less and plus the standard deviation, not the range",
             _of_summary(lambda v: (v.mean(), v.mean() - v.std(), v.mean() + v.std()))),
            ("this is mean less and plus the standard deviation, not the range",
             _of_summary(lambda v: (v.mean(), v.mean() - v.std(ddof=1), v.mean() + v.std(ddof=1)))),
            ("the median stands for the mean",
             _of_summary(lambda v: (np.median(v), v.min(), v.max()))),
            ("the middle of the range stands for the mean",
             _of_summary(lambda v: ((v.min() + v.max()) / 2, v.min(), v.max()))),
            ("only one seed is taken", _of_summary(lambda v: (v[0],) * 3)),
            ("the first and the last seed stand for the lowest and the highest",
             _of_summary(lambda v: (v.mean(), v[0], v[-1]))),
            ("the order is lowest, mean, highest; the mean comes first",
             _of_summary(lambda v: (v.min(), v.mean(), v.max()))),
        ),
    ),
    Exercise(
        "09.2",
        _winner,
        inputs=_pairs,
        slips=(
            ("the mean decides, and nobody looks at the spread", _larger(np.mean)),
            ("the median decides, and nobody looks at the spread", _larger(np.median)),
            ("the best seed decides", _larger(max)),
            ("the worst seed decides", _larger(min)),
            ("the first seed decides", _larger(lambda v: v[0])),
            ("the number of seeds won decides, not by how far they lie apart", _by_majority),
            ("the standard deviation is the spread; here it is the range", _by_deviation),
            ("the standard deviation is the spread; here it is the range", _by_deviations),
            ("one seed is believed: it has no spread, so nobody can win outside of it",
             lambda a, b: "a" if min(a) > max(b) else "b" if min(b) > max(a) else "nobody"),
            ("a wins where the two ranges touch",
             lambda a, b: "a" if min(a) >= max(b) and len(a) > 1 else _winner(a, b)),
            ("a and b are exchanged",
             lambda a, b: {"a": "b", "b": "a"}.get(_winner(a, b), "nobody")),
        ),
    ),
    Exercise(
        "09.3",
        _plan,
        inputs=lambda: [(2, 14, 3, 4, 1), (2, 14, 3, 4, 2), (6, 1, 3, 10, 4), (1, 5, 1, 60, 3)],
        parts=("cells", "hours"),
        slips=(
            ("the seeds are forgotten", lambda t, m, s, minutes, w: _plan(t, m, 1, minutes, w)),
            ("tasks, methods and seeds are added, not multiplied",
             lambda t, m, s, minutes, w: _plan(1, 1, t + m + s, minutes, w)),
            ("the workers are forgotten: this is the time of one",
             lambda t, m, s, minutes, w: _plan(t, m, s, minutes, 1)),
            ("the time is in minutes", lambda t, m, s, minutes, w: _plan(t, m, s, 60 * minutes, w)),
            ("a cell is split among workers, but a worker takes a whole one",
             lambda t, m, s, minutes, w: (t * m * s, t * m * s * minutes / 60 / w)),
            ("the last round is left out: those workers that are left over have work, too",
             lambda t, m, s, minutes, w: (t * m * s, t * m * s // w * minutes / 60)),
            ("the workers multiply the time", lambda t, m, s, minutes, w: (
                t * m * s, t * m * s * w * minutes / 60)),
        ),
    ),
    Exercise(
        "09.4",
        _labels,
        inputs=lambda: [((3, 9),), ((3, 9, 5, 8),), ((10, 10, 10, 4, 3),), ((2, 2),)],
        parts=("labels at 10 a combination", "labels a combination out of 1000"),
        slips=(
            ("sizes are added: that is the number of values, not of combinations",
             lambda s: (10 * sum(s), 1000 / sum(s))),
            ("the 10 is missing", lambda s: (math.prod(s), 1000 / math.prod(s))),
            ("only the largest factor is counted", lambda s: (10 * max(s), 1000 / max(s))),
            ("the second number is upside down: combinations a label",
             lambda s: (10 * math.prod(s), math.prod(s) / 1000)),
            ("the second number is rounded down; below one label a combination there is no 0",
             lambda s: (10 * math.prod(s), 1000 // math.prod(s))),
            ("the second number is the share of the labels needed",
             lambda s: (10 * math.prod(s), 100 / math.prod(s))),
            ("the 1000 labels are shared among values, not combinations",
             lambda s: (10 * math.prod(s), 1000 / sum(s))),
        ),
    ),
)  # fmt: skip
