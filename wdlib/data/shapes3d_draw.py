"""Draws 3D Shapes: each geometry is ray cast once, and every image is a sum of cached planes.

Hue only multiplies brightness, and shrinking an image is linear. So the image of a geometry (scale,
shape, orientation) is the sum of what floor, wall, object and sky add to each channel. A channel
has one of six levels (0, .2, ... 1) in each of the ten hues: 3 materials x 6 levels + 3 channels of
sky = 21 planes per geometry. They are made when the geometry is first drawn, and kept: 83 MB for
all 480 geometries.
"""

from __future__ import annotations

import colorsys
import os
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import numpy as np

from wdlib.data.shapes3d_scene import FLOOR, OBJECT, RESOLUTION, SKY, SKY_COLOUR, WALL, cast
from wdlib.factors import SHAPES3D

SIDE = 64
LEVELS = 6
# Channels of HSV(hue, 1, 1) for the ten hues, in fifths [10, 3].
HUE_LEVELS = np.array([np.rint(np.multiply(colorsys.hsv_to_rgb(h, 1, 1), LEVELS - 1))
                       for h in SHAPES3D.values[0]], dtype=np.int64)  # fmt: skip
SHIFT = 5  # planes hold int16 in steps of 1/32 grey value: Lanczos overshoots 255 by less than half
SKY_PLANE = 3 * LEVELS  # the first of three
PLANES = SKY_PLANE + 3
GEOMETRIES = SHAPES3D.sizes[3:]  # scale, shape, orientation
BLOCK = 32  # images added up at once: their planes stay in the processor's cache


def draw(classes) -> np.ndarray:
    """Factor classes [N, 6] -> uint8 [N, 64, 64, 3].

    Raises ValueError for classes outside their factor.
    """
    classes = SHAPES3D.check(classes)
    geometry = np.ravel_multi_index(tuple(classes[:, 3:].T), GEOMETRIES)
    planes = _planes(geometry)
    # Which plane each channel takes from floor, wall, object and sky: [3 channels, 4, N].
    material = HUE_LEVELS[classes[:, :3]].transpose(2, 1, 0) + LEVELS * np.arange(3)[:, None]
    sky = np.broadcast_to(SKY_PLANE + np.arange(3)[:, None, None], (3, 1, len(classes)))
    which = PLANES * geometry + np.concatenate([material, sky], axis=1)
    images = np.empty((len(classes), SIDE, SIDE, 3), np.uint8)
    for start in range(0, len(classes), BLOCK):
        part = slice(start, start + BLOCK)
        for channel in range(3):
            first, *others = which[channel, :, part]
            total = planes[first]
            for plane in others:
                total += planes[plane]
            total >>= SHIFT
            np.clip(total, 0, 255, out=images[part, :, :, channel], casting="unsafe")
    return images


def lanczos(large: int, small: int, lobes: int = 3) -> np.ndarray:
    """The matrix [small, large] that shrinks a line of pixels with a Lanczos window, as Pillow's.
    Every row sums to 1."""
    ratio = large / small
    centre = (np.arange(small) + 0.5) * ratio
    x = (np.arange(large) + 0.5 - centre[:, None]) / ratio
    weights = np.where(np.abs(x) < lobes, np.sinc(x) * np.sinc(x / lobes), 0)
    return weights / weights.sum(1, keepdims=True)


LANCZOS = lanczos(RESOLUTION, SIDE)

# Memory that is never written is never taken: a task pays for its own geometries.
_cache = np.empty((int(np.prod(GEOMETRIES)) * PLANES, SIDE, SIDE), np.int16)
_ready: set[int] = set()  # geometries whose planes are in the cache
_building = Lock()


def _planes(geometry: np.ndarray) -> np.ndarray:
    """The cache [480 * 21, 64, 64] int16, in which the given geometries are ready."""
    with _building, ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(_fill, set(geometry.tolist()) - _ready))  # raises what a thread raised
    return _cache


def _fill(geometry: int) -> None:
    planes = _cast_planes(*np.unravel_index(geometry, GEOMETRIES))
    _cache[PLANES * geometry : PLANES * (geometry + 1)] = planes
    _ready.add(geometry)


def _cast_planes(scale: int, shape: int, orientation: int) -> np.ndarray:
    """What each material at each level adds to a channel, and the sky to each: [21, 64, 64]."""
    material, v, spec = cast(scale, shape, orientation)
    v, spec = v.astype(np.float32), spec.astype(np.float32)
    large = np.zeros((PLANES, RESOLUTION, RESOLUTION), np.float32)
    for m in (FLOOR, WALL, OBJECT):
        on = material == m
        for level in range(LEVELS):
            grey = (level / (LEVELS - 1) * v[on] + spec[on]).clip(0, 1)
            large[m * LEVELS + level][on] = np.rint(grey * 255)
    large[SKY_PLANE:, material == SKY] = SKY_COLOUR[:, None] * 255
    shrink = LANCZOS.astype(np.float32)
    planes = np.rint(shrink @ large @ shrink.T * 2**SHIFT).astype(np.int16)
    planes[SKY_PLANE:] += 2 ** (SHIFT - 1)  # half a grey value in every sum: the shift then rounds
    return planes
