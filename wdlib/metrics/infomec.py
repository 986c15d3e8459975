"""InfoMEC: modularity, explicitness and compactness of a representation, as shares of information.

InfoM: does a code know one factor only? InfoC: does one code know a factor? InfoE: how much of a
factor does a linear model read off all codes?
"""

import warnings

import numpy as np

from wdlib.metrics.arrays import check_pair
from wdlib.metrics.codes import describe, members
from wdlib.metrics.factors import Factors
from wdlib.metrics.information import (
    discrete_mutual_information,
    entropy,
    mutual_information,
    nearest_information,
)  # fmt: skip
from wdlib.metrics.result import Score

NEAREST, TIE_BREAKS, ACTIVE, STEPS = 10, 10, 1 / 20, 100


def infomec(codes, factors, *, discrete: bool = False, groups=None) -> Score:
    """Shares of the normalised mutual information ``N_ij = I(c_i; f_j) / H(f_j)``.

    InfoM = (mean_i (max_j N_ij / sum_j N_ij) - 1/k) / (1 - 1/k)
    InfoC = (mean_j (max_i N_ij / sum_i N_ij) - 1/d) / (1 - 1/d)
    InfoE = mean_j (1 - L_j / L0_j)

    i runs over the d active codes, whose range is more than a twentieth of the largest range. L_j
    is the log loss, on the same samples, of an unpenalised multinomial logistic regression of
    factor j on all standardised codes (balanced classes, 100 steps of L-BFGS), and L0_j that of
    the same model without codes. For a real-valued factor, L is the mean squared error of a linear
    regression, so 1 - L / L0 is R^2.

    Args:
        codes, factors: ``[n, d]`` and ``[n, k]`` of the same samples, n at least 11.
        discrete: the codes are classes: I is counted, without bins, every code that varies is
            active, and the regression reads a column per value.
        groups: the partition of each code (see ``codes.group``). A partition counts as one code
            for InfoM and InfoC; see ``mutual_information``. InfoE uses all codes together.

    Returns a Score with ``infom``, ``infoc`` and ``infoe``; its matrix is N, 0 for codes that are
    not active. The settings count the active codes, and those of them that know nothing.

    Source: Hsu et al. 2023, "Disentanglement via latent quantization". I is estimated by
    10 nearest neighbours (Ross 2014; Kraskov et al. 2004). If a code takes a value more than ten
    times, noise chooses the neighbours: InfoM and InfoC are then means of ten draws, and the
    settings hold the standard deviation of InfoM.
    Range: 0 to 1, if codes know anything; perfect codes score 1, up to the noise of the estimate
    (.99 for 4000 samples). Copies of codes leave InfoM at 1, and lower InfoC.
    Limits: a code that knows nothing has 0 / 0: it is left out of InfoM, and a factor that no code
    knows is left out of InfoC. The estimate of a noise code is seldom exactly 0, so noise has an
    InfoM and an InfoC far from 0. InfoE only sees linear knowledge, and 100 steps do not converge
    for heavy tails. InfoM is NaN for one factor, InfoC for one active code, and both if no code
    knows anything.

    Raises ValueError as ``mig`` does, and for fewer than 11 samples.
    """
    codes, factors = check_pair(codes, factors)
    parts, ranges = members(groups, codes.shape[1]), np.ptp(codes, axis=0)
    least = 0 if discrete else ranges.max() * ACTIVE
    active = np.array([ranges[dims].max(initial=0) > least for dims in parts])
    draws = _information(codes, factors, discrete, groups, active) / entropy(factors, NEAREST)
    used = draws[:, active]  # [draws, active, k]
    values = {"infom": _share(np.concatenate(used))}
    values["infoc"] = _share(np.concatenate(used.swapaxes(1, 2)))
    values["infoe"] = np.mean([_explicit(codes, f, discrete) for f in factors.columns])
    settings = {"codes": describe(groups, codes.shape[1]), "samples": len(codes)}
    settings |= {"active": int(active.sum()), "discrete": discrete}
    settings["know_nothing"] = int((used.mean(axis=0).sum(axis=1) == 0).sum())
    settings |= {"infom_spread": np.std([_share(draw) for draw in used])} if len(used) > 1 else {}
    return Score("InfoMEC", values, draws.mean(axis=0), settings)


def _information(codes, factors: Factors, discrete: bool, groups, active) -> np.ndarray:
    """I(code; factor) ``[draws, d, k]`` of the active codes, 0 for others; ten draws with ties."""
    if groups is not None:
        return mutual_information(codes, factors, groups=groups)[None] * active[:, None]
    if discrete:
        ranks = np.stack([np.unique(c, return_inverse=True)[1] for c in codes.T], axis=1)
        labels = factors.labels("InfoMEC of discrete codes")
        return discrete_mutual_information(ranks, labels)[None]
    repeats = [np.unique(column, return_counts=True)[1].max() for column in codes.T]
    tied = active & (np.array(repeats) > NEAREST)  # then noise chooses the neighbours
    found = np.zeros((TIE_BREAKS if tied.any() else 1, len(active), len(factors.columns)))
    for j, column in enumerate(factors.columns):
        for draw in range(len(found)):
            now = tied if draw else active
            if now.any():
                found[draw, now, j] = nearest_information(
                    codes[:, now], column, nearest=NEAREST, seed=draw
                )
        found[1:, active & ~tied, j] = found[0, active & ~tied, j]
    return found


def _share(rows: np.ndarray) -> float:
    """The mean share of the largest entry of each row, rescaled: equal shares 0, one share 1."""
    sums, least = rows.sum(axis=1), 1 / max(rows.shape[1], 1)
    known = rows[sums > 0]
    if least == 1 or not len(known):
        return np.nan
    return (np.mean(known.max(axis=1) / sums[sums > 0]) - least) / (1 - least)


def _explicit(codes: np.ndarray, factor: np.ndarray, discrete: bool) -> float:
    """1 - L / L0 of one factor ``[n]``."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    read = (OneHotEncoder() if discrete else StandardScaler()).fit_transform(codes)
    if factor.dtype.kind == "f":
        return LinearRegression().fit(read, factor).score(read, factor)
    losses = []
    for given in (read, np.zeros_like(codes)):
        model = LogisticRegression(C=np.inf, class_weight="balanced", max_iter=STEPS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            losses.append(log_loss(factor, model.fit(given, factor).predict_proba(given)))
    return 1 - losses[0] / losses[1]
