"""DCI: does each code matter for one factor (D), each factor for one code (C), and enough (I)?"""

from concurrent.futures import Executor
from dataclasses import replace

import numpy as np

from wdlib.metrics.arrays import at_least, train_and_test
from wdlib.metrics.codes import describe, members
from wdlib.metrics.importances import importance_matrix
from wdlib.metrics.result import Score

EMPTY = 1e-11  # the reference adds this to every importance, so that log 0 never arises


def dci(
    codes_train,
    factors_train,
    codes_test=None,
    factors_test=None,
    *,
    importances: str = "gradient_boosting",
    groups=None,
    seed: int = 0,
    jobs: int = 1,
    executor: Executor | None = None,
) -> Score:
    """Disentanglement, completeness, informativeness of importances R (codes x factors).

    D = sum_i rho_i (1 - H_k(R_i. / sum_j R_ij)),  rho_i = sum_j R_ij / sum_ij R_ij
    C = sum_j rho_j (1 - H_d(R_.j / sum_i R_ij)),  rho_j = sum_i R_ij / sum_ij R_ij
    I = the mean accuracy, over the factors, on the test samples

    H_b is the entropy with base b; d is the number of codes, k of factors.

    codes_*, factors_*: ``[n, d]`` and ``[n, k]``, d and k at least 2; without test arrays a seeded
    third is held out.
    importances: "gradient_boosting" is the reference; the alternatives are those of
    ``importances.py``, named in the settings because D and C depend on the classifier.
    groups: one partition = one code: importances are summed over each partition's dimensions.
    jobs, executor: factors are independent; ``jobs`` processes (-1: one per core), or any
    concurrent.futures executor. Neither changes the numbers.

    Source: Eastwood and Williams 2018, "A framework for the quantitative evaluation of
    disentangled representations", section 2; numbers as disentanglement_lib's (which reports
    accuracy as informativeness, not the paper's error).
    Range: 0 to 1 each; I starts at the most frequent class's share. A perfect code scores
    1, 1, 1 under any factors. n copies of every code keep D = 1 while C falls to at least
    1 - log(n) / log(d), reached where the copies share the importance equally.
    Fails: trees share the importance of copies in any proportion, so C depends on the seed there;
    with no importance at all (constant codes) D = C = 0; a monotone map of a code
    changes nothing, a rotation everything.

    matrix: R, per partition when grouped. Raises ValueError for non-finite codes, non-integer
    factors, a factor with one value, fewer than two codes or factors, unknown importances.
    """
    codes, factors, test_codes, test_factors, split = train_and_test(
        codes_train, factors_train, codes_test, factors_test, seed
    )
    d = codes.shape[1]
    parts = 0 if groups is None else len(members(groups, d))
    at_least(parts or d, 2, "codes", "C asks which one a factor is in")
    at_least(factors.shape[1], 2, "factors", "D asks which one a code belongs to")
    matrix, train, test = importance_matrix(
        codes,
        factors,
        test_codes,
        test_factors,
        kind=importances,
        seed=seed,
        jobs=jobs,
        executor=executor,
    )
    values = {"disentanglement": disentanglement(matrix), "completeness": completeness(matrix)}
    values |= {"informativeness": test, "informativeness_train": train}
    settings = {"codes": describe(None, d), "importances": importances, "samples": len(codes)}
    settings |= {"split": split, "seed": seed}
    score = Score("DCI", values, matrix, settings, "importance")
    return score if groups is None else regroup(score, groups)


def regroup(score: Score, groups) -> Score:
    """The DCI of raw codes as that of partitions: the same trees, importances summed."""
    d = len(score.matrix)
    matrix = np.stack([score.matrix[dims].sum(axis=0) for dims in members(groups, d)])
    at_least(len(matrix), 2, "codes", "C asks which one a factor is in")
    values = {"disentanglement": disentanglement(matrix), "completeness": completeness(matrix)}
    settings = {**score.settings, "codes": describe(groups, d)}
    return replace(score, values={**score.values, **values}, matrix=matrix, settings=settings)


def disentanglement(importances: np.ndarray) -> float:
    """D of an importance matrix ``[codes, factors]``: rows weighted by their share."""
    return _weighted(importances)


def completeness(importances: np.ndarray) -> float:
    """C of an importance matrix ``[codes, factors]``: columns weighted by their share."""
    return _weighted(importances.T)


def _weighted(rows: np.ndarray) -> float:
    """Sum over rows of (row's share) x (1 - entropy of the row, base its length)."""
    shares = rows + EMPTY
    shares = shares / shares.sum(axis=1, keepdims=True)
    entropy = -(shares * np.log(shares)).sum(axis=1) / np.log(rows.shape[1])
    weights = rows.sum(axis=1)
    total = weights.sum()
    weights = np.full(len(rows), 1 / len(rows)) if total == 0 else weights / total
    return float((weights * (1 - entropy)).sum())
