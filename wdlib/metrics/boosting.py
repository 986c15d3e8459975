"""Gradient-boosted trees for one factor, as sklearn's GradientBoostingClassifier fits them.

In each round, one tree of depth 3 per class on the gradient of the multinomial deviance (one tree
in all for two classes), a Newton step per leaf, shrunk. With 100 rounds, a shrinkage of 0.1 and the
trees of ``presorted_trees``, importances and predictions are sklearn's at the same seed.
"""

import numpy as np

from wdlib.metrics.presorted_trees import SortedCodes, Undecided, grow
from wdlib.metrics.tree import DEPTH, Tree

ROUNDS = 100
SHRINKAGE = 0.1
SMALLEST = 1e-150  # a curvature below this makes a zero step (sklearn)
DISTINCT = 0.5  # share of distinct values from which sorting once pays


def sklearn_loss(size: int):
    """The loss of sklearn's own boosting, or None where this version keeps it elsewhere.

    The last bit of a softmax decides ties between codes, so the gradient must be the same code's.
    """
    try:
        from sklearn._loss.loss import HalfBinomialLoss, HalfMultinomialLoss
    except ImportError:
        return None
    return HalfBinomialLoss() if size == 2 else HalfMultinomialLoss(n_classes=size)


def sortable(codes: np.ndarray) -> bool:
    """Whether growing the trees here pays: most values of the (varying) codes are distinct.

    sklearn sorts integer codes quickly, and most splits between them hang on the order of equal
    values, which only sklearn knows.
    """
    columns = np.sort(codes.astype(np.float32), axis=0)
    distinct = 1 + (columns[1:] != columns[:-1]).sum(axis=0)
    varying = distinct[distinct > 1]
    return bool(varying.size and varying.mean() >= DISTINCT * len(codes))


class SklearnTrees:
    """sklearn's trees on codes ``[n, d]``, grown here, or by sklearn where only sklearn knows."""

    def __init__(self, codes: np.ndarray, test_codes: np.ndarray):
        self.codes = SortedCodes.of(codes)
        self.test_columns = np.ascontiguousarray(test_codes.astype(np.float32).T)

    def grow(self, target: np.ndarray, random: np.random.RandomState) -> Tree:
        """The tree that sklearn would grow on ``target [n]`` with this random state."""
        before = random.get_state()
        state = random.randint(0, 2**31 - 1)  # what sklearn's tree draws, once
        try:
            return grow(self.codes, target, state)
        except Undecided:
            random.set_state(before)  # the same draw again
            return self._grown_by_sklearn(target, random)

    def test_leaves(self, tree: Tree) -> np.ndarray:
        """The leaf of each test sample: ``[m]``."""
        return tree.apply(self.test_columns)

    def _grown_by_sklearn(self, target: np.ndarray, random: np.random.RandomState) -> Tree:
        from sklearn.tree import DecisionTreeRegressor

        rows = np.ascontiguousarray(self.codes.columns.T)
        model = DecisionTreeRegressor(max_depth=DEPTH, random_state=random)
        grown = model.fit(rows, target, check_input=False).tree_
        leaf, inner = grown.apply(rows), grown.children_left >= 0
        numbers = np.arange(grown.node_count)
        below = np.stack([grown.children_left, grown.children_right], axis=1)
        return Tree(
            feature=np.where(inner, grown.feature, -1).tolist(),
            threshold=grown.threshold.tolist(),
            child=np.where(inner[:, None], below, numbers[:, None]).tolist(),
            samples={node: np.flatnonzero(leaf == node) for node in numbers[~inner]},
            importances=grown.compute_feature_importances(normalize=False),
        )


def boost(trees, labels, test_size, seed, *, schedule=(SHRINKAGE,) * ROUNDS):
    """Importances ``[d]``, and the predicted classes of the training and of the test samples.

    trees: what grows them (``SklearnTrees`` or ``BinnedTrees``), on n training samples with
    labels ``[n]`` (any integers), and finds the leaves of ``test_size`` test samples.
    schedule: the shrinkage of each round. A round of three times the shrinkage stands for three
    rounds, and counts as three in the importances.
    """
    values, classes = np.unique(labels, return_inverse=True)
    n, size = len(labels), len(values)
    random = np.random.RandomState(seed)
    columns = 1 if size == 2 else size
    own = (classes[:, None] == np.arange(size)).astype(np.float64)[:, -columns:]  # [n, columns]

    smallest = np.finfo(np.float64).eps
    share = np.clip(np.bincount(classes) / n, smallest, 1 - smallest)
    loss = sklearn_loss(size)
    if loss is not None:
        start = loss.link.link(share[1:] if size == 2 else share[None]).reshape(columns)
    else:
        start = np.log(share) - np.log(share).mean() if size > 2 else np.log(share[1:] / share[:1])
    raw, test_raw = np.tile(start, (n, 1)), np.tile(start, (test_size, 1))
    importances, grown = 0.0, 0
    for shrinkage in schedule:
        weight = shrinkage / schedule[0]
        residual = _residual(loss, classes, own, raw)  # [n, columns]
        for k in range(columns):
            target = np.ascontiguousarray(residual[:, k])
            tree = trees.grow(target, random)
            steps = np.zeros(len(tree.feature))
            for leaf, samples in tree.samples.items():
                steps[leaf] = shrinkage * newton_step(target[samples], own[samples, k], size)
                raw[samples, k] += steps[leaf]
            test_raw[:, k] += steps[trees.test_leaves(tree)]
            importances = importances + weight * tree.importances
            grown += weight * (len(tree.feature) > 1)
    if grown:
        importances = importances / grown
        importances = importances / importances.sum()
    train, test = (
        (r[:, 0] >= 0).astype(int) if columns == 1 else r.argmax(axis=1) for r in (raw, test_raw)
    )
    return importances, values[train], values[test]


def _residual(loss, classes, own, raw) -> np.ndarray:
    """Negative gradient of the deviance: what a class lacks in probability, ``[n, columns]``."""
    if loss is not None:
        flat = raw if raw.shape[1] > 1 else raw[:, 0]
        return -loss.gradient(y_true=classes.astype(np.float64), raw_prediction=flat).reshape(
            raw.shape
        )
    if raw.shape[1] == 1:
        return own - 1 / (1 + np.exp(-raw))
    odds = np.exp(raw - raw.max(axis=1, keepdims=True))
    return own - odds / odds.sum(axis=1, keepdims=True)


def newton_step(residual: np.ndarray, own: np.ndarray, size: int) -> float:
    """One Newton step of the deviance in a leaf: sum of gradients over sum of curvatures.

    For several classes the textbook's factor (size - 1) / size is kept (Friedman 2001, eq. 34).
    """
    chance = own - residual
    slope = residual.mean()
    if size > 2:
        slope *= (size - 1) / size
    curvature = (chance * (1 - chance)).mean()
    return 0.0 if abs(curvature) < SMALLEST else slope / curvature
