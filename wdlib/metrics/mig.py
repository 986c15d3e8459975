"""MIG: does one code know a factor, and the next best code much less?"""

import numpy as np

from wdlib.metrics.arrays import at_least, check_pair
from wdlib.metrics.codes import describe
from wdlib.metrics.mutual_information import BINS, NEIGHBOURS, entropy, mutual_information
from wdlib.metrics.result import Score


def mig(codes, factors, *, bins: int = BINS, groups=None) -> Score:
    """Mutual information gap: ``mean_j (I(c_(1); f_j) - I(c_(2); f_j)) / H(f_j)``.

    c_(1) and c_(2) are the codes with the most and the second most information about f_j.

    codes, factors: ``[n, d]`` and ``[n, k]``, of the same (training) samples. d is at least 2.
    bins:   equal-width bins per code; the factors are not binned.
    groups: one partition = one code; see ``mutual_information`` for what its information is.

    Source: Chen et al. 2018, "Isolating sources of disentanglement in VAEs", eq. 6; numbers as
    disentanglement_lib's (histogram discretiser, 20 bins).
    Range: 0 to 1. A perfect code scores 1 where every factor has at most ``bins`` equally spaced
    values; a perfect 40-valued code scores .80 with 20 bins and .89 with 30, and
    dSprites' (3, 6, 40, 32, 32) .886.
    Fails: two codes that both hold a factor score 0, however well they hold it (so
    8-dimensional partitions need ``groups``); a code with outliers is squeezed into few bins;
    small n biases every information upwards.

    matrix: I(code; factor) in nats. Raises ValueError for non-finite codes, non-integer factors,
    a factor with one value, or fewer than two codes.
    """
    codes, factors = check_pair(codes, factors)
    information = mutual_information(codes, factors, bins, groups)
    at_least(len(information), 2, "codes", "MIG is the gap between the two best")
    ranked = np.sort(information, axis=0)
    gap = np.mean((ranked[-1] - ranked[-2]) / entropy(factors))
    settings = {"codes": describe(groups, codes.shape[1]), "samples": len(codes)}
    settings |= (
        {"bins": bins} if groups is None else {"information": f"vote of {NEIGHBOURS} neighbours"}
    )
    return Score("MIG", {"mig": gap}, information, settings, "mutual information (nats)")
