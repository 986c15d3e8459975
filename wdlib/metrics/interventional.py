"""Scores by intervention: what do the codes do if one factor is held and the others change?

beta-VAE score:  do the mean differences within pairs that share a factor tell which one it is?
FactorVAE score: does the code that varies least tell which factor is held?
IRS:             does a code stay where it is if everything except its own factor changes?

With a simulator, one would render new images with the factor held. Given arrays, the rows that
share the factor's value are drawn, with replacement. This is the same if the factors of the rows
are independent.
"""

import numpy as np

from wdlib.metrics.arrays import check_pair, classes, train_and_test
from wdlib.metrics.codes import describe, members
from wdlib.metrics.information import BINS, binned
from wdlib.metrics.result import Score

BATCH, TRAIN_DRAWS, TEST_DRAWS = 64, 10_000, 5_000  # as in disentanglement_lib
QUANTILE = 0.99  # of the deviations, as in disentanglement_lib; 1 is the paper's maximum
CHUNK = 2_000_000  # numbers in memory at a time: 16 MB, whatever the number of draws


def beta_vae(
    codes_train,
    factors_train,
    codes_test=None,
    factors_test=None,
    *,
    batch: int = BATCH,
    train_draws: int = TRAIN_DRAWS,
    test_draws: int = TEST_DRAWS,
    groups=None,
    seed: int = 0,
) -> Score:
    """Accuracy of a linear classifier that names the shared factor from mean code differences.

    A draw takes a random factor and ``batch`` pairs of samples that share its value. Its features
    are the means of ``|z - z'|`` over the pairs. A logistic regression (L2, C = 1) learns the
    factor from the features of the training draws.

    Args:
        codes_train, factors_train: ``[n, d]`` and ``[n, k]``.
        codes_test, factors_test: default: a third of the training samples, drawn with ``seed``.
        batch, train_draws, test_draws: pairs per draw; draws from training and from test samples.
        groups: the partition of each code (see ``codes.group``). A partition counts as one code:
            ``|z - z'|`` is averaged over its dimensions.

    Returns a Score with ``beta_vae`` (on test draws) and ``beta_vae_train``; its matrix holds the
    classifier's weights, codes x factors.

    Source: Higgins et al. 2017, "beta-VAE: learning basic visual concepts with a constrained
    variational framework", section 3. Range: 1/k (chance) to 1; 1 for a perfect code.
    Limits: a linear mixture of the factors often scores 1 as well, and one code may serve many
    factors. The scale of the codes matters, since the classifier is regularised.

    Raises ValueError as ``mig`` does, for a batch or draws below 1, and if a factor has no value
    that two rows share.
    """
    from sklearn.linear_model import LogisticRegression

    _check(batch, train_draws, test_draws, least=1)
    given = codes_train, factors_train, codes_test, factors_test
    *arrays, split = train_and_test(*given, seed, needs_classes="the beta-VAE score")
    codes, factors, test_codes, test_factors = arrays
    k, d = factors.shape[1], codes.shape[1]
    parts = members(groups, d)
    rng = np.random.default_rng(seed)
    train = _differences(codes, factors, "factors_train", train_draws, batch, parts, rng)
    test = _differences(test_codes, test_factors, "factors_test", test_draws, batch, parts, rng)
    weights = np.zeros((len(parts), k))
    if len(np.unique(train[1])) < 2:  # a single factor: naming it is always right
        accuracies = [np.mean(held == train[1][0]) for _, held in (test, train)]
    else:
        model = LogisticRegression(max_iter=1000).fit(*train)
        accuracies = [model.score(*draws) for draws in (test, train)]
        both = [-model.coef_, model.coef_] if len(model.classes_) == 2 else [model.coef_]
        weights[:, model.classes_] = np.concatenate(both).T
    settings = {"codes": describe(groups, d), "classifier": "logistic regression, C=1"}
    settings |= {"batch": batch, "train_draws": train_draws, "test_draws": test_draws}
    settings |= {"samples": len(codes), "split": split, "seed": seed}
    values = dict(zip(("beta_vae", "beta_vae_train"), accuracies))
    return Score("beta-VAE score", values, weights, settings)


def _differences(codes, factors, name, draws, batch, parts, rng):
    """Features ``[draws, parts]``, and the factor that each draw shares ``[draws]``."""
    interventions = Interventions(factors, name)
    held = np.sort(rng.integers(factors.shape[1], size=draws))
    average = _shares(parts, codes.shape[1])
    features = []
    for j, count in enumerate(np.bincount(held, minlength=factors.shape[1])):
        for some in _chunks(count, batch * codes.shape[1]):
            one, other = interventions.pairs(j, some, batch, rng)
            features.append(np.abs(codes[one] - codes[other]).mean(axis=1) @ average)
    return np.concatenate(features), held


def factor_vae(
    codes_train,
    factors_train,
    codes_test=None,
    factors_test=None,
    *,
    batch: int = BATCH,
    train_draws: int = TRAIN_DRAWS,
    test_draws: int = TEST_DRAWS,
    groups=None,
    seed: int = 0,
) -> Score:
    """Accuracy of a majority vote that names the held factor from the code that varies least.

    A draw holds a random factor at a random value and takes ``batch`` samples. It votes for the
    code with the smallest variance, relative to its variance over all training samples. Each code
    stands for the factor that most of its votes in training draws came from. The score is how
    often this is right in test draws.

    Args:
        codes_train, factors_train, codes_test, factors_test, train_draws, test_draws: as in
            ``beta_vae``.
        batch: samples per draw, at least 2.
        groups: the partition of each code (see ``codes.group``). A partition counts as one code:
            the relative variances of its dimensions are averaged.

    Returns a Score with ``factor_vae`` (on test draws) and ``factor_vae_train``; its matrix counts
    the training votes, codes x factors.

    Source: Kim and Mnih 2018, "Disentangling by factorising", section 4.
    Range: 1/k (chance) to 1; 1 for a perfect code, also if it is duplicated. If all codes are
    constant, the score is 0.
    Limits: it is lenient. A code that knows several factors passes if it varies least for one of
    them, and the other codes may hold anything. Constant codes are left out. (In
    disentanglement_lib, their 0/0 wins every vote, so one constant code means chance.)

    Raises ValueError as ``mig`` does, for a batch below 2 or draws below 1, and if a factor has no
    value that two rows share.
    """
    _check(batch, train_draws, test_draws, least=2)
    given = codes_train, factors_train, codes_test, factors_test
    *arrays, split = train_and_test(*given, seed, needs_classes="the FactorVAE score")
    codes, factors = arrays[:2]
    d = codes.shape[1]
    active = codes.max(axis=0) > codes.min(axis=0)
    parts = [part[active[part]] for part in members(groups, d)]
    variance = np.where(active, codes.var(axis=0, ddof=1), 1.0)
    rng = np.random.default_rng(seed)
    draws = {"train": (*arrays[:2], train_draws), "test": (*arrays[2:], test_draws)}
    votes = np.stack([
        _votes(*drawn, f"factors_{name}", batch, parts, variance, rng)
        for name, drawn in draws.items()
    ])  # fmt: skip
    named = votes[0].argmax(axis=1)  # the factor that each code stands for
    right = votes[:, np.arange(len(parts)), named].sum(axis=1) / np.maximum(votes.sum((1, 2)), 1)
    settings = {"codes": describe(groups, d), "active": int(active.sum()), "batch": batch}
    settings |= {"train_draws": train_draws, "test_draws": test_draws, "samples": len(codes)}
    settings |= {"split": split, "seed": seed}
    values = {"factor_vae": right[1], "factor_vae_train": right[0]}
    return Score("FactorVAE score", values, votes[0], settings)


def _votes(codes, factors, draws, name, batch, parts, variance, rng) -> np.ndarray:
    """How often each partition varies least while a factor is held: ``[parts, k]``."""
    k, d = factors.shape[1], codes.shape[1]
    votes = np.zeros((len(parts), k), dtype=np.int64)
    voting = np.array([len(part) > 0 for part in parts])
    if not voting.any():
        return votes
    interventions, share = Interventions(factors, name), _shares(parts, d)
    for j, count in enumerate(np.bincount(rng.integers(k, size=draws), minlength=k)):
        for some in _chunks(count, batch * d):
            chosen = interventions.share(j, some, batch, rng)
            spread = codes[chosen].var(axis=1, ddof=1) / variance @ share  # [draws, parts]
            winner = np.where(voting, spread, np.inf).argmin(axis=1)
            votes[:, j] += np.bincount(winner, minlength=len(parts))
    return votes


def irs(codes, factors, *, quantile: float = QUANTILE, bins: int = BINS, groups=None) -> Score:
    """Interventional robustness: 1 - the share of deviations that remains if one factor is held.

    IRS_ij = 1 - mean_v q(|z_i - E[z_i | f_j = v]| over f_j = v) / max |z_i - E[z_i]|
    IRS    = sum_i max_j IRS_ij max|z_i - E z_i| / sum_i max|z_i - E z_i|

    q is the ``quantile`` of the deviations; the mean runs over the values v of factor j.

    Args:
        codes, factors: ``[n, d]`` and ``[n, k]`` of the same samples. The samples that share a
            factor's value stand for the paper's intervention on it.
        bins: factors, too, are cut into bins of equal width, as in disentanglement_lib; this
            changes nothing for a factor of at most 20 values.
        groups: the partition of each code (see ``codes.group``). A partition counts as one code:
            |z| is the Euclidean distance in it, the paper's definition for a set of codes.

    Returns a Score with ``irs``; its matrix is IRS_ij, with 0 for a constant code.

    Source: Suter et al. 2019, "Robustly disentangled causal mechanisms", section 3. As in
    disentanglement_lib, constant codes are left out, and codes are weighted by their largest
    deviation.
    Range: 0 (also if all codes are constant) to 1. A perfect code scores 1 if no factor has more
    than 20 values, and slightly less for dSprites' 40 orientations, because values share bins.
    Limits: one outlier changes max|z - E z|, so a code with heavy tails looks robust. Codes that
    know nothing score more than 0; how much depends on their tails.

    Raises ValueError as ``mig`` does, and for a quantile outside (0, 1].
    """
    if not 0 < quantile <= 1:
        raise ValueError(f"quantile is {quantile}, expected one in (0, 1]")
    codes, factors = check_pair(codes, factors, needs_classes="IRS")
    active = codes.max(axis=0) > codes.min(axis=0)
    parts = members(groups, codes.shape[1])
    labels, sizes = classes(binned(factors.astype(np.float64), bins))
    largest = _deviations(codes, parts).max(axis=0)  # [parts]
    largest[[not active[part].any() for part in parts]] = 0.0
    remaining = np.zeros((len(parts), len(sizes)))
    for j, size in enumerate(sizes):
        for value in range(size):
            deviations = _deviations(codes[labels[:, j] == value], parts)
            remaining[:, j] += np.percentile(deviations, quantile * 100, axis=0) / size
    matrix = np.zeros_like(remaining)
    moving = largest > 0
    matrix[moving] = 1 - remaining[moving] / largest[moving, None]
    value = (matrix.max(axis=1) * largest).sum() / (largest.sum() or 1.0)
    settings = {"codes": describe(groups, codes.shape[1]), "quantile": quantile, "bins": bins}
    settings |= {"active": int(active.sum()), "samples": len(codes)}
    return Score("IRS", {"irs": value}, matrix, settings)


def _deviations(codes: np.ndarray, parts: list[np.ndarray]) -> np.ndarray:
    """The distance of each sample from the mean, in each partition: ``[n, parts]``."""
    away = codes - codes.mean(axis=0)
    if len(parts) == codes.shape[1]:  # one dimension each
        return np.abs(away[:, np.concatenate(parts)])
    return np.stack([np.sqrt((away[:, part] ** 2).sum(axis=1)) for part in parts], axis=1)


class Interventions:
    """Draws rows of factors ``[n, k]`` by value, among values that at least two rows share.

    Raises ValueError if a factor has no such value.
    """

    def __init__(self, factors: np.ndarray, name: str):
        self.tables = []
        for j, factor in enumerate(factors.T):
            _, labels, counts = np.unique(factor, return_inverse=True, return_counts=True)
            order = np.argsort(labels, kind="stable")
            start = np.cumsum(counts) - counts
            usable = np.flatnonzero(counts[labels[order]] > 1)  # positions in ``order``
            if not usable.size:
                raise ValueError(f"factor {j} has no value that two rows of {name} share")
            self.tables.append((order, start, counts, labels[order], usable))

    def share(self, j: int, draws: int, batch: int, rng: np.random.Generator) -> np.ndarray:
        """``[draws, batch]`` rows; those of one draw share the value of factor j."""
        order, start, counts, labels, usable = self.tables[j]
        value = labels[usable[rng.integers(len(usable), size=draws)]]
        within = (rng.random((draws, batch)) * counts[value, None]).astype(np.int64)
        return order[start[value, None] + within]

    def pairs(self, j: int, draws: int, batch: int, rng: np.random.Generator):
        """Two ``[draws, batch]`` arrays of rows; a pair is two rows that share factor j."""
        order, start, counts, labels, usable = self.tables[j]
        position = usable[rng.integers(len(usable), size=(draws, batch))]
        value = labels[position]
        step = 1 + (rng.random((draws, batch)) * (counts[value] - 1)).astype(np.int64)
        partner = start[value] + (position - start[value] + step) % counts[value]
        return order[position], order[partner]


def _check(batch: int, train_draws: int, test_draws: int, least: int) -> None:
    if batch < least or min(train_draws, test_draws) < 1:
        raise ValueError(
            f"batch {batch}, train_draws {train_draws}, test_draws {test_draws}: "
            f"a batch must be at least {least}, and there must be at least 1 draw of either kind"
        )


def _shares(parts: list[np.ndarray], dims: int) -> np.ndarray:
    """What averages over the dimensions of each partition: ``[dims, parts]``."""
    share = np.zeros((dims, len(parts)))
    for i, part in enumerate(parts):
        share[part, i] = 1 / max(len(part), 1)
    return share


def _chunks(draws: int, numbers_each: int) -> list[int]:
    """The draws in portions that need at most CHUNK numbers each."""
    step = max(1, CHUNK // numbers_each)
    return [min(step, draws - begin) for begin in range(0, draws, step)]
