"""The two rows that every score needs beside it: perfect codes, and codes that know nothing.

A SAP of .66 looks poor until one sees that perfect integer codes of three ternary factors score
.657, and an informativeness of .40 looks like something until one sees that guessing gives .38.
"""

import numpy as np

from wdlib.metrics.arrays import as_codes, as_factors


def oracle_codes(factors) -> np.ndarray:
    """Perfect codes of these factors: one integer-valued code per factor, float64 ``[n, k]``.

    They are the factor classes themselves, so the score of these codes is the ceiling that a
    representation of these very samples can be held against (it is not always 1).
    """
    return as_factors(factors).astype(np.float64)


def chance_codes(codes, *, seed: int = 0) -> np.ndarray:
    """The same codes with their rows permuted: every marginal kept, every dependence on a factor
    lost. What a score gives for them is what it gives for nothing.
    """
    codes = as_codes(codes)
    return codes[np.random.default_rng(seed).permutation(len(codes))]
