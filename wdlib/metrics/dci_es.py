"""DCI-ES: how soon does a small classifier read the factors (E), and how small is the code (S)?"""

import numpy as np

from wdlib.metrics.arrays import train_and_test
from wdlib.metrics.dci import quality
from wdlib.metrics.result import Score

DEPTHS = (1, 2, 3, 4, 8, 10, 12, 14, 16, 18, 20, 32)
TREES, SEEDS = 100, 5


def dci_es(
    codes_train,
    factors_train,
    codes_test=None,
    factors_test=None,
    *,
    depths=DEPTHS,
    trees: int = TREES,
    seeds: int = SEEDS,
    seed: int = 0,
    jobs: int = 1,
) -> Score:
    """Explicitness ``E = mean_j (1 - A_j / ((c_T - c_1) l0_j / 2))`` and size ``S = k / d``.

    A random forest reads factor j off all codes, with trees of growing depths c_1 to c_T. l_j(c) is
    its error (1 - accuracy, or 1 - R^2 for a real-valued factor) on the test samples, at the best
    depth up to c. A_j is the area between the curve l_j and its minimum, and l0_j the error of a
    blind guess: 1 - 1/classes, or 1.

    Args:
        codes_train, factors_train, codes_test, factors_test: as in ``dci``.
        depths, trees: of the forests; the depths ascend.
        seeds: number of forests, from ``seed`` on; their errors are averaged.
        jobs: number of threads (-1: one per core). The numbers stay the same.

    There are no groups: the forest uses all codes, and the size counts dimensions.

    Returns a Score with ``dci_explicitness``, ``dci_size`` and ``informativeness``, 1 minus the
    smallest error; its matrix holds the errors, depths x factors.

    Source: Eastwood et al. 2023, "DCI-ES: an extended disentanglement framework with connections to
    identifiability". One forest of the largest depth is read at each depth: the upper
    part of a deep tree is a tree of this depth, since what a node draws does not depend on what
    grows below. So there is one forest to grow, not twelve.
    Range: E is at most 1; a code that a single split reads has E = 1. S is 1 for one dimension per
    factor, below 1 for more dimensions.
    Limits: E is about speed only. Noise has a flat curve and an E near 1, so read E next to the
    informativeness.

    Raises ValueError as ``mig`` does, and for depths that do not ascend.
    """
    codes, factors, test_codes, test_factors, split = train_and_test(
        codes_train, factors_train, codes_test, factors_test, seed
    )
    depths = np.array(depths)
    if len(depths) < 2 or depths[0] < 1 or (np.diff(depths) <= 0).any():
        raise ValueError(f"depths are {depths.tolist()}, expected at least two in ascending order")
    curves, blind = [], []
    for factor, test_factor in zip(factors.columns, test_factors.columns):
        pair = (codes, factor), (test_codes, test_factor)
        errors = [_errors(*pair, depths, trees, s, jobs) for s in range(seed, seed + seeds)]
        curves.append(np.mean(errors, axis=0))
        blind.append(1 if factor.dtype.kind == "f" else 1 - 1 / len(np.unique(factor)))
    matrix = np.stack(curves, axis=1)
    values = {"dci_explicitness": np.mean(_speeds(matrix, depths, np.array(blind)))}
    values |= {"dci_size": matrix.shape[1] / codes.shape[1]}
    values |= {"informativeness": 1 - matrix.min(axis=0).mean()}
    settings = {"forests": f"{seeds} of {trees} trees", "depths": depths.tolist(), "split": split}
    return Score("DCI-ES", values, matrix, settings | {"samples": len(codes), "seed": seed})


def _speeds(errors: np.ndarray, depths: np.ndarray, blind: np.ndarray) -> np.ndarray:
    """E of each factor ``[k]``, from errors ``[depths, k]``."""
    best = np.minimum.accumulate(errors)
    above = best - best[-1]
    area = np.diff(depths) @ (above[:-1] + above[1:]) / 2  # trapezoids
    return 1 - area / ((depths[-1] - depths[0]) * blind / 2)


def _errors(train, test, depths, trees: int, seed: int, jobs: int) -> list[float]:
    """The errors on (codes, factor) ``test`` of a forest that is read at each depth."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    real = train[1].dtype.kind == "f"
    model = RandomForestRegressor if real else RandomForestClassifier
    forest = model(trees, max_depth=int(depths[-1]), random_state=seed, n_jobs=jobs).fit(*train)
    votes = sum(_read(tree.tree_, test[0], depths) for tree in forest.estimators_) / trees
    guesses = votes[..., 0] if real else forest.classes_[votes.argmax(axis=2)]
    return [1 - quality(test[1], guess) for guess in guesses]


def _read(tree, codes: np.ndarray, depths) -> np.ndarray:
    """What a tree says at each depth: shares of classes, or a value, ``[depths, m, classes]``."""
    rows, node, said = np.arange(len(codes)), np.zeros(len(codes), dtype=np.int64), []
    codes = codes.astype(np.float32)  # as the tree has seen them
    for depth in range(1, depths[-1] + 1):
        inner = tree.children_left[node] >= 0
        left = codes[rows, tree.feature[node]] <= tree.threshold[node]
        below = np.where(left, tree.children_left[node], tree.children_right[node])
        node = np.where(inner, below, node)
        if depth in depths:
            said.append(tree.value[node, 0])
    return np.stack(said)
