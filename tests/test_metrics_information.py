"""Scores from mutual information, and DCI-ES: known answers, formulas in numpy, invariances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import digamma
from scipy.stats import entropy as scipy_entropy
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mutual_info_score

from wdlib.metrics import (
    dci,
    dci_es,
    dcimig,
    infomec,
    jemmig,
    mig,
    mig_sup,
    rmig,
    score,
    score_table,
    wsepin,
)
from wdlib.metrics.information import nearest_information

SIZES = (3, 2, 5)
GAPS = [mig_sup, dcimig, jemmig, rmig]


def factors_of(n=600, seed=0, sizes=SIZES):
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(0, size, n) for size in sizes], axis=1)


def blurred(factors, seed=1, noise=0.4):
    """Two noisy codes a factor, a mixture, and a dead code."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(factors, 2, axis=1) + noise * rng.normal(size=(len(factors), 6))
    return np.column_stack([codes, factors.sum(axis=1), np.zeros(len(factors))])


FACTORS = factors_of()
CODES = blurred(FACTORS)


# The formulas, cell by cell.


def cut(code, low=None, high=None, bins=20):
    """Bins of equal width, by counting the edges below."""
    low, high = (code.min(), code.max()) if low is None else (low, high)
    edges = np.linspace(low, high, bins + 1)[1:-1]
    return sum((code >= edge).astype(int) for edge in edges)


def entropy_of(*labels):
    return scipy_entropy(np.unique(np.stack(labels), axis=1, return_counts=True)[1])


def plain(codes, factors, **how):
    """Binned codes, I [d, k], and H [k]."""
    binned = [cut(code, **how) for code in codes.T]
    information = [[mutual_info_score(f, z) for f in factors.T] for z in binned]
    return binned, np.array(information), np.array([entropy_of(f) for f in factors.T])


def plain_mig_sup(codes, factors):
    _, information, own = plain(codes, factors)
    gaps = []
    for row in information / own:
        *_, second, first = sorted(row)
        gaps.append(first - second)
    return np.mean(gaps)


def plain_dcimig(codes, factors):
    _, information, own = plain(codes, factors)
    kept = [0.0] * len(own)
    for row in information:
        *_, second, first = sorted(row)
        j = list(row).index(first)
        kept[j] = max(kept[j], first - second)
    return sum(kept) / sum(own)


def plain_jemmig(codes, factors, bins=20):
    binned, information, own = plain(codes, factors, bins=bins)
    shares = []
    for j, factor in enumerate(factors.T):
        *_, second, first = sorted(information[:, j])
        joint = entropy_of(binned[int(information[:, j].argmax())], factor)
        shares.append(1 - (joint - first + second) / (own[j] + np.log(bins)))
    return np.mean(shares)


def plain_rmig(codes, factors):
    spread = codes.std(axis=0)
    standard = (codes - codes.mean(axis=0)) / np.where(spread == 0, 1, spread)
    _, information, own = plain(standard, factors, low=-4, high=4, bins=100)
    ranked = np.sort(information, axis=0)
    return np.mean((ranked[-1] - ranked[-2]) / own)


PLAIN = [plain_mig_sup, plain_dcimig, plain_jemmig, plain_rmig]


@pytest.mark.parametrize("function, formula", list(zip(GAPS, PLAIN)))
@pytest.mark.parametrize("seed", range(3))
def test_gaps_are_those_of_the_formulas(function, formula, seed):
    factors = factors_of(400, seed)
    for codes in (blurred(factors, seed), factors.astype(float), blurred(factors, seed, 5)):
        assert function(codes, factors).value == pytest.approx(formula(codes, factors), abs=1e-9)


def test_jemmig_depends_on_its_bins_as_the_formula_does():
    for bins in (5, 50):
        expected = plain_jemmig(CODES, FACTORS, bins)
        assert jemmig(CODES, FACTORS, bins=bins).value == pytest.approx(expected, abs=1e-9)
    assert jemmig(CODES, FACTORS, bins=5).settings["bins"] == 5


@pytest.mark.parametrize("function", GAPS)
def test_perfect_codes_score_one_and_noise_little(function):
    full = np.stack(np.unravel_index(np.arange(30), SIZES), axis=1).repeat(20, axis=0)
    assert function(full, full).value == pytest.approx(1, abs=1e-12)
    assert function(full[:, [2, 0, 1]] * [-3, 2, 9] + 5.0, full).value == pytest.approx(1)
    noise = np.random.default_rng(0).uniform(size=(3000, 4))
    assert -0.1 < function(noise, factors_of(3000)).value < 0.1


def test_copies_and_dead_codes_count_as_each_docstring_says():
    full = np.stack(np.unravel_index(np.arange(30), SIZES), axis=1)
    copies, dead = np.repeat(full, 2, axis=1), np.column_stack([full, np.zeros((30, 3))])
    assert mig_sup(copies, full).value == pytest.approx(1)
    assert mig_sup(dead, full).value == pytest.approx(0.5)
    assert dcimig(copies, full).value == dcimig(dead, full).value == pytest.approx(1)
    assert rmig(copies, full).value == pytest.approx(0, abs=1e-12)
    assert [rmig(dead, full).value, jemmig(dead, full).value] == pytest.approx([1, 1])
    both = np.column_stack([full[:, 0] * 2 + full[:, 1], full[:, 2]])  # one code, two factors
    assert mig_sup(both, full).value == pytest.approx(0.5)


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(8)), st.permutations(range(3)), st.floats(0.01, 100))
def test_the_order_of_columns_and_the_scale_of_codes_change_nothing(codes, factors, scale):
    for function in GAPS:
        found = function(CODES[:, codes] * scale, FACTORS[:, factors]).value
        assert found == pytest.approx(function(CODES, FACTORS).value, abs=2e-2)


@pytest.mark.parametrize("function", GAPS)
def test_a_partition_counts_as_one_code(function):
    groups = [2, 2, 2, 2]
    raw, grouped = function(CODES, FACTORS), function(CODES, FACTORS, groups=groups)
    assert grouped.matrix.shape == (4, 3) and raw.matrix.shape == (8, 3)
    assert "grouped" in grouped.settings["codes"]
    sharp = np.repeat(FACTORS, 2, axis=1) + 0.01 * CODES[:, :6]
    assert function(sharp, FACTORS, groups=[2, 2, 2]).value == pytest.approx(1, abs=0.02)


# InfoMEC.


def ross(code, labels, k=10):
    """Mutual information of a code and classes, with all distances (Ross 2014, equation 2)."""
    apart = np.abs(code[:, None] - code)
    near, inside, sizes = [], [], []
    for i, label in enumerate(labels):
        own = np.sort(apart[i][labels == label])
        if len(own) > 1:
            k_i = min(k, len(own) - 1)
            near.append(k_i)
            inside.append((apart[i] < own[k_i]).sum())
            sizes.append(len(own))
    terms = digamma(len(near)), *(np.mean(digamma(each)) for each in (near, sizes, inside))
    return max(0, terms[0] + terms[1] - terms[2] - terms[3])


def kraskov(x, y, k=3):
    """Mutual information of two real values, with all distances (Kraskov et al., equation 8)."""
    dx, dy = np.abs(x[:, None] - x), np.abs(y[:, None] - y)
    radius = np.sort(np.maximum(dx, dy), axis=1)[:, [k]]
    counts = [digamma((d < radius).sum(axis=1)).mean() for d in (dx, dy)]
    return max(0, digamma(len(x)) + digamma(k) - sum(counts))


def shares(rows):
    least = 1 / len(rows[0])
    return (np.mean([max(row) / sum(row) for row in rows]) - least) / (1 - least)


def plain_infoe(codes, factors):
    spread = codes.std(axis=0)
    read = (codes - codes.mean(axis=0)) / np.where(spread == 0, 1, spread)
    found = []
    for factor in factors.T:
        losses = []
        for given_ in (read, 0 * read):
            model = LogisticRegression(C=np.inf, class_weight="balanced", max_iter=100)
            chances = model.fit(given_, factor).predict_proba(given_)
            own = np.searchsorted(model.classes_, factor)
            losses.append(-np.log(chances[np.arange(len(own)), own]).mean())
        found.append((losses[1] - losses[0]) / losses[1])
    return np.mean(found)


def test_nearest_neighbours_estimate_what_all_distances_give():
    rng = np.random.default_rng(0)
    labels, code = rng.integers(0, 4, 200), rng.normal(size=200)
    for noise in (0.1, 3):
        pair = labels + noise * code
        found = nearest_information(pair[:, None], labels, nearest=10)[0]
        assert found == pytest.approx(ross(pair, labels), abs=1e-9)
        value = pair + noise * rng.normal(size=200)
        found = nearest_information(pair[:, None], value)[0]
        assert found == pytest.approx(kraskov(pair / pair.std(), value / value.std()), abs=1e-9)


def test_infomec_is_that_of_the_formulas():
    factors = factors_of(300)
    codes = blurred(factors)[:, [0, 1, 2, 4, 7]]  # the last code is dead
    own = [entropy_of(factor) for factor in factors.T]
    known = np.array([[ross(c, f) / h for f, h in zip(factors.T, own)] for c in codes.T[:4]])
    result = infomec(codes, factors)
    assert result["infom"] == pytest.approx(shares(known), abs=1e-6)
    assert result["infoc"] == pytest.approx(shares(known.T), abs=1e-6)
    assert result["infoe"] == pytest.approx(plain_infoe(codes, factors), abs=1e-3)
    assert result.settings["active"] == 4 and (result.matrix[4] == 0).all()


def test_perfect_codes_have_the_infomec_of_perfect_codes():
    result = infomec(FACTORS, FACTORS)
    assert min(result.values.values()) > 0.9
    assert 0 < result.settings["infom_spread"] < 0.02
    exact = infomec(FACTORS, FACTORS, discrete=True)
    binned = mig(FACTORS, FACTORS).matrix  # three values in 20 bins are three values
    own = [entropy_of(factor) for factor in FACTORS.T]
    assert exact["infom"] == pytest.approx(shares(binned / own), abs=1e-9)
    assert exact["infoe"] == pytest.approx(1, abs=0.01) and "infom_spread" not in exact.settings
    copied = infomec(np.repeat(FACTORS, 2, axis=1), FACTORS, discrete=True)
    assert copied["infom"] == pytest.approx(exact["infom"])
    assert copied["infoc"] < 0.5


def test_a_code_without_information_is_left_out_and_counted():
    full = np.stack(np.unravel_index(np.arange(30), SIZES), axis=1).repeat(4, axis=0)
    noise = np.tile([0.0, 1, 2, 3], 30)  # independent of all factors, so I is exactly 0
    result = infomec(np.column_stack([full, noise]), full, discrete=True)
    assert result["infom"] == result["infoc"] == pytest.approx(1)
    assert result.settings["know_nothing"] == 1 and result.settings["active"] == 4
    alone = infomec(full[:, :1], full, discrete=True)
    assert np.isnan(alone["infoc"]) and alone["infom"] == pytest.approx(1)


def test_grouped_infomec_reads_the_same_codes():
    sharp = np.repeat(FACTORS, 2, axis=1) + 0.01 * CODES[:, :6]
    raw, grouped = infomec(sharp, FACTORS), infomec(sharp, FACTORS, groups=[2, 2, 2])
    assert grouped["infoc"] > 0.9 > 0.5 > raw["infoc"]
    assert grouped["infoe"] == raw["infoe"]


# DCI-ES and random forests.


def test_a_deep_forest_read_early_is_a_shallow_forest():
    """In distribution: the mean errors of many forests of each depth, grown for themselves."""
    factors, codes = factors_of(400), blurred(factors_of(400), noise=0.8)
    depths, train, test = (1, 2, 4, 8), slice(0, 250), slice(250, None)
    arrays = codes[train], factors[train], codes[test], factors[test]
    found = dci_es(*arrays, depths=depths, trees=10, seeds=12)
    errors = np.zeros((4, 3))
    for i, depth in enumerate(depths):
        for j in range(3):
            for seed in range(12):
                forest = RandomForestClassifier(10, max_depth=depth, random_state=100 + seed)
                forest.fit(arrays[0], arrays[1][:, j])
                errors[i, j] += (forest.predict(arrays[2]) != arrays[3][:, j]).mean() / 12
    assert found.matrix == pytest.approx(errors, abs=0.035)
    assert found.matrix[-1] == pytest.approx(errors[-1], abs=0.02)
    best = np.minimum.accumulate(found.matrix)
    area = sum((best[i] + best[i + 1] - 2 * best[-1]) / 2 * (depths[i + 1] - depths[i])
               for i in range(3))  # fmt: skip
    expected = np.mean(1 - area / (7 * (1 - 1 / np.array(SIZES)) / 2))
    assert found["dci_explicitness"] == pytest.approx(expected)


def test_the_deepest_reading_is_the_forest_itself():
    arrays = CODES[:400], FACTORS[:400], CODES[400:], FACTORS[400:]
    found = dci_es(*arrays, depths=(1, 32), trees=10, seeds=1)
    for j in range(3):
        forest = RandomForestClassifier(10, max_depth=32, random_state=0)
        forest.fit(arrays[0], arrays[1][:, j])
        assert 1 - found.matrix[1, j] == forest.score(arrays[2], arrays[3][:, j])


def test_known_speeds_and_sizes():
    coin = np.random.default_rng(0).integers(0, 2, (300, 2))
    found = dci_es(coin, coin, coin, coin, depths=(1, 2, 3), trees=30, seeds=1)
    assert found["dci_size"] == found["informativeness"] == 1
    assert found["dci_explicitness"] == pytest.approx(1, abs=0.01)
    wide = np.repeat(coin, 4, axis=1)
    assert dci_es(wide, coin, wide, coin, depths=(1, 2), trees=5, seeds=1)["dci_size"] == 0.25
    with pytest.raises(ValueError, match="depths are .* ascending order"):
        dci_es(coin, coin, coin, coin, depths=(3, 1))


def test_dci_by_random_forests():
    arrays = CODES[:400], FACTORS[:400], CODES[400:], FACTORS[400:]
    found = dci(*arrays, importances="random_forest", seed=3)
    for j in range(3):
        forest = RandomForestClassifier(random_state=3).fit(CODES[:400], FACTORS[:400, j])
        assert found.matrix[:, j] == pytest.approx(forest.feature_importances_)
    assert found.settings["importances"] == "random_forest"
    assert score(*arrays, metrics="dci", importances="random_forest", seed=3) == {
        f"dci_{name}": found[name]
        for name in ("disentanglement", "completeness", "informativeness")
    }


# WSEPIN.


def test_wsepin_of_independent_codes_is_their_information():
    """Codes of two values, far apart for the first and at one place for the second."""
    means = np.stack(np.unravel_index(np.arange(40) % 4, (2, 2)), axis=1) * [100.0, 0]
    result = wsepin(means, np.ones_like(means))
    assert result.value == pytest.approx(np.log(2), abs=1e-9)
    assert result.matrix[:, 1] == pytest.approx([np.log(2), 0], abs=1e-9)
    apart = wsepin(means + np.arange(40)[:, None] % 2 * [0, 100], np.ones_like(means))
    assert apart.value == pytest.approx(np.log(2), abs=1e-9)


def test_copies_say_nothing_of_their_own_unless_they_are_one_partition():
    means = np.repeat(np.arange(20.0)[:, None] % 5 * 100, 2, axis=1)
    copies = wsepin(means, np.ones_like(means))
    assert copies.value == pytest.approx(0, abs=1e-9)
    together = np.column_stack([means, np.arange(20) % 2 * 100])
    grouped = wsepin(together, np.ones_like(together), groups=[2, 1])
    assert grouped.matrix[:, 2] == pytest.approx([np.log(5), np.log(2)], abs=1e-9)


def test_wsepin_is_that_of_densities_by_scipy():
    from scipy.stats import norm

    rng = np.random.default_rng(0)
    means, spread = rng.normal(size=(50, 3)), rng.uniform(0.1, 1, (50, 3))
    z = means + spread * np.random.default_rng(0).normal(size=(50, 3))
    density = norm(means, spread).pdf(z[:, None])  # [draw, image, code]

    def information(dims):
        joint = density[..., dims].prod(axis=2)
        return np.log(np.diag(joint) / joint.mean(axis=1)).mean()

    alone = np.array([information([i]) for i in range(3)])
    own = [information([0, 1, 2]) - information([j for j in range(3) if j != i]) for i in range(3)]
    assert wsepin(means, spread).value == pytest.approx((alone / alone.sum()) @ own, abs=1e-9)


def test_wsepin_is_refused_for_deterministic_codes():
    arrays = CODES, FACTORS, CODES, FACTORS
    with pytest.raises(ValueError, match="needs a stochastic encoder"):
        score(*arrays, metrics="wsepin")
    with pytest.raises(ValueError, match="must be positive"):
        wsepin(CODES, CODES * 0)
    with pytest.raises(ValueError, match="codes have shape .* deviations"):
        wsepin(CODES, CODES[:, :2])
    noise = np.full_like(CODES, 0.5)
    found = score(*arrays, metrics="wsepin", deviations=(noise, noise))
    assert found == {"wsepin": wsepin(CODES, noise).value}


# All of them in the table.

NEW = ["infomec", "mig_sup", "dcimig", "jemmig", "rmig"]
KEYS = ["infom", "infoc", "infoe", "mig_sup", "dcimig", "jemmig", "rmig"]


def test_the_table_holds_the_new_scores_under_each_convention():
    ways = {"raw": (CODES, CODES, None), "grouped": (CODES, CODES, [2, 2, 2, 2]),
            "converted": (FACTORS, FACTORS, None)}  # fmt: skip
    spread = {"raw": (np.full_like(CODES, 0.3),) * 2}
    table = score_table(ways, FACTORS, FACTORS, metrics=[*NEW, "wsepin"], deviations=spread)
    assert list(table.loc["raw"].index) == [*KEYS, "wsepin"]
    assert list(table.loc["grouped"].index) == list(table.loc["converted"].index) == KEYS
    assert table.value["raw", "mig_sup"] == mig_sup(CODES, FACTORS).value
    assert (table.value["converted"] == table.oracle["converted"]).all()
    assert np.isnan(table.oracle["raw", "wsepin"]) and np.isnan(table.chance["raw", "wsepin"])
    assert table.value["raw", "wsepin"] > 0
