"""Gradient-boosted trees for one factor, as sklearn's GradientBoostingClassifier fits them.

100 rounds; in each, one tree of depth 3 per class on the gradient of the multinomial deviance
(one tree in all for two classes), a Newton step per leaf, shrunk by 0.1. The trees come from
``presorted_trees``; importances and predictions are sklearn's at the same seed.
"""

import numpy as np

from wdlib.metrics.presorted_trees import DEPTH, SortedCodes, Tree, Undecided, grow

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


def boost(codes, labels, test_codes, seed):
    """Importances ``[d]``, and the predicted classes of the training and of the test samples.

    codes ``[n, d]``, labels ``[n]`` integers (any), test_codes ``[m, d]``.
    """
    values, classes = np.unique(labels, return_inverse=True)
    n, size = len(codes), len(values)
    loss = sklearn_loss(size)
    sorted_codes = SortedCodes.of(codes)
    test_columns = np.ascontiguousarray(test_codes.astype(np.float32).T)
    random = np.random.RandomState(seed)
    trees = 1 if size == 2 else size
    y = classes.astype(np.float64)

    share = np.clip(np.bincount(classes) / n, np.finfo(np.float64).eps, 1 - np.finfo(float).eps)
    start = loss.link.link(share[1:] if size == 2 else share[None]).reshape(1, trees)
    raw = np.repeat(start, n, axis=0)
    test_raw = np.repeat(start, len(test_codes), axis=0)
    importances, grown = np.zeros(codes.shape[1]), 0
    for _ in range(ROUNDS):
        residual = -loss.gradient(y_true=y, raw_prediction=raw if trees > 1 else raw[:, 0])
        residual = residual.reshape(n, trees)
        for k in range(trees):
            target = np.ascontiguousarray(residual[:, k])
            own = y if size == 2 else (classes == k).astype(np.float64)
            tree = _tree(sorted_codes, target, random)
            steps = np.zeros(len(tree.feature))
            for leaf, samples in tree.samples.items():
                steps[leaf] = SHRINKAGE * newton_step(target[samples], own[samples], size)
                raw[samples, k] += steps[leaf]
            test_raw[:, k] += steps[tree.apply(test_columns)]
            if len(tree.feature) > 1:
                importances += tree.importances
                grown += 1
    if grown:
        importances /= grown
        importances /= importances.sum()
    if trees == 1:
        train, test = (raw[:, 0] >= 0).astype(int), (test_raw[:, 0] >= 0).astype(int)
    else:
        train, test = raw.argmax(axis=1), test_raw.argmax(axis=1)
    return importances, values[train], values[test]


def _tree(codes: SortedCodes, target: np.ndarray, random: np.random.RandomState) -> Tree:
    """sklearn's tree on ``target``: grown here, or by sklearn where only sklearn can tell."""
    before = random.get_state()
    state = random.randint(0, 2**31 - 1)  # what sklearn's tree draws, once
    try:
        return grow(codes, target, state)
    except Undecided:
        from sklearn.tree import DecisionTreeRegressor

        rows = codes.columns.T
        random.set_state(before)  # the same draw again
        model = DecisionTreeRegressor(max_depth=DEPTH, random_state=random)
        grown = model.fit(rows, target, check_input=False).tree_
        leaf = grown.apply(np.ascontiguousarray(rows))
        inner = grown.children_left >= 0
        numbers = np.arange(grown.node_count)
        return Tree(
            feature=np.where(inner, grown.feature, -1).tolist(),
            threshold=grown.threshold.tolist(),
            child=np.where(
                inner[:, None],
                np.stack([grown.children_left, grown.children_right], axis=1),
                numbers[:, None],
            ).tolist(),
            samples={node: np.flatnonzero(leaf == node) for node in numbers[~inner]},
            importances=grown.compute_feature_importances(normalize=False),
        )


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
