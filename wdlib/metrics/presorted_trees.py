"""The regression trees of sklearn's gradient boosting, grown several times faster, bit for bit.

sklearn sorts every code again in every node of every tree. Here the codes are sorted once per
matrix, and a node keeps the sorted order of its samples by filtering its parent's. What remains
is a running sum and a quotient per candidate split, which numpy does for all codes at once.

The numbers stay sklearn's own, to the last bit, and they have to: where two codes separate the
samples equally well (eight dimensions that hold the same factor do, all the time), the winner is
decided by the rounding of sums and by the random order in which codes are visited, and with it
the completeness of the representation. So sums are taken in sklearn's order, and its visits are
replayed (``Visits``, ``parted``). The one thing that cannot be replayed is the order of samples
with equal code values, which is up to sklearn's unstable sort. A decision that hangs on it is
recognised, and raises ``Undecided``: the caller then has sklearn grow that one tree.
"""

from dataclasses import dataclass, field

import numpy as np

TIE = np.float32(1e-7)  # neighbouring values closer than this are not separated (sklearn)
PURE = np.finfo(np.float64).eps  # a node with less impurity is not split (sklearn)
DEPTH = 3
BLOCK = 65_536  # numbers in flight per step of the search, so that they stay in the cache
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


@dataclass
class Tree:
    """A grown tree: nodes in the order they were made, and where the training samples ended."""

    feature: list = field(default_factory=list)  # -1 in a leaf
    threshold: list = field(default_factory=list)
    child: list = field(default_factory=list)  # [left, right]
    samples: dict = field(default_factory=dict)  # leaf -> ascending sample indices
    importances: np.ndarray | None = None  # [d] impurity decrease per code, not normalised

    def apply(self, columns: np.ndarray) -> np.ndarray:
        """The leaf of each sample of ``columns [d, m]`` (float32): ``[m]``."""
        feature, threshold = np.array(self.feature), np.array(self.threshold)
        left, right = np.array(self.child).T
        rows, node = np.arange(columns.shape[1]), np.zeros(columns.shape[1], dtype=np.int64)
        for _ in range(DEPTH):
            inner = feature[node] >= 0
            goes_left = columns[feature[node], rows] <= threshold[node]
            node = np.where(inner, np.where(goes_left, left[node], right[node]), node)
        return node


def grow(codes: SortedCodes, target: np.ndarray, state: int) -> Tree:
    """The least-squares tree of depth 3 on ``target [n]``; ``state`` seeds the visits.

    Raises Undecided when sklearn's tree may be another one.
    """
    d, n = codes.columns.shape
    growth = _Growth(codes, target, Visits(d, state), Tree(importances=np.zeros(d)))
    impurity = _sum(growth.squares) / n - (_sum(target) / n) ** 2
    growth.add(_Node(codes.order, np.arange(n), impurity, 0, 0, True, True))
    growth.tree.importances /= n
    return growth.tree


def _sum(values: np.ndarray) -> float:
    """The sum as a loop adds, one after another (numpy.sum adds pairwise)."""
    return float(values.cumsum()[-1])


@dataclass(frozen=True)
class _Node:
    order: np.ndarray | None  # [d, m] its samples, sorted by each code
    samples: np.ndarray  # [m] the same, as sklearn holds them
    impurity: float
    known: int  # how many codes are known to be constant
    depth: int
    in_order: bool  # sums over ``samples`` are sklearn's to the last bit
    measured: bool  # the impurity is


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
        split = self._split(node) if node.depth < DEPTH and len(node.samples) > 1 else None
        if split is None:
            tree.samples[number] = np.sort(node.samples)
            return number
        feature, threshold, children = split
        tree.feature[number], tree.threshold[number] = feature, threshold
        tree.importances[feature] += len(node.samples) * node.impurity - sum(
            len(child.samples) * child.impurity for child in children
        )
        for side, child in enumerate(children):
            tree.child[number][side] = self.add(child)
        return number

    def _split(self, node: _Node):
        """(code, threshold, [left, right]) of the best split, or None for a leaf."""
        mean_square = self.squares[node.samples].mean()
        if not node.measured and abs(node.impurity - PURE) <= ROUNDING * mean_square:
            raise Undecided
        if node.impurity <= PURE:
            return None
        order, columns = node.order, self.codes.columns
        low, high = self.codes.ends(order)
        searched, arranged, known = self.visits.node(node.known, (high <= low + TIE).tolist())
        total = _sum(self.target[node.samples])
        margin = ROUNDING * mean_square * len(node.samples)
        best = self._best(order, total, searched, margin, node.in_order)
        if best is None:
            return None
        feature, at = best
        here = order[feature]
        below, above = columns[feature, here[at - 1]], columns[feature, here[at]]
        threshold = float(below) / 2 + float(above) / 2
        threshold = float(below) if threshold == above else threshold
        if node.depth + 1 == DEPTH:  # leaves follow: only a doubtful split needs the last bit
            parts = here[:at], here[at:]
            impurities = [
                self.squares[part].mean() - self.target[part].mean() ** 2 for part in parts
            ]
            decrease = self._decrease(node.impurity, impurities, *parts)
            if decrease + PURE > ROUNDING * mean_square:
                return feature, threshold, self._children(node, known, parts, impurities)

        goes_left = np.zeros(len(self.target), dtype=bool)
        goes_left[here[:at]] = True
        moved = [code for code in arranged if low[code] != high[code]]
        arrived = order[moved[-1]]  # the samples stand as the last sort left them
        clean = self._clean(moved[-1], arrived)
        parts = parted(arrived, goes_left[arrived])
        settled = [clean or np.ptp(self.target[part]) == 0 for part in parts]
        shorter = 0 if len(parts[0]) <= len(parts[1]) else 1
        measured = node.in_order and settled[0] and settled[shorter]
        impurities = self._impurities(total, _sum(self.squares[node.samples]), *parts)
        decrease = self._decrease(node.impurity, impurities, *parts)
        if not (node.measured and measured) and abs(decrease + PURE) <= ROUNDING * mean_square:
            raise Undecided
        if decrease + PURE < 0:  # rounding can make a pure node worse; sklearn leaves it then
            return None
        orders = None, None
        if node.depth + 1 < DEPTH:
            inside = goes_left[order].ravel()
            orders = [
                order.ravel().take(np.flatnonzero(mask)).reshape(len(order), -1)
                for mask in (inside, ~inside)
            ]
        children = self._children(node, known, parts, impurities, orders, settled, measured)
        return feature, threshold, children

    @staticmethod
    def _children(
        node, known, parts, impurities, orders=(None, None), settled=(True, True), measured=True
    ):
        depth = node.depth + 1
        return [
            _Node(orders[i], parts[i], impurities[i], known, depth, settled[i], measured)
            for i in (0, 1)
        ]

    def _best(self, order, total, searched, margin, in_order):
        """(code, samples on the left) of the best split of a node, or None; ties as sklearn's.

        Maximises left_sum^2 / left_count + right_sum^2 / right_count. Within a code the first
        best position wins, among codes the first one visited.
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
            gain = _gain(sums[:, :-1], total, counts, n)
            position[rows] = gain.argmax(axis=1)
            best[rows] = gain[np.arange(len(gain)), position[rows]]
        # A split between two (nearly) equal values is none. It rarely wins; then look again.
        every = np.arange(len(order))
        before = self.codes.columns[every, order[every, position]]
        after = self.codes.columns[every, order[every, position + 1]]
        for code in np.flatnonzero(after <= before + TIE):
            gain = self._gains(code, order[code], total)
            position[code] = gain.argmax()
            best[code] = gain[position[code]]
        winner = searched[int(best[searched].argmax())]
        if best[winner] == -np.inf:
            return None
        near = [code for code in searched if best[code] >= best[winner] - margin]
        if len(near) == 1:
            gain = self._gains(winner, order[winner], total)
            rivals = np.count_nonzero(gain >= best[winner] - margin)
        if len(near) > 1 or rivals > 1:  # decided by rounding: is the rounding sklearn's?
            if not (in_order and all(self._clean(code, order[code]) for code in near)):
                raise Undecided
        return winner, int(position[winner]) + 1

    def _gains(self, code, samples, total):
        """The gain at every position of one code; -inf between (nearly) equal values."""
        sums = self.target[samples].cumsum()[:-1]
        gain = _gain(sums, total, np.arange(1, len(samples), dtype=np.float64), len(samples))
        values = self.codes.columns[code, samples]
        gain[values[1:] <= values[:-1] + TIE] = -np.inf
        return gain

    def _clean(self, code, samples) -> bool:
        """Whether sums over samples sorted by this code are sklearn's whatever its sort did.

        Equal values must have equal targets. And where sklearn skips over more (nearly) equal
        values than samples are left, it sums from the other end.
        """
        values, target = self.codes.columns[code, samples], self.target[samples]
        if np.any((values[1:] == values[:-1]) & (target[1:] != target[:-1])):
            return False
        stops = np.flatnonzero(values[1:] > values[:-1] + TIE) + 1
        return bool(np.all(np.diff(stops, prepend=0) <= len(samples) - stops))

    def _decrease(self, impurity, impurities, left, right) -> float:
        """The split's share of the decrease of variance in the whole tree."""
        n = len(left) + len(right)
        remaining = impurity - len(right) / n * impurities[1] - len(left) / n * impurities[0]
        return n / len(self.target) * remaining

    def _impurities(self, total, total_square, left, right) -> tuple[float, float]:
        """Variance of the target in either child, rounded as sklearn's is.

        A pure node has the impurity of its rounding, and that decides whether it is split.
        sklearn adds up the shorter side, and has the other one by subtraction.
        """
        if len(left) <= len(right):
            left_sum = _sum(self.target[left])
        else:
            left_sum = _sum(np.concatenate([[total], -self.target[right[::-1]]]))
        left_square = _sum(self.squares[left])
        right_sum, right_square = total - left_sum, total_square - left_square
        left_mean, right_mean = left_sum / len(left), right_sum / len(right)
        return (
            left_square / len(left) - left_mean * left_mean,
            right_square / len(right) - right_mean * right_mean,
        )


def _gain(left_sums, total, lefts, n):
    """left_sum^2 / left_count + right_sum^2 / right_count; overwrites ``left_sums``."""
    right_sums = total - left_sums
    right_sums *= right_sums
    right_sums /= n - lefts
    left_sums *= left_sums
    left_sums /= lefts
    left_sums += right_sums
    return left_sums


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
