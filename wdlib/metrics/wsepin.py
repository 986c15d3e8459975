"""WSEPIN: how much does each code of a stochastic encoder tell that the other codes do not?"""

import numpy as np

from wdlib.metrics.arrays import as_codes
from wdlib.metrics.codes import describe, members
from wdlib.metrics.result import Score

CHUNK = 4_000_000  # numbers in memory at a time: 32 MB


def wsepin(means, deviations=None, *, groups=None, seed: int = 0) -> Score:
    """``sum_i r_i I(x; z_i | z_-i)`` in nats, with ``r_i = I(x; z_i) / sum_i I(x; z_i)``.

    x is one of the n images, all equally likely. z is drawn from its Gaussian q(z|x), and z_-i are
    all codes but code i, so ``I(x; z_i | z_-i) = I(x; z) - I(x; z_-i)``. Each I is the mean of
    ``log q(z|x) - log mean_x' q(z|x')`` over one draw per image.

    Args:
        means, deviations: ``[n, d]``, mean and standard deviation of the codes of n images.
        groups: the partition of each code (see ``codes.group``). A partition counts as one code.
        seed: for the draws.

    Returns a Score with ``wsepin``; its matrix holds r_i, I(x; z_i), I(x; z_i | z_-i).

    Source: Do and Tran 2020, "Theory and evaluation metrics for learning disentangled
    representations".
    Range: 0 to log n. It knows no factors, so it has no perfect value: independent codes score the
    weighted mean of their I(x; z_i), and copies of a code score near 0.
    Limits: an I is at most log n. If the codes without code i already tell all images apart,
    nothing is left for code i, and a good encoder of many codes scores near 0.

    Raises ValueError without deviations, for deviations that are not positive, and for arrays of
    different shapes.
    """
    if deviations is None:
        raise ValueError(
            "WSEPIN needs a stochastic encoder: give the standard deviations of its codes. The "
            "codes of a deterministic encoder hold infinite information about images"
        )
    means, deviations = as_codes(means), as_codes(deviations, "deviations")
    if means.shape != deviations.shape:
        raise ValueError(f"codes have shape {means.shape} and deviations {deviations.shape}")
    if not (deviations > 0).all():
        raise ValueError(f"deviations hold {deviations.min()}: they must be positive")
    parts = members(groups, means.shape[1])
    z = means + deviations * np.random.default_rng(seed).normal(size=means.shape)
    step = max(1, CHUNK // means.size)
    found = [_log_ratios(z[i : i + step], i, means, deviations, parts) for i in
             range(0, len(z), step)]  # fmt: skip
    information = np.maximum(np.concatenate(found).mean(axis=0), 0)
    everything, alone, others = np.split(information, [1, 1 + len(parts)])
    own = np.maximum(everything - others, 0)
    weights = alone / alone.sum() if alone.sum() > 0 else np.zeros(len(parts))
    settings = {"codes": describe(groups, means.shape[1]), "samples": len(means), "seed": seed}
    matrix = np.stack([weights, alone, own], axis=1)
    return Score("WSEPIN", {"wsepin": weights @ own}, matrix, settings)


def _log_ratios(z, first: int, means, deviations, parts) -> np.ndarray:
    """log q(z|x) - log q(z) of all codes, of each part, and of the rest of each.

    ``z [draws, d]`` belongs to the images from number ``first`` on: ``[draws, 1 + 2 parts]``.
    """
    from scipy.special import logsumexp

    distance = (z[:, None] - means) / deviations  # [draws, n, d]
    density = -0.5 * distance**2 - np.log(deviations)  # the constant cancels
    of_parts = np.stack([density[..., dims].sum(axis=2) for dims in parts], axis=2)
    whole = of_parts.sum(axis=2, keepdims=True)
    logs = np.concatenate([whole, of_parts, whole - of_parts], axis=2)
    rows = np.arange(len(z))
    return logs[rows, first + rows] - logsumexp(logs, axis=1) + np.log(len(means))
