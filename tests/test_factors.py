"""FactorSpace: an image's number and its classes are two spellings of one thing."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wdlib.factors import DSPRITES, SHAPES3D, FactorSpace

SMALL = FactorSpace(("colour", "size", "side"), (("red", "blue"), (1.0, 2.0, 3.0), (0, 1)))


@st.composite
def spaces(draw):
    sizes = draw(st.lists(st.integers(1, 7), min_size=1, max_size=5))
    names = tuple(f"factor {i}" for i in range(len(sizes)))
    return FactorSpace(names, tuple(tuple(range(size)) for size in sizes))


@given(spaces())
def test_numbers_count_through_the_product_with_the_last_factor_fastest(space):
    in_order = list(itertools.product(*(range(size) for size in space.sizes)))
    assert len(space) == len(in_order)
    np.testing.assert_array_equal(space.classes(np.arange(len(space))), in_order)


@pytest.mark.parametrize("space", [DSPRITES, SHAPES3D])
@given(data=st.data())
def test_index_undoes_classes(space, data):
    numbers = data.draw(st.lists(st.integers(0, len(space) - 1), min_size=1, max_size=50))
    classes = space.classes(np.array(numbers))
    np.testing.assert_array_equal(space.index(classes), numbers)
    assert (classes < space.sizes).all() and classes.dtype == np.int64


@pytest.mark.parametrize("space", [DSPRITES, SHAPES3D])
@given(data=st.data())
def test_classes_undoes_index(space, data):
    classes = [[data.draw(st.integers(0, size - 1)) for size in space.sizes]]
    np.testing.assert_array_equal(space.classes(space.index(classes)), classes)


def test_the_two_spaces_have_the_published_sizes():
    assert DSPRITES.sizes == (1, 3, 6, 40, 32, 32) and len(DSPRITES) == 737280
    assert SHAPES3D.sizes == (10, 10, 10, 8, 4, 15) and len(SHAPES3D) == 480000
    # One step of a factor is the product of the sizes behind it.
    np.testing.assert_array_equal(
        DSPRITES.index(np.eye(6, dtype=int)[1:]), [245760, 40960, 1024, 32, 1]
    )
    assert DSPRITES.values[2] == pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    assert DSPRITES.values[3][0] == 0 and DSPRITES.values[3][39] == pytest.approx(2 * np.pi)
    assert SHAPES3D.values[5][7] == 0 and SHAPES3D.values[3][-1] == 1.25


def test_no_images_are_images_too():
    assert SMALL.classes(np.array([], int)).shape == (0, 3)
    assert SMALL.index(np.zeros((0, 3), int)).shape == (0,)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: SMALL.classes([12]), "image numbers are 0 to 11, got 12"),
        (lambda: SMALL.classes([-1]), "0 to 11, got -1"),
        (lambda: SMALL.classes([[0]]), "1 dimension"),
        (lambda: SMALL.classes([0.5]), "must be integers, got float64"),
        (lambda: SMALL.index([[0, 3, 0]]), "classes of size are 0 to 2, got 3"),
        (lambda: SMALL.index([[0, 0, -1]]), "classes of side are 0 to 1, got -1"),
        (lambda: SMALL.index([[0, 0]]), "2 columns .* 3 factors: colour, size, side"),
        (lambda: SMALL.index([[0.0, 0, 0]]), "must be integers"),
        (lambda: SMALL.position("shape"), "no factor called 'shape'.*colour, size, side"),
        (lambda: FactorSpace(("a", "a"), ((0,), (0,))), "repeat"),
        (lambda: FactorSpace(("a",), ((0,), (0,))), "1 factor names for 2"),
    ],
)
def test_what_lies_outside_is_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()
