"""The regression trees of sklearn's gradient boosting, grown several times faster, bit for bit.

sklearn sorts every code again in every node of every tree. Here the codes are sorted once per
matrix, and a node keeps the sorted order of its samples by filtering its parent's. What remains
is a running sum and a quotient per candidate split, which numpy does for all codes at once.

The numbers stay sklearn's own, to the last bit, and they have to: where two codes separate the
samples equally well (eight dimensions that hold the same factor do, all the time), the winner is
decided by the rounding of sums and by the random order in which codes are visited, and with it
the completeness of the representation. So sums are taken in sklearn's order, and its visits are
replayed (``replay``). The one thing that cannot be replayed is the order of samples
with equal code values, which is up to sklearn's unstable sort. A decision that hangs on it is
recognised (the alternatives are tried), and raises ``Undecided``: the caller then has sklearn grow
that one tree.
"""

from dataclasses import dataclass

import numpy as np

from wdlib.metrics.replay import Visits, added, child_impurities, decrease, parted
from wdlib.metrics.tree import DEPTH, Tree

TIE = np.float32(1e-7)  # neighbouring values closer than this are not separated (sklearn)
PURE = np.finfo(np.float64).eps  # a node with less impurity is not split (sklearn)
BLOCK = 65_536  # numbers in flight per step of the search, so that they stay in the cache
MOST = 8  # pairs of equal values whose order is tried both ways, in one code and node
ROUNDING = 1e-11  # relative; two gains closer than this may change places when sums are reordered


class Undecided(Exception):
    """A split hangs on the order of equal values, which only sklearn's own sort knows."""


@dataclass(frozen=True)
class SortedCodes:
    """Codes as sklearn's trees see them (float32), and their order, column by column."""

    columns: np.ndarray  # [d, n] float32
    order: np.ndarray  # [d, n] sample indices, ascending in the column's values

    @classmethod
    def of(cls, codes: np.ndarray) -> "SortedCodes":
        columns = np.ascontiguousarray(codes.astype(np.float32).T)
        return cls(columns, np.argsort(columns, axis=1, kind="stable"))

    def ends(self, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Smallest and largest value of each code among a node's samples."""
        rows = np.arange(len(order))
        return self.columns[rows, order[:, 0]], self.columns[rows, order[:, -1]]


def grow(codes: SortedCodes, target: np.ndarray, state: int) -> Tree:
    """The least-squares tree of depth 3 on ``target [n]``; ``state`` seeds the visits.

    Raises Undecided when sklearn's tree may be another one.
    """
    d, n = codes.columns.shape
    growth = _Growth(codes, target, Visits(d, state), Tree(importances=np.zeros(d)))
    impurity = added(growth.squares) / n - (added(target) / n) ** 2
    growth.add(_Node(codes.order, [np.arange(n)], [impurity], 0, 0))
    growth.tree.importances /= n
    return growth.tree


@dataclass(frozen=True)
class _Node:
    """Samples to split. What hangs on sklearn's sort comes as a list: a guess, then the rest."""

    order: np.ndarray | None  # [d, m] its samples, sorted by each code
    held: list[np.ndarray]  # [m] the same, in each order in which sklearn may hold them
    impurities: list[float]
    known: int  # how many codes are known to be constant
    depth: int
    complete: bool = True  # no other order or impurity is possible


class _Growth:
    """One tree in the making."""

    def __init__(self, codes: SortedCodes, target: np.ndarray, visits: Visits, tree: Tree):
        self.codes, self.target, self.visits, self.tree = codes, target, visits, tree
        self.squares = target * target

    def add(self, node: _Node) -> int:
        """Add a node and everything below it; its number."""
        tree, number = self.tree, len(self.tree.feature)
        tree.feature.append(-1)
        tree.threshold.append(0.0)
        tree.child.append([number, number])
        samples = node.held[0]
        split = self._split(node) if node.depth < DEPTH and len(samples) > 1 else None
        if split is None:
            tree.samples[number] = np.sort(samples)
            return number
        feature, threshold, children = split
        tree.feature[number], tree.threshold[number] = feature, threshold
        tree.importances[feature] += len(samples) * node.impurities[0] - sum(
            len(child.held[0]) * child.impurities[0] for child in children
        )
        for side, child in enumerate(children):
            tree.child[number][side] = self.add(child)
        return number

    def _split(self, node: _Node):
        """(code, threshold, [left, right]) of the best split, or None for a leaf."""
        samples, order, columns = node.held[0], node.order, self.codes.columns
        mean_square = self.squares[samples].mean()
        noise = ROUNDING * mean_square
        if self._below(node.impurities, PURE, noise, node.complete):
            return None
        low, high = self.codes.ends(order)
        searched, arranged, known = self.visits.node(node.known, (high <= low + TIE).tolist())
        totals = list(dict.fromkeys(added(self.target[held]) for held in node.held))
        best = self._best(order, totals, searched, noise * len(samples), node.complete)
        if best is None:
            return None
        feature, at = best
        here = order[feature]
        below, above = columns[feature, here[at - 1]], columns[feature, here[at]]
        threshold = float(below) / 2 + float(above) / 2
        threshold = float(below) if threshold == above else threshold
        deeper = {"known": known, "depth": node.depth + 1}
        if node.depth + 1 == DEPTH:  # leaves follow: only a doubtful split needs the last bit
            parts = here[:at], here[at:]
            impurities = [
                self.squares[part].mean() - self.target[part].mean() ** 2 for part in parts
            ]
            if decrease(node.impurities[0], impurities, *parts, len(self.target)) > noise:
                children = zip(parts, impurities)
                return feature, threshold, [_Node(None, [s], [i], **deeper) for s, i in children]

        goes_left = np.zeros(len(self.target), dtype=bool)
        goes_left[here[:at]] = True
        moved = [code for code in arranged if low[code] != high[code]]
        last = moved[-1]  # the samples stand as the last sort left them
        arrangements, complete = self._arrangements(last, order[last])
        partings = [parted(samples, goes_left[samples]) for samples in arrangements]
        squares = [added(self.squares[held]) for held in node.held]
        impurities = [
            child_impurities(added(self.target[held]), square, self.target, self.squares, *parts)
            for parts in partings
            for held, square in zip(node.held, squares)
        ]
        complete = complete and node.complete
        decreases = [
            decrease(before, after, *partings[0], len(self.target))
            for before in node.impurities
            for after in impurities
        ]
        # Rounding can make a pure node worse; sklearn leaves it unsplit then.
        if self._below(decreases, -PURE, noise, complete):
            return None
        inside = goes_left[order].ravel()
        children = []
        for side, mask in enumerate((inside, ~inside)):
            rows = order.ravel().take(np.flatnonzero(mask)).reshape(len(order), -1)
            held = [parts[side] for parts in partings]
            if np.ptp(self.target[held[0]]) == 0:  # whatever the order, the sums are the same
                held = held[:1]
            possible = list(dict.fromkeys(pair[side] for pair in impurities))
            children.append(_Node(rows, held, possible, complete=complete, **deeper))
        return feature, threshold, children

    @staticmethod
    def _below(possible: list[float], bound: float, noise: float, complete: bool) -> bool:
        """Whether a number is below (or at) the bound; Undecided if only its rounding knows."""
        sides = {value <= bound for value in possible}
        if len(sides) > 1 or (not complete and abs(possible[0] - bound) <= noise):
            raise Undecided
        return sides.pop()

    def _best(self, order, totals, searched, margin, complete):
        """(code, samples on the left) of the best split of a node, or None; ties as sklearn's.

        Maximises left_sum^2 / left_count + right_sum^2 / right_count. Within a code the first
        best position wins, among codes the first one visited. totals: the possible sums of the
        target over the node.
        """
        if not searched:
            return None
        n = order.shape[1]
        counts = np.arange(1, n, dtype=np.float64)
        best = np.full(len(order), -np.inf)
        position = np.zeros(len(order), dtype=np.int64)
        step = max(1, BLOCK // n)
        for begin in range(0, len(order), step):
            rows = slice(begin, begin + step)
            sums = np.take(self.target, order[rows], mode="clip")
            np.cumsum(sums, axis=1, out=sums)
            gain = _gain(sums[:, :-1], totals[0], counts, n)
            position[rows] = gain.argmax(axis=1)
            best[rows] = gain[np.arange(len(gain)), position[rows]]
        # A split between two (nearly) equal values is none. It rarely wins; then look again.
        every = np.arange(len(order))
        before = self.codes.columns[every, order[every, position]]
        after = self.codes.columns[every, order[every, position + 1]]
        for code in np.flatnonzero(after <= before + TIE):
            gain = self._gains(code, order[code], totals[0])
            position[code] = gain.argmax()
            best[code] = gain[position[code]]
        winner = searched[int(best[searched].argmax())]
        if best[winner] == -np.inf:
            return None
        near = [code for code in searched if best[code] >= best[winner] - margin]
        if len(near) == 1:
            gain = self._gains(winner, order[winner], totals[0])
            rivals = np.count_nonzero(gain >= best[winner] - margin)
        if len(near) > 1 or rivals > 1:  # decided by rounding: is the rounding sklearn's?
            floor = best[winner] - margin
            if not (
                complete and self._certain(winner, position[winner], near, floor, order, totals)
            ):
                raise Undecided
        return winner, int(position[winner]) + 1

    def _certain(self, winner, position, near, floor, order, totals) -> bool:
        """Whether the winner among the ``near`` codes wins however equal values are ordered."""
        tried = {}
        for code in near:
            tried[code], complete = self._arrangements(code, order[code])
            if not complete:
                return False
        if len(totals) == 1 and all(len(arrangements) == 1 for arrangements in tried.values()):
            return True
        n = order.shape[1]
        rivals, sums = {}, {}
        for code in near:
            at = np.flatnonzero(self._gains(code, order[code], totals[0]) >= floor)
            rivals[code] = at
            sums[code] = np.stack([self.target[s].cumsum()[at] for s in tried[code]])
        for total in totals:
            gains = {c: _gain(sums[c].copy(), total, rivals[c] + 1.0, n) for c in near}
            if np.any(rivals[winner][gains[winner].argmax(axis=1)] != position):
                return False
            least = gains[winner].max(axis=1).min()
            most = {code: gains[code].max() for code in near}
            before = near[: near.index(winner)]  # visited earlier: these win a draw
            if any(most[code] >= least for code in before):
                return False
            if any(most[code] > least for code in near if code != winner):
                return False
        return True

    def _arrangements(self, code, samples) -> tuple[list[np.ndarray], bool]:
        """The orders in which sklearn may sort a node's samples by a code, and if these are all.

        The order of two equal values matters only if their targets differ. Each pair is turned
        alone, and all together. Longer runs of equal values, and runs so near the end that sklearn
        sums from there, are not followed.
        """
        values, target = self.codes.columns[code, samples], self.target[samples]
        stops = np.flatnonzero(values[1:] > values[:-1] + TIE) + 1
        complete = bool(np.all(np.diff(stops, prepend=0) <= len(samples) - stops))
        equal = np.flatnonzero(values[1:] == values[:-1])
        pairs = equal[target[equal] != target[equal + 1]]
        if not pairs.size:
            return [samples], complete
        if len(pairs) > MOST or np.any(np.diff(equal) == 1):
            return [samples], False
        turned = [np.array([pair]) for pair in pairs] + ([pairs] if len(pairs) > 1 else [])
        arrangements = [samples]
        for at in turned:
            other = samples.copy()
            other[at], other[at + 1] = samples[at + 1], samples[at]
            arrangements.append(other)
        return arrangements, complete

    def _gains(self, code, samples, total):
        """The gain at every position of one code; -inf between (nearly) equal values."""
        sums = self.target[samples].cumsum()[:-1]
        gain = _gain(sums, total, np.arange(1, len(samples), dtype=np.float64), len(samples))
        values = self.codes.columns[code, samples]
        gain[values[1:] <= values[:-1] + TIE] = -np.inf
        return gain


def _gain(left_sums, total, lefts, n):
    """left_sum^2 / left_count + right_sum^2 / right_count; overwrites ``left_sums``."""
    right_sums = total - left_sums
    right_sums *= right_sums
    right_sums /= n - lefts
    left_sums *= left_sums
    left_sums /= lefts
    left_sums += right_sums
    return left_sums
