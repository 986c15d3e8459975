"""Boosted trees on binned codes: close to the reference's, and many times faster.

A node's best split is found among the bins of a code instead of among its samples: one sum per
(code, bin) holds all that is needed. Two things keep the importances close to those of exact
trees. The bins' edges include the widest gaps between neighbouring values, so that islands are
separated where exact trees separate them. And equally good codes win equally often: targets are
rounded to integers, which makes every sum exact, and codes are compared in a random order, so that
a tie is a tie and a draw decides it.

With integers, one sum can hold two: every sample adds its target plus a unit so large that the
count of samples can be read off the sum.
"""

import numpy as np

from wdlib.metrics.tree import DEPTH, Tree

BINS = 128
GAPS = 32  # how many of the edges lie in the widest gaps; the others are quantiles
MANTISSA = 52  # bits of a float64 that hold an integer exactly
GAINED = 1e-9  # per sample; a pure node has less to gain, and stays whole


class BinnedTrees:
    """Grows trees on codes ``[n, d]``, and finds the leaves of ``test_codes [m, d]``."""

    def __init__(self, codes: np.ndarray, test_codes: np.ndarray):
        edges = [_edges(column) for column in codes.T]
        # [d, n] and [d, m]; a value at an edge lies below it
        self.columns, self.test_columns = (
            np.stack([np.searchsorted(e, column) for e, column in zip(edges, array.T)])
            for array in (codes, test_codes)
        )
        bits = int(np.ceil(np.log2(len(codes)))) + 1
        self.grain = 2.0 ** min(20, MANTISSA - 2 * bits)  # targets are rounded to 1 / grain
        self.unit = self.grain * 2.0**bits  # more than any sum of targets, and twice

    def grow(self, target: np.ndarray, random: np.random.RandomState) -> Tree:
        """The least-squares tree of depth 3 on ``target [n]``, all of it between -1 and 1."""
        d, n = self.columns.shape
        tree = Tree(importances=np.zeros(d))
        packed = np.round(target * self.grain) + self.unit
        samples = np.arange(n)
        self._add(tree, packed, samples, self._sums(packed, None), 0, random)
        tree.importances /= n
        return tree

    def test_leaves(self, tree: Tree) -> np.ndarray:
        """The leaf of each test sample: ``[m]``."""
        return tree.apply(self.test_columns)

    def _sums(self, packed: np.ndarray, samples: np.ndarray | None) -> np.ndarray:
        """Packed sums of some samples (None: all) by code and bin: ``[d, BINS]``."""
        if samples is None:
            return np.stack([np.bincount(c, packed, minlength=BINS) for c in self.columns])
        weights = packed[samples]
        return np.stack([np.bincount(c[samples], weights, minlength=BINS) for c in self.columns])

    def _add(self, tree, packed, samples, sums, depth, random) -> int:
        """Add the node of ``samples`` and everything below it; its number."""
        number = len(tree.feature)
        tree.feature.append(-1)
        tree.threshold.append(0.0)
        tree.child.append([number, number])
        split = self._best(sums, random) if depth < DEPTH else None
        if split is None:
            tree.samples[number] = samples
            return number
        code, bound, gain = split
        tree.feature[number], tree.threshold[number] = code, bound
        tree.importances[code] += gain
        goes_left = self.columns[code][samples] <= bound
        parts = samples[goes_left], samples[~goes_left]
        below = [None, None]
        if depth + 1 < DEPTH:  # sum over the smaller part; the other one is what remains
            small = int(len(parts[1]) < len(parts[0]))
            below[small] = self._sums(packed, parts[small])
            below[1 - small] = sums - below[small]
        for side in (0, 1):
            tree.child[number][side] = self._add(
                tree, packed, parts[side], below[side], depth + 1, random
            )
        return number

    def _best(self, sums, random):
        """(code, last bin on the left, gain) of the best split, or None if nothing is gained."""
        order = random.permutation(len(sums))  # who wins a draw
        left = sums[order].cumsum(axis=1)
        left_count = np.round(left / self.unit)
        left_sum = (left - left_count * self.unit) / self.grain
        count, total = left_count[0, -1], left_sum[0, -1]
        right_count, right_sum = count - left_count, total - left_sum
        gain = left_sum**2 / np.maximum(left_count, 1) + right_sum**2 / np.maximum(right_count, 1)
        gain[(left_count == 0) | (right_count == 0)] = -np.inf
        rank, bound = divmod(int(gain.argmax()), gain.shape[1])
        gained = float(gain[rank, bound] - total**2 / count)
        return (int(order[rank]), bound, gained) if gained > GAINED * count else None


def _edges(column: np.ndarray) -> np.ndarray:
    """At most BINS - 1 ascending edges between the column's values."""
    values = np.unique(column)
    middles = values[:-1] / 2 + values[1:] / 2
    if len(middles) < BINS:
        return middles
    widest = middles[np.argsort(np.diff(values))[-GAPS:]]
    shares = np.linspace(0, 1, BINS - GAPS + 1)[1:-1]
    return np.unique(np.concatenate([widest, np.quantile(column, shares)]))
