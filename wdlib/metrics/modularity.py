"""Modularity: does each code know about one factor only?"""

import numpy as np

from wdlib.metrics.arrays import at_least, check_pair
from wdlib.metrics.information import BINS, information_settings, mutual_information
from wdlib.metrics.result import Score


def modularity(codes, factors, *, bins: int = BINS, groups=None) -> Score:
    """``mean_i (1 - sum_(j != j*) I_ij^2 / ((k - 1) I_ij*^2))``, where I is mutual information.

    j* is the factor that code i knows most about; k is the number of factors. A code without any
    information, for example a constant one, counts as 0.

    Args:
        codes, factors: ``[n, d]`` and ``[n, k]`` of the same samples, k at least 2.
        bins, groups: as in ``mig``.

    Returns a Score with ``modularity``; its matrix is I(code; factor) in nats.

    Source: Ridgeway and Mozer 2018, "Learning deep disentangled embeddings with the F-statistic
    loss", section 3; 20 bins, and 0 for an empty code, as in disentanglement_lib.
    Range: 0 to 1. A perfect code scores 1 for any factors (up to the bias of a small sample), and
    so does a code that is duplicated many times.
    Limits: it does not look at factors. Codes that all hold the same factor score 1, and codes that
    each hold a trace of one factor score high. Constant codes lower the mean.

    Raises ValueError as ``mig`` does, and for fewer than two factors.
    """
    codes, factors = check_pair(codes, factors, needs_classes="modularity")
    at_least(factors.shape[1], 2, "factors", "modularity compares the factors of a code")
    information = mutual_information(codes, factors, bins, groups)
    squares = information**2
    best = squares.max(axis=1)
    others = (squares.sum(axis=1) - best) / (squares.shape[1] - 1)
    informed = best > 0
    per_code = np.zeros(len(squares))
    per_code[informed] = 1 - others[informed] / best[informed]
    settings = information_settings(codes, bins, groups)
    return Score("modularity", {"modularity": per_code.mean()}, information, settings)
