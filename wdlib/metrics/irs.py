"""IRS: does a code stay where it is when everything but its own factor changes?"""

import numpy as np

from wdlib.metrics.arrays import check_pair, classes
from wdlib.metrics.codes import describe, members
from wdlib.metrics.mutual_information import BINS, binned
from wdlib.metrics.result import Score

QUANTILE = 0.99  # of the deviations; 1 is the paper's maximum, the reference takes .99


def irs(codes, factors, *, quantile: float = QUANTILE, bins: int = BINS, groups=None) -> Score:
    """Interventional robustness: deviations that remain when one factor is held, as a share of all.

    IRS_ij = 1 - mean_v q(|z_i - E[z_i | f_j = v]| over f_j = v) / max |z_i - E[z_i]|
    IRS    = sum_i max_j IRS_ij max|z_i - E z_i| / sum_i max|z_i - E z_i|

    q is the ``quantile`` of the deviations, the inner mean runs over the values v of factor j.

    codes, factors: ``[n, d]`` and ``[n, k]`` of the same (training) samples. The paper intervenes
    on the factor; given arrays, the samples that share its value stand for the intervention, which
    is the same when the factors were drawn independently.
    bins:   factors too are cut into equal-width bins (the reference does; below 21 values it
            changes nothing).
    groups: one partition = one code: |z| is the Euclidean distance in the partition (the paper's
            own definition for a set of codes).

    Source: Suter et al. 2019, "Robustly disentangled causal mechanisms", section 3; numbers as
    disentanglement_lib's (constant codes dropped, average weighted by the largest deviation).
    Range: 0 to 1. A perfect code scores 1 under any factors with at most 20 values; on dSprites'
    40 orientations values share bins and it scores slightly less.
    Fails: one outlier moves max|z - E z| and with it the score of every code (a heavy-tailed code
    looks robust); codes that know nothing do not score 0 but what the tails of their marginal give.

    matrix: IRS_ij, 0 in the row of a constant code; all codes constant scores 0. Raises ValueError
    as ``mig`` does, and for a quantile outside (0, 1].
    """
    if not 0 < quantile <= 1:
        raise ValueError(f"quantile is {quantile}, expected one in (0, 1]")
    codes, factors = check_pair(codes, factors)
    active = codes.max(axis=0) > codes.min(axis=0)
    d = codes.shape[1]
    parts = members([1] * d if groups is None else groups, d)
    labels, sizes = classes(binned(factors.astype(np.float64), bins))

    largest = np.stack([_deviations(codes, part) for part in parts]).max(axis=1)  # [parts]
    largest[[not active[part].any() for part in parts]] = 0.0
    remaining = np.zeros((len(parts), len(sizes)))
    for j, size in enumerate(sizes):
        for value in range(size):
            same = codes[labels[:, j] == value]
            if groups is None:
                deviations = np.abs(same - same.mean(axis=0))  # [samples, d]
            else:
                deviations = np.stack([_deviations(same, part) for part in parts], axis=1)
            remaining[:, j] += np.percentile(deviations, quantile * 100, axis=0) / size
    matrix = np.zeros_like(remaining)
    moving = largest > 0
    matrix[moving] = 1 - remaining[moving] / largest[moving, None]
    total = largest.sum()
    value = (matrix.max(axis=1) * largest).sum() / total if total > 0 else 0.0
    settings = {"codes": describe(groups, d), "quantile": quantile, "bins": bins}
    settings |= {"active": int(active.sum()), "samples": len(codes)}
    return Score("IRS", {"irs": value}, matrix, settings, "interventional robustness")


def _deviations(codes: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Each sample's distance from the mean in the dimensions ``part``: ``[n]``."""
    away = codes[:, part] - codes[:, part].mean(axis=0)
    return np.abs(away[:, 0]) if len(part) == 1 else np.sqrt((away**2).sum(axis=1))
