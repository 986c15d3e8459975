"""How much each code matters for predicting each factor: the matrix that DCI is made of.

One classifier per factor, trained on all codes. The reference's is sklearn's gradient-boosted
trees, and the others are named in the result, because D and C depend on them.
"""

from concurrent.futures import Executor

import numpy as np

from wdlib.metrics.binned_trees import BinnedTrees
from wdlib.metrics.boosting import SHRINKAGE, SklearnTrees, boost, sklearn_loss, sortable


def gradient_boosting(codes, labels, test_codes, seed):
    """sklearn's GradientBoostingClassifier with its defaults: the reference.

    Grown by ``boosting.boost`` where that is faster; the numbers are the same.
    """
    if sortable(codes) and sklearn_loss(2) is not None:
        return boost(SklearnTrees(codes, test_codes), labels, len(test_codes), seed)
    from sklearn.ensemble import GradientBoostingClassifier

    model = GradientBoostingClassifier(random_state=seed).fit(codes, labels)
    return np.abs(model.feature_importances_), model.predict(codes), model.predict(test_codes)


SHORTER = (SHRINKAGE,) * 25 + (3 * SHRINKAGE,) * 25  # 100 rounds' worth of shrinkage in 50


def hist_gradient_boosting(codes, labels, test_codes, seed):
    """The same boosting on binned codes, with larger steps after a quarter of the way."""
    trees = BinnedTrees(codes, test_codes)
    return boost(trees, labels, len(test_codes), seed, schedule=SHORTER)


def random_forest(codes, labels, test_codes, seed):
    """sklearn's RandomForestClassifier, 100 trees: mean decrease of impurity."""
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(random_state=seed).fit(codes, labels)
    return np.abs(model.feature_importances_), model.predict(codes), model.predict(test_codes)


IMPORTANCES = {
    "gradient_boosting": gradient_boosting,
    "hist_gradient_boosting": hist_gradient_boosting,
    "random_forest": random_forest,
}


def _one_factor(kind, codes, labels, test_codes, seed):
    """A factor's task, at module level so that it can cross to another process."""
    return IMPORTANCES[kind](codes, labels, test_codes, seed)


def importance_matrix(
    codes,
    factors,
    test_codes,
    test_factors,
    *,
    kind: str = "gradient_boosting",
    seed: int = 0,
    jobs: int = 1,
    executor: Executor | None = None,
) -> tuple[np.ndarray, float, float]:
    """Importances ``[d, k]`` and the mean accuracy on the training and on the test samples.

    The factors are independent of each other, so they go to ``executor``, or to ``jobs`` processes
    (-1: one per core); the order is from most classes to fewest, because boosting grows one tree
    per class and round, and a long task that starts last keeps everybody waiting.
    """
    if kind not in IMPORTANCES:
        raise ValueError(f"importances is {kind!r}, expected one of {', '.join(IMPORTANCES)}")
    columns = list(factors.T)
    longest_first = sorted(range(len(columns)), key=lambda j: -len(np.unique(columns[j])))
    tasks = [(kind, codes, columns[j], test_codes, seed) for j in longest_first]
    if executor is not None:
        outcomes = list(executor.map(_one_factor, *zip(*tasks)))
    elif jobs == 1:
        outcomes = [_one_factor(*task) for task in tasks]
    else:
        from joblib import Parallel, delayed  # sklearn's own way to processes

        outcomes = Parallel(n_jobs=jobs)(delayed(_one_factor)(*task) for task in tasks)
    matrix = np.empty((codes.shape[1], len(columns)))
    train, test = [], []
    for j, (importances, guesses, test_guesses) in zip(longest_first, outcomes):
        matrix[:, j] = importances
        train.append(np.mean(guesses == columns[j]))
        test.append(np.mean(test_guesses == test_factors[:, j]))
    return matrix, float(np.mean(train)), float(np.mean(test))
