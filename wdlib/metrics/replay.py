"""The orders that sklearn's trees go by, without sklearn's loops.

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
