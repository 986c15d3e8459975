"""Factors of any kind: names, categories and nullable integers as classes, and real values."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import digamma
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LinearRegression

from wdlib.metrics import (
    beta_vae,
    dci,
    dci_es,
    dcimig,
    explicitness,
    factor_vae,
    infomec,
    irs,
    jemmig,
    mig,
    mig_sup,
    modularity,
    oracle_codes,
    rmig,
    sap,
    score,
    score_table,
)  # fmt: skip
from wdlib.metrics.factors import as_factors, read_factors

RNG = np.random.default_rng(0)
N = 300
CLASSES = RNG.integers(0, 3, (N, 3))
CODES = CLASSES + 0.3 * RNG.normal(size=(N, 3))
REAL = RNG.uniform(-3, 5, (N, 2))
REAL_CODES = np.column_stack([REAL + 0.2 * RNG.normal(size=(N, 2)), RNG.normal(size=N)])
WORDS = np.array(["heart", "ellipse", "square"])[CLASSES]  # ranks 1, 0, 2

# Classes.

ALIKE = [
    WORDS,
    WORDS.tolist(),
    WORDS.astype(object),
    pd.DataFrame(WORDS),
    pd.DataFrame(WORDS).astype("category"),
    pd.DataFrame(CLASSES).astype("Int64"),
    pd.DataFrame(CLASSES).astype("Float64"),
    pd.DataFrame(CLASSES, dtype=object),
    CLASSES.astype(np.uint8),
    pd.DataFrame({"a": WORDS[:, 0], "b": CLASSES[:, 1], "c": pd.Categorical(WORDS[:, 2])}),
]


@pytest.mark.parametrize("factors", ALIKE, ids=lambda f: type(f).__name__)
def test_however_classes_are_named_the_scores_are_the_same(factors):
    for function in (mig, modularity, mig_sup, dcimig, jemmig, rmig, irs):
        assert function(CODES, factors).value == pytest.approx(function(CODES, CLASSES).value)
    train, test = slice(0, 200), slice(200, N)
    rows = (lambda f, part: f.iloc[part]) if hasattr(factors, "iloc") else lambda f, part: f[part]
    given = CODES[train], rows(factors, train), CODES[test], rows(factors, test)
    plain = CODES[train], CLASSES[train], CODES[test], CLASSES[test]
    for function in (sap, explicitness):
        assert function(*given).value == pytest.approx(function(*plain).value)
    fast = {"importances": "hist_gradient_boosting"}
    found, expected = dci(*given, **fast), dci(*plain, **fast)
    assert found["informativeness"] == pytest.approx(expected["informativeness"], abs=0.02)


def test_names_have_the_same_ranks_in_train_and_test():
    train, test = read_factors({"train": [["b"], ["a"], ["c"]], "test": [["c"], ["b"]]})
    assert train.array[:, 0].tolist() == [1, 0, 2] and test.array[:, 0].tolist() == [2, 1]
    sizes = pd.Categorical(["S", "L", "M"], categories=["S", "M", "L"], ordered=True)
    assert as_factors(pd.DataFrame({"size": sizes})).array[:, 0].tolist() == [0, 2, 1]
    mixed = pd.DataFrame({"m": [1, "1", 2.5, "b"]}, dtype=object)  # 1 and "1" are two classes
    assert len(set(as_factors(mixed).array[:, 0])) == 4
    assert as_factors([[True], [False]]).array[:, 0].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("factors", "said"),
    [
        (pd.DataFrame({"a": ["x", None, "y"]}), "factors holds .* in row 1, column 0: .*missing"),
        (pd.DataFrame({"a": pd.array([1, None, 2], "Int64")}), "factors holds <NA> in row 1"),
        ([[0.5, 1], [np.inf, 2], [0.2, 3]], "factors holds inf in row 1, column 0: .*finite"),
        ([[0.5], [0.5], [1.5]], r"row 0, column 0: .*at most 3 values.*continuous=\[0\]"),
        ([[1], [2, 3]], "factors is not a rectangular array"),
        (np.array(["a", "b"]), r"factors has shape \(2,\), expected two axes"),
        (pd.DataFrame({"a": []}), r"factors has shape \(0, 1\): it is empty"),
        ([[2**63], [1]], "factors holds 9.2.* in row 0, column 0: too large"),
    ],
)
def test_bad_factors_are_refused(factors, said):
    with pytest.raises(ValueError, match=said):
        as_factors(factors)


def test_a_bad_value_is_named_by_its_part():
    with pytest.raises(ValueError, match="factors_test holds nan in row 2, column 1"):
        bad = np.where(np.arange(N)[:, None] + [0, 0, 0] == 2, [0, np.nan, 0], CLASSES)
        score(CODES, CLASSES, CODES, bad)
    with pytest.raises(ValueError, match="factors_train has 3 columns and factors_test has 2"):
        score(CODES, CLASSES, CODES, WORDS[:, :2])


# Which factors are real-valued.


def test_fractions_are_real_and_whole_numbers_only_if_declared():
    frame = pd.DataFrame({"x": REAL[:, 0], "year": CLASSES[:, 0], "shape": WORDS[:, 0]})
    assert as_factors(frame).real.tolist() == [True, False, False]
    assert as_factors(frame, continuous=["year"]).real.tolist() == [True, True, False]
    assert as_factors(frame, continuous=[1]).real.tolist() == [True, True, False]
    assert as_factors(CLASSES, continuous=True).real.all()
    assert not as_factors(CLASSES.astype(float)).real.any()
    again = as_factors(frame, continuous="year")
    assert as_factors(again) is again
    with pytest.raises(ValueError, match="continuous names 'weight'"):
        as_factors(frame, continuous=["weight"])
    with pytest.raises(ValueError, match="declared continuous, so it must hold numbers"):
        as_factors(frame, continuous=["shape"])
    train, test = read_factors({"train": [[0.5], [1.0], [2.2], [0.1]], "test": [[1.0], [2.0]]})
    assert train.real.all() and test.real.all()


@pytest.mark.parametrize(
    "function",
    [sap, modularity, explicitness, irs, factor_vae, beta_vae, mig_sup, dcimig, jemmig, rmig],
)
def test_scores_of_classes_refuse_real_values_and_name_the_binning(function):
    with pytest.raises(ValueError, match="factor 1 is real-valued, and .* pandas.cut"):
        function(REAL_CODES, np.column_stack([CLASSES[:, 0], REAL[:, 0]]))
    names = pd.DataFrame({i: pd.cut(REAL[:, i], 5) for i in range(2)})
    assert 0 <= function(REAL_CODES, names).value <= 1


# Real values.


def kraskov(x, y, k=3):
    """Mutual information of real values, with all distances (Kraskov et al. 2004, equation 8)."""
    dx, dy = (np.abs(v[:, None] - v) / v.std() for v in (x, y))
    radius = np.sort(np.maximum(dx, dy), axis=1)[:, [k]]
    counts = [digamma((d < radius).sum(axis=1)).mean() for d in (dx, dy)]
    return max(0, digamma(len(x)) + digamma(k) - sum(counts))


def test_mig_of_real_values_is_that_of_the_formula():
    gaps = []
    for v in REAL.T:
        *_, second, first = sorted(kraskov(code, v) for code in REAL_CODES.T)
        gaps.append(first - second)
    result = mig(REAL_CODES, REAL)
    assert result["mig_nats"] == pytest.approx(np.mean(gaps), abs=1e-9)
    # I(v; v): two draws of noise apart, one of the two counts holds the third neighbour
    assert result["mig"] == pytest.approx(np.mean(gaps) / (digamma(N) - digamma(4)), abs=1e-6)
    assert mig(REAL, REAL).value == pytest.approx(1, abs=0.03)
    assert mig(REAL_CODES * [2, -1, 30] + 7, REAL)["mig"] == pytest.approx(result["mig"], abs=1e-6)
    noise = np.random.default_rng(1).normal(size=(N, 3))
    assert 0 <= mig(noise, REAL).value < 0.03


def test_an_angle_as_cosine_and_sine_is_one_partition():
    angle = np.random.default_rng(0).uniform(0, 2 * np.pi, N)
    factors = np.column_stack([angle, REAL[:, 0]])
    codes = np.column_stack([np.cos(angle), np.sin(angle), REAL[:, 0]])
    raw, grouped = mig(codes, factors), mig(codes, factors, groups=[2, 1])
    own = raw.matrix[:2, 0]
    assert abs(own[0] - own[1]) < 0.1 * own.max()
    assert grouped["mig_nats"] > 2 * (own[0] - own[1]) and grouped["mig"] > raw["mig"] + 0.2


def test_a_mixture_of_kinds_is_the_mean_of_its_factors():
    both = pd.DataFrame({"shape": WORDS[:, 0], "x": REAL[:, 0]})
    codes = np.column_stack([CODES[:, 0], REAL_CODES])
    alone = [mig(codes, both[[name]]).value for name in both]
    found = mig(codes, both)
    assert found["mig"] == pytest.approx(np.mean(alone))
    assert found["mig_nats"] == pytest.approx(mig(codes, both[["x"]])["mig_nats"])


def test_sap_of_real_values_is_the_squared_correlation():
    squares = np.corrcoef(REAL_CODES.T, REAL.T)[:3, 3:] ** 2
    ranked = np.sort(squares, axis=0)
    found = sap(REAL_CODES, REAL, kind="r2").value
    assert found == pytest.approx(np.mean(ranked[-1] - ranked[-2]))


@pytest.mark.parametrize(
    ("importances", "model"),
    [("gradient_boosting", GradientBoostingRegressor), ("random_forest", RandomForestRegressor)],
)
def test_dci_of_real_values_is_that_of_the_regressor(importances, model):
    train, test = slice(0, 200), slice(200, N)
    arrays = REAL_CODES[train], REAL[train], REAL_CODES[test], REAL[test]
    found = dci(*arrays, importances=importances, seed=1)
    fitted = [model(random_state=1).fit(arrays[0], v) for v in arrays[1].T]
    expected = [m.score(arrays[2], v) for m, v in zip(fitted, arrays[3].T)]
    assert found["informativeness"] == pytest.approx(np.mean(expected))
    assert found.matrix == pytest.approx(np.stack([m.feature_importances_ for m in fitted], axis=1))


def test_fast_trees_regress_like_the_reference():
    rng = np.random.default_rng(2)
    values = rng.uniform(0, 100, (900, 2))
    codes = np.column_stack([values, values.sum(axis=1)]) + rng.normal(size=(900, 3)) * [4, 30, 9]
    arrays = codes[:600], values[:600], codes[600:], values[600:]
    exact, fast = (dci(*arrays, importances=f"{kind}gradient_boosting") for kind in ("", "hist_"))
    for name in ("disentanglement", "completeness", "informativeness"):
        assert fast[name] == pytest.approx(exact[name], abs=0.01)
    assert fast.matrix == pytest.approx(exact.matrix, abs=0.02)


def test_infoe_and_dci_es_of_real_values():
    found = infomec(REAL_CODES, REAL)
    r2 = [LinearRegression().fit(REAL_CODES, v).score(REAL_CODES, v) for v in REAL.T]
    assert found["infoe"] == pytest.approx(np.mean(r2))
    known = np.array([[kraskov(code, v, 10) for v in REAL.T] for code in REAL_CODES.T])
    largest = known.T.max(axis=1) / known.T.sum(axis=1)
    assert found["infoc"] == pytest.approx((np.mean(largest) - 1 / 3) / (1 - 1 / 3), abs=1e-6)
    speed = dci_es(REAL_CODES, REAL, REAL_CODES, REAL, depths=(1, 4, 8), trees=20, seeds=1)
    assert 0.5 < speed["dci_explicitness"] < 1 and speed["informativeness"] > 0.9


def test_the_default_scores_of_real_values_leave_out_those_of_classes():
    arrays = REAL_CODES, REAL, REAL_CODES, REAL
    found = score(*arrays, importances="hist_gradient_boosting")
    assert list(found) == ["mig", "mig_nats", "sap_r2", "dci_disentanglement", "dci_completeness",
                           "dci_informativeness"]  # fmt: skip
    with pytest.raises(ValueError, match="SAP by support vector machines is only defined"):
        score(*arrays, metrics=["sap"])
    table = score_table({"raw": (REAL_CODES, REAL_CODES, None)}, REAL, REAL, metrics=["mig"])
    assert table.oracle["raw", "mig"] == pytest.approx(1, abs=0.03)
    assert table.chance["raw", "mig"] < 0.03 < 0.3 < table.value["raw", "mig"]
    assert (oracle_codes(REAL) == REAL).all()
    declared = score(CODES, CLASSES, CODES, CLASSES, metrics="mig", continuous=True)
    assert "mig_nats" in declared
