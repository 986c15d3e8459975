"""RMIG: MIG of standardised codes, with the same bins for all of them."""

import numpy as np

from wdlib.metrics.arrays import at_least, check_pair
from wdlib.metrics.information import (
    discrete_mutual_information,
    entropy,
    information_settings,
    mutual_information,
)  # fmt: skip
from wdlib.metrics.mig import gap
from wdlib.metrics.result import Score

BINS, WIDEST = 100, 4.0  # bins from -4 to 4 standard deviations, as in the paper


def rmig(codes, factors, *, bins: int = BINS, groups=None) -> Score:
    """``mean_j (I(c_(1); f_j) - I(c_(2); f_j)) / H(f_j)`` with fixed bins.

    Each code is standardised by its mean and standard deviation, and cut into ``bins`` bins of
    equal width from -4 to 4. The outer bins also take what lies beyond.

    Args:
        codes, factors: ``[n, d]`` and ``[n, k]`` of the same samples, d at least 2.
        bins: number of bins per code.
        groups: as in ``mig``: the neighbours vote, without bins, so RMIG and MIG are the same.

    Returns a Score with ``rmig``; its matrix is I(code; factor) in nats.

    Source: Do and Tran 2020, "Theory and evaluation metrics for learning disentangled
    representations", for a deterministic encoder. (With a stochastic encoder, q(z|x) replaces the
    histogram.) Divided by H, so that all factors count alike.
    Range: 0 to 1. A perfect code scores 1 if its values fall into different bins.
    Limits: those of ``mig``, but outliers squeeze a code less. 100 bins need many samples: for 2000
    samples of noise and factors of 9 values, I is about .15 nats.

    Raises ValueError as ``mig`` does, and for a real-valued factor.
    """
    codes, factors = check_pair(codes, factors, needs_classes="RMIG")
    if bins < 1:
        raise ValueError(f"bins is {bins}, expected at least 1")
    if groups is None:
        deviation = codes.std(axis=0)
        deviation[codes.max(axis=0) == codes.min(axis=0)] = np.inf  # a constant code becomes 0
        places = ((codes - codes.mean(axis=0)) / deviation + WIDEST) * (bins / (2 * WIDEST))
        cut = np.clip(np.floor(places), 0, bins - 1).astype(np.int64)
        information = discrete_mutual_information(cut, factors)
    else:
        information = mutual_information(codes, factors, bins, groups)
    at_least(len(information), 2, "codes", "RMIG is the gap between the two best")
    value = np.mean(gap(information) / entropy(factors))
    return Score("RMIG", {"rmig": value}, information, information_settings(codes, bins, groups))
