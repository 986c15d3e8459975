"""The scores compared with the published formulas, written here with scikit-learn."""

import numpy as np
import pytest
from scipy.stats import entropy
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mutual_info_score, roc_auc_score
from sklearn.svm import LinearSVC

from wdlib.metrics import dci, explicitness, irs, mig, modularity, sap
from wdlib.metrics.dci import completeness, disentanglement


def information(codes, factors):
    matrix = np.zeros((codes.shape[1], factors.shape[1]))
    for i, code in enumerate(codes.T):
        bins = np.digitize(code, np.histogram(code, 20)[1][:-1])
        for j, factor in enumerate(factors.T):
            matrix[i, j] = mutual_info_score(factor, bins)
    return matrix


def plain_mig(codes, factors):
    ranked = np.sort(information(codes, factors), axis=0)
    return np.mean(
        (ranked[-1] - ranked[-2]) / [mutual_info_score(factor, factor) for factor in factors.T]
    )


def plain_modularity(codes, factors):
    per_code = []
    for squares in information(codes, factors) ** 2:
        best = squares.max()
        rest = squares.sum() - best
        per_code.append(0 if best == 0 else 1 - rest / (best * (len(squares) - 1)))
    return np.mean(per_code)


def plain_irs(codes, factors, quantile=0.99):
    codes = codes[:, np.ptp(codes, axis=0) > 0]  # rounding alone can give a variance of 1e-34
    largest = np.abs(codes - codes.mean(axis=0)).max(axis=0)
    robust = np.zeros((codes.shape[1], factors.shape[1]))
    for j, factor in enumerate(factors.T):
        bins = np.digitize(factor, np.histogram(factor, 20)[1][:-1])
        remaining = []
        for value in np.unique(bins):
            same = codes[bins == value]
            away = np.abs(same - same.mean(axis=0))
            remaining.append(np.percentile(away, quantile * 100, axis=0))
        robust[:, j] = 1 - np.mean(remaining, axis=0) / largest
    return np.average(robust.max(axis=1), weights=largest)


def plain_r2_sap(codes, factors):
    matrix = np.zeros((codes.shape[1], factors.shape[1]))
    for i, code in enumerate(codes.T):
        for j, factor in enumerate(factors.T):
            covariance = np.cov(code, factor)
            if covariance[0, 0] > 1e-12:
                matrix[i, j] = covariance[0, 1] ** 2 / (covariance[0, 0] * covariance[1, 1])
    ranked = np.sort(matrix, axis=0)
    return np.mean(ranked[-1] - ranked[-2])


def plain_svm(codes, factors, test_codes, test_factors):
    matrix = np.zeros((codes.shape[1], factors.shape[1]))
    for i in range(codes.shape[1]):
        for j in range(factors.shape[1]):
            machine = LinearSVC(C=0.01, class_weight="balanced").fit(codes[:, [i]], factors[:, j])
            matrix[i, j] = np.mean(machine.predict(test_codes[:, [i]]) == test_factors[:, j])
    return matrix


def plain_sap(*arrays):
    ranked = np.sort(plain_svm(*arrays), axis=0)
    return np.mean(ranked[-1] - ranked[-2])


def plain_importances(codes, factors, test_codes, test_factors, seed):
    matrix, accuracy = np.zeros((codes.shape[1], factors.shape[1])), []
    for j in range(factors.shape[1]):
        model = GradientBoostingClassifier(random_state=seed).fit(codes, factors[:, j])
        matrix[:, j] = model.feature_importances_
        accuracy.append(np.mean(model.predict(test_codes) == test_factors[:, j]))
    return matrix, np.mean(accuracy)


def plain_dci(*arrays, seed=0):
    matrix, _ = plain_importances(*arrays, seed=seed)
    rows = matrix.sum(axis=1) / matrix.sum()
    return np.sum(rows * (1 - entropy(matrix.T + 1e-11, base=matrix.shape[1])))


def draw(kind, n, seed, sizes=(3, 2, 5)):
    """Codes with structure: islands (sharp or blurred), copies, constants, integers, mixtures."""
    rng = np.random.default_rng(seed)
    factors = np.stack([rng.integers(0, size, n) for size in sizes], axis=1)
    line = np.repeat(factors / np.array(sizes) * 3, 3, axis=1)
    if kind == "sharp":
        codes = line + 0.05 * rng.normal(size=line.shape)
    elif kind == "blurred":
        codes = line + 0.5 * rng.normal(size=line.shape)
    elif kind == "copies":
        codes = line + 0.1 * rng.normal(size=line.shape)
        codes = np.concatenate([codes, codes, np.full((n, 1), 0.1)], axis=1)
    elif kind == "integers":
        codes = np.concatenate([factors, rng.integers(0, 4, (n, 3))], axis=1).astype(float)
    elif kind == "mixed":
        codes = line @ rng.normal(size=(9, 9)) + 0.2 * rng.normal(size=line.shape)
    elif kind == "chance":
        codes = rng.normal(size=line.shape)
    return codes, factors


KINDS = ["sharp", "blurred", "copies", "integers", "mixed", "chance"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sizes", [(3, 2, 5), (3, 6, 40, 32)])
def test_closed_forms_agree_to_the_ninth_place(kind, sizes):
    if kind != "integers" and len(sizes) > 3:
        sizes = (3, 40, 32)
    codes, factors = draw(kind, 900, 0, sizes)
    for score, plain in ((mig, plain_mig), (modularity, plain_modularity), (irs, plain_irs)):
        assert score(codes, factors).value == pytest.approx(plain(codes, factors), abs=1e-9)
    r2 = sap(codes, factors, kind="r2").value
    assert r2 == pytest.approx(plain_r2_sap(codes, factors), abs=1e-9)


def test_modularity_of_independent_codes_does_not_divide_roundings():
    """On a full grid a code that shows one factor has no information about any other."""
    grid = np.stack(np.meshgrid(*map(np.arange, (3, 7, 5)), indexing="ij"), -1).reshape(-1, 3)
    codes = np.concatenate([grid[:, :1] * 2.0, np.ones((len(grid), 1))], axis=1)
    rest = grid[:, 1:]
    assert modularity(codes, rest).value == plain_modularity(codes, rest) == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sizes", [(3, 2, 5), (9, 4)])
def test_sap_is_the_accuracy_of_linear_svc(kind, sizes):
    if len(sizes) == 2 and kind == "mixed":
        sizes = (9, 4, 2)
    codes, factors = draw(kind, 1200, 1, sizes)
    arrays = codes[:800], factors[:800], codes[800:], factors[800:]
    expected = plain_svm(*arrays)
    score = sap(*arrays)
    assert np.abs(score.matrix - expected).max() <= 0.005  # two of 400 test samples
    ranked = np.sort(expected, axis=0)
    assert score.value == pytest.approx(np.mean(ranked[-1] - ranked[-2]), abs=1e-3)


def test_explicitness_is_the_mean_area():
    codes, factors = draw("blurred", 600, 2)
    train, test = slice(0, 400), slice(400, None)
    mean, deviation = codes[train].mean(axis=0), codes[train].std(axis=0)
    scaled = (codes - mean) / deviation
    areas = []
    for factor in factors.T:
        model = LogisticRegression(max_iter=1000).fit(scaled[train], factor[train])
        shown = np.eye(factor.max() + 1)[factor[test]]
        areas.append(roc_auc_score(shown, model.predict_proba(scaled[test])))
    score = explicitness(codes[train], factors[train], codes[test], factors[test])
    assert score.value == pytest.approx(np.mean(areas), abs=1e-9)


# Boosted trees.


@pytest.mark.parametrize("kind", ["sharp", "copies"])
def test_dci_is_the_published_formula_on_sklearns_trees(kind):
    codes, factors = draw(kind, 500, 4)
    arrays = codes[:300], factors[:300], codes[300:], factors[300:]
    matrix, accuracy = plain_importances(*arrays, seed=7)
    rows, columns = matrix.sum(axis=1) / matrix.sum(), matrix.sum(axis=0) / matrix.sum()
    d = np.sum(rows * (1 - entropy(matrix.T + 1e-11, base=matrix.shape[1])))
    c = np.sum(columns * (1 - entropy(matrix + 1e-11, base=matrix.shape[0])))
    score = dci(*arrays, seed=7)
    assert np.abs(score.matrix - matrix).max() < 1e-12
    assert score["disentanglement"] == pytest.approx(d, abs=1e-9)
    assert score["completeness"] == pytest.approx(c, abs=1e-9)
    assert score["informativeness"] == accuracy


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_fast_importances_are_close_on_more_samples(kind):
    codes, factors = draw(kind, 1600, 5, sizes=(3, 2, 5))
    arrays = codes[:1200], factors[:1200], codes[1200:], factors[1200:]
    exact, fast = dci(*arrays), dci(*arrays, importances="hist_gradient_boosting")
    assert fast.settings["importances"] == "hist_gradient_boosting"
    assert abs(fast["disentanglement"] - exact["disentanglement"]) < 0.02
    # If codes are equally good, chance decides how they share the importance, in exact trees too.
    draws = kind in ("sharp", "copies")
    assert abs(fast["completeness"] - exact["completeness"]) < (0.06 if draws else 0.02)


HALVING = 0.5 ** np.arange(8)  # how often the classes of an unbalanced factor occur


@pytest.mark.parametrize(
    ("sizes", "codes_each", "noise", "balanced", "copies"),
    [
        ((6, 6, 6), 1, 0.3, False, 1),
        ((3, 5, 6), 2, 0.4, False, 2),
        ((15, 12), 2, 1.0, True, 1),
        ((3, 2, 5), 2, 0.6, True, 2),
    ],
)
def test_the_fast_importances_are_close_for_small_classes(
    sizes, codes_each, noise, balanced, copies
):
    """Unbalanced, many-valued and duplicated: exact trees single out samples of such classes."""
    rng = np.random.default_rng(0)
    shares = [np.ones(size) if balanced else HALVING[:size] for size in sizes]
    factors = np.stack([rng.choice(len(p), 1500, p=p / p.sum()) for p in shares], axis=1)
    codes = np.repeat(factors, codes_each, axis=1).astype(float)
    codes = np.tile(codes + noise * rng.normal(size=codes.shape), copies)
    arrays = codes[:1000], factors[:1000], codes[1000:], factors[1000:]
    exact, fast = dci(*arrays), dci(*arrays, importances="hist_gradient_boosting")
    for name in ("disentanglement", "completeness", "informativeness"):
        assert fast[name] == pytest.approx(exact[name], abs=0.02), name


def test_the_fast_importances_find_the_structure():
    """Sharp islands: the three codes of a factor share all of its importance."""
    codes, factors = draw("sharp", 800, 6)
    fast = dci(codes, factors, codes, factors, importances="hist_gradient_boosting")
    assert fast["disentanglement"] > 0.999 and fast["informativeness"] > 0.999
    owner = fast.matrix.reshape(3, 3, 3).sum(axis=1)
    assert owner == pytest.approx(np.eye(3), abs=0.01)
    assert fast["completeness"] < 1 - np.log(2) / np.log(9)  # at least two share
    assert disentanglement(owner) > 0.99 and completeness(owner) > 0.99


def test_informativeness_is_accuracy_on_the_test_samples():
    codes, factors = draw("sharp", 300, 8)
    wrong = (factors + 1) % [3, 2, 5]
    for kind in ("gradient_boosting", "hist_gradient_boosting"):
        assert dci(codes, factors, codes, wrong, importances=kind)["informativeness"] == 0
        assert dci(codes, factors, codes, factors, importances=kind)["informativeness"] == 1
