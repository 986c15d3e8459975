"""Drawn 3D Shapes against the slow ray cast, and that against what geometry says exactly."""

import colorsys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from watched import forget, memory

from wdlib.data import load, shapes3d_draw
from wdlib.data.shapes3d_draw import HUE_LEVELS, LANCZOS, draw, lanczos
from wdlib.data.shapes3d_scene import FLOOR, LIGHT, OBJECT, SKY, SKY_COLOUR, WALL, cast
from wdlib.factors import SHAPES3D

CUBE, CYLINDER, SPHERE, CAPSULE = range(4)
AHEAD = 7  # the orientation of 0 degrees: the camera looks along +y
DISTANCE, EYE, FOCAL = 2.573, 0.752, 69.4
PIXEL = (np.arange(192) + 0.5) / 3  # centres, in pixels of the 64 x 64 picture
ACROSS, UP = (PIXEL - 32) / FOCAL, -(PIXEL - 31.99) / FOCAL  # slopes of their rays


def some(n, seed=0):
    return SHAPES3D.classes(np.random.default_rng(seed).integers(len(SHAPES3D), size=n))


def hue(pixel):
    return colorsys.rgb_to_hsv(*pixel / 255)[0]


def same_hue(a, b):
    return abs((a - b + 0.5) % 1 - 0.5) < 0.04  # hue is a circle


def ray_cast(classes, shrink=LANCZOS):
    """The picture of classes [6] without any cache: uint8 [64, 64, 3]."""
    material, v, spec = cast(*classes[3:])
    hue = np.concatenate([HUE_LEVELS[classes[:3]] / 5, [[0, 0, 0]]])  # the sky has none
    colour = (hue[material] * v[..., None] + spec[..., None]).clip(0, 1)
    colour[material == SKY] = SKY_COLOUR
    large = np.rint(colour * 255)  # [192, 192, 3]
    narrow = np.rint(np.einsum("xj,ijc->ixc", shrink, large)).clip(0, 255)
    return np.rint(np.einsum("yi,ixc->yxc", shrink, narrow)).clip(0, 255).astype(np.uint8)


def test_the_sum_of_planes_is_the_ray_cast_picture():
    """Up to Pillow's clip between its two passes, which a sum of planes cannot have."""
    classes = some(12)
    slow = np.stack([ray_cast(c) for c in classes]).astype(int)
    assert np.abs(draw(classes) - slow).mean((1, 2, 3)).max() < 0.1


REAL = Path(__file__).parents[2] / "shared" / "data" / "shapes3d_real_sample.npz"


@pytest.mark.skipif(not REAL.exists(), reason=f"{REAL.name} is not beside this checkout")
def test_drawn_pictures_are_the_published_ones():
    """At most 1.0 of 255 apart; nearest to their own scale, shape and orientation among all."""
    with np.load(REAL, allow_pickle=False) as file:
        tiles, classes = file["images"].astype(int), file["labels_classes"].astype(int)
    assert len(tiles) == 25
    assert np.abs(draw(classes) - tiles).mean() <= 1.0
    geometry = np.stack(np.unravel_index(np.arange(480), SHAPES3D.sizes[3:]), axis=1)
    for tile, own in zip(tiles, classes, strict=True):
        every = np.concatenate([np.tile(own[:3], (480, 1)), geometry], axis=1)
        apart = np.abs(draw(every) - tile).mean((1, 2, 3))
        np.testing.assert_array_equal(geometry[apart.argmin()], own[3:])


def test_pictures_come_in_the_order_asked_for():
    classes = some(5)[[0, 1, 2, 3, 4] * 15]  # more than one block
    pictures = draw(classes)
    assert pictures.shape == (75, 64, 64, 3) and pictures.dtype == np.uint8
    for k in range(5):
        np.testing.assert_array_equal(pictures[k::5], np.repeat(draw(classes[k : k + 1]), 15, 0))


def test_the_cache_grows_by_the_geometries_that_are_asked_for_and_is_bounded(monkeypatch):
    monkeypatch.setattr(shapes3d_draw, "_cache", np.empty_like(shapes3d_draw._cache))
    monkeypatch.setattr(shapes3d_draw, "_ready", set())
    forget()
    before, ready = memory("VmRSS"), []
    classes = np.array([[0, 0, 0, 0, 0, k] for k in (3, 3, 7, 9)])
    for count in (1, 2, 3, 4, 4):  # the second is the first again
        draw(classes[:count])
        ready.append(len(shapes3d_draw._ready))
    assert ready == [1, 1, 2, 3, 3]
    assert memory("VmRSS") - before < 40 * 2**20, "three of 480 geometries take 83 MB"
    assert shapes3d_draw._cache.nbytes < 100e6


def test_shrinking_is_pillows_lanczos():
    large = np.random.default_rng(0).integers(256, size=(192, 192), dtype=np.uint8)
    lines = Image.fromarray(large).resize((64, 192), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(np.rint(large @ LANCZOS.T).clip(0, 255), lines)
    both = np.asarray(Image.fromarray(large).resize((64, 64), Image.Resampling.LANCZOS))
    narrow = np.rint(large @ LANCZOS.T).clip(0, 255)
    np.testing.assert_array_equal(np.rint(LANCZOS @ narrow).clip(0, 255), both)
    np.testing.assert_allclose(lanczos(5, 5), np.eye(5), atol=1e-15)  # nothing to shrink


def test_the_slow_picture_is_shrunk_as_pillow_does():
    (c,) = some(1, seed=4)
    picture = ray_cast(c)
    large = Image.fromarray(ray_cast(c, shrink=np.eye(192)))
    pillows = np.asarray(large.resize((64, 64), Image.Resampling.LANCZOS)).astype(int)
    apart = np.abs(pillows - picture)
    assert apart.max() <= 1 and (apart > 0).mean() < 1e-3  # an exact half may round either way


def test_above_the_walls_is_sky():
    assert (draw(some(30))[:, :8] == [153, 226, 249]).mean() > 0.9  # but for a large capsule
    assert (draw(some(30))[:, 0] == [153, 226, 249]).all()


@pytest.mark.parametrize("i", range(10))
def test_each_hue_colours_its_own_material(i):
    """The bottom corner is floor, the horizon's end wall, and low in the middle is the object.

    Hues are .1 apart; a highlight, where channels clip at white, moves them by a third of that.
    """
    classes = some(20, seed=i)
    for column, (row, at) in enumerate([(63, 62), (31, 62), (41, 32)]):
        own = classes.copy()
        own[:, column] = i
        pixels = draw(own)[:, row, at]
        assert all(same_hue(hue(p), i / 10) for p in pixels), SHAPES3D.names[column]


def test_a_hue_touches_nothing_else():
    """Where a material is not seen, nor near enough for Lanczos to reach, no grey value changes."""
    classes = some(10, seed=1)
    for column, material in enumerate([FLOOR, WALL, OBJECT]):
        other = classes.copy()
        other[:, column] = (other[:, column] + 3) % 10
        changed = (draw(classes) != draw(other)).any(-1)
        for c, change in zip(classes, changed, strict=True):
            seen = (cast(*c[3:])[0] == material).reshape(64, 3, 64, 3).any((1, 3))
            near = np.pad(seen, 3)
            near = np.lib.stride_tricks.sliding_window_view(near, (7, 7)).any((2, 3))
            assert change.any() and not (change & ~near).any()


def test_the_room_straight_ahead():
    """The far wall, 3.5 + 2.573 away and 2 high, fills the width; EYE above the floor."""
    material, _, _ = cast(0, SPHERE, AHEAD)
    depth = 3.5 + DISTANCE
    beside = ACROSS * (DISTANCE - 0.5) < -0.5  # columns to the left of the object
    expected = np.select([UP > (2 - EYE) / depth, UP > -EYE / depth], [SKY, WALL], FLOOR)
    assert beside.sum() > 40
    np.testing.assert_array_equal(material[:, beside], np.tile(expected[:, None], beside.sum()))


def test_a_large_cube_straight_ahead_is_a_rectangle():
    """Half side .446, its top .879 above the eye's .752: only the front face is seen."""
    material, _, _ = cast(7, CUBE, AHEAD)
    half = 1.25 * 0.3568
    depth = DISTANCE - half
    wide = np.abs(ACROSS) < half / depth
    high = (UP < (2 * half - 0.013 - EYE) / depth) & (UP > (-0.013 - EYE) / depth)
    np.testing.assert_array_equal(material == OBJECT, high[:, None] & wide)


@pytest.mark.parametrize("scale", [0, 4, 7])
def test_a_sphere_is_a_cone_of_rays(scale):
    """A ray meets it where its angle to the centre is below asin(radius / distance)."""
    radius = 0.431 * SHAPES3D.values[3][scale]
    drop = EYE - (radius - 0.0105)
    distance = np.hypot(DISTANCE, drop)
    towards = (DISTANCE - UP[:, None] * drop) / distance  # along the ray (1 ahead, up, across)
    length = np.sqrt(1 + UP[:, None] ** 2 + ACROSS**2)
    expected = np.arccos(towards / length) < np.arcsin(radius / distance)
    np.testing.assert_array_equal(cast(scale, SPHERE, AHEAD)[0] == OBJECT, expected)


@pytest.mark.parametrize("shape", range(4))
@pytest.mark.parametrize("orientation", [0, 3, 6])
def test_the_other_side_is_the_mirror_image(shape, orientation):
    """Of what is seen, not of its light: the lamp hangs on one side."""
    left, _, _ = cast(4, shape, orientation)
    right, _, _ = cast(4, shape, 14 - orientation)
    np.testing.assert_array_equal(left, right[:, ::-1])


@pytest.mark.parametrize("shape", [CYLINDER, SPHERE, CAPSULE])
def test_round_objects_look_the_same_from_everywhere(shape):
    ahead = cast(3, shape, AHEAD)[0] == OBJECT
    for orientation in (0, 5, 12):
        assert ((cast(3, shape, orientation)[0] == OBJECT) != ahead).sum() <= 4  # of rounding


def test_a_sphere_shades_the_floor_where_it_hides_the_light():
    """A floor point is dark where the sphere's centre lies within a radius of its ray of light."""
    material, v, _ = cast(7, SPHERE, AHEAD)
    rows, columns = np.nonzero(material == FLOOR)
    t = -EYE / UP[rows]
    point = np.stack([t * ACROSS[columns], t - DISTANCE, 0 * t], 1)
    centre = [0, 0, 1.25 * 0.431 - 0.0105]
    ray = (LIGHT - point) / np.linalg.norm(LIGHT - point, axis=1, keepdims=True)
    apart = np.linalg.norm(np.cross(ray, centre - point), axis=1)
    dark = v[rows, columns] == 0.344
    np.testing.assert_array_equal(dark, apart < 1.25 * 0.431)
    assert 500 < dark.sum() < 5000


@pytest.mark.parametrize("shape", range(4))
def test_objects_grow_with_scale(shape):
    areas = [(cast(scale, shape, AHEAD)[0] == OBJECT).sum() for scale in range(8)]
    assert (np.diff(areas) > 0).all()
    # From .75 to 1.25 a length grows by 5/3, and the near side comes a little nearer.
    assert (5 / 3) ** 2 < areas[-1] / areas[0] < 1.25 * (5 / 3) ** 2


def test_drawn_by_default():
    images = load("shapes3d")
    assert images.source == "drawn" and images.shape == (64, 64, 3) and len(images) == 480000
    (number,) = SHAPES3D.index([[1, 2, 3, 4, 2, 7]])
    np.testing.assert_array_equal(images[number], draw([[1, 2, 3, 4, 2, 7]])[0])


def test_classes_outside_a_factor_are_named():
    with pytest.raises(ValueError, match="classes of shape are 0 to 3, got 4"):
        draw([[0, 0, 0, 0, 4, 0]])
