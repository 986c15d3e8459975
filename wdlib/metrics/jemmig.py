"""JEMMIG: does one code know a factor, know nothing else, and the next code much less?"""

import numpy as np

from wdlib.metrics.arrays import at_least, check_pair
from wdlib.metrics.codes import members
from wdlib.metrics.information import (
    BINS,
    binned,
    classes,
    entropy,
    guesses,
    information_settings,
    mutual_information,
)  # fmt: skip
from wdlib.metrics.mig import gap
from wdlib.metrics.result import Score


def jemmig(codes, factors, *, bins: int = BINS, groups=None) -> Score:
    """``mean_j (1 - (H(c_(1), f_j) - I(c_(1); f_j) + I(c_(2); f_j)) / (H(f_j) + log B))``.

    c_(1) and c_(2) are the codes with the most and the second most information about factor f_j;
    H(c, f) is the joint entropy, in nats, and B the number of bins. A code that knows its factor
    exactly, and varies for no other reason, has H(c, f) = I(c; f).

    Args:
        codes, factors: ``[n, d]`` and ``[n, k]`` of the same samples, d at least 2.
        bins: B, of equal width from the minimum to the maximum of a code.
        groups: the partition of each code (see ``codes.group``). A partition counts as one code:
            the guess of its neighbours, see ``mutual_information``. A guess has as many values as
            the factor, and this number replaces B.

    Returns a Score with ``jemmig``; its matrix is I(code; factor) in nats.

    Source: Do and Tran 2020, "Theory and evaluation metrics for learning disentangled
    representations"; as a share, 1 for the best, as in Carbonneau et al. 2022, "Measuring
    disentanglement: a review of metrics".
    Range: 0 to 1. A perfect code of at most ``bins`` equally spaced values scores 1. Noise that
    fills all bins evenly scores near 0, because H(c, f) is then near H(f) + log B.
    Limits: it depends strongly on B, so B is in the settings. Noise within the values of a code
    raises H(c, f): islands of a width of three bins lose log 3. Codes that are constant know
    nothing, and still score log B / (H(f) + log B), so read it next to MIG.

    Raises ValueError as ``mig`` does, and for a real-valued factor.
    """
    codes, factors = check_pair(codes, factors, needs_classes="JEMMIG")
    information = mutual_information(codes, factors, bins, groups)
    at_least(len(information), 2, "codes", "JEMMIG is the gap between the two best")
    own, columns = entropy(factors), np.arange(factors.shape[1])
    if groups is None:
        of_codes, most = entropy(binned(codes, bins))[:, None] + 0 * own, bins
    else:
        parts = members(groups, codes.shape[1])
        voted = [np.stack(guesses(codes[:, dims], factors.T), axis=1) for dims in parts]
        of_codes, most = np.stack([entropy(one) for one in voted]), classes(factors)[1]
    joint = (of_codes + own - information)[information.argmax(axis=0), columns]
    lost = (joint - gap(information)) / (own + np.log(most))
    settings = information_settings(codes, bins, groups)
    return Score("JEMMIG", {"jemmig": np.mean(1 - lost)}, information, settings)
