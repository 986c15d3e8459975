"""The algebra of relations: inverses, cycles, ends, composition."""

import numpy as np
import pytest

from wdlib.relations import RELATIONS, Relation, Step, relation, relations_of
from wdlib.tasks import TASKS, task

ALL = [(t, r) for t in TASKS.values() for r in relations_of(t)]
IDS = [f"{t.name} {r.name}" for t, r in ALL]


def values_of(t):
    """Every combination of relevant values [combinations, n]."""
    return np.stack(np.unravel_index(np.arange(t.combinations), t.sizes), axis=1)


@pytest.mark.parametrize(("t", "r"), ALL, ids=IDS)
def test_going_round_and_back_is_the_identity(t, r):
    values = values_of(t)
    round_ = r.around()
    np.testing.assert_array_equal(round_.inverse()(round_(values, t), t), values)
    np.testing.assert_array_equal(round_(round_.inverse()(values, t), t), values)
    # A permutation of the values: nothing is lost.
    assert len(np.unique(round_(values, t), axis=0)) == len(values)


@pytest.mark.parametrize(("t", "r"), ALL, ids=IDS)
def test_a_full_round_is_the_identity_and_nothing_less_is(t, r):
    (step,) = r.steps
    size = t.factors[t.factor(step.factor)].grid[step.axis]
    values = moved = values_of(t)
    for n in range(1, size + 1):
        moved = r.around()(moved, t)
        assert (moved == values).all() == (n == size)


@pytest.mark.parametrize(("t", "r"), ALL, ids=IDS)
def test_a_clamped_relation_saturates(t, r):
    (step,) = r.steps
    i = t.factor(step.factor)
    grid = t.factors[i].grid
    moved = values_of(t)
    for _ in range(grid[step.axis]):
        moved = r.clamped()(moved, t)
    end = grid[step.axis] - 1 if step.by > 0 else 0
    assert (np.unravel_index(moved[:, i], grid)[step.axis] == end).all()
    np.testing.assert_array_equal(r.clamped()(moved, t), moved)


@pytest.mark.parametrize(("t", "r"), ALL, ids=IDS)
def test_only_the_affected_factor_changes(t, r):
    values = values_of(t)
    moved = r(values, t)
    (affected,) = r.affects(t)
    assert (moved[:, affected] != values[:, affected]).any()
    others = [i for i in range(len(t.factors)) if i != affected]
    np.testing.assert_array_equal(moved[:, others], values[:, others])


def test_left_and_up_by_hand():
    """Position values run left to right, then down: 0 1 2 / 3 4 5 / 6 7 8."""
    t = task("dSprites.v2")
    values = np.stack([np.zeros(9, int), np.arange(9)], axis=1)
    expected = {
        "left": [2, 0, 1, 5, 3, 4, 8, 6, 7],
        "right": [1, 2, 0, 4, 5, 3, 7, 8, 6],
        "up": [6, 7, 8, 0, 1, 2, 3, 4, 5],
        "down": [3, 4, 5, 6, 7, 8, 0, 1, 2],
    }
    for name, places in expected.items():
        np.testing.assert_array_equal(relation(name, t)(values, t)[:, 1], places)
    clamped = relation("left", t).clamped()
    np.testing.assert_array_equal(clamped(values, t)[:, 1], [0, 0, 1, 3, 3, 4, 6, 6, 7])


def test_hue_and_size_stop_at_their_ends_and_shape_goes_round():
    """Columns of Shapes3D.v3: object hue (10), shape (4), scale (3)."""
    t = task("Shapes3D.v3")
    ends = [[9, 3, 2], [0, 0, 0]]
    after = {"hue+": [[9, 3, 2], [1, 0, 0]], "hue-": [[8, 3, 2], [0, 0, 0]],
             "bigger": [[9, 3, 2], [0, 0, 1]], "next-shape": [[9, 0, 2], [0, 1, 0]]}  # fmt: skip
    for name, expected in after.items():
        np.testing.assert_array_equal(relation(name, t)(ends, t), expected)
    np.testing.assert_array_equal(relation("hue+", t).around()([[9, 0, 0]], t), [[0, 0, 0]])


def test_several_steps_are_the_steps_one_after_the_other():
    t = task("dSprites.v4")
    values = values_of(t)
    names = ("left", "bigger", "rotate+", "next-shape")
    parts = [relation(name, t) for name in names]
    expected = values
    for part in parts:
        expected = part(expected, t)
    both = parts[0].then(parts[1]).then(parts[2]).then(parts[3])
    np.testing.assert_array_equal(both(values, t), expected)
    assert both.name == "left, bigger, rotate+, next-shape"
    assert both.affects(t) == (0, 1, 2, 3)
    np.testing.assert_array_equal(both.inverse()(both(values, t), t), values)


def test_two_steps_of_one_factor_add():
    t = task("dSprites.v3")
    bigger = relation("bigger", t)
    twice = Relation("twice", (Step("scale", 2),))
    np.testing.assert_array_equal(bigger.then(bigger)(values_of(t), t), twice(values_of(t), t))
    assert bigger.then(bigger).affects(t) == (2,)


def test_the_input_stays_as_it_was():
    t = task("dSprites.v2")
    values = np.array([[0, 0]])
    relation("right", t)(values, t)
    np.testing.assert_array_equal(values, [[0, 0]])


def test_a_task_has_the_relations_of_its_factors():
    names = {name: [r.name for r in relations_of(t)] for name, t in TASKS.items()}
    places = ["left", "right", "up", "down"]
    assert names["dSprites.v2"] == [*places, "next-shape"]
    assert names["dSprites.v3"] == [*places, "bigger", "smaller", "next-shape"]
    assert names["dSprites.v4"] == [r.name for r in RELATIONS if "hue" not in r.name]
    assert names["Shapes3D.v2"] == ["hue+", "hue-", "next-shape"]
    assert len(names["Shapes3D.v5"]) == 9


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda t: relation("lefft", t), "did you mean left"),
        (lambda t: relation("bigger", t), "dSprites.v2 has no relation 'bigger'"),
        (lambda t: relation("left", t)([[0, 9]], t), "values of position are 0 to 8, got 9"),
        (lambda t: relation("left", t)([[-1, 0]], t), "values of shape are 0 to 2, got -1"),
        (lambda t: relation("left", t)([0, 0], t), "values must have 2 dimension"),
        (
            lambda t: relation("left", t)([[0]], t),
            "values have 1 columns .* 2 factors: shape",
        ),
        (lambda t: RELATIONS[4]([[0, 0]], t), "no relevant factor 'scale'"),
        (lambda t: Relation("x", (Step("shape", 1, axis=1),))([[0, 0]], t), "no axis 1"),
    ],
)
def test_what_does_not_exist_is_named(call, said):
    with pytest.raises(ValueError, match=said):
        call(task("dSprites.v2"))


def test_values_that_are_no_integers_are_refused():
    t = task("dSprites.v2")
    with pytest.raises(ValueError, match="dSprites.v2: values must be integers, got float64"):
        relation("left", t)([[0.5, 3.0]], t)
