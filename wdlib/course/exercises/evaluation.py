"""Exercises of notebooks/06_evaluation: MIG, D, the highest SAP, what moved."""

from __future__ import annotations

import numpy as np

from wdlib.course.exercises.exercise import Exercise
from wdlib.metrics.dci import completeness, disentanglement


def _highest_sap(sizes) -> float:
    return float(1 - np.mean(1 / np.asarray(sizes, float)))


def _mig(information, entropies) -> float:
    ranked = np.sort(information, axis=0)
    return float(np.mean((ranked[-1] - ranked[-2]) / entropies))


def _informations() -> list[tuple]:
    first = np.array([[1.0, 0.1], [0.2, 0.9], [0.1, 0.0]])
    second = np.array([[0.2, 0.9, 0.1], [0.5, 0.6, 0.0], [0.3, 0.0, 1.2], [0.7, 0.1, 0.4]])
    return [(first, np.array([1.1, 1.0])), (second, np.array([1.1, 0.9, 1.6]))]


def _rows_less_entropy(importances, base: float) -> np.ndarray:
    shares = importances / importances.sum(axis=1, keepdims=True)
    return 1 + (shares * np.log(np.maximum(shares, 1e-12))).sum(axis=1) / np.log(base)


def _unweighted(importances) -> float:
    return float(_rows_less_entropy(importances, importances.shape[1]).mean())


def _with_base(importances, base: float) -> float:
    weights = importances.sum(axis=1) / importances.sum()
    return float(weights @ _rows_less_entropy(importances, base))


def _importances() -> list[tuple]:
    return [
        (np.array([[0.9, 0.1], [0.3, 0.7], [0.05, 0.0]]),),
        (np.array([[0.5, 0.2, 0.1], [0.0, 0.8, 0.2], [0.1, 0.1, 0.1], [0.4, 0.4, 0.2]]),),
        (np.eye(3),),
    ]


def _readings(found, wanted, affected) -> tuple[float, float]:
    right = np.asarray(found) == wanted
    return float((right | ~np.asarray(affected)).all(1).mean()), float(right.all(1).mean())


def _moves() -> list[tuple]:
    wanted = np.array([[0, 4], [1, 4], [2, 0], [2, 8], [0, 1]])
    found = np.array([[0, 4], [2, 4], [2, 0], [2, 7], [1, 1]])
    affected = np.array([[False, True], [False, True], [True, False], [False, True], [True, True]])
    return [(found, wanted, affected), (wanted, wanted, affected), (found, wanted, ~affected)]


EXERCISES = (
    Exercise(
        "06.1",
        _mig,
        inputs=_informations,
        slips=(
            ("the gaps are not divided by the factors' entropies",
             lambda i, h: _mig(i, np.ones(len(h)))),
            ("the best information is taken, and the second best is not subtracted",
             lambda i, h: float(np.mean(i.max(0) / h))),
            ("the worst code is subtracted, not the second best",
             lambda i, h: float(np.mean((i.max(0) - i.min(0)) / h))),
            ("the mean of the codes is subtracted, not the second best",
             lambda i, h: float(np.mean((i.max(0) - i.mean(0)) / h))),
            ("the gaps are summed, not averaged", lambda i, h: len(h) * _mig(i, h)),
            ("the gaps are divided by the mean entropy, not each by its own",
             lambda i, h: _mig(i, np.full(len(h), h.mean()))),
        ),
    ),
    Exercise(
        "06.2",
        lambda importances: disentanglement(np.asarray(importances, float)),
        inputs=_importances,
        slips=(
            ("this is completeness: columns, not rows", lambda r: completeness(r)),
            ("every code counts the same; it should count by its share of the importance",
             _unweighted),
            ("the entropy is in nats; its base should be the number of factors",
             lambda r: _with_base(r, np.e)),
            ("the base of the entropy is the number of codes, not of factors",
             lambda r: _with_base(r, len(r))),
            ("this is the entropy, not what it leaves of 1",
             lambda r: 1 - disentanglement(r)),
            ("the codes' values are summed, without their weights",
             lambda r: len(r) * _unweighted(r)),
        ),
    ),
    Exercise(
        "06.3",
        _highest_sap,
        inputs=lambda: [((3, 3, 3),), ((3, 9),), ((10, 4, 3),), ((2,),)],
        slips=(
            ("this is what the second best code gets, not the gap",
             lambda s: 1 - _highest_sap(s)),
            ("sizes are averaged before they are inverted", lambda s: 1 - 1 / np.mean(s)),
            ("only the largest factor is looked at", lambda s: 1 - 1 / max(s)),
            ("only the smallest factor is looked at", lambda s: 1 - 1 / min(s)),
            ("all factors are guessed at once", lambda s: 1 - 1 / np.prod(s)),
            ("gaps are summed, not averaged", lambda s: len(s) * _highest_sap(s)),
            ("the second best code is taken to know nothing, but it can guess", lambda s: 1.0),
        ),
    ),
    Exercise(
        "06.4",
        _readings,
        inputs=_moves,
        parts=("target only", "all partitions"),
        slips=(
            ("an unaffected factor can spoil the target",
             lambda f, w, a: (_readings(f, w, a)[1],) * 2),
            ("the share of right entries is taken, not of right rows",
             lambda f, w, a: (float((f == w)[a].mean()), float((f == w).mean()))),
            ("the target is asked of the factors that should stay",
             lambda f, w, a: _readings(f, w, ~a)),
            ("only the factors that should stay count for all partitions",
             lambda f, w, a: (_readings(f, w, a)[0], _readings(f, w, ~a)[0])),
            ("one right factor is enough: any, where all is meant",
             lambda f, w, a: (float(((f == w) & a).any(1).mean()), float((f == w).any(1).mean()))),
        ),
    ),
)  # fmt: skip
