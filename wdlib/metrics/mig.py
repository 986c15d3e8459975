"""MIG, the mutual information gap: does one code know a factor, and the next code much less?

MIG-sup asks the same of the codes: ``mig_sup``. RMIG has other bins: ``rmig``.
"""

import numpy as np

from wdlib.metrics.arrays import at_least, check_pair
from wdlib.metrics.information import BINS, entropy, information_settings, mutual_information
from wdlib.metrics.result import Score


def mig(codes, factors, *, bins: int = BINS, groups=None) -> Score:
    """Mutual information gap: ``mean_j (I(c_(1); f_j) - I(c_(2); f_j)) / H(f_j)``.

    c_(1) and c_(2) are the codes with the most and the second most information about factor f_j;
    I is the mutual information, H the entropy. For a real-valued factor, I is estimated by 3
    nearest neighbours, and I(f_j; f_j) by the same estimate replaces H(f_j).

    Args:
        codes, factors: ``[n, d]`` and ``[n, k]`` of the same samples, d at least 2.
        bins: number of bins per code; factors are not binned.
        groups: the partition of each code (see ``codes.group``). A partition counts as one code;
            see ``mutual_information`` for its information.

    Returns a Score with ``mig``; its matrix is I(code; factor) in nats. If there are real-valued
    factors, ``mig_nats`` is their mean gap in nats.

    Source: Chen et al. 2018, "Isolating sources of disentanglement in VAEs", equation 6; histograms
    of 20 bins as in disentanglement_lib.
    Range: 0 to 1. A perfect code scores 1 where each factor has at most ``bins`` equally spaced
    values. A perfect code of 40 values scores .80 with 20 bins and .89 with 30; perfect codes of
    dSprites' factors of (3, 6, 40, 32, 32) values score .886.
    Limits: if two codes hold the same factor, the gap is 0 however well they hold it, so partitions
    of several dimensions need ``groups``. Outliers squeeze a code into few bins. Few samples raise
    every mutual information. For real values, I(f; f) grows like log(n), so compare only MIGs of
    the same number of samples, or gaps in nats. An angle has a cut: give its cosine and sine as two
    codes of one partition, because both hold the angle, and their gap is small.

    Raises ValueError for non-finite codes, missing values of factors, a factor with one value, and
    fewer than two codes.
    """
    codes, factors = check_pair(codes, factors)
    information = mutual_information(codes, factors, bins, groups)
    at_least(len(information), 2, "codes", "MIG is the gap between the two best")
    gaps = gap(information)
    values = {"mig": np.mean(gaps / entropy(factors))}
    values |= {"mig_nats": gaps[factors.real].mean()} if factors.real.any() else {}
    settings = information_settings(codes, bins, groups, factors.real.any())
    return Score("MIG", values, information, settings)


def gap(matrix: np.ndarray) -> np.ndarray:
    """The gap between the two largest entries of each column: ``[columns]``."""
    ranked = np.sort(matrix, axis=0)
    return ranked[-1] - ranked[-2]
