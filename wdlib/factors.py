"""Factors of variation: the number of an image, and the list of its classes.

A generated dataset is a product of finite factors. Image number i and the classes (c_1, ..., c_k)
name the same image: they are the same mixed-radix number, and the last factor changes fastest. This
is the order in which dSprites and 3D Shapes store their images.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class FactorSpace:
    """A product of named, finite factors.

    Args:
        names: one name per factor.
        values: for each factor, the physical value of each of its classes (numbers or words).

    Raises ValueError where names repeat, or their number is not that of the lists of values.
    """

    names: tuple[str, ...]
    values: tuple[tuple[float | str, ...], ...]

    def __post_init__(self):
        if len(self.names) != len(self.values):
            raise ValueError(
                f"{len(self.names)} factor names for {len(self.values)} lists of values"
            )
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"factor names repeat: {self.names}")

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of classes of each factor."""
        return tuple(len(v) for v in self.values)

    def __len__(self) -> int:
        """Number of images: the product of the sizes."""
        return math.prod(self.sizes)

    def position(self, name: str) -> int:
        """Column of the factor called ``name``. Raises ValueError for another name."""
        if name not in self.names:
            raise ValueError(f"no factor called {name!r}; the factors are {', '.join(self.names)}")
        return self.names.index(name)

    def classes(self, indices) -> np.ndarray:
        """Image numbers [N] -> classes [N, k] int64. Raises ValueError outside the space."""
        indices = check_numbers(indices, len(self), "image numbers")
        return np.stack(np.unravel_index(indices, self.sizes), axis=1).astype(np.int64)

    def index(self, classes) -> np.ndarray:
        """Classes [N, k] -> image numbers [N] int64. Raises ValueError outside the space."""
        return np.ravel_multi_index(tuple(self.check(classes).T), self.sizes).astype(np.int64)

    def check(self, classes) -> np.ndarray:
        """Classes [N, k] as int64. Raises ValueError, naming the factor, outside the space."""
        return check_rows(classes, self.names, self.sizes, "classes")


@dataclass(frozen=True)
class Names:
    """How a column of a table is read: its values are names. (Real values on a line or a ring will
    be further ways.)

    Args:
        order: the values in order; by default numbers by size, words by the alphabet.
        cyclic: whether the last value is followed by the first.
    """

    order: tuple[str | int | bool, ...] = ()
    cyclic: bool = False


def check_rows(rows, names: Sequence[str], sizes: Sequence[int], what: str) -> np.ndarray:
    """Rows [N, k] as int64, where column i of the factor names[i] lies in 0 to sizes[i] - 1.

    Raises ValueError for anything else, naming ``what`` the rows hold.
    """
    rows = integers(rows, what, ndim=2)
    if rows.shape[1] != len(names):
        raise ValueError(
            f"{what} have {rows.shape[1]} columns (shape {rows.shape}), "
            f"but there are {len(names)} factors: {', '.join(names)}"
        )
    for column, name, size in zip(rows.T, names, sizes):
        check_numbers(column, size, f"{what} of {name}")
    return rows


def check_numbers(numbers, count: int, what: str) -> np.ndarray:
    """Numbers [N] as int64, from 0 to count - 1. Raises ValueError, naming ``what``, for others."""
    numbers = integers(numbers, what, ndim=1)
    if len(numbers) and not (0 <= numbers.min() and numbers.max() < count):
        raise ValueError(f"{what} are 0 to {count - 1}, got {numbers.min()} to {numbers.max()}")
    return numbers


def integers(array, what: str, ndim: int) -> np.ndarray:
    """``array`` as int64 with ``ndim`` axes. Raises ValueError, naming ``what``, for others."""
    array = np.asarray(array)
    if array.ndim != ndim:
        raise ValueError(f"{what} must have {ndim} dimension(s), got shape {array.shape}")
    if array.dtype.kind not in "iu" and array.size:
        raise ValueError(f"{what} must be integers, got {array.dtype}")
    return array.astype(np.int64)


# The source factors of the two datasets; wdlib.data draws them.
DSPRITES = FactorSpace(
    names=("color", "shape", "scale", "orientation", "posX", "posY"),
    values=(
        (1.0,),
        ("square", "ellipse", "heart"),
        tuple(np.linspace(0.5, 1, 6).tolist()),
        tuple(np.linspace(0, 2 * np.pi, 40).tolist()),
        tuple(np.linspace(0, 1, 32).tolist()),
        tuple(np.linspace(0, 1, 32).tolist()),
    ),
)
SHAPES3D = FactorSpace(
    names=("floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation"),
    values=(
        tuple(np.linspace(0, 0.9, 10).tolist()),
        tuple(np.linspace(0, 0.9, 10).tolist()),
        tuple(np.linspace(0, 0.9, 10).tolist()),
        tuple(np.linspace(0.75, 1.25, 8).tolist()),
        ("cube", "cylinder", "sphere", "capsule"),
        tuple(np.linspace(-30, 30, 15).tolist()),
    ),
)
SPACES = {"dsprites": DSPRITES, "shapes3d": SHAPES3D}
