"""3D Shapes: its published HDF5 file, and a reader by index.

Source: Burgess and Kim (2018), https://github.com/google-deepmind/3d-shapes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from wdlib.data.arrays import h5_array
from wdlib.data.originals import Original, check_kind, check_order
from wdlib.factors import SHAPES3D, FactorSpace

SHAPE = (64, 64, 3)
ORIGINAL = Original(
    files=("3dshapes.h5",),
    url="https://storage.googleapis.com/3d-shapes/3dshapes.h5",
    md5="099a2078d58cec4daad0702c55d06868",
)
IMAGES, LABELS = "images", "labels"


def reader(path: Path, space: FactorSpace = SHAPES3D) -> Callable[[np.ndarray], np.ndarray]:
    """A function from classes [N, 6] to uint8 images [N, 64, 64, 3] of the original file.

    Raises ValueError, naming file and cause, for a damaged file and for any other file.
    """
    check_kind(path)
    if path.suffix == ".npz":
        raise ValueError(f"{path} is an npz archive, but 3D Shapes is published as 3dshapes.h5")
    with h5_array(path, IMAGES, (len(space), *SHAPE), np.uint8):
        pass  # it has the right shape
    values = [range(len(v)) if isinstance(v[0], str) else v for v in space.values]
    check_order(path, LABELS, space, values, np.floating)
    return partial(_read, path, space)


def _read(path: Path, space: FactorSpace, classes: np.ndarray) -> np.ndarray:
    """Decompress each stored chunk once, whatever the order of the images."""
    wanted, back = np.unique(space.index(classes), return_inverse=True)
    found = np.empty((len(wanted), *SHAPE), np.uint8)
    with h5_array(path, IMAGES, (len(space), *SHAPE), np.uint8) as images:
        length = images.chunks[0] if images.chunks else 64
        starts = np.flatnonzero(np.diff(wanted // length, prepend=-1))
        for group in np.split(np.arange(len(wanted)), starts[1:]):
            if len(group):
                first, last = wanted[group[[0, -1]]]
                found[group] = images[first : last + 1][wanted[group] - first]
    return found[back]
