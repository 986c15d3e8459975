"""DCIMIG: the information that codes hold about their best factor only, of all there is to know."""

import numpy as np

from wdlib.metrics.arrays import at_least, check_pair
from wdlib.metrics.information import BINS, entropy, information_settings, mutual_information
from wdlib.metrics.mig import gap
from wdlib.metrics.result import Score


def dcimig(codes, factors, *, bins: int = BINS, groups=None) -> Score:
    """``sum_j max_(i: j(i) = j) g_i / sum_j H(f_j)``, where g_i is the gap of code i.

    j(i) is the factor that code i knows most about. The gap ``g_i = I_ij(i) - (the second largest
    entry of row i)`` goes to this factor. A factor keeps the largest gap; it is 0 if the factor is
    no code's best one.

    Args:
        codes, factors: ``[n, d]`` and ``[n, k]`` of the same samples, k at least 2.
        bins, groups: as in ``mig``.

    Returns a Score with ``dcimig``; its matrix is I(code; factor) in nats.

    Source: Sepliarskaia, Kiseleva and de Rijke 2019, "Evaluating disentangled representations".
    Another implementation averages the ratios of the factors, which gives other numbers unless all
    factors have the same entropy.
    Range: 0 to 1; 1 for perfect codes of at most ``bins`` equally spaced values. Copies of codes
    and dead codes change nothing.
    Limits: factors of many values have more entropy, so they weigh more. It does not see that a
    factor is spread over several codes, if one of them holds it alone.

    Raises ValueError as ``mig`` does, for a real-valued factor, and for fewer than two factors.
    """
    codes, factors = check_pair(codes, factors, needs_classes="DCIMIG")
    at_least(factors.shape[1], 2, "factors", "DCIMIG is the gap between the two best")
    information = mutual_information(codes, factors, bins, groups)
    kept = np.zeros(factors.shape[1])
    np.maximum.at(kept, information.argmax(axis=1), gap(information.T))
    settings = information_settings(codes, bins, groups)
    return Score("DCIMIG", {"dcimig": kept.sum() / entropy(factors).sum()}, information, settings)
