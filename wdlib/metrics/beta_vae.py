"""beta-VAE score: do the differences between codes name the factor that two samples share?"""

import numpy as np

from wdlib.metrics.arrays import train_and_test
from wdlib.metrics.codes import describe, members
from wdlib.metrics.interventions import Interventions, chunks
from wdlib.metrics.result import Score


def beta_vae(
    codes_train,
    factors_train,
    codes_test=None,
    factors_test=None,
    *,
    batch: int = 64,
    train_draws: int = 10_000,
    test_draws: int = 5_000,
    groups=None,
    seed: int = 0,
) -> Score:
    """Accuracy of a linear classifier that names the shared factor from mean code differences.

    A draw chooses a random factor and ``batch`` pairs of samples that share its value; its feature
    is ``mean |z - z'|`` over the pairs, one number per code. A logistic regression (L2, C = 1)
    learns the factor from the features of the training draws.

    codes_*, factors_*: ``[n, d]`` and ``[n, k]``; without test arrays a seeded third is held out.
    The reference renders new images for each pair; here a pair is two rows that share the factor's
    value (training rows to learn from, test rows to check).
    groups: one partition = one code: |z - z'| is averaged over its dimensions.

    Source: Higgins et al. 2017, "beta-VAE: learning basic visual concepts with a constrained
    variational framework", section 3; 64 pairs, 10,000 and 5,000 draws as disentanglement_lib.
    Range: 1/k (chance) to 1. A perfect code scores 1 under any factors.
    Fails: it saturates: a linear mixture of the factors is often told apart as well, so 1 does not
    mean disentangled; one code may serve many factors; it depends on the codes' scale (the
    classifier is regularised).

    matrix: the classifier's weights, codes x factors. Raises ValueError as ``mig`` does, for a
    batch or draws below 1, and if a factor has no value that two rows share.
    """
    from sklearn.linear_model import LogisticRegression

    if batch < 1 or train_draws < 1 or test_draws < 1:
        raise ValueError(
            f"batch {batch}, train_draws {train_draws}, test_draws {test_draws}: "
            "each must be at least 1"
        )
    codes, factors, test_codes, test_factors, split = train_and_test(
        codes_train, factors_train, codes_test, factors_test, seed
    )
    k, d = factors.shape[1], codes.shape[1]
    settings = {"codes": describe(groups, d), "classifier": "logistic regression, C=1"}
    settings |= {"batch": batch, "train_draws": train_draws, "test_draws": test_draws}
    settings |= {"samples": len(codes), "split": split, "seed": seed}
    rng = np.random.default_rng(seed)
    parts = members([1] * d if groups is None else groups, d)
    features, held = _draw(codes, factors, "factors_train", train_draws, batch, parts, rng)
    test_features, test_held = _draw(
        test_codes, test_factors, "factors_test", test_draws, batch, parts, rng
    )
    if len(np.unique(held)) < 2:  # one factor, or one draw: a single name is always the answer
        accuracy, train_accuracy = np.mean(test_held == held[0]), 1.0
        weights = np.zeros((len(parts), k))
    else:
        model = LogisticRegression(max_iter=1000).fit(features, held)
        accuracy = np.mean(model.predict(test_features) == test_held)
        train_accuracy = np.mean(model.predict(features) == held)
        weights = np.zeros((len(parts), k))
        binary = len(model.classes_) == 2
        coefficients = np.concatenate([-model.coef_, model.coef_]) if binary else model.coef_
        weights[:, model.classes_] = coefficients.T
    values = {"beta_vae": accuracy, "beta_vae_train": train_accuracy}
    return Score("beta-VAE score", values, weights, settings, "weight")


def _draw(codes, factors, name, draws, batch, parts, rng):
    """Features ``[draws, parts]`` and the factor each draw shares ``[draws]``."""
    interventions = Interventions(factors, name)
    held = np.sort(interventions.draw_factors(draws, rng))
    average = np.stack(
        [np.isin(np.arange(codes.shape[1]), part) / len(part) for part in parts], axis=1
    )
    features = []
    for j, count in enumerate(np.bincount(held, minlength=factors.shape[1])):
        for part in chunks(count, batch * codes.shape[1]):
            one, other = interventions.pairs(j, part.stop - part.start, batch, rng)
            features.append(np.abs(codes[one] - codes[other]).mean(axis=1) @ average)
    return np.concatenate(features), held
