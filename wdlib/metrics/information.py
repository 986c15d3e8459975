"""Mutual information of codes and factors, and entropy: what many scores start from.

- A code and classes: the code is cut into bins of equal width. The joint histogram of a code and a
  factor takes one pass over the samples, and all codes share the arithmetic after that. With 32
  codes and 4 factors, this is 30 times faster than scikit-learn's ``mutual_info_score`` per pair.
- A code and a real-valued factor: nearest neighbours (scikit-learn), without bins.
- A partition: its nearest neighbours guess the factor, and the guess counts as the code.
"""

import numpy as np

from wdlib.metrics.arrays import at_least, classes
from wdlib.metrics.codes import describe, members
from wdlib.metrics.factors import Factors

BINS = 20  # of equal width, as in disentanglement_lib
NEIGHBOURS = 15  # for grouped codes: they guess the factor of a sample
NEAREST = 3  # for real-valued factors, as in Kraskov et al.


def information_settings(codes: np.ndarray, bins, groups, real: bool = False) -> dict:
    """What a score records about its mutual information."""
    how = {"bins": bins} if groups is None else {"information": f"vote of {NEIGHBOURS} neighbours"}
    how |= {"real_factors": f"{NEAREST} nearest neighbours"} if real else {}
    return {"codes": describe(groups, codes.shape[1]), "samples": len(codes)} | how


def mutual_information(codes: np.ndarray, factors, bins: int = BINS, groups=None) -> np.ndarray:
    """I(code; factor) in nats of binned codes ``[d, k]``, or of partitions ``[partitions, k]``.

    ``factors`` are ``Factors`` or int64 ``[n, k]``. A histogram of a partition with eight
    dimensions would have 20^8 cells. Instead, the nearest neighbours of a sample in the partition
    guess its factor, and the information of this guess about the factor is measured. By the
    data-processing inequality, a guess has no more information than the partition (apart from the
    bias of any estimate).
    """
    columns = factors.columns if isinstance(factors, Factors) else tuple(factors.T)
    real = np.array([column.dtype.kind == "f" for column in columns])
    if groups is not None:
        parts = members(groups, codes.shape[1])
        return np.stack([_guessed_information(codes[:, dims], columns) for dims in parts])
    information = np.empty((codes.shape[1], len(columns)))
    if not real.all():
        labels = np.stack([c for c in columns if c.dtype.kind != "f"], axis=1)
        information[:, ~real] = discrete_mutual_information(binned(codes, bins), labels)
    for j in np.flatnonzero(real):
        information[:, j] = nearest_information(codes, columns[j])
    return information


def nearest_information(
    codes: np.ndarray, factor: np.ndarray, *, nearest: int = NEAREST, seed: int = 0
) -> np.ndarray:
    """I(code; factor) in nats by k nearest neighbours, at least 0: ``[d]``.

    codes ``[n, d]``; factor ``[n]``: float64 for real values (Kraskov et al. 2004, "Estimating
    mutual information", equation 8), integers for classes (Ross 2014, "Mutual information between
    discrete and continuous data sets"). Noise of 1e-10, drawn with ``seed``, breaks ties. Raises
    ValueError for fewer than ``nearest`` + 1 samples.
    """
    from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

    at_least(len(codes), nearest + 1, "samples", f"each has {nearest} nearest neighbours")
    estimate = mutual_info_regression if factor.dtype.kind == "f" else mutual_info_classif
    how = {"discrete_features": False, "n_neighbors": nearest, "random_state": seed}
    return estimate(codes, factor, **how)


def entropy(factors, nearest: int = NEAREST) -> np.ndarray:
    """H(factor) in nats ``[k]``; for a real-valued factor v it is I(v; v) by nearest neighbours.

    ``factors`` are ``Factors`` or int64 ``[n, k]``. The entropy of real values has no bound. The
    estimate of I(v; v) grows like log(n / nearest), so it depends on the number of samples.
    """
    columns = factors.columns if isinstance(factors, Factors) else factors.T
    return np.array([_entropy(column, nearest) for column in columns])


def _entropy(column: np.ndarray, nearest: int) -> float:
    if column.dtype.kind == "f":
        return nearest_information(column[:, None], column, nearest=nearest)[0]
    p = np.bincount(classes(column[:, None])[0][:, 0]) / len(column)
    return -(p * np.log(p)).sum()


def binned(values: np.ndarray, bins: int) -> np.ndarray:
    """Each column cut into ``bins`` bins of equal width: int64 ``[n, d]``, 0 .. bins-1.

    The edges are those of numpy.histogram, from the column's minimum to its maximum. A bin includes
    its left edge, and the last bin its right edge too. A constant column has one bin. Raises
    ValueError for fewer than one bin, and for a column too wide or too narrow for float64.
    """
    if bins < 1:
        raise ValueError(f"bins is {bins}, expected at least 1")
    out = np.empty(values.shape[::-1], dtype=np.int64)
    for i, column in enumerate(np.ascontiguousarray(values.T)):
        low, high = column.min(), column.max()
        if not np.isfinite(high - low):
            raise ValueError(f"code {i} spans {low} to {high}: too wide to cut into bins")
        try:
            edges = np.histogram_bin_edges(column, bins)
        except ValueError:  # no room for edges between two neighbouring floats
            raise ValueError(
                f"code {i} spans {low!r} to {high!r}: too narrow to cut into {bins} bins"
            ) from None
        # Dividing gives the bin or a neighbour of it; comparing with the edges settles which.
        left, right = edges[:-1], np.append(edges[1:-1], np.inf)
        guess = ((column - left[0]) * (bins / (edges[-1] - left[0]))).astype(np.int64)
        np.minimum(guess, bins - 1, out=guess)
        guess -= column < left[guess]
        guess += column >= right[guess]
        out[i] = guess
    return out.T


def discrete_mutual_information(codes: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """I(code; factor) in nats of integer codes ``[n, d]`` and factors ``[n, k]``: ``[d, k]``.

    I = sum over cells of p(c, f) log(p(c, f) / (p(c) p(f))), with the frequencies of the samples.
    Terms below the rounding of float64 count as 0, as in scikit-learn: modularity divides by the
    largest information of a code, and it must not divide noise by noise.
    """
    codes = codes - codes.min(axis=0)
    n, d = codes.shape
    if int(codes.max()) >= n:  # large integers would need a large table: use their ranks
        codes = classes(codes)[0]
    width = int(codes.max()) + 1
    labels, sizes = classes(factors)
    rows = np.ascontiguousarray(codes.T)
    log_n = np.log(n)
    information = np.empty((d, len(sizes)))
    for j, size in enumerate(sizes):
        label, cells = np.ascontiguousarray(labels[:, j]), width * size
        joint = [np.bincount(row * size + label, minlength=cells) for row in rows]
        joint = np.reshape(joint, (d, width, size))
        of_code, of_factor = joint.sum(axis=2), joint.sum(axis=1)
        i, value, c = np.nonzero(joint)
        count = joint[i, value, c]
        product = of_code[i, value] * of_factor[i, c]
        share = count / n
        terms = share * (np.log(count) - log_n) + share * (2 * log_n - np.log(product))
        terms[np.abs(terms) < np.finfo(float).eps] = 0.0
        information[:, j] = np.bincount(i, weights=terms, minlength=d)
        information[(of_code > 0).sum(axis=1) == 1, j] = 0.0  # a constant code
    return np.maximum(information, 0.0)


def guesses(partition: np.ndarray, columns) -> list[np.ndarray]:
    """What the neighbours of each sample in a partition ``[n, dims]`` guess: ``[n]`` per factor.

    A guess is the class that most of them have, or the mean of their real values.
    """
    from scipy.spatial import cKDTree

    n = len(partition)
    count = min(NEIGHBOURS, n - 1)
    _, near = cKDTree(partition).query(partition, k=count + 1)
    near = near.reshape(n, count + 1)
    # A sample does not vote on itself. Among many equal points it may not be its own neighbour;
    # then the farthest one is left out.
    itself = near == np.arange(n)[:, None]
    itself[~itself.any(axis=1), -1] = True
    near = near[~itself].reshape(n, count)
    return [_guess(column, near) for column in columns]


def _guess(column: np.ndarray, near: np.ndarray) -> np.ndarray:
    """The guess ``[n]`` of the neighbours ``near [n, count]`` about one factor ``[n]``."""
    if column.dtype.kind == "f":
        return column[near].mean(axis=1)
    labels, sizes = classes(column[:, None])
    votes = np.zeros((len(near), sizes[0]), dtype=np.int64)
    np.add.at(votes, (np.arange(len(near))[:, None], labels[near, 0]), 1)
    return votes.argmax(axis=1)


def _guessed_information(partition: np.ndarray, columns) -> np.ndarray:
    """I(guess of the neighbours; factor) in nats for one partition ``[n, dims]``: ``[k]``."""
    found = []
    for guess, column in zip(guesses(partition, columns), columns):
        real = column.dtype.kind == "f"
        pair = guess[:, None], column if real else column[:, None]
        found.append((nearest_information if real else discrete_mutual_information)(*pair).item())
    return np.array(found)
