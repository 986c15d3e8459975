"""Scores accept all kinds of arrays, and refuse what they cannot use with a clear sentence."""

import itertools
import subprocess
import sys

import numpy as np
import pytest

from wdlib.metrics import (
    Score,
    beta_vae,
    chance_codes,
    dci,
    explicitness,
    factor_vae,
    group,
    irs,
    mig,
    modularity,
    oracle_codes,
    sap,
    score,
    score_table,
)

RNG = np.random.default_rng(0)
FACTORS = RNG.integers(0, 3, (150, 3))
CODES = FACTORS + 0.1 * RNG.normal(size=(150, 3))
ON_ONE_SET = [mig, modularity, irs]
WITH_TEST = [sap, dci, explicitness, factor_vae, beta_vae]
EVERY = ON_ONE_SET + WITH_TEST


@pytest.mark.parametrize("function", EVERY)
@pytest.mark.parametrize(
    ("codes", "factors", "said"),
    [
        (np.where(CODES > 2.1, np.nan, CODES), FACTORS, r"codes\w* holds nan in row \d+, column"),
        (np.where(CODES > 2.1, np.inf, CODES), FACTORS, r"codes\w* holds inf in row"),
        (CODES, FACTORS + 0.5, r"factors\w* holds \d.5 in row 0, column 0: factors are class"),
        (CODES, np.where(FACTORS == 2, np.nan, FACTORS), r"factors\w* holds nan"),
        (CODES, FACTORS * [1, 0, 1], r"factor 1 takes a single value \(0\) in factors"),
        (CODES[:, 0], FACTORS, r"codes\w* has shape \(150,\), expected two axes"),
        (CODES, FACTORS[:, 0], r"factors\w* has shape \(150,\), expected two axes"),
        (CODES[:-1], FACTORS, r"codes\w* has 149 samples and factors\w* has 150"),
        (CODES[:0], FACTORS[:0], r"is empty"),
        (CODES.astype(str), FACTORS, r"codes\w* has dtype <U\d+, expected numbers"),
        ([[1.0], [1.0, 2.0]], FACTORS[:2], r"codes\w* is not a rectangular array"),
    ],
)
def test_bad_arrays_are_refused_by_name(function, codes, factors, said):
    with pytest.raises(ValueError, match=said):
        function(codes, factors)


@pytest.mark.parametrize("kind", [np.float64, np.uint64])
def test_labels_too_large_for_an_integer_are_named(kind):
    """As 64-bit integers, two of these four classes would become one."""
    with pytest.raises(ValueError, match="factors holds .* too large for a 64-bit integer"):
        mig(CODES, np.array([1, 2, 2**63, 2**63 + 4096], kind)[FACTORS])


@pytest.mark.parametrize("function", WITH_TEST)
def test_a_test_set_must_fit_the_training_set(function):
    with pytest.raises(ValueError, match="codes_train has 3 columns and codes_test has 2"):
        function(CODES, FACTORS, CODES[:, :2], FACTORS)
    with pytest.raises(ValueError, match="factors_train has 3 columns and factors_test has 2"):
        function(CODES, FACTORS, CODES, FACTORS[:, :2])
    with pytest.raises(ValueError, match="give both or neither"):
        function(CODES, FACTORS, CODES)
    with pytest.raises(ValueError, match="codes_test holds nan"):
        function(CODES, FACTORS, CODES * np.nan, FACTORS)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: mig(CODES[:, :1], FACTORS), "codes: 1 given, at least 2 needed"),
        (lambda: sap(CODES[:, :1], FACTORS), "codes: 1 given, at least 2 needed"),
        (lambda: dci(CODES[:, :1], FACTORS), "codes: 1 given, at least 2 needed"),
        (lambda: dci(CODES, FACTORS[:, :1]), "factors: 1 given, at least 2 needed"),
        (lambda: modularity(CODES, FACTORS[:, :1]), "factors: 1 given, at least 2 needed"),
        (lambda: mig(CODES, FACTORS, groups=[3]), "codes: 1 given, at least 2 needed"),
        (lambda: mig(CODES, FACTORS, groups=[2, 2]), r"groups \[2, 2\] is neither the sizes"),
        (lambda: mig(CODES, FACTORS, bins=0), "bins is 0"),
        (lambda: irs(CODES, FACTORS, quantile=99), "quantile is 99"),
        (lambda: sap(CODES, FACTORS, kind="tree"), "kind is 'tree'"),
        (lambda: dci(CODES, FACTORS, importances="lasso"), "importances is 'lasso'"),
        (lambda: factor_vae(CODES, FACTORS, batch=1), "batch 1"),
        (lambda: beta_vae(CODES, FACTORS, train_draws=0), "train_draws 0"),
        (lambda: mig(CODES * [1e308, 1, 1], FACTORS), "code 0 holds inf|too wide|holds"),
        (lambda: mig(np.nextafter(CODES * 0 + 1, FACTORS), FACTORS), "too narrow to cut into 20"),
        (lambda: sap(CODES[:2], [[0, 0, 0], [1, 1, 1]]), "too few to hold out a test set"),
        (lambda: explicitness(CODES, FACTORS, CODES[:1], FACTORS[:1]), "single value"),
        (lambda: factor_vae(CODES[:9], np.arange(27).reshape(9, 3)), "no value that two rows"),
    ],
)
def test_bad_settings_are_refused(call, said):
    with np.errstate(over="ignore"), pytest.raises(ValueError, match=said):
        call()


@pytest.mark.filterwarnings("ignore:The number of unique classes")
def test_more_classes_than_samples_still_have_a_score():
    """Five samples of factors with more values: the score is that of these samples."""
    factors = np.array([[0, 0], [2, 1], [7, 1], [5, 0], [4, 1]])
    codes = factors.astype(float)
    assert mig(codes, factors).value == pytest.approx(
        np.mean([1 - entropy_share(factors[:, 1], factors[:, 0]), 0])
    )
    for function in (sap, dci):
        values = function(codes, factors, codes, factors).values
        assert all(np.isfinite(value) for value in values.values())


def entropy_share(of, by):
    """H(of) / H(by) for two label arrays."""
    shares = [np.unique(labels, return_counts=True)[1] / len(labels) for labels in (of, by)]
    entropy = [-(p * np.log(p)).sum() for p in shares]
    return entropy[0] / entropy[1]


def test_any_kind_of_array_gives_the_same_numbers():
    torch = pytest.importorskip("torch")
    kinds = [
        (CODES.tolist(), FACTORS.tolist()),
        (np.asfortranarray(CODES), FACTORS.astype(np.uint8)),
        (CODES, FACTORS.astype(float)),
        (torch.tensor(CODES, requires_grad=True), torch.tensor(FACTORS)),
        (torch.tensor(CODES), torch.tensor(FACTORS, dtype=torch.float32)),
    ]
    for function in (mig, modularity, irs, sap):
        expected = function(CODES, FACTORS).value
        assert {function(codes, factors).value for codes, factors in kinds} == {expected}
    half = torch.tensor(FACTORS, dtype=torch.bfloat16)
    assert mig(half, FACTORS).value == mig(FACTORS, FACTORS).value


def test_the_callers_arrays_are_not_touched():
    codes, factors = CODES.copy(), FACTORS.copy()
    codes.flags.writeable = factors.flags.writeable = False
    for function in EVERY:
        function(codes, factors)
    assert (codes == CODES).all() and (factors == FACTORS).all()


@pytest.mark.parametrize("function", WITH_TEST)
def test_a_seed_gives_a_split_and_the_same_score_twice(function):
    first, again = function(CODES, FACTORS, seed=4), function(CODES, FACTORS, seed=4)
    assert dict(first.values) == dict(again.values)
    assert first.settings["split"] == "seeded third held out" and first.settings["seed"] == 4
    assert first.settings["samples"] == 100
    given_test = function(CODES, FACTORS, CODES[:50], FACTORS[:50])
    assert given_test.settings["split"] == "given" and given_test.settings["samples"] == 150


# Codes by convention.


def test_groups_are_sizes_or_indices():
    assert group([2, 1], 3).tolist() == [0, 0, 1]
    assert group([5, 9, 5], 3).tolist() == [0, 1, 0]
    assert group([1, 1, 1], 3).tolist() == [0, 1, 2]
    for wrong in ([2, 2], [], [1.5, 1.5], [[1, 2]], [3, 0]):
        with pytest.raises(ValueError, match="groups"):
            group(wrong, 3)


def test_oracle_and_chance():
    assert (oracle_codes(FACTORS) == FACTORS).all() and oracle_codes(FACTORS).dtype == np.float64
    chance = chance_codes(CODES, seed=1)
    assert (np.sort(chance, axis=0) == np.sort(CODES, axis=0)).all()
    assert (chance == chance_codes(CODES, seed=1)).all() and (chance != CODES).any()
    assert (chance != chance_codes(CODES, seed=2)).any()


# The result, and the table.


def test_a_score_prints_as_a_row_with_its_settings():
    result = mig(CODES, FACTORS)
    assert isinstance(result, Score) and float(result) == result.value == result["mig"]
    row = str(result)
    assert "\n" not in row and f"mig {result.value:.4f}" in row and "bins=20" in row


@pytest.mark.parametrize("function", [dci, sap])
def test_in_parallel_the_numbers_are_the_same(function):
    serial, parallel = (function(CODES, FACTORS, CODES, FACTORS, jobs=jobs) for jobs in (1, 2))
    assert (serial.matrix == parallel.matrix).all() and serial.values == parallel.values


ALL = ["mig", "sap", "sap_r2", "dci", "modularity", "explicitness", "irs", "factor_vae", "beta_vae"]


def test_scores_in_one_flat_dict():
    numbers = score(CODES, FACTORS, CODES, FACTORS, metrics=ALL)
    assert list(numbers) == [
        *["mig", "sap", "sap_r2", "dci_disentanglement", "dci_completeness"],
        *["dci_informativeness", "modularity", "explicitness", "irs", "factor_vae", "beta_vae"],
    ]
    assert numbers["mig"] == mig(CODES, FACTORS).value
    assert numbers["sap"] == sap(CODES, FACTORS, CODES, FACTORS).value
    assert numbers["irs"] == irs(CODES, FACTORS, quantile=0.99).value
    assert numbers["dci_completeness"] == dci(CODES, FACTORS, CODES, FACTORS)["completeness"]
    assert all(type(value) is float for value in numbers.values())
    with pytest.raises(ValueError, match="no metric 'mgi' .did you mean 'mig'"):
        score(CODES, FACTORS, CODES, FACTORS, metrics=["sap", "mgi"])


def test_the_table_has_oracle_and_chance_for_each_score():
    conventions = {
        "raw": (np.repeat(CODES, 2, axis=1), np.repeat(CODES, 2, axis=1), None),
        "grouped": (np.repeat(CODES, 2, axis=1), np.repeat(CODES, 2, axis=1), [2, 2, 2]),
        "converted": (FACTORS, FACTORS, None),
    }
    table = score_table(conventions, FACTORS, FACTORS, metrics=["mig", "sap_r2"])
    assert list(table.index) == list(itertools.product(conventions, ("mig", "sap_r2")))
    value = table.xs("mig", level="score").value
    assert value["raw"] == pytest.approx(0, abs=1e-12) and value["grouped"] > 0.9
    converted = table.loc["converted", "mig"]
    assert converted.value == converted.oracle == mig(FACTORS, FACTORS).value
    assert converted.chance == mig(chance_codes(FACTORS, seed=0), FACTORS).value < 0.1


def test_raw_and_grouped_codes_share_only_their_trees():
    codes = np.repeat(CODES, 2, axis=1) + 0.1 * RNG.normal(size=(150, 6))
    conventions = {"raw": (codes, codes, None), "grouped": (codes, codes, [2, 2, 2])}
    table = score_table(conventions, FACTORS, FACTORS, metrics=["dci"])
    for name, groups in (("raw", None), ("grouped", [2, 2, 2])):
        alone = dci(codes, FACTORS, codes, FACTORS, groups=groups)
        for part in ("disentanglement", "completeness", "informativeness"):
            assert table.value[name, f"dci_{part}"] == alone[part]
        shuffled = chance_codes(codes, seed=0)
        chance = dci(shuffled, FACTORS, shuffled, FACTORS, groups=groups)
        assert table.chance[name, "dci_completeness"] == chance["completeness"]
    assert table.value["raw", "dci_completeness"] < table.value["grouped", "dci_completeness"]


def test_everything_runs_where_torch_cannot_be_imported():
    program = """
import sys
class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torch":
            raise ImportError("torch is blocked")
sys.meta_path.insert(0, NoTorch())
import numpy as np
import wdlib.metrics as m
rng = np.random.default_rng(0)
f = rng.integers(0, 3, (90, 2)); c = f + .1 * rng.normal(size=f.shape)
table = m.score_table({"raw": (c, c, None)}, f, f, metrics=%r)
assert len(table) == 11 and "torch" not in sys.modules
try:
    m.relation_accuracy()
except ImportError as error:
    assert "torch" in str(error)
else:
    raise AssertionError("relation accuracy without torch")
"""
    program %= (ALL,)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_the_names_that_need_torch_are_imported_at_their_first_use():
    pytest.importorskip("torch")
    import wdlib.metrics as metrics

    assert callable(metrics.relation_accuracy) and callable(metrics.train_judge)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        metrics.__getattr__("nothing")
