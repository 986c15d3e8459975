"""MIG-sup: does one factor fill a code, and the next factor much less? MIG, asked of the codes."""

import numpy as np

from wdlib.metrics.arrays import at_least, check_pair
from wdlib.metrics.information import BINS, entropy, information_settings, mutual_information
from wdlib.metrics.mig import gap
from wdlib.metrics.result import Score


def mig_sup(codes, factors, *, bins: int = BINS, groups=None) -> Score:
    """``mean_i (N_i(1) - N_i(2))``, where ``N_ij = I(c_i; f_j) / H(f_j)``.

    N_i(1) and N_i(2) are the largest and the second largest entry of code i. Every code counts; a
    code without information, for example a constant one, counts as 0.

    Args:
        codes, factors: ``[n, d]`` and ``[n, k]`` of the same samples, k at least 2.
        bins, groups: as in ``mig``.

    Returns a Score with ``mig_sup``; its matrix is N.

    Source: Li et al. 2020, "Progressive learning and disentanglement of hierarchical
    representations". Some implementations rank before they divide by H, or divide by
    the entropy of the binned code. They give other numbers.
    Range: 0 to 1; 1 for perfect codes of at most ``bins`` equally spaced values, and for copies of
    them.
    Limits: it does not look at factors, so codes that all hold the same factor score 1. Each dead
    code lowers the mean. A code that holds two factors fully scores 0.

    Raises ValueError as ``mig`` does, for a real-valued factor, and for fewer than two factors.
    """
    codes, factors = check_pair(codes, factors, needs_classes="MIG-sup")
    at_least(factors.shape[1], 2, "factors", "MIG-sup is the gap between the two best")
    shares = mutual_information(codes, factors, bins, groups) / entropy(factors)
    settings = information_settings(codes, bins, groups)
    return Score("MIG-sup", {"mig_sup": np.mean(gap(shares.T))}, shares, settings)
