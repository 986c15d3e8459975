"""Answers to the exercises of notebooks/06_evaluation."""

import numpy as np


def highest(sizes):
    return 1 - sum(1 / size for size in sizes) / len(sizes)


def mig(information, entropies):
    second, best = np.sort(information, axis=0)[-2:]
    return ((best - second) / entropies).mean()


def mig_by_hand(information, entropies):
    gaps = []
    for column, entropy in zip(information.T, entropies):
        ranked = sorted(column, reverse=True)
        gaps.append((ranked[0] - ranked[1]) / entropy)
    return sum(gaps) / len(gaps)


def disentanglement(importances, base=None, weighted=True):
    shares = importances / importances.sum(1, keepdims=True)
    logs = np.log(np.where(shares > 0, shares, 1)) / np.log(base or importances.shape[1])
    scores = 1 + (shares * logs).sum(1)
    weights = importances.sum(1) / importances.sum()
    return (weights * scores).sum() if weighted else scores.mean()


def readings(found, wanted, affected):
    right = found == wanted
    return (right | ~affected).all(1).mean(), right.all(1).mean()


def every(found, wanted):
    return (found == wanted).all(1).mean()


def readings_row_by_row(found, wanted, affected):
    target = [all(f[a] == w[a]) for f, w, a in zip(found, wanted, affected)]
    return np.mean(target), np.mean([all(f == w) for f, w in zip(found, wanted)])


def readings_of_entries(found, wanted, affected):
    right = found == wanted
    return right[affected].mean(), right.mean()


ANSWERS = {
    "06.1": (
        [mig, mig_by_hand],
        [
            (..., "no answer yet"),
            (lambda i, h: mig(i, np.ones(len(h))), "entropies"),
            (lambda i, h: (i.max(0) / h).mean(), "did not subtract the second best"),
            (lambda i, h: ((i.max(0) - i.min(0)) / h).mean(), "the worst code"),
            (lambda i, h: ((i.max(0) - i.mean(0)) / h).mean(), "not yet"),
            (lambda i, h: mig(i, h) * len(h), "not yet"),
            (lambda i, h: mig(i, np.full(len(h), h.mean())), "divided by the mean entropy"),
            (lambda i, h: -mig(i, h), "sign"),
            (lambda i, h: np.diff(np.sort(i, axis=0)[-2:], axis=0)[0] / h, "should be one number"),
        ],
    ),
    "06.2": (
        [disentanglement, lambda r: float(disentanglement(r))],
        [
            (..., "no answer yet"),
            (lambda r: disentanglement(r.T), "completeness"),
            (lambda r: disentanglement(r, weighted=False), "gave every code the same weight"),
            (lambda r: disentanglement(r, base=np.e), "you used nats"),
            (lambda r: disentanglement(r, base=len(r)), "the number of codes"),
            (lambda r: 1 - disentanglement(r), "not yet"),
            (
                lambda r: len(r) * disentanglement(r, weighted=False),
                "not yet",
            ),
            (lambda r: 1.0, "right for 1 of 3"),
        ],
    ),
    "06.3": (
        [highest, lambda sizes: np.mean([1 - 1 / size for size in sizes])],
        [
            (..., "no answer yet"),
            (lambda s: sum(1 / k for k in s) / len(s), "returned a guess's accuracy"),
            (lambda s: 1 - 1 / np.mean(s), "averaged the sizes"),
            (lambda s: 1 - 1 / max(s), "largest factor"),
            (lambda s: 1 - 1 / min(s), "not yet"),
            (lambda s: 1 - 1 / np.prod(s), "not yet"),
            (lambda s: sum(1 - 1 / k for k in s), "not yet"),
            (lambda s: 1.0, "gave the second best code an"),
            (0.667, "should be a function"),
        ],
    ),
    "06.4": (
        [readings, readings_row_by_row],
        [
            (..., "no answer yet"),
            (lambda f, w, a: ((f == w).all(1).mean(),) * 2, "can spoil the target"),
            (readings_of_entries, "took the share of right entries"),
            (lambda f, w, a: readings(f, w, ~a), "not yet"),
            (lambda f, w, a: readings(f, w, a)[::-1], "not yet"),
            (
                lambda f, w, a: (readings(f, w, a)[0], readings(f, w, ~a)[0]),
                "not yet",
            ),
            (
                lambda f, w, a: (((f == w) & a).any(1).mean(), (f == w).any(1).mean()),
                "one right entry is enough for a row",
            ),
            # Each of the two parts may have a slip of its own.
            (lambda f, w, a: (((f == w) & a).all(1).mean(), every(f, w)), "not yet"),
            (lambda f, w, a: (((f == w) | ~a).any(1).mean(), every(f, w)), "not yet"),
            (lambda f, w, a: (every(f, w), every(f, w)), "can spoil the target"),
            (
                lambda f, w, a: ((f == w)[a].mean(), every(f, w)),
                "not yet",
            ),
            (
                lambda f, w, a: (readings(f, w, a)[0], (f == w).mean()),
                "not yet",
            ),
            (lambda f, w, a: (((f == w) | ~a).all(0).mean(), every(f, w)), "not yet"),
            (
                lambda f, w, a: (1.0 * ((f == w) | ~a).all(), every(f, w)),
                "not yet",
            ),
            (lambda f, w, a: (((f == w) | ~a).all(1).sum(), every(f, w)), "not yet"),
            (lambda f, w, a: readings(f, w, a)[1], "should have 2 parts"),
        ],
    ),
}
