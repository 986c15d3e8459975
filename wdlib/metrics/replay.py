"""The orders that sklearn's trees go by, and what is summed in them, without sklearn's loops.

Sums in float64 depend on their order, and a tie between two codes on who is looked at first. Both
orders follow from the data and a 32-bit generator: the one in which a node visits the codes, and
the one in which a split leaves the samples of its two sides.
"""

import numpy as np


class Visits:
    """The order in which sklearn's splitter visits the codes, node after node of one tree.

    A Fisher-Yates shuffle on a 32-bit xorshift generator that sets aside the codes already
    known to be constant. The arrays live on from node to node, so nodes are to be visited depth
    first, left before right.
    """

    def __init__(self, d: int, state: int):
        self.features, self.constants, self.state = list(range(d)), [0] * d, state

    def _below(self, bound: int) -> int:
        state = self.state or 1
        state ^= (state << 13) & 0xFFFFFFFF
        state ^= state >> 17
        state ^= (state << 5) & 0xFFFFFFFF
        self.state = state
        return (state & 0x7FFFFFFF) % bound

    def node(self, known: int, constant: list[bool]) -> tuple[list[int], list[int], int]:
        """Codes to search, in order; all codes that were sorted, in order; constants now known."""
        features, d = self.features, len(self.features)
        left, drawn, found, total = d, 0, 0, known
        searched, arranged, visits = [], [], 0
        while left > total and (visits < d or visits <= found + drawn):
            visits += 1
            at = drawn + self._below(left - found - drawn)
            if at < known:
                features[drawn], features[at] = features[at], features[drawn]
                drawn += 1
                continue
            at += found
            feature = features[at]
            arranged.append(feature)
            if constant[feature]:
                features[at], features[total] = features[total], features[at]
                found, total = found + 1, total + 1
            else:
                left -= 1
                features[left], features[at] = features[at], features[left]
                searched.append(feature)
        features[:known] = self.constants[:known]
        self.constants[known:total] = features[known:total]
        return searched, arranged, total


def parted(samples: np.ndarray, goes_left: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Left and right samples in the order that sklearn's in-place partition leaves them in.

    Its cursor walks up; a sample that belongs right changes places with the one before the end,
    which is looked at next, and the end moves down by one. Without the loop: holes in the head
    are filled by the tail's left samples from the end; the right ones pile up from the end in
    the order in which they were looked at.
    """
    count = int(goes_left.sum())
    head, tail = samples[:count].copy(), samples[count:][::-1]
    holes = np.flatnonzero(~goes_left[:count])
    tail_left = goes_left[count:][::-1]
    misplaced = head[holes]
    head[holes] = tail[tail_left]
    filled = tail_left.cumsum()[~tail_left]  # holes already filled when each right one is met
    met = tail[~tail_left]
    last = np.searchsorted(filled, len(holes))  # from here on the cursor has reached the tail
    if last < len(met):
        met[last:] = np.roll(met[last:], 1)
    met = np.insert(met, np.searchsorted(filled, np.arange(len(holes))), misplaced)
    return head, met[::-1]


def added(values: np.ndarray) -> float:
    """The sum as a loop adds, one after another (numpy.sum adds pairwise)."""
    return float(values.cumsum()[-1])


def child_impurities(total, total_square, target, squares, left, right) -> tuple[float, float]:
    """Variance of the target in either child, rounded as sklearn's is.

    A pure node has the impurity of its rounding, and that decides whether it is split.
    sklearn adds up the shorter side, and has the other one by subtraction from the node's totals.
    """
    if len(left) <= len(right):
        left_sum = added(target[left])
    else:
        left_sum = added(np.concatenate([[total], -target[right[::-1]]]))
    left_square = added(squares[left])
    right_sum, right_square = total - left_sum, total_square - left_square
    left_mean, right_mean = left_sum / len(left), right_sum / len(right)
    return (
        left_square / len(left) - left_mean * left_mean,
        right_square / len(right) - right_mean * right_mean,
    )


def decrease(impurity, impurities, left, right, everything: int) -> float:
    """A split's share of the decrease of variance in the tree of ``everything`` samples."""
    n = len(left) + len(right)
    remaining = impurity - len(right) / n * impurities[1] - len(left) / n * impurities[0]
    return n / everything * remaining
