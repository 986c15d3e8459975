"""The linear support vector machine of SAP on one code, solved exactly instead of iteratively.

On a single code x the squared-hinge SVM of one class against the rest has two unknowns,

    min over (w, b) of  (w^2 + b^2) / 2 + sum_i C_i max(0, 1 - s_i (w x_i + b))^2,   s_i = +1 or -1,

and the samples inside the margin are those on one side of a point on the line. With sorted codes
and running sums of 1, x and x^2, a Newton step costs a binary search, whatever the number of
samples, and all classes of all factors take it together. This is the problem that sklearn's
LinearSVC poses (intercept regularised like the weight), so the classifier is the same one.
"""

import numpy as np

STEPS = 60  # Newton steps; a dozen are usual
HALVINGS = 30
TOLERANCE = 1e-8  # on the gradient, relative to the gradient at zero (liblinear: about 1e-5)
ROUNDING = 1e-13  # relative; a step that loses less than this has lost nothing


class MarginSums:
    """Sums of (1, x, x^2) over the samples below any bound: of one class, and of all.

    x: one code ``[n]``; labels: factor classes ``[k, n]`` numbered through all factors, so that a
    class of the second factor has another number than any of the first.
    """

    def __init__(self, x: np.ndarray, labels: np.ndarray):
        self.n = len(x)
        order = np.argsort(x)
        self.x = x[order]
        # All factors' classes one after another, each with its samples' ranks in ascending order.
        sorted_labels = [column[order] for column in labels]
        by_class = [np.argsort(column, kind="stable") for column in sorted_labels]
        self.key = np.concatenate(
            [
                column[ranks].astype(np.int64) * self.n + ranks
                for column, ranks in zip(sorted_labels, by_class)
            ]
        )
        self.all = _running_sums(self.x)
        self.own = _running_sums(self.x[np.concatenate(by_class)])

    def below(self, bound: np.ndarray, problem_class: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Per problem: sums over x < bound of its class, and of the rest: ``[3, problems]``."""
        rank = np.searchsorted(self.x, bound)
        base = problem_class * self.n
        own = (
            self.own[:, np.searchsorted(self.key, base + rank)]
            - self.own[:, np.searchsorted(self.key, base)]
        )
        return own, self.all[:, rank] - own


def _running_sums(x: np.ndarray) -> np.ndarray:
    sums = np.zeros((3, len(x) + 1))
    sums[0] = np.arange(len(x) + 1)
    np.cumsum(x, out=sums[1, 1:])
    np.cumsum(x * x, out=sums[2, 1:])
    return sums


class Problems:
    """The one-against-rest problems of all factors, with their penalties.

    labels ``[n, k]`` (each factor 0 .. size-1), sizes ``[k]``. As in liblinear with
    ``class_weight="balanced"``: with more than two classes the class's own samples weigh
    C n / (size n_class) and the rest C; with two classes there is one problem, and both sides
    weigh their balanced share.
    """

    def __init__(self, labels: np.ndarray, sizes: np.ndarray, penalty: float):
        n = len(labels)
        first = np.concatenate([[0], np.cumsum(sizes)[:-1]])  # the number of each factor's class 0
        kind = np.int16 if sizes.sum() < 2**15 else np.int64  # numpy sorts int16 by counting
        self.labels = np.ascontiguousarray((labels + first).T.astype(kind))
        self.sizes = sizes
        number, positive, negative, self.slices = [], [], [], []
        for j, size in enumerate(sizes):
            balanced = penalty * n / (size * np.bincount(labels[:, j], minlength=size))
            start = len(number)
            if size == 2:
                number.append(first[j] + 1)
                positive.append(balanced[1])
                negative.append(balanced[0])
            else:
                number.extend(first[j] + np.arange(size))
                positive.extend(balanced)
                negative.extend([penalty] * size)
            self.slices.append(slice(start, len(number)))
        self.number = np.array(number)
        self.positive = np.array(positive)
        self.negative = np.array(negative)

    def predict(self, weight: np.ndarray, intercept: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Factor classes ``[m, k]`` that the solved problems give to codes ``[m]``."""
        guesses = np.empty((len(x), len(self.sizes)), dtype=np.int64)
        for j, part in enumerate(self.slices):
            decision = intercept[part, None] + weight[part, None] * x  # [problems, m]
            guesses[:, j] = decision[0] > 0 if len(decision) == 1 else decision.argmax(axis=0)
        return guesses


def solve(x: np.ndarray, problems: Problems) -> tuple[np.ndarray, np.ndarray]:
    """Weight and intercept of every problem on one code ``[n]``: two arrays ``[problems]``."""
    sums = MarginSums(x, problems.labels)
    total = sums.below(np.full(len(problems.number), np.inf), problems.number)

    def inside(w, b):
        """Sums over the positive and the negative samples inside the margin."""
        with np.errstate(divide="ignore", invalid="ignore"):
            bounds = (1 - b) / w, (-1 - b) / w
        own, _ = sums.below(bounds[0], problems.number)
        _, rest = sums.below(bounds[1], problems.number)
        # Positives are inside where w x < 1 - b, negatives where w x > -1 - b.
        own = np.where(w > 0, own, np.where(w < 0, total[0] - own, total[0] * (b < 1)))
        rest = np.where(w > 0, total[1] - rest, np.where(w < 0, rest, total[1] * (b > -1)))
        return own, rest

    def objective(w, b, own, rest):
        # sum (1 - (w x + b))^2 and sum (1 + (w x + b))^2, expanded in the sums of 1, x, x^2
        p, q = 1 - b, 1 + b
        losses = (
            p * p * own[0] - 2 * p * w * own[1] + w * w * own[2],
            q * q * rest[0] + 2 * q * w * rest[1] + w * w * rest[2],
        )
        return (w * w + b * b) / 2 + problems.positive * losses[0] + problems.negative * losses[1]

    w, b = np.zeros(len(problems.number)), np.zeros(len(problems.number))
    own, rest = inside(w, b)
    value = objective(w, b, own, rest)
    scale = None
    for _ in range(STEPS):
        up, down = 2 * problems.positive, 2 * problems.negative
        slope_w = w - up * ((1 - b) * own[1] - w * own[2])
        slope_w += down * ((1 + b) * rest[1] + w * rest[2])
        slope_b = b - up * ((1 - b) * own[0] - w * own[1])
        slope_b += down * ((1 + b) * rest[0] + w * rest[1])
        size = np.hypot(slope_w, slope_b)
        scale = size if scale is None else scale
        if (size <= TOLERANCE * scale).all():
            break
        ww = 1 + up * own[2] + down * rest[2]
        wb = up * own[1] + down * rest[1]
        bb = 1 + up * own[0] + down * rest[0]
        determinant = ww * bb - wb * wb
        step_w = (bb * slope_w - wb * slope_b) / determinant
        step_b = (ww * slope_b - wb * slope_w) / determinant
        length = np.ones_like(w)
        for _ in range(HALVINGS):  # a full step may overshoot where samples enter the margin
            new_w, new_b = w - length * step_w, b - length * step_b
            new_own, new_rest = inside(new_w, new_b)
            new_value = objective(new_w, new_b, new_own, new_rest)
            worse = new_value > value * (1 + ROUNDING)
            if not worse.any():
                break
            length[worse] /= 2
        keep = ~worse
        w, b = np.where(keep, new_w, w), np.where(keep, new_b, b)
        own, rest = np.where(keep, new_own, own), np.where(keep, new_rest, rest)
        value = np.where(keep, new_value, value)
        if not keep.any():  # nothing improves any more in float64
            break
    return w, b
