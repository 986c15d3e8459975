"""Mutual information of every code with every factor, in one histogram.

MIG and modularity both start from the matrix I(code; factor) in nats. Codes are cut into
equal-width bins, factors are classes already, and a pair's joint count is one pass over the
samples; everything after that is done for all codes at once.
"""

import numpy as np

from wdlib.metrics.arrays import classes
from wdlib.metrics.codes import members

BINS = 20  # the reference's equal-width bins
NEIGHBOURS = 15  # for grouped codes: whose vote names the class of a sample


def binned(values: np.ndarray, bins: int) -> np.ndarray:
    """Each column cut into ``bins`` equal-width bins: int64 ``[n, d]``, 0 .. bins-1.

    The edges are numpy.histogram's (from the column's smallest to its largest value), a bin holds
    its left edge, and the last bin its right edge too. A constant column falls into one bin.
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
        except ValueError:  # numpy finds no room for the edges between two neighbouring floats
            raise ValueError(
                f"code {i} spans {low!r} to {high!r}: too narrow to cut into {bins} bins"
            ) from None
        # A guess by division is at most one bin off; compare with the edges to settle it.
        left, right = edges[:-1], np.append(edges[1:-1], np.inf)
        guess = ((column - left[0]) * (bins / (edges[-1] - left[0]))).astype(np.int64)
        np.minimum(guess, bins - 1, out=guess)
        guess -= column < left[guess]
        guess += column >= right[guess]
        out[i] = guess
    return out.T


def entropy(factors: np.ndarray) -> np.ndarray:
    """H(factor) in nats, ``[k]``."""
    labels, sizes = classes(factors)
    shares = [
        np.bincount(labels[:, j], minlength=sizes[j]) / len(labels) for j in range(len(sizes))
    ]
    return np.array([-(p * np.log(p)).sum() for p in shares])


def discrete_mutual_information(codes: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """I(code; factor) in nats for integer codes ``[n, d]`` and factors ``[n, k]``: ``[d, k]``.

    I = sum over cells of p(c, f) log(p(c, f) / (p(c) p(f))), with the samples' own frequencies.
    A cell's share below the rounding of float64 counts as zero, as in sklearn: modularity divides
    by the largest information of a code, and must not divide noise by noise.
    """
    codes = codes - codes.min(axis=0)  # 0 .. width-1
    n, d = codes.shape
    if int(codes.max()) >= n:  # large integers would ask for a large table: use their ranks
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


def mutual_information(codes: np.ndarray, factors: np.ndarray, bins: int, groups) -> np.ndarray:
    """I(code; factor) of binned codes ``[d, k]``, or of partitions ``[partitions, k]``.

    A partition of eight dimensions has no usable histogram (20^8 cells). What stands for its
    information is that of the best guess it allows: every sample is given the class that its
    nearest neighbours in the partition vote for (itself left out), and the information of that
    guess about the factor is measured. By the data-processing inequality it never exceeds
    the partition's true information, beyond the bias of any histogram.
    """
    if groups is None:
        return discrete_mutual_information(binned(codes, bins), factors)
    return np.stack(
        [_guessed_information(codes[:, dims], factors) for dims in members(groups, codes.shape[1])]
    )


def _guessed_information(partition: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """I(neighbours' vote; factor) for one partition ``[n, m]``: ``[k]``."""
    from scipy.spatial import cKDTree  # sklearn brings it; not needed for raw codes

    n = len(partition)
    count = min(NEIGHBOURS, n - 1)
    _, near = cKDTree(partition).query(partition, k=count + 1)
    near = near.reshape(n, count + 1)
    # Among many equal points a sample may not be its own neighbour: then the farthest goes.
    own = near == np.arange(n)[:, None]
    own[~own.any(axis=1), -1] = True
    near = near[~own].reshape(n, count)
    labels, sizes = classes(factors)
    guesses = []
    for j, size in enumerate(sizes):
        votes = np.zeros((n, size), dtype=np.int64)
        np.add.at(votes, (np.arange(n)[:, None], labels[near, j]), 1)
        guesses.append(votes.argmax(axis=1))
    guesses = np.stack(guesses, axis=1)
    return np.array(
        [
            discrete_mutual_information(guesses[:, [j]], factors[:, [j]])[0, 0]
            for j in range(len(sizes))
        ]
    )
