"""Modularity: does each code know about one factor only?"""

import numpy as np

from wdlib.metrics.arrays import at_least, check_pair
from wdlib.metrics.codes import describe
from wdlib.metrics.mutual_information import BINS, NEIGHBOURS, mutual_information
from wdlib.metrics.result import Score


def modularity(codes, factors, *, bins: int = BINS, groups=None) -> Score:
    """``mean_i (1 - sum_(j != j*) I_ij^2 / ((k - 1) I_ij*^2))``, I the mutual information.

    j* is the factor that code i knows most about, k the number of factors. A code without any
    information (a constant one, say) counts 0.

    codes, factors: ``[n, d]`` and ``[n, k]`` of the same (training) samples, k at least 2.
    bins, groups: as in ``mig``.

    Source: Ridgeway and Mozer 2018, "Learning deep disentangled embeddings with the F-statistic
    loss", section 3; numbers as disentanglement_lib's (20 bins, and the 0 of an empty code).
    Range: 0 to 1. A perfect code scores 1 under any factors (up to the bias of a small sample),
    and so does a code duplicated many times.
    Fails: it asks nothing of the factors: a code that ignores all factors but one scores 1, and
    one whose codes each hold a trace of one factor scores high. Constant codes pull the mean down.

    matrix: I(code; factor) in nats. Raises ValueError as ``mig`` does.
    """
    codes, factors = check_pair(codes, factors)
    at_least(factors.shape[1], 2, "factors", "modularity asks which one a code belongs to")
    information = mutual_information(codes, factors, bins, groups)
    squares = information**2
    best = squares.max(axis=1)
    others = (squares.sum(axis=1) - best) / (squares.shape[1] - 1)
    informed = best > 0
    per_code = np.zeros(len(squares))
    per_code[informed] = 1 - others[informed] / best[informed]
    settings = {"codes": describe(groups, codes.shape[1]), "samples": len(codes)}
    settings |= (
        {"bins": bins} if groups is None else {"information": f"vote of {NEIGHBOURS} neighbours"}
    )
    values = {"modularity": per_code.mean()}
    return Score("modularity", values, information, settings, "mutual information (nats)")
