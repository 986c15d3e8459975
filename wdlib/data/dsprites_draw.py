"""Draws dSprites from geometry: a pixel is on where its centre lies strictly inside the shape.

Each shape is one inequality in the sprite's own coordinates, evaluated in a window around it.

Source: the dataset of Matthey et al. (2017), https://github.com/google-deepmind/dsprites-dataset.
The constants were fitted to published frames and reproduce 316 of 320 exactly (the other four show
one image, two pixels off).
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from wdlib.factors import DSPRITES

SIDE = 64  # pixels; pixel (row r, column c) has its centre at (x, y) = (c + 0.5, r + 0.5)
SQUARE = 9.598  # half side at scale 1
ELLIPSE = (12.766, 7.2135)  # half axes; the long one is horizontal at orientation 0
HEART = 9.594  # half width
HEART_STRETCH, HEART_SHIFT = 0.66221, 1.4364  # of the curve below, downwards


def square(u, v):
    """Is (u, v) inside the square? Local coordinates at scale 1, v downwards, as for all shapes."""
    return np.maximum(np.abs(u), np.abs(v)) < SQUARE


def ellipse(u, v):
    """Is (u, v) inside the ellipse?"""
    return (u / ELLIPSE[0]) ** 2 + (v / ELLIPSE[1]) ** 2 < 1


def heart(u, v):
    """Is (u, v) inside the heart, whose tip points down?

    The curve is u = HEART sin^3 t, v = -STRETCH (13 cos t - 5 cos 2t - 2 cos 3t - cos 4t) - SHIFT.
    It meets column u at cos t = C and cos t = -C; f(C) below is the bracket in powers of C.
    """
    sin2 = np.cbrt(np.minimum(np.abs(u) / HEART, 1)) ** 2
    c = np.sqrt(1 - sin2)

    def f(c):
        return 4 + c * (19 + c * (-2 + c * (-8 - 8 * c)))

    height = -(v + HEART_SHIFT) / HEART_STRETCH  # upwards, as f is
    return (f(-c) < height) & (height < f(c)) & (np.abs(u) < HEART)


# The shapes in class order, each with a radius at scale 1 that encloses it.
SHAPES = ((square, 13.58), (ellipse, 12.77), (heart, 11.26))


def draw(classes) -> np.ndarray:
    """Factor classes [N, 6] (color, shape, scale, orientation, posX, posY) -> uint8 [N, 64, 64].

    Pixels are 0 or 1. Raises ValueError for classes outside their factor.
    """
    classes = DSPRITES.check(classes)
    images = np.zeros((len(classes), SIDE, SIDE), np.uint8)
    # Sprites of one shape and size have windows of one size, so they are drawn together.
    kind = classes[:, 1] * DSPRITES.sizes[2] + classes[:, 2]
    for one in np.unique(kind):
        rows = np.flatnonzero(kind == one)
        _, shape, scale, *pose = classes[rows].T
        _draw_kind(images, rows, int(shape[0]), int(scale[0]), *pose)
    return images


def _draw_kind(images, rows, shape: int, scale: int, orientation, pos_x, pos_y) -> None:
    inside, radius = SHAPES[shape]
    s = DSPRITES.values[2][scale]
    theta = np.array(DSPRITES.values[3])[orientation]  # counter-clockwise on screen
    cx, cy = 16 + 32 * pos_x / 31, 16 + 32 * pos_y / 31
    side = int(2 * radius * s) + 1  # at most so many pixel centres lie within a radius
    left = np.ceil(cx - radius * s - 0.5).astype(np.int64)
    top = np.ceil(cy - radius * s - 0.5).astype(np.int64)
    offset = np.arange(side) + 0.5
    dx = left[:, None] + offset - cx[:, None]  # [n, side]
    dy = top[:, None] + offset - cy[:, None]
    cos, sin = np.cos(theta)[:, None], np.sin(theta)[:, None]
    # [n, side (rows, y), side (columns, x)]
    u = ((cos * dx)[:, None, :] - (sin * dy)[:, :, None]) / s
    v = ((sin * dx)[:, None, :] + (cos * dy)[:, :, None]) / s
    windows = sliding_window_view(images, (side, side), axis=(1, 2), writeable=True)
    windows[rows, top, left] = inside(u, v)
