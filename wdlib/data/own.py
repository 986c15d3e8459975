"""Your own dataset: factors, and a function that turns classes into images in any way.

``wdlib.table`` takes images that exist already. ``tests/test_own.py`` has an example of a world.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from wdlib.data.images import Images, check_sides
from wdlib.factors import FactorSpace
from wdlib.tasks import Factor, Task

LARGEST = 10**9  # images of a world: a split permutes their numbers


def world(
    name: str,
    factors: Mapping[str, Sequence],
    draw: Callable[[np.ndarray], np.ndarray],
    *,
    relevant: Sequence[str],
    cyclic: Sequence[str] = (),
    binary: bool | None = None,
    colour: bool | None = None,
) -> tuple[Task, Images]:
    """Declare a dataset, and the task of its relevant factors.

    Args:
        name: of the task.
        factors: name -> its values (words or numbers), the slowest factor first; every combination
            is an image.
        draw: classes [N, k] (int64, one column per factor) -> uint8 images [N, H, W], or in colour
            [N, H, W, 3], with sides of 16 to 256 pixels.
        relevant: the factors with a partition of their own; the others are nuisance.
        cyclic: the relevant factors whose last value is followed by the first.
        binary: whether pixels are 0 and 1, instead of 0 to 255; by default as 64 images are.
        colour: whether images have three channels; by default as the first image has.

    Raises ValueError for an unknown relevant factor, one with fewer than two values, a cyclic
    factor that is not relevant, more than a billion combinations, and images of another dtype,
    shape or range.
    """
    space = FactorSpace(tuple(factors), tuple(tuple(values) for values in factors.values()))
    if stray := set(cyclic) - set(relevant):
        raise ValueError(f"{name}: {', '.join(sorted(stray))} is cyclic but not relevant")
    chosen = []
    for one in relevant:
        values = space.values[space.position(one)]
        if len(values) < 2:
            raise ValueError(f"{name}: {one} has {len(values)} value(s), but needs at least two")
        bins, labels = tuple((c,) for c in range(len(values))), tuple(map(str, values))
        chosen.append(Factor(one, (one,), (bins,), cyclic=one in cyclic, labels=labels))
    count = math.prod(space.sizes)
    if count > LARGEST:
        raise ValueError(f"{name} has {count:,} combinations of values; use wdlib.table instead")
    some = space.classes(np.random.default_rng(0).integers(count, size=64))
    made = np.asarray(draw(some))
    if made.dtype != np.uint8 or len(made) != 64 or made.ndim - 3 not in (0, 1):
        raise ValueError(f"{name}: images must be uint8 [N, H, W] or [N, H, W, 3], but 64 of them "
                         f"were made as {made.dtype} {list(made.shape)}")  # fmt: skip
    if colour not in (None, made.ndim == 4) or (made.ndim == 4 and made.shape[-1] != 3):
        raise ValueError(f"{name}: images {'with' if colour else 'without'} colour cannot have "
                         f"the shape {list(made.shape)}")  # fmt: skip
    check_sides(made.shape[1:], f"the images of {name}")
    binary = bool(made.max() == 1) if binary is None else binary
    images = Images(space, made.shape[1:], name, draw, binary=binary)
    images.draw(some)  # raises where pixels are neither 0 nor 1, but should be
    height, width = made.shape[1:3]
    look = {"height": height, "width": width, "colour": made.ndim == 4, "binary": binary}
    return Task(name, name, tuple(chosen), space_of_its_own=space, **look), images
