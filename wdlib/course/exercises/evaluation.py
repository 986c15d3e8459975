"""Exercises of notebooks/06_evaluation: MIG, DCI disentanglement, the highest SAP, what moved."""

import numpy as np

from wdlib.course.exercises.exercise import Exercise
from wdlib.metrics.dci import completeness, disentanglement

INFORMATION = (  # mutual information [codes, factors] and the factors' entropies
    (np.array([[1.0, 0.1], [0.2, 0.9], [0.1, 0.0]]), np.array([1.1, 1.0])),
    (np.array([[0.2, 0.9, 0.1], [0.5, 0.6, 0.0], [0.3, 0.0, 1.2], [0.7, 0.1, 0.4]]),
     np.array([1.1, 0.9, 1.6])),
)  # fmt: skip
IMPORTANCES = (  # [codes, factors]
    (np.array([[0.9, 0.1], [0.3, 0.7], [0.05, 0.0]]),),
    (np.array([[0.5, 0.2, 0.1], [0.0, 0.8, 0.2], [0.1, 0.1, 0.1], [0.4, 0.4, 0.2]]),),
    (np.eye(3),),
)
WANTED = np.array([[0, 4], [1, 4], [2, 0], [2, 8], [0, 1]])
FOUND = np.array([[0, 4], [2, 4], [2, 0], [2, 7], [1, 1]])
SIZES = (((3, 3, 3),), ((3, 9),), ((10, 4, 3),), ((2,),))
AFFECTED = np.array([[False, True], [False, True], [True, False], [False, True], [True, True]])
MOVES = ((FOUND, WANTED, AFFECTED), (WANTED, WANTED, AFFECTED), (FOUND, WANTED, ~AFFECTED))


def _mig(information, entropies) -> float:
    ranked = np.sort(information, axis=0)
    return float(np.mean((ranked[-1] - ranked[-2]) / entropies))


def _of_codes(importances, base: float) -> np.ndarray:
    """1 - entropy of each row, with the logarithm of this base."""
    shares = importances / importances.sum(axis=1, keepdims=True)
    return 1 + (shares * np.log(np.maximum(shares, 1e-12))).sum(axis=1) / np.log(base)


def _with_base(importances, base: float) -> float:
    return float(importances.sum(axis=1) / importances.sum() @ _of_codes(importances, base))


def _highest_sap(sizes) -> float:
    return float(1 - np.mean(1 / np.asarray(sizes, float)))


def _shares(found, wanted, affected) -> tuple[float, float]:
    right = found == wanted
    return float((right | ~affected).all(1).mean()), float(right.all(1).mean())


EXERCISES = {
    "06.1": Exercise(_mig, inputs=INFORMATION, slips=(
        ("you did not divide the gaps by the entropies", lambda i, h: _mig(i, np.ones(len(h)))),
        ("you did not subtract the second best code", lambda i, h: float(np.mean(i.max(0) / h))),
        ("you subtracted the worst code; subtract the second best",
         lambda i, h: float(np.mean((i.max(0) - i.min(0)) / h))),
        ("you divided by the mean entropy; divide each gap by the entropy of its own factor",
         lambda i, h: _mig(i, np.full(len(h), h.mean()))),
    )),
    "06.2": Exercise(disentanglement, inputs=IMPORTANCES, slips=(
        ("you computed completeness: use the rows, not the columns", completeness),
        ("you gave every code the same weight; weight it by its share of the importance",
         lambda r: _of_codes(r, r.shape[1]).mean()),
        ("you used nats; use the number of factors as the base", lambda r: _with_base(r, np.e)),
        ("you used the number of codes as the base; use the number of factors",
         lambda r: _with_base(r, len(r))),
    )),
    "06.3": Exercise(_highest_sap, inputs=SIZES, slips=(
        ("you returned a guess's accuracy; return the gap to it", lambda s: 1 - _highest_sap(s)),
        ("you averaged the sizes; average their inverses", lambda s: 1 - 1 / np.mean(s)),
        ("you used only the largest factor", lambda s: 1 - 1 / max(s)),
        ("you gave the second best code an accuracy of 0; it can still guess", lambda s: 1.0),
    )),
    "06.4": Exercise(_shares, inputs=MOVES, parts=("target only", "all partitions"), slips=(
        ("an unaffected entry can spoil the target; look only at the affected ones",
         lambda f, w, a: (_shares(f, w, a)[1],) * 2),
        ("an unaffected entry counts as wrong; a row is right if every entry is right or "
         "unaffected", lambda f, w, a: (((f == w) & a).all(1).mean(), a.all(1).mean())),
        ("you took the share of right entries; take the share of right rows",
         lambda f, w, a: ((f == w)[a].mean(), (f == w).mean())),
        ("one right entry is enough for a row: you used any instead of all",
         lambda f, w, a: (((f == w) & a).any(1).mean(), (f == w).any(1).mean())),
    )),
}  # fmt: skip
