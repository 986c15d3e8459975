"""DCI: disentanglement, completeness and informativeness, from the importance of codes.

A classifier per factor predicts the factor from all codes; it also tells how important each code
was. (For a real-valued factor it is a regression.) From the matrix of importances R (codes x
factors) follow D, "is a code important for one factor only?", and C, "is one code only important
for a factor?". I is the accuracy.
"""

from dataclasses import replace

import numpy as np

from wdlib.metrics.arrays import at_least, train_and_test
from wdlib.metrics.codes import describe, members
from wdlib.metrics.fast_trees import boost, boost_values
from wdlib.metrics.result import Score

IMPORTANCES = "gradient_boosting", "hist_gradient_boosting", "random_forest"
EMPTY = 1e-11  # added to each importance, as in disentanglement_lib, so that there is no log 0


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
) -> Score:
    """Disentanglement, completeness and informativeness of importances R (codes x factors).

    D = sum_i rho_i (1 - H_k(R_i. / sum_j R_ij)),  rho_i = sum_j R_ij / sum_ij R_ij
    C = sum_j rho_j (1 - H_d(R_.j / sum_i R_ij)),  rho_j = sum_i R_ij / sum_ij R_ij
    I = the mean accuracy (R^2 for real-valued factors), over the factors, on the test samples

    H_b is the entropy with base b; d is the number of codes, k of factors.

    Args:
        codes_train, factors_train: ``[n, d]`` and ``[n, k]``, d and k at least 2.
        codes_test, factors_test: default: a third of the training samples, drawn with ``seed``.
        importances: "gradient_boosting" is scikit-learn's GradientBoostingClassifier, the
            reference. "hist_gradient_boosting" is the same boosting on binned codes
            (``fast_trees``). "random_forest" is scikit-learn's, of 100 trees. D and C depend on the
            classifier, so its name is in the settings. Real-valued factors have the regressor of
            the same kind.
        groups: the partition of each code (see ``codes.group``). A partition counts as one code:
            the importances of its dimensions are added.
        jobs: number of processes; each fits one factor at a time (-1: one process per core). The
            numbers stay the same.

    Returns a Score with ``disentanglement``, ``completeness``, ``informativeness`` and
    ``informativeness_train``; its matrix is R.

    Source: Eastwood and Williams 2018, "A framework for the quantitative evaluation of
    disentangled representations", section 2. As in disentanglement_lib, informativeness is an
    accuracy, not the paper's error.
    Range: 0 to 1 each; I starts at the share of the most frequent class. A perfect code scores
    1, 1, 1 for any factors. With n copies of each code, D stays 1, and C falls to
    1 - log(n) / log(d) at the lowest, where the copies share the importance equally.
    Limits: trees share the importance of copies in any proportion, so C then depends on the seed.
    If no code has any importance (constant codes), D = C = 0. R^2 can be below 0. A monotone map of
    a code changes nothing; a rotation of the codes changes everything.

    Raises ValueError as ``mig`` does, for fewer than two factors, and for unknown importances.
    """
    codes, factors, test_codes, test_factors, split = train_and_test(
        codes_train, factors_train, codes_test, factors_test, seed
    )
    d = codes.shape[1]
    at_least(len(members(groups, d)), 2, "codes", "C compares the codes of a factor")
    at_least(len(factors.columns), 2, "factors", "D compares the factors of a code")
    matrix, train, test = importance_matrix(
        codes, factors, test_codes, test_factors, kind=importances, seed=seed, jobs=jobs
    )
    values = {"informativeness": test, "informativeness_train": train}
    settings = {"codes": describe(None, d), "importances": importances, "samples": len(codes)}
    settings |= {"split": split, "seed": seed}
    return regroup(Score("DCI", values, matrix, settings), groups)


def regroup(score: Score, groups) -> Score:
    """The DCI of partitions, from the DCI of raw codes: importances are added, nothing is fitted.

    Raises ValueError for fewer than two partitions.
    """
    d = len(score.matrix)
    matrix = np.stack([score.matrix[dims].sum(axis=0) for dims in members(groups, d)])
    at_least(len(matrix), 2, "codes", "C compares the codes of a factor")
    values = {"disentanglement": disentanglement(matrix), "completeness": completeness(matrix)}
    values |= {name: score[name] for name in ("informativeness", "informativeness_train")}
    settings = {**score.settings, "codes": describe(groups, d)}
    return replace(score, values=values, matrix=matrix, settings=settings)


def disentanglement(importances: np.ndarray) -> float:
    """D of an importance matrix ``[codes, factors]``."""
    return _weighted(importances)


def completeness(importances: np.ndarray) -> float:
    """C of an importance matrix ``[codes, factors]``."""
    return _weighted(importances.T)


def _weighted(rows: np.ndarray) -> float:
    """The mean over rows of 1 - entropy (its base is the row's length), weighted by row sums."""
    shares = rows + EMPTY
    shares = shares / shares.sum(axis=1, keepdims=True)
    entropy = -(shares * np.log(shares)).sum(axis=1) / np.log(rows.shape[1])
    weights = rows.sum(axis=1)
    total = weights.sum()
    weights = np.full(len(rows), 1 / len(rows)) if total == 0 else weights / total
    return float((weights * (1 - entropy)).sum())


def importance_matrix(
    codes, factors, test_codes, test_factors, *, kind: str, seed: int = 0, jobs: int = 1
) -> tuple[np.ndarray, float, float]:
    """Importances ``[d, k]``, and the mean of ``quality`` on the training and the test samples.

    Each of the ``Factors`` has a model of its own, on all codes. Raises ValueError for an unknown
    kind.
    """
    from joblib import Parallel, delayed

    if kind not in IMPORTANCES:
        raise ValueError(f"importances is {kind!r}, expected one of {', '.join(IMPORTANCES)}")
    fits = (delayed(_fitted)(kind, codes, f, test_codes, seed) for f in factors.columns)
    matrix, *guesses = zip(*Parallel(n_jobs=jobs)(fits))
    known = factors.columns, test_factors.columns
    train, test = (np.mean(list(map(quality, *pair))) for pair in zip(known, guesses))
    return np.stack(matrix, axis=1), float(train), float(test)


def _fitted(kind: str, codes, factor, test_codes, seed: int):
    """Importances ``[d]``, and what the model of one factor says of training and test codes."""
    from sklearn import ensemble

    real = factor.dtype.kind == "f"
    if kind == "hist_gradient_boosting":
        return (boost_values if real else boost)(codes, factor, test_codes, seed)
    models = {
        "gradient_boosting": (
            ensemble.GradientBoostingClassifier, ensemble.GradientBoostingRegressor,
        ),
        "random_forest": (ensemble.RandomForestClassifier, ensemble.RandomForestRegressor),
    }  # fmt: skip
    model = models[kind][real](random_state=seed).fit(codes, factor)
    return np.abs(model.feature_importances_), model.predict(codes), model.predict(test_codes)


def quality(factor: np.ndarray, guess: np.ndarray) -> float:
    """The accuracy of a guess ``[n]`` of classes, or the R^2 of a guess of real values."""
    from sklearn.metrics import r2_score

    return r2_score(factor, guess) if factor.dtype.kind == "f" else np.mean(guess == factor)
