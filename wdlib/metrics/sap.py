"""SAP: how much better is a factor read off the best code than off the second best?"""

import numpy as np

from wdlib.metrics.arrays import at_least, classes, train_and_test
from wdlib.metrics.codes import describe, members
from wdlib.metrics.linear_svm import Problems, solve
from wdlib.metrics.result import Score

PENALTY = 0.01  # C of the reference's LinearSVC
CONSTANT = 1e-12  # a code with less variance than this explains nothing (reference)


def sap(
    codes_train,
    factors_train,
    codes_test=None,
    factors_test=None,
    *,
    kind: str = "svm",
    groups=None,
    seed: int = 0,
) -> Score:
    """Separated attribute predictability: ``mean_j (S_(1)j - S_(2)j)`` of a score matrix S.

    kind "svm" (discrete factors): S_ij is the test accuracy of a linear support vector machine
    (C = 0.01, balanced classes) that sees code i only. kind "r2" (continuous factors): S_ij is
    the squared correlation of code and factor over the training samples.

    codes_*, factors_*: ``[n, d]`` and ``[n, k]``, d at least 2; without test arrays a seeded
    third is held out (kind "r2" needs no test set and takes all training samples).
    groups: one partition = one code: the same machine, or the R^2 of a linear regression (with
    intercept), on all dimensions of the partition.

    Source: Kumar et al. 2018, "Variational inference of disentangled latent concepts from
    unlabeled observations", section 3; classifier and constants as disentanglement_lib's.
    Range: 0 to 1 - mean_j(1 / size_j) for "svm" with balanced factors (the second best code still
    guesses), 0 to 1 for "r2". Perfect integer codes score .657 under factors (3, 3, 3), .520
    under (3, 3, 3, 5, 8), .236 on dSprites with "svm", because one linear machine a class
    cannot cut out the middle of a line; with "r2" at least .999.
    Fails: "svm" regularises its intercept, so the same codes scaled by 0.1 or shifted by 5 score
    differently; "r2" takes factor values for numbers, so it means nothing for a
    nominal factor such as shape.

    matrix: S. Raises ValueError as ``mig`` does, and for an unknown kind.
    """
    if kind not in ("svm", "r2"):
        raise ValueError(f'kind is {kind!r}, expected "svm" or "r2"')
    if kind == "r2" and codes_test is None and factors_test is None:
        codes_test, factors_test = codes_train, factors_train  # nothing is held out
    codes, factors, test_codes, test_factors, split = train_and_test(
        codes_train, factors_train, codes_test, factors_test, seed
    )
    d = codes.shape[1]
    settings = {"codes": describe(groups, d), "kind": kind, "samples": len(codes)}
    if kind == "r2":
        matrix = _correlation(codes, factors) if groups is None else _r2(codes, factors, groups)
        meaning = "R^2"
    else:
        if groups is None:
            matrix = _accuracy(codes, factors, test_codes, test_factors)
        else:
            matrix = _group_accuracy(codes, factors, test_codes, test_factors, groups)
        meaning = "test accuracy"
        settings |= {"C": PENALTY, "class_weight": "balanced", "split": split}
        settings |= {"seed": seed} if split != "given" else {}
    at_least(len(matrix), 2, "codes", "SAP is the gap between the two best")
    ranked = np.sort(matrix, axis=0)
    value = np.mean(ranked[-1] - ranked[-2])
    return Score("SAP", {"sap": value}, matrix, settings, meaning)


def _accuracy(codes, factors, test_codes, test_factors) -> np.ndarray:
    """Test accuracy of the machine on each single code: ``[d, k]``."""
    labels, sizes = classes(factors)
    values = [np.unique(column) for column in factors.T]
    problems = Problems(labels, sizes, PENALTY)
    matrix = np.empty((codes.shape[1], len(sizes)))
    for i in range(codes.shape[1]):
        weight, intercept = solve(codes[:, i], problems)
        guesses = problems.predict(weight, intercept, test_codes[:, i])
        for j in range(len(sizes)):
            matrix[i, j] = np.mean(values[j][guesses[:, j]] == test_factors[:, j])
    return matrix


def _group_accuracy(codes, factors, test_codes, test_factors, groups) -> np.ndarray:
    """Test accuracy of sklearn's LinearSVC on each partition: ``[partitions, k]``."""
    from sklearn.svm import LinearSVC

    rows = []
    for dims in members(groups, codes.shape[1]):
        row = []
        for j in range(factors.shape[1]):
            machine = LinearSVC(C=PENALTY, class_weight="balanced", dual=False)
            machine.fit(codes[:, dims], factors[:, j])
            row.append(np.mean(machine.predict(test_codes[:, dims]) == test_factors[:, j]))
        rows.append(row)
    return np.array(rows)


def _correlation(codes, factors) -> np.ndarray:
    """Squared correlation of each code with each factor: ``[d, k]``; 0 for a constant code."""
    codes, factors = codes - codes.mean(axis=0), factors - factors.mean(axis=0)
    n = len(codes)
    covariance = codes.T @ factors / (n - 1)
    code_variance = (codes**2).sum(axis=0) / (n - 1)
    factor_variance = (factors**2).sum(axis=0) / (n - 1)
    alive = code_variance > CONSTANT
    matrix = np.zeros_like(covariance)
    matrix[alive] = covariance[alive] ** 2 / (code_variance[alive, None] * factor_variance)
    return matrix


def _r2(codes, factors, groups) -> np.ndarray:
    """R^2 of the least-squares fit of each factor by each partition: ``[partitions, k]``."""
    factors = factors - factors.mean(axis=0)
    rows = []
    for dims in members(groups, codes.shape[1]):
        part = codes[:, dims] - codes[:, dims].mean(axis=0)
        part = part[:, part.var(axis=0, ddof=1) > CONSTANT]
        fit = part @ np.linalg.lstsq(part, factors, rcond=None)[0]
        rows.append(1 - ((factors - fit) ** 2).sum(axis=0) / (factors**2).sum(axis=0))
    return np.array(rows)
