"""Splits: disjoint, seeded, labels by prefix, combinations really left out."""

import numpy as np
import pytest

from wdlib.data.split import check_labels, split, whole_seed
from wdlib.tasks import TASKS, task

V2 = task("dSprites.v2")


def rows(values):
    return set(map(tuple, values.tolist()))


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("unseen", [0.0, 0.2])
def test_parts_are_disjoint_and_together_everything(name, unseen):
    t = TASKS[name]
    s = split(t, seed=3, unseen=unseen)
    everything = np.concatenate([s.train, s.validation, s.test, s.unseen])
    np.testing.assert_array_equal(np.sort(everything), np.arange(len(t)))
    assert everything.dtype == s.labelled.dtype == np.int64
    assert np.isin(s.labelled, s.train).all() and len(np.unique(s.labelled)) == 1000


def test_fractions_are_kept():
    s = split(V2, seed=0, fractions=(0.5, 0.3, 0.2), labels=10)
    n = len(V2)  # 10125, whose cuts are rounded: 5062.5 and 8100
    assert (len(s.train), len(s.validation), len(s.test)) == (5062, 3038, 2025)
    assert len(s.train) + len(s.validation) + len(s.test) == n


def test_a_seed_decides_everything():
    a, b, other = (split(V2, seed=seed, unseen=0.2) for seed in (1, 1, 2))
    for part in ("train", "validation", "test", "labelled", "unseen", "unseen_combinations"):
        np.testing.assert_array_equal(getattr(a, part), getattr(b, part))
        assert getattr(a, part).tolist() != getattr(other, part).tolist()


def test_a_split_is_shuffled():
    """Neighbours in train are neighbours in the task about as often as chance has it."""
    train = split(V2, seed=0).train
    assert (np.abs(np.diff(train)) == 1).mean() < 0.002


def test_fewer_labels_are_a_prefix_of_more():
    many = split(V2, seed=5, labels=1000)
    for labels in (0, 50, 100, 250, 500):
        few = split(V2, seed=5, labels=labels)
        np.testing.assert_array_equal(few.labelled, many.labelled[:labels])
        np.testing.assert_array_equal(few.train, many.train)


def test_a_whole_seed_is_the_first_whose_labels_show_every_value():
    v4 = task("dSprites.v4")
    with pytest.raises(ValueError, match="none of the 50 labelled images has orientation"):
        check_labels(split(v4, seed=0, labels=50))
    assert whole_seed(v4, seed=0, labels=50) == 1 and whole_seed(v4, seed=0, labels=100) == 0
    assert whole_seed(v4, seed=7, labels=2) == 7  # no seed's two labels can


def test_limit_bounds_the_three_parts_and_keeps_the_labels():
    t = task("Shapes3D.v5")
    s, whole = split(t, seed=0, limit=20000), split(t, seed=0)
    assert (len(s.train), len(s.validation), len(s.test)) == (14000, 2000, 4000)
    np.testing.assert_array_equal(s.train, whole.train[:14000])
    np.testing.assert_array_equal(s.labelled, whole.labelled)


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("fraction", [0.2, 0.5])
def test_unseen_combinations_are_really_absent(name, fraction):
    t = TASKS[name]
    s = split(t, seed=0, unseen=fraction)
    gone = rows(s.unseen_combinations)
    assert len(gone) == len(s.unseen_combinations) == round(fraction * t.combinations)
    assert rows(t.labels(s.unseen)) == gone
    for part in (s.train, s.validation, s.test, s.labelled):
        assert not rows(t.labels(part)) & gone
    # Alone, every value has been seen.
    for factor, column in zip(t.factors, t.labels(s.train).T, strict=True):
        assert set(column) == set(range(factor.size))


def test_values_survive_until_no_combination_can_go():
    """27 = 3 x 9 combinations: at least 9 must stay to hold nine positions."""
    left = 27 - len(split(V2, seed=0, unseen=0.6, labels=10).unseen_combinations)
    assert left == 11
    with pytest.raises(ValueError, match="cannot leave out 26 of 27 combinations: a value"):
        split(V2, seed=0, unseen=0.95, labels=10)


def test_a_value_without_a_label_is_named():
    check_labels(split(V2, seed=0, labels=1000))
    s = split(V2, seed=0, labels=1)
    shape, position = V2.labels(s.labelled)[0]
    first = 0 if shape else 1
    word = ("square", "ellipse", "heart")[first]
    with pytest.raises(
        ValueError, match=f"none of the 1 labelled images has shape {first} .{word}"
    ):
        check_labels(s)
    with pytest.raises(ValueError, match="none of the 0 labelled"):
        check_labels(split(V2, seed=0, labels=0))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            {"labels": 10000},
            "cannot label 10000 images: train of dSprites.v2 has 7088 images",
        ),
        ({"labels": 71, "limit": 100}, "label 71 images: .* has 70 images"),
        ({"labels": -1}, "label -1 images"),
        ({"fractions": (0.7, 0.2, 0.2)}, "must sum to 1"),
        ({"fractions": (1.2, -0.1, -0.1)}, "must sum to 1"),
        ({"fractions": (0.5, 0.5)}, "train, validation and test"),
        ({"limit": 0}, "at least 1 image"),
        ({"unseen": 1.0}, r"in \[0, 1\), got 1.0"),
        ({"unseen": -0.1}, r"in \[0, 1\), got -0.1"),
    ],
)
def test_impossible_splits_say_why(arguments, said):
    with pytest.raises(ValueError, match=said):
        split(V2, seed=0, **arguments)
