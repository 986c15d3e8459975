"""Drawn dSprites against pictures whose every pixel follows from the geometry by other means."""

from fractions import Fraction
from pathlib import Path as FilePath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path

from wdlib.data.dsprites_draw import draw
from wdlib.factors import DSPRITES

SQUARE, ELLIPSE, HEART = range(3)
EVERYWHERE = np.stack(np.meshgrid(range(32), range(32), indexing="ij"), -1).reshape(-1, 2)

classes = st.tuples(*(st.integers(0, size - 1) for size in DSPRITES.sizes))


def one(shape, scale=5, orientation=0, x=0, y=0):
    """One image; classes as in the dataset (scale 5 is full size, x = y = 0 is centred at 16)."""
    return draw([[0, shape, scale, orientation, x, y]])[0]


def on(image):
    """First and last row, first and last column that are on."""
    rows, columns = np.nonzero(image)
    return rows.min(), rows.max(), columns.min(), columns.max()


@pytest.mark.parametrize(
    ("scale", "x", "y", "block"),
    [
        # Half side 9.598 about 16: centres from 6.5 to 25.5.
        (5, 0, 0, (6, 25, 6, 25)),
        # Half side 4.799: centres from 11.5 to 20.5.
        (0, 0, 0, (11, 20, 11, 20)),
        # Centre x = 48, y = 16: 32 columns to the right.
        (0, 31, 0, (11, 20, 43, 52)),
        # Centre y = 16 + 32 * 16 / 31 = 32.516, half side 7.6784: rows 24.84 to 40.19.
        (3, 0, 16, (25, 39, 8, 23)),
    ],
)
def test_an_upright_square_is_a_known_block(scale, x, y, block):
    top, bottom, left, right = block
    expected = np.zeros((64, 64), np.uint8)
    expected[top : bottom + 1, left : right + 1] = 1
    np.testing.assert_array_equal(one(SQUARE, scale, x=x, y=y), expected)


def exact(inside, scale, x, y):
    """An upright shape in rational arithmetic: no rounding anywhere."""
    s = Fraction(5 + scale, 10)
    cx, cy = 16 + Fraction(32 * x, 31), 16 + Fraction(32 * y, 31)
    half = Fraction(1, 2)
    return [
        [inside((column + half - cx) / s, (row + half - cy) / s) for column in range(64)]
        for row in range(64)
    ]


@pytest.mark.parametrize(("scale", "x", "y"), [(0, 0, 0), (2, 7, 30), (5, 31, 31), (4, 16, 3)])
def test_upright_square_and_ellipse_equal_rational_arithmetic(scale, x, y):
    half, a, b = Fraction("9.598"), Fraction("12.766"), Fraction("7.2135")
    square = exact(lambda u, v: max(abs(u), abs(v)) < half, scale, x, y)
    ellipse = exact(lambda u, v: (u / a) ** 2 + (v / b) ** 2 < 1, scale, x, y)
    np.testing.assert_array_equal(one(SQUARE, scale, x=x, y=y), square)
    np.testing.assert_array_equal(one(ELLIPSE, scale, x=x, y=y), ellipse)


def outlines():
    """Each shape's outline [M, 2] at scale 1, y down: vertices on the parametric curve."""
    t = np.linspace(0, 2 * np.pi, 2001)
    square = 9.598 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]])
    ellipse = np.stack([12.766 * np.cos(t), 7.2135 * np.sin(t)], 1)
    curve = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    heart = np.stack([9.594 * np.sin(t) ** 3, -0.66221 * curve - 1.4364], 1)
    return square, ellipse, heart


OUTLINES = outlines()


@given(classes)
def test_any_sprite_is_its_turned_outline_filled(c):
    """matplotlib's point-in-polygon test on the outline, turned counter-clockwise on screen.

    The polygon cuts a curve's corners by 1e-6 of its size, so the sprite must lie between an
    outline a little smaller and one a little larger: at almost every pixel these agree.
    """
    _, shape, scale, orientation, x, y = c
    t = 2 * np.pi * orientation / 39
    turn = np.array([[np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]])  # y is down
    outline = OUTLINES[shape] @ turn.T * (0.5 + 0.1 * scale)
    centre = [16 + 32 * x / 31, 16 + 32 * y / 31]
    rows, columns = np.divmod(np.arange(64 * 64), 64)
    pixels = np.stack([columns + 0.5, rows + 0.5], 1)
    inner, outer = (
        Path(outline * size + centre).contains_points(pixels).reshape(64, 64)
        for size in (1 - 1e-5, 1 + 1e-5)
    )
    image = draw([c])[0]
    assert (inner <= image).all() and (image <= outer).all()
    assert (inner != outer).sum() <= 4


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        (SQUARE, (2 * 9.598) ** 2),
        (ELLIPSE, np.pi * 12.766 * 7.2135),
        # The heart curve of half width 16 and height 1 encloses 180 pi.
        (HEART, 180 * np.pi * (9.594 / 16) * 0.66221),
    ],
)
@pytest.mark.parametrize("scale", [0, 5])
def test_pixels_on_add_up_to_the_area(shape, area, scale):
    """Over 31 x 31 positions the pixel grid meets a sprite at 31 x 31 even offsets."""
    x, y = EVERYWHERE[(EVERYWHERE < 31).all(1)].T
    same = np.ones_like(x)
    images = draw(np.stack([0 * same, shape * same, scale * same, 5 * same, x, y], 1))
    count = images.sum((1, 2)).mean()
    assert count == pytest.approx(area * (0.5 + 0.1 * scale) ** 2, rel=1e-3)


@given(classes)
def test_a_full_width_of_positions_is_32_pixels(c):
    """posX 0 and 31 are 32 pixels apart, and so are posY 0 and 31."""
    _, shape, scale, orientation, x, y = c
    image = one(shape, scale, orientation, 0, y)
    np.testing.assert_array_equal(one(shape, scale, orientation, 31, y), np.roll(image, 32, axis=1))
    image = one(shape, scale, orientation, x, 0)
    np.testing.assert_array_equal(one(shape, scale, orientation, x, 31), np.roll(image, 32, axis=0))


@given(classes)
def test_turning_the_other_way_is_the_mirror_image(c):
    """All three shapes are their own mirror image at 0; x and 31 - x mirror each other too."""
    _, shape, scale, orientation, x, y = c
    mirrored = one(shape, scale, 39 - orientation, 31 - x, y)[:, ::-1]
    np.testing.assert_array_equal(one(shape, scale, orientation, x, y), mirrored)


@given(classes)
def test_the_first_and_last_orientation_are_the_same_angle(c):
    _, shape, scale, _, x, y = c
    np.testing.assert_array_equal(one(shape, scale, 0, x, y), one(shape, scale, 39, x, y))


def test_orientation_turns_counter_clockwise():
    """18 degrees lift the right end of an ellipse: there, rows (counted downwards) are smaller."""
    image = one(ELLIPSE, orientation=2)
    rows, columns = np.nonzero(image)
    assert rows[columns > 22].mean() < 15 < 17 < rows[columns < 10].mean()


def test_an_upright_heart_stands_on_its_tip():
    image = one(HEART)
    top, bottom, left, right = on(image)
    assert image[bottom].sum() == 2  # the tip, on the two columns beside x = 16
    assert (image[top] == 0)[15:17].all() and image[top].sum() > 4  # two lobes, a cleft between
    np.testing.assert_array_equal(image[:, :32], image[:, 31::-1])
    # u reaches +-9.594: centres 6.5 to 25.5. At u = .5 the curve is 8.42 below 16: centre 23.5.
    assert (left, right, bottom) == (6, 25, 23)


def test_images_come_in_the_order_asked_for():
    """Drawing sorts sprites by shape and scale inside; the result must not show it."""
    some = DSPRITES.classes(np.random.default_rng(0).integers(len(DSPRITES), size=200))
    together = draw(some)
    for c, image in zip(some, together, strict=True):
        np.testing.assert_array_equal(draw([c])[0], image)
    assert together.dtype == np.uint8 and together.max() == 1


REAL = FilePath(__file__).parents[2] / "shared" / "data" / "dsprites_real_sample.npz"


@pytest.mark.skipif(not REAL.exists(), reason=f"{REAL.name} is not beside this checkout")
def test_drawn_frames_are_the_published_ones():
    with np.load(REAL, allow_pickle=False) as file:
        frames, classes = file["imgs"], file["latents_classes"].astype(int)
    assert frames.shape == (160, 64, 64)
    assert (draw(classes) == frames).all((1, 2)).sum() >= 155


def test_classes_outside_a_factor_are_named():
    with pytest.raises(ValueError, match="classes of posY are 0 to 31, got 32"):
        draw([[0, 0, 0, 0, 0, 32]])
    with pytest.raises(ValueError, match="must be integers"):
        draw([[0.0, 0, 0, 0, 0, 0]])
