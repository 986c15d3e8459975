"""Explicitness: can a simple classifier read every value of every factor off all codes together?"""

import numpy as np

from wdlib.metrics.arrays import train_and_test
from wdlib.metrics.result import Score


def explicitness(
    codes_train, factors_train, codes_test=None, factors_test=None, *, seed: int = 0
) -> Score:
    """The area under the ROC curve of one class against the rest: mean over classes and factors.

    The classifier is a logistic regression (L2, C = 1) on all codes, standardised by the mean and
    the standard deviation of the training samples.

    Args:
        codes_train, factors_train: ``[n, d]`` and ``[n, k]``.
        codes_test, factors_test: default: a third of the training samples, drawn with ``seed``.

    There are no groups: the classifier uses all codes, so partitions change nothing.

    Returns a Score with ``explicitness`` (on test samples) and ``explicitness_train``; its matrix
    holds the areas by class and factor, NaN for those left out.

    Source: Ridgeway and Mozer 2018, "Learning deep disentangled embeddings with the F-statistic
    loss", section 3. As in disentanglement_lib, it is the area itself, not rescaled to 0 to 1.
    Range: .5 (chance) to 1. A perfect integer code scores 1 for factors of few values. For dozens
    of values it scores a little less, because the regularised classifier mixes up neighbours.
    Limits: it does not measure disentanglement, and it favours codes that are linear in the
    classes. Two cases that disentanglement_lib cannot score: a constant code knows nothing (there,
    a division by 0), and a class without test samples, or with all of them, is left out.

    Raises ValueError as ``mig`` does, and if a factor has a single value in the test samples.
    """
    from sklearn.linear_model import LogisticRegression

    codes, factors, test_codes, test_factors, split = train_and_test(
        codes_train, factors_train, codes_test, factors_test, seed, needs_classes="explicitness"
    )
    mean, deviation = codes.mean(axis=0), codes.std(axis=0)
    deviation[codes.max(axis=0) == codes.min(axis=0)] = np.inf  # a constant code becomes 0
    codes, test_codes = (codes - mean) / deviation, (test_codes - mean) / deviation
    areas, train_areas = [], []
    for j in range(factors.shape[1]):
        model = LogisticRegression(max_iter=1000).fit(codes, factors[:, j])
        train_areas.append(_areas(model, codes, factors[:, j]))
        areas.append(_areas(model, test_codes, test_factors[:, j]))
        if np.isnan(areas[-1]).all():
            raise ValueError(
                f"factor {j} takes the single value {test_factors[0, j]} in factors_test, so there "
                "are no classes to tell apart"
            )
    matrix = np.full((max(map(len, areas)), len(areas)), np.nan)
    for j, column in enumerate(areas):
        matrix[: len(column), j] = column
    values = {
        "explicitness": np.mean([np.nanmean(column) for column in areas]),
        "explicitness_train": np.mean([np.nanmean(column) for column in train_areas]),
    }
    settings = {"classifier": "logistic regression, C=1", "samples": len(codes), "split": split}
    settings |= {"seed": seed} if split != "given" else {}
    return Score("explicitness", values, matrix, settings)


def _areas(model, codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The area of each class that the model knows; NaN if all or no samples belong to it."""
    from sklearn.metrics import roc_auc_score

    chances = model.predict_proba(codes)
    areas = np.full(len(model.classes_), np.nan)
    for c, value in enumerate(model.classes_):
        own = labels == value
        if own.any() and not own.all():
            areas[c] = roc_auc_score(own, chances[:, c])
    return areas
