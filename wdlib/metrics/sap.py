"""SAP: how much better does the best code predict a factor than the second best?"""

import numpy as np

from wdlib.metrics.arrays import at_least, train_and_test
from wdlib.metrics.codes import describe, members
from wdlib.metrics.result import Score

PENALTY = 0.01  # C of disentanglement_lib's LinearSVC
CONSTANT = 1e-12  # a code with less variance explains nothing, as in disentanglement_lib


def sap(
    codes_train,
    factors_train,
    codes_test=None,
    factors_test=None,
    *,
    kind: str = "svm",
    groups=None,
    seed: int = 0,
    jobs: int = 1,
) -> Score:
    """Separated attribute predictability: ``mean_j (S_(1)j - S_(2)j)`` of a score matrix S.

    S_(1)j and S_(2)j are the two largest entries of column j. With kind "svm" (factors are
    classes), S_ij is the test accuracy for factor j of a linear support vector machine on code i
    (C = 0.01, balanced classes). With kind "r2" (factors are numbers), S_ij is the R^2 of a linear
    regression of factor j on code i over the training samples, their squared correlation.

    Args:
        codes_train, factors_train: ``[n, d]`` and ``[n, k]``, d at least 2.
        codes_test, factors_test: default: a third of the training samples, drawn with ``seed``.
            Kind "r2" needs no test samples, so it keeps all for training.
        groups: the partition of each code (see ``codes.group``). A partition counts as one code:
            the machine, or the regression, uses all of its dimensions.
        jobs: number of processes (-1: one per core). The numbers stay the same.

    Returns a Score with ``sap``; its matrix is S.

    Source: Kumar et al. 2018, "Variational inference of disentangled latent concepts from
    unlabeled observations", section 3; classifier and constants as in disentanglement_lib.
    Range: 0 to 1 - mean_j(1 / size_j) for "svm" with balanced factors, since the second best code
    can still guess; 0 to 1 for "r2". Perfect integer codes score .657 for factors of (3, 3, 3)
    values, .520 for (3, 3, 3, 5, 8) and .236 on dSprites with "svm", because a linear machine per
    class cannot separate the middle of a line. With "r2" they score at least .999.
    Limits: the machine penalises its intercept, so scaled or shifted codes score differently. "r2"
    treats classes as numbers, so it means nothing for factors such as shape.

    Raises ValueError as ``mig`` does, and for an unknown kind.
    """
    if kind not in ("svm", "r2"):
        raise ValueError(f'kind is {kind!r}, expected "svm" or "r2"')
    if kind == "r2" and codes_test is None and factors_test is None:
        codes_test, factors_test = codes_train, factors_train  # nothing is held out
    codes, factors, test_codes, test_factors, split = train_and_test(
        codes_train, factors_train, codes_test, factors_test, seed,
        needs_classes="SAP by support vector machines" if kind == "svm" else "",
    )  # fmt: skip
    d = codes.shape[1]
    settings = {"codes": describe(groups, d), "kind": kind, "samples": len(codes)}
    if kind == "r2":
        matrix = _r2(codes, factors.array, groups)
    else:
        matrix = _accuracy(codes, factors, test_codes, test_factors, groups, jobs)
        settings |= {"C": PENALTY, "class_weight": "balanced", "split": split}
        settings |= {"seed": seed} if split != "given" else {}
    at_least(len(matrix), 2, "codes", "SAP is the gap between the two best")
    ranked = np.sort(matrix, axis=0)
    return Score("SAP", {"sap": np.mean(ranked[-1] - ranked[-2])}, matrix, settings)


def _accuracy(codes, factors, test_codes, test_factors, groups, jobs) -> np.ndarray:
    """Test accuracy of the machine for each code (or partition) and factor: ``[d, k]``."""
    from joblib import Parallel, delayed
    from sklearn.svm import LinearSVC

    # A single code is cheap to fit exactly; at the default tolerance a few samples differ.
    tolerance = 1e-8 if groups is None else 1e-4
    machine = LinearSVC(C=PENALTY, class_weight="balanced", dual=False, tol=tolerance)
    parts = members(groups, codes.shape[1])

    def fits():
        for dims in parts:
            for labels, test_labels in zip(factors.T, test_factors.T):
                arrays = codes[:, dims], labels, test_codes[:, dims], test_labels
                yield delayed(_fitted)(machine, *arrays)

    accuracies = Parallel(n_jobs=jobs)(fits())
    return np.reshape(accuracies, (len(parts), factors.shape[1]))


def _fitted(machine, codes, labels, test_codes, test_labels) -> float:
    """Test accuracy of the machine, fitted to these codes ``[n, dims]`` and labels ``[n]``."""
    return np.mean(machine.fit(codes, labels).predict(test_codes) == test_labels)


def _r2(codes, factors, groups) -> np.ndarray:
    """R^2 of the linear regression of each factor on each code (or partition): ``[d, k]``."""
    factors = factors - factors.mean(axis=0)
    rows = []
    for dims in members(groups, codes.shape[1]):
        part = codes[:, dims] - codes[:, dims].mean(axis=0)
        part = part[:, part.var(axis=0, ddof=1) > CONSTANT]
        fit = part @ np.linalg.lstsq(part, factors, rcond=None)[0]
        rows.append(1 - ((factors - fit) ** 2).sum(axis=0) / (factors**2).sum(axis=0))
    return np.array(rows)
