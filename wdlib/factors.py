"""Factors of variation: how an image's number and its list of classes name the same image.

A generated dataset is a product of finite factors. Image number ``i`` and its classes
``(c_1, ..., c_k)`` are two spellings of one thing, a mixed-radix number with the last factor
fastest: the order in which dSprites and 3D Shapes store their images.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class FactorSpace:
    """A product of named, finite factors.

    Args:
        names: one name a factor.
        values: for each factor, the physical value of each of its classes (numbers or words).
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
        return int(np.prod(self.sizes, dtype=np.int64))

    def position(self, name: str) -> int:
        """Column of the factor called ``name``. Raises ValueError if there is none."""
        if name not in self.names:
            raise ValueError(f"no factor called {name!r}; the factors are {', '.join(self.names)}")
        return self.names.index(name)

    def classes(self, indices) -> np.ndarray:
        """Image numbers [N] -> classes [N, k] int64. Raises ValueError outside the space."""
        indices = integers(indices, "image indices", ndim=1)
        if len(indices) and not (0 <= indices.min() and indices.max() < len(self)):
            raise ValueError(
                f"image indices run from {indices.min()} to {indices.max()}, "
                f"but the space holds images 0 to {len(self) - 1}"
            )
        return np.stack(np.unravel_index(indices, self.sizes), axis=1).astype(np.int64)

    def index(self, classes) -> np.ndarray:
        """Classes [N, k] -> image numbers [N] int64. Raises ValueError outside the space."""
        classes = self.check(classes)
        return np.ravel_multi_index(tuple(classes.T), self.sizes).astype(np.int64)

    def check(self, classes) -> np.ndarray:
        """Classes [N, k] as int64. Raises ValueError naming the factor that is out of range."""
        classes = integers(classes, "factor classes", ndim=2)
        if classes.shape[1] != len(self.names):
            raise ValueError(
                f"factor classes have {classes.shape[1]} columns (shape {classes.shape}), "
                f"but there are {len(self.names)} factors: {', '.join(self.names)}"
            )
        for column, name, size in zip(classes.T, self.names, self.sizes, strict=True):
            if len(column) and not (0 <= column.min() and column.max() < size):
                raise ValueError(
                    f"factor {name} has classes 0 to {size - 1}, "
                    f"got {column.min()} to {column.max()}"
                )
        return classes


def integers(array, what: str, ndim: int) -> np.ndarray:
    """``array`` as int64 with ``ndim`` axes. Raises ValueError, naming ``what``, for others."""
    array = np.asarray(array)
    if array.ndim != ndim:
        raise ValueError(f"{what} must have {ndim} dimension(s), got shape {array.shape}")
    if array.dtype.kind not in "iu" and array.size:
        raise ValueError(f"{what} must be integers, got {array.dtype}")
    return array.astype(np.int64)


# The source factors by name and size only: drawing them is the business of wdlib.data.
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
