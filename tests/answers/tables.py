"""Right and wrong answers to the exercises of notebooks/09_tables."""

import math

import numpy as np


def summary(rows, method, score, convention):
    wanted = method, score, convention
    values = [r["value"] for r in rows if (r["method"], r["score"], r["convention"]) == wanted]
    return sum(values) / len(values), min(values), max(values)


def summary_by_numpy(rows, method, score, convention):
    ours = [r for r in rows if r["method"] == method and r["convention"] == convention]
    values = np.array([r["value"] for r in ours if r["score"] == score])
    return [values.mean(), values.min(), values.max()]


def of(rows, **wanted):
    return np.array([r["value"] for r in rows if all(r[k] == v for k, v in wanted.items())])


def three(values):
    return values.mean(), values.min(), values.max()


def deviation(rows, method, score, convention, ddof=0):
    v = of(rows, method=method, score=score, convention=convention)
    return v.mean(), v.mean() - v.std(ddof=ddof), v.mean() + v.std(ddof=ddof)


def best(rows, method, score, convention):
    return (max(of(rows, method=method, score=score, convention=convention)),) * 3


def ends(rows, method, score, convention):
    v = of(rows, method=method, score=score, convention=convention)
    return v.mean(), v[0], v[-1]


def winner(a, b):
    if len(a) < 2 or len(b) < 2:
        return "nobody"
    if min(a) > max(b):
        return "a"
    return "b" if min(b) > max(a) else "nobody"


def winner_in_words(a, b):
    enough = len(a) > 1 and len(b) > 1
    won = [name for name, x, y in (("A", a, b), ("B", b, a)) if enough and min(x) > max(y)]
    return won[0] if won else "Nobody"


def by(measure):
    return lambda a, b: "a" if measure(a) > measure(b) else "b"


def or_nobody(measure):
    return lambda a, b: "nobody" if measure(a) == measure(b) else by(measure)(a, b)


def trusting(a, b):
    return "a" if min(a) > max(b) else "b" if min(b) > max(a) else "nobody"


def majority(a, b):
    won = sum((x > y) - (x < y) for x, y in zip(a, b))
    return "a" if won > 0 else "b" if won < 0 else "nobody"


def by_deviation(a, b):
    if abs(np.mean(a) - np.mean(b)) <= max(np.std(a), np.std(b)):
        return "nobody"
    return "a" if np.mean(a) > np.mean(b) else "b"


def swapped(a, b):
    return {"a": "b", "b": "a", "nobody": "nobody"}[winner(a, b)]


def plan(tasks, methods, seeds, minutes, workers):
    cells = tasks * methods * seeds
    return cells, math.ceil(cells / workers) * minutes / 60


def plan_in_rounds(tasks, methods, seeds, minutes, workers):
    cells, left, hours = tasks * methods * seeds, tasks * methods * seeds, 0
    while left > 0:
        left, hours = left - workers, hours + minutes / 60
    return cells, hours


def labels(sizes):
    return 10 * math.prod(sizes), 1000 / math.prod(sizes)


def labels_by_numpy(sizes):
    combinations = np.prod(sizes)
    return [10 * combinations, 1000 / combinations]


ANSWERS = {
    "09.1": (
        [summary, summary_by_numpy, lambda *asked: np.array(summary(*asked))],
        [
            (..., "no answer yet"),
            (lambda rows, m, s, c: three(of(rows, method=m, score=s)), "mixed the conventions"),
            (lambda rows, m, s, c: three(of(rows, method=m, convention=c)), "mixed several scores"),
            (lambda rows, m, s, c: three(of(rows, score=s, convention=c)), "mixed several methods"),
            (lambda rows, m, s, c: three(of(rows)), "not yet"),
            (deviation, "standard deviation"),
            (lambda *asked: deviation(*asked, ddof=1), "not yet"),
            (lambda *asked: (summary(*asked)[1], summary(*asked)[0], summary(*asked)[2]),
             "not yet"),
            (lambda *asked: (sum(summary(*asked)[1:]) / 2, *summary(*asked)[1:]),
             "not yet"),
            (ends, "not yet"),
            (best, "mean: the number is too large"),
            (lambda *asked: summary(*asked)[::-1], "not yet"),
            (lambda *asked: summary(*asked)[0], "should have 3 parts"),
            (lambda *asked: summary(*asked)[:2], "should have 3 parts"),
        ],
    ),
    "09.2": (
        [winner, winner_in_words],
        [
            (..., "no answer yet"),
            (by(np.mean), "compared the means and ignored the"),
            (or_nobody(np.median), "not yet"),
            (by(max), "not yet"),
            (or_nobody(min), "not yet"),
            (or_nobody(lambda v: v[0]), "not yet"),
            (majority, "not yet"),
            (by_deviation, "not yet"),
            (trusting, "trusted a single seed"),
            (lambda a, b: "a" if min(a) >= max(b) and len(a) > 1 else winner(a, b), "touch"),
            (swapped, "not yet"),
            (lambda a, b: "nobody", "right for 10 of 12 inputs"),
            (lambda a, b: "nobody" if len(a) + len(b) < 3 else trusting(a, b), "1 of 12 inputs"),
            (lambda a, b: min(a) > max(b), "should be a word"),
        ],
    ),
    "09.3": (
        [plan, plan_in_rounds],
        [
            (..., "no answer yet"),
            (lambda t, m, s, minutes, w: plan(t, m, 1, minutes, w), "forgot the seeds"),
            (lambda t, m, s, minutes, w: plan(t + m + s, 1, 1, minutes, w), "added tasks"),
            (lambda t, m, s, minutes, w: plan(t, m, s, minutes, 1), "not yet"),
            (lambda t, m, s, minutes, w: (t * m * s, 60 * plan(t, m, s, minutes, w)[1]),
             "not yet"),
            (lambda t, m, s, minutes, w: (t * m * s, t * m * s / w * minutes / 60),
             "split a cell among workers"),
            (lambda t, m, s, minutes, w: (t * m * s, t * m * s // w * minutes / 60),
             "left out the last round, in which"),
            (lambda t, m, s, minutes, w: (t * m * s, t * m * s * minutes * w / 60),
             "not yet"),
            (lambda *asked: plan(*asked)[::-1], "not yet"),
            (lambda *asked: plan(*asked)[1], "should have 2 parts"),
        ],
    ),
    "09.4": (
        [labels, labels_by_numpy],
        [
            (..., "no answer yet"),
            (lambda sizes: (10 * sum(sizes), 1000 / sum(sizes)), "added the sizes"),
            (lambda sizes: (math.prod(sizes), 1000 / math.prod(sizes)), "left out the 10"),
            (lambda sizes: (10 * max(sizes), 1000 / max(sizes)), "not yet"),
            (lambda sizes: (10 * math.prod(sizes), math.prod(sizes) / 1000), "is inverted"),
            (lambda sizes: (10 * math.prod(sizes), 1000 // math.prod(sizes)), "rounded the second"),
            (lambda sizes: (10 * math.prod(sizes), 1000 / (10 * math.prod(sizes))),
             "not yet"),
            (lambda sizes: (10 * math.prod(sizes), 1000 / sum(sizes)), "not yet"),
            (lambda sizes: labels(sizes)[::-1], "not yet"),
            (lambda sizes: 10 * math.prod(sizes), "should have 2 parts"),
        ],
    ),
}  # fmt: skip
