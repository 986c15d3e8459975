"""Scores of codes whose scores are known, and changes of codes that must not change a score."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wdlib.metrics import (
    beta_vae,
    chance_codes,
    dci,
    explicitness,
    factor_vae,
    irs,
    mig,
    modularity,
    oracle_codes,
    sap,
)


def grid(*sizes, repeat=1):
    """Every combination of the factors, ``repeat`` times: exactly independent, exactly uniform."""
    axes = np.meshgrid(*map(np.arange, sizes), indexing="ij")
    return np.tile(np.stack(axes, axis=-1).reshape(-1, len(sizes)), (repeat, 1))


def one_hot(factors):
    return np.concatenate([np.eye(column.max() + 1)[column] for column in factors.T], axis=1)


FACTORS = grid(3, 4, 5, repeat=6)


@pytest.mark.parametrize(
    ("score", "ceiling"),
    [
        (lambda c, f: mig(c, f), 1.0),
        (lambda c, f: modularity(c, f), 1.0),
        (lambda c, f: irs(c, f), 1.0),
        (lambda c, f: sap(c, f, kind="r2"), 1.0),
        (lambda c, f: dci(c, f, c, f), 1.0),
        (lambda c, f: factor_vae(c, f, c, f, train_draws=300, test_draws=300), 1.0),
        (lambda c, f: beta_vae(c, f, c, f, train_draws=300, test_draws=300), 1.0),
        (lambda c, f: explicitness(c, f, c, f), 1.0),
    ],
)
def test_perfect_codes_reach_the_ceiling_in_any_order(score, ceiling):
    codes = oracle_codes(FACTORS)
    assert score(codes, FACTORS).value == pytest.approx(ceiling, abs=1e-6)
    assert score(codes[:, [2, 0, 1]], FACTORS).value == pytest.approx(ceiling, abs=1e-6)


def test_chance_is_far_below_the_ceiling():
    codes = chance_codes(oracle_codes(FACTORS), seed=3)
    assert mig(codes, FACTORS).value < 0.05
    assert sap(codes, FACTORS, codes, FACTORS).value < 0.1
    score = dci(codes, FACTORS)
    assert score["disentanglement"] < 0.35 and score["informativeness"] < 0.45
    assert factor_vae(codes, FACTORS, codes, FACTORS).value < 0.6
    assert beta_vae(codes, FACTORS, codes, FACTORS).value < 0.6
    assert 0.4 < explicitness(codes, FACTORS).value < 0.6


def test_a_code_kept_twice_leaves_no_gap():
    codes = np.repeat(oracle_codes(FACTORS), 2, axis=1)
    assert mig(codes, FACTORS).value == 0
    assert sap(codes, FACTORS, codes, FACTORS).value == 0
    assert sap(codes, FACTORS, kind="r2").value == pytest.approx(0, abs=1e-12)
    assert modularity(codes, FACTORS).value == pytest.approx(1)
    assert irs(codes, FACTORS).value == pytest.approx(1)
    # One partition of two copies is one code again (its information is estimated by a vote).
    assert mig(codes, FACTORS, groups=[2, 2, 2]).value == pytest.approx(1, abs=0.03)


def test_dci_of_duplicated_codes_loses_completeness_only():
    from wdlib.metrics.dci import completeness, disentanglement

    for copies in (2, 4):
        shared = np.repeat(np.eye(4), copies, axis=0) / copies
        assert disentanglement(shared) == pytest.approx(1, abs=1e-8)
        assert completeness(shared) == pytest.approx(1 - np.log(copies) / np.log(4 * copies))
    codes = np.repeat(oracle_codes(FACTORS), 2, axis=1)
    raw = dci(codes, FACTORS, codes, FACTORS)
    grouped = dci(codes, FACTORS, codes, FACTORS, groups=[2, 2, 2])
    assert raw["disentanglement"] == pytest.approx(1, abs=1e-6)
    assert 1 - np.log(2) / np.log(6) - 1e-6 <= raw["completeness"] < 1
    assert grouped["completeness"] == pytest.approx(1, abs=1e-6)
    assert np.allclose(raw.matrix.reshape(3, 2, 3).sum(axis=1), grouped.matrix)


def test_dci_weighs_codes_by_their_share():
    from wdlib.metrics.dci import completeness, disentanglement

    importances = np.array([[3.0, 0.0], [0.5, 0.5]])
    # Row 0 is pure and has 3/4 of all importance, row 1 is split evenly: D = 3/4.
    assert disentanglement(importances) == pytest.approx(0.75, abs=1e-8)
    # Column 0 (7/8 of all): 6/7 and 1/7; column 1 is pure.
    entropy = -(6 / 7 * np.log2(6 / 7) + 1 / 7 * np.log2(1 / 7))
    assert completeness(importances) == pytest.approx(7 / 8 * (1 - entropy) + 1 / 8, abs=1e-8)
    nothing = np.zeros((3, 2))
    assert disentanglement(nothing) == pytest.approx(0, abs=1e-12)
    assert completeness(nothing) == pytest.approx(0, abs=1e-12)


def test_two_factors_in_one_code():
    factors = grid(3, 4, repeat=5)
    both = factors[:, 0] * 4 + factors[:, 1]
    codes = np.stack([both, np.zeros(len(both))], axis=1).astype(float)
    score = mig(codes, factors)
    assert score.matrix == pytest.approx(np.array([[np.log(3), np.log(4)], [0, 0]]))
    assert score.value == pytest.approx(1)  # MIG does not notice that the code is shared
    ratio = (np.log(3) / np.log(4)) ** 2
    assert modularity(codes[:, :1], factors).value == pytest.approx(1 - ratio)
    # The unequal parts of the variance: (both - its mean given f) is what remains.
    assert irs(codes, factors, quantile=1).value == pytest.approx(1 - 1.5 / 5.5)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5])
def test_label_noise_has_its_analytic_information(share):
    """A symmetric channel: with probability ``share`` the code shows another of the 4 values."""
    counts = 60
    wrong = round(counts * share / 3)
    rows = [
        (value, shown)
        for value in range(4)
        for shown in range(4)
        for _ in range(counts - 3 * wrong if value == shown else wrong)
    ]
    factors, code = np.array(rows).T
    p = 3 * wrong / counts
    conditional = 0 if p == 0 else -(1 - p) * np.log(1 - p) - p * np.log(p / 3)
    expected = np.log(4) - conditional
    codes = np.stack([code, np.zeros_like(code)], axis=1)
    score = mig(codes, factors[:, None])
    assert score.matrix[0, 0] == pytest.approx(expected, abs=1e-12)
    assert score.value == pytest.approx(expected / np.log(4), abs=1e-12)


def test_sap_of_perfect_codes_is_the_published_oracle():
    """It is 2/3 for exactly balanced factors, and .657 for sampled ones."""
    factors = grid(3, 3, 3, repeat=40)
    codes = oracle_codes(factors)
    assert sap(codes, factors, codes, factors).value == pytest.approx(2 / 3)
    r2 = sap(codes, factors, kind="r2")
    assert r2.matrix == pytest.approx(np.eye(3), abs=1e-12)


def test_sap_depends_on_scale_and_shift_as_its_regularised_intercept_does():
    rng = np.random.default_rng(0)
    factors = rng.integers(0, 3, (3000, 3))
    codes = oracle_codes(factors)
    plain, scaled, shifted = (
        sap(c, factors, c, factors).value for c in (codes, codes * 0.1, codes + 5)
    )
    assert plain > 0.6 and scaled < plain - 0.1 and shifted < plain - 0.1


def test_a_constant_code_changes_modularity_alone():
    codes = oracle_codes(FACTORS)
    more = np.concatenate([codes, np.full((len(codes), 1), 0.1)], axis=1)
    kwargs = {"train_draws": 300, "test_draws": 300}
    assert factor_vae(more, FACTORS, more, FACTORS, **kwargs).value == 1
    assert beta_vae(more, FACTORS, more, FACTORS, **kwargs).value == 1
    assert explicitness(more, FACTORS, more, FACTORS).value == pytest.approx(1)
    assert mig(more, FACTORS).value == pytest.approx(1)
    assert irs(more, FACTORS).value == pytest.approx(1)
    assert modularity(more, FACTORS).value == pytest.approx(3 / 4)  # an empty code counts 0
    assert dci(more, FACTORS, more, FACTORS).value == pytest.approx(1, abs=1e-6)


def test_codes_that_never_change_score_nothing():
    codes = np.full((len(FACTORS), 3), 0.1)
    score = dci(codes, FACTORS, codes, FACTORS)
    assert score["disentanglement"] == pytest.approx(0, abs=1e-9)
    assert score["completeness"] == pytest.approx(0, abs=1e-9)
    # All that is left is to guess the same class: 1/3, 1/4 and 1/5 of the samples.
    assert score["informativeness"] == pytest.approx(np.mean([1 / 3, 1 / 4, 1 / 5]))
    assert mig(codes, FACTORS).value == modularity(codes, FACTORS).value == 0
    assert irs(codes, FACTORS).value == factor_vae(codes, FACTORS).value == 0
    assert sap(codes, FACTORS, codes, FACTORS).value == 0
    assert sap(codes, FACTORS, kind="r2").value == 0
    assert explicitness(codes, FACTORS).value == pytest.approx(0.5)


def test_irs_of_a_code_with_known_spread():
    """z = 10 f + g: holding f leaves |g - 1| <= 1 of |z - mean| <= 11; holding g leaves 10."""
    factors = grid(3, 3)
    code = 10 * factors[:, 0] + factors[:, 1]
    codes = np.stack([code, np.zeros(9)], axis=1)
    score = irs(codes, factors, quantile=1)
    assert score.matrix[0] == pytest.approx([1 - 1 / 11, 1 - 10 / 11])
    assert score.value == pytest.approx(1 - 1 / 11)


def test_grouped_irs_is_the_distance_in_the_partition():
    """Two factors on the axes of one partition: held f leaves distance 1 of sqrt(2)."""
    factors = grid(3, 3)
    score = irs(factors.astype(float), factors, quantile=1, groups=[2])
    assert score.value == pytest.approx(1 - 1 / np.sqrt(2))


def test_explicitness_of_a_test_set_without_one_class():
    """The reference raises here; the class is left out of the mean."""
    codes = one_hot(FACTORS)
    seen = FACTORS[:, 2] != 4
    score = explicitness(codes, FACTORS, codes[seen], FACTORS[seen])
    assert score.value == pytest.approx(1)
    assert np.isnan(score.matrix[4, 2]) and not np.isnan(score.matrix[:4, 2]).any()


def test_an_entangled_partition_is_one_code_when_grouped():
    """A rotation within each pair spoils raw codes, but not partitions."""
    rng = np.random.default_rng(1)
    factors = rng.integers(0, 3, (600, 2))
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    pairs = [np.stack([np.cos(2 * f), np.sin(2 * f)], axis=1) @ turn for f in factors.T]
    codes = np.concatenate(pairs, axis=1) + 0.01 * rng.normal(size=(600, 4))
    assert mig(codes, factors).value < 0.3
    assert mig(codes, factors, groups=[2, 2]).value > 0.95
    assert modularity(codes, factors, groups=[2, 2]).value > 0.99
    assert sap(codes, factors, kind="r2", groups=[0, 0, 1, 1]).value > 0.5
    assert factor_vae(codes, factors, groups=[2, 2]).value == 1
    assert beta_vae(codes, factors, groups=[2, 2]).value == 1


# Invariances, over random shapes.


@st.composite
def samples(draw):
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    n = draw(st.integers(60, 200))
    k, d = draw(st.integers(2, 3)), draw(st.integers(2, 5))
    factors = np.stack([rng.permutation(n) % rng.integers(2, 6) for _ in range(k)], axis=1)
    codes = factors @ rng.normal(size=(k, d)) + rng.normal(size=(n, d))
    return codes, factors, rng


@given(samples())
def test_no_score_leaves_its_range(drawn):
    codes, factors, _ = drawn
    small = {"train_draws": 50, "test_draws": 50, "batch": 8}
    scores = [
        mig(codes, factors),
        modularity(codes, factors),
        irs(codes, factors),
        sap(codes, factors),
        sap(codes, factors, kind="r2"),
        factor_vae(codes, factors, **small),
        beta_vae(codes, factors, **small),
    ]
    for score in scores:
        assert 0 <= score.value <= 1, score
        assert score.matrix.shape == (codes.shape[1], factors.shape[1])


@given(samples())
def test_mig_and_modularity_ignore_the_order_of_codes_and_the_names_of_values(drawn):
    codes, factors, rng = drawn
    other = codes[:, rng.permutation(codes.shape[1])]
    names = rng.permutation(1000)[:10] - 500
    for score in (mig, modularity):
        value = score(codes, factors).value
        assert score(other, factors).value == pytest.approx(value, abs=1e-12)
        assert score(codes, names[factors]).value == pytest.approx(value, abs=1e-12)
        assert score(codes * 4 + 2, factors).value == pytest.approx(value, abs=1e-2)


@given(samples())
def test_r2_sap_ignores_any_linear_map_of_a_code_or_of_a_factor(drawn):
    codes, factors, rng = drawn
    value = sap(codes, factors, kind="r2").value
    scale = rng.uniform(0.5, 2, codes.shape[1]) * rng.choice([-1, 1], codes.shape[1])
    mapped = sap(codes * scale + 3, 7 - 2 * factors, kind="r2")
    assert mapped.value == pytest.approx(value, abs=1e-9)


@given(samples())
def test_scores_do_not_depend_on_the_order_of_samples(drawn):
    codes, factors, rng = drawn
    order = rng.permutation(len(codes))
    for score in (mig, modularity, irs):
        value = score(codes, factors).value
        assert score(codes[order], factors[order]).value == pytest.approx(value, abs=1e-12)


def test_dci_ignores_monotone_maps_of_a_code():
    """Trees only see the order of a code; powers of two keep the roundings, too."""
    rng = np.random.default_rng(5)
    factors = rng.integers(0, 3, (400, 2))
    codes = np.repeat(factors, 2, axis=1) + 0.6 * rng.normal(size=(400, 4))
    plain = dci(codes, factors, codes, factors)
    scaled = dci(codes * [2, 4, 8, 0.5], factors, codes * [2, 4, 8, 0.5], factors)
    cubed = dci(codes**3, factors, codes**3, factors)
    for name in ("disentanglement", "completeness", "informativeness_train"):
        assert scaled[name] == pytest.approx(plain[name], abs=1e-12)
        assert cubed[name] == pytest.approx(plain[name], abs=0.01)
