"""Explicitness: can a simple classifier read every value of every factor off all codes together?"""

import numpy as np

from wdlib.metrics.arrays import train_and_test
from wdlib.metrics.result import Score


def explicitness(
    codes_train, factors_train, codes_test=None, factors_test=None, *, seed: int = 0
) -> Score:
    """Mean over factors of the mean over classes of the one-against-rest area under the ROC curve.

    The classifier is a logistic regression (L2, C = 1) on all codes, standardised by the mean and
    the deviation of the training samples.

    codes_*, factors_*: ``[n, d]`` and ``[n, k]``; without test arrays a seeded third is held out.
    There are no groups: all codes are used at once, so a partition of them changes nothing.

    Source: Ridgeway and Mozer 2018, "Learning deep disentangled embeddings with the F-statistic
    loss", section 3; as disentanglement_lib (the area itself, not rescaled from [.5, 1] to [0, 1]).
    Range: .5 (chance) to 1. A perfect integer code scores 1 under factors of few values (each
    class has its own stretch of the line); with dozens of values the regularised classifier
    blurs neighbours and it scores a little less.
    Fails: says nothing about disentanglement; favours codes that are linear in the classes.
    Where the reference raises, this is defined: a constant code (it divides by a deviation of 0)
    carries nothing, and a class without test samples, or with nothing else, is left out of the
    mean.

    values: on the test samples and on the training samples. matrix: area per (class, factor), test;
    NaN where left out. Raises ValueError as ``mig`` does, or if a factor has no area at all.
    """
    from sklearn.linear_model import LogisticRegression

    codes, factors, test_codes, test_factors, split = train_and_test(
        codes_train, factors_train, codes_test, factors_test, seed
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
                f"factor {j} takes the single value {test_factors[0, j]} in factors_test: "
                "no class can be told from another there"
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
    return Score("explicitness", values, matrix, settings, "area under the ROC curve")


def _areas(model, codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """One-against-rest area of each class the model knows; NaN without both kinds of samples."""
    from sklearn.metrics import roc_auc_score

    chances = model.predict_proba(codes)
    areas = np.full(len(model.classes_), np.nan)
    for c, value in enumerate(model.classes_):
        own = labels == value
        if own.any() and not own.all():
            areas[c] = roc_auc_score(own, chances[:, c])
    return areas
