"""Values that look alike: only sprites' orientations do, by the symmetries of their shapes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wdlib.factors import DSPRITES

# How often a sprite looks the same within a full turn. (3D Shapes turns the camera instead.)
TURNS = {"square": 4, "ellipse": 2, "heart": 1}


def orientations_told_apart(bins: Sequence[Sequence[int]]) -> np.ndarray:
    """1 over the number of orientations that look like each: [3 shapes, bins].

    bins: the classes of dSprites' orientation that count as one value, one sequence a value.

    Two look alike where the middles of their bins, turned by a symmetry of the shape, lie less than
    half a bin apart: a square's over a full circle in fours, an ellipse's in twos. dSprites samples
    angles 360/39 degrees apart, which no symmetry divides, so few of its images are quite equal:
    the nearest of a square are 2.3 degrees apart, and of an ellipse 4.6, which changes 5 to 18 of
    4096 pixels, by size. Who reads those pixels gets beyond.
    """
    angles = np.array(DSPRITES.values[DSPRITES.position("orientation")])
    middle = np.array([angles[list(one)].mean() for one in bins])
    half = max(map(len, bins)) * (angles[1] - angles[0]) / 2
    shares = []
    for shape in DSPRITES.values[DSPRITES.position("shape")]:
        period = 2 * np.pi / TURNS[shape]
        apart = (middle[:, None] - middle + period / 2) % period - period / 2
        shares.append(1 / (np.abs(apart) < half - 1e-9).sum(1))
    return np.stack(shares)
