"""The paper's tasks: combinations counted, images numbered, values read off classes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wdlib.tasks import TASKS, Factor, Task, task

# Combinations as in the paper's Table 1; images = the product of the admitted classes.
COUNTS = {
    "dSprites.v2": (27, 3 * 3 * 5 * 15 * 15),
    "dSprites.v3": (135, 3 * 5 * 5 * 15 * 15),
    "dSprites.v4": (1080, 3 * 5 * 8 * 15 * 15),
    "dSprites.v4-circle": (1080, 3 * 5 * 39 * 15 * 15),
    "Shapes3D.v2": (40, 480000),
    "Shapes3D.v3": (120, 10 * 10 * 10 * 6 * 4 * 15),
    "Shapes3D.v5": (12000, 10 * 10 * 10 * 6 * 4 * 15),
}


def test_every_task_is_counted():
    assert {name: (t.combinations, len(t)) for name, t in TASKS.items()} == COUNTS


@pytest.mark.parametrize("name", COUNTS)
def test_images_have_every_combination_equally_often(name):
    """Except where the bins of a factor hold more or fewer classes."""
    t = TASKS[name]
    values = t.labels(np.arange(len(t)))
    seen = np.unique(np.ravel_multi_index(tuple(values.T), t.sizes), return_counts=True)
    assert len(seen[0]) == t.combinations
    if name == "dSprites.v4-circle":  # eight bins of 39 angles: seven of five, one of four
        assert set(seen[1]) == {25 * 5, 25 * 4}
    else:
        assert set(seen[1]) == {len(t) // t.combinations}


@pytest.mark.parametrize("name", COUNTS)
def test_images_are_distinct_and_in_the_datasets_order(name):
    t = TASKS[name]
    numbers = t.space.index(t.classes(np.arange(len(t))))
    assert (np.diff(numbers) > 0).all()


def test_no_task_holds_the_same_angle_twice():
    for t in TASKS.values():
        if t.dataset == "dsprites":
            assert 39 not in t.admitted[3]


def test_position_is_a_grid_of_cells():
    """First axis y, downwards; second axis x. Columns of dSprites: ..., posX, posY."""
    t = task("dSprites.v2")
    classes = [[0, 1, 2, 0, x, y] for x, y in [(0, 0), (4, 15), (29, 4), (31, 31)]]
    np.testing.assert_array_equal(t.values(classes), [[1, 0], [1, 3], [1, 2], [1, 8]])
    names = [t.factors[1].value_names[v] for v in (0, 3, 2, 8)]
    assert names == ["top left", "middle left", "top right", "bottom right"]


def test_the_last_admitted_class_of_a_task_by_hand():
    t = task("Shapes3D.v5")
    last = [9, 9, 9, 7, 3, 14]
    np.testing.assert_array_equal(t.classes([0, len(t) - 1]), [[0] * 6, last])
    np.testing.assert_array_equal(t.values([last]), [[9, 9, 9, 3, 2]])
    # Scale classes 0-1, 3-4 and 6-7 are small, medium and large; 2 and 5 take no part.
    np.testing.assert_array_equal(t.admitted[3], [0, 1, 3, 4, 6, 7])


@pytest.mark.parametrize("name", COUNTS)
@given(data=st.data())
def test_labels_are_the_values_of_the_classes(name, data):
    t = TASKS[name]
    n = data.draw(st.integers(0, len(t) - 1))
    (classes,) = t.classes([n])
    (values,) = t.labels([n])
    for value, factor in zip(values, t.factors, strict=True):
        places = np.unravel_index(value, factor.grid)
        for place, source, bins in zip(places, factor.source, factor.bins, strict=True):
            assert classes[t.space.position(source)] in bins[place]


@pytest.mark.parametrize("name", COUNTS)
def test_only_a_full_circle_has_orientations_that_look_alike(name):
    ceilings = dict.fromkeys(TASKS[name].factor_names, 1.0)
    if name == "dSprites.v4-circle":
        ceilings["orientation"] = (1 / 4 + 1 / 2 + 1) / 3
    assert TASKS[name].ceilings == pytest.approx(ceilings)


def test_a_shape_is_seen_as_surely_as_its_symmetry_allows():
    circle = task("dSprites.v4-circle")
    values = [[shape, 4, 2, turn] for shape in range(3) for turn in range(8)]
    expected = np.ones((24, 4))
    expected[:, 3] = np.repeat([1 / 4, 1 / 2, 1], 8)
    np.testing.assert_allclose(circle.seen(values), expected)
    assert len(np.unique(circle.every_combination(), axis=0)) == circle.combinations
    # Forty angles one by one: a square's neighbours after a quarter turn are 2.3 degrees off, and
    # an ellipse's after half a turn 4.6, half a step. Angles 0 and 39 are the same.
    one_by_one = task("dSprites.all").seen([[s, 0, 20, 0, 0] for s in range(3)])
    np.testing.assert_allclose(one_by_one[:, 2], [1 / 3, 1, 1])
    assert task("dSprites.all").seen([[2, 0, 39, 0, 0]])[0, 2] == 1 / 2


def test_of_a_shape_that_nobody_names_the_orientation_is_seen_on_average():
    circle = task("dSprites.v4-circle").factors[3]
    turned = Task("turned", "dsprites", (circle,))
    assert turned.ceilings == pytest.approx({"orientation": (1 / 4 + 1 / 2 + 1) / 3})
    hearts = Task("hearts", "dsprites", (circle,), (("shape", (2,)),))
    assert hearts.ceilings == {"orientation": 1}


@pytest.mark.parametrize(
    ("shape", "turns", "degrees", "pixels"),
    [(0, 4, 2.31, (5.0, 14.2)), (1, 2, 4.62, (6.5, 18.0))],
)
def test_orientations_that_look_alike_differ_in_few_pixels(shape, turns, degrees, pixels):
    """The nearest other angle after a symmetry, as a mean over angles; scales 0.6 and 1."""
    from wdlib.data.dsprites_draw import draw

    angles = np.arange(39) * 360 / 39
    apart = (angles[:, None] - angles + 180 / turns) % (360 / turns) - 180 / turns
    apart = np.abs(apart) + 360 * np.eye(39)
    assert apart.min() == pytest.approx(degrees, abs=0.01)
    for scale, expected in zip((1, 5), pixels, strict=True):
        one, other = (
            draw([[0, shape, scale, k, 16, 16] for k in which])
            for which in (range(39), apart.argmin(1))
        )
        assert (one != other).sum((1, 2)).mean() == pytest.approx(expected, abs=1)


def test_every_value_has_one_name():
    for t in TASKS.values():
        for factor in t.factors:
            assert len(factor.value_names) == factor.size == len(set(factor.value_names))


def test_a_value_without_a_name_is_called_by_its_place():
    bins = ((0,), (1,))
    assert Factor("place", ("posX", "posY"), (bins, bins)).value_names == (
        "0,0",
        "0,1",
        "1,0",
        "1,1",
    )


def test_a_task_of_ones_own():
    bare = Task("mine", "dsprites", (Factor("size", ("scale",), (((0,), (5,)),)),))
    assert bare.combinations == 2 and len(bare) == 3 * 2 * 40 * 32 * 32


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: task("dSprites.v5"), "did you mean dSprites.v"),
        (lambda: task("shapes3d-v2"), "did you mean Shapes3D.v2"),
        (lambda: task("dSprites.v2").values([[0, 0, 2, 0, 5, 0]]), "class 5 of posX .* position"),
        (
            lambda: task("dSprites.v2").values([[0, 3, 2, 0, 0, 0]]),
            "classes of shape are 0 to 2",
        ),
        (
            lambda: task("dSprites.v2").classes([10125]),
            "of dSprites.v2 are 0 to 10124, got 10125",
        ),
        (lambda: task("dSprites.v2").classes([-1]), "0 to 10124, got -1"),
        (
            lambda: task("dSprites.v2").factor("scale"),
            "no relevant factor 'scale'.*shape, position",
        ),
    ],
)
def test_what_does_not_exist_is_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_names_may_be_typed_in_any_case():
    assert task("dsprites.V2") is TASKS["dSprites.v2"]
