"""A world of your own: factors and a function that draws; everything else works as for the two
datasets of the paper.

The function may draw, read files, or pick from an array: what matters is that a list of classes
names an image. See ``notebooks/01_worlds.ipynb`` for one made of handwritten digits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from wdlib.data.images import Images
from wdlib.factors import FactorSpace
from wdlib.tasks import Factor, Task


def world(
    name: str,
    factors: Mapping[str, Sequence],
    draw: Callable[[np.ndarray], np.ndarray],
    *,
    relevant: Sequence[str],
    cyclic: Sequence[str] = (),
    colour: bool = False,
) -> tuple[Task, Images]:
    """Declare a dataset and the task of its relevant factors.

    Args:
        name: of the task.
        factors: name -> the values of its classes (words or numbers), slowest first. Every
            combination of classes is an image.
        draw: classes [N, k] (int64, one column a factor) -> uint8 images, [N, 64, 64] with pixels
            0 and 1, or with ``colour`` [N, 64, 64, 3] with 0 to 255.
        relevant: the factors that get a partition each, every class a value; the rest is nuisance.
        cyclic: those of them whose last value is followed by the first.

    Returns (task, images). The task's relations are "next NAME" and "previous NAME".

    Raises ValueError for a relevant factor that is none, or has fewer than two values, for a cyclic
    one that is not relevant, and for images of another dtype, shape or range (one is drawn to see).
    """
    space = FactorSpace(tuple(factors), tuple(tuple(values) for values in factors.values()))
    chosen = []
    for one in relevant:
        values = space.values[space.position(one)]
        if len(values) < 2:
            raise ValueError(f"{name}: the relevant factor {one} has {len(values)} value(s), so "
                             f"nothing can be told apart")  # fmt: skip
        bins = tuple((c,) for c in range(len(values)))
        labels = tuple(str(value) for value in values)
        chosen.append(Factor(one, (one,), (bins,), cyclic=one in cyclic, labels=labels))
    if stray := set(cyclic) - set(relevant):
        raise ValueError(f"{name}: {', '.join(sorted(stray))} is cyclic but not relevant")
    shape = (64, 64, 3) if colour else (64, 64)
    images = Images(space, shape, name, draw)
    first = images.draw(np.zeros((1, len(factors)), np.int64))
    if not colour and first.max() > 1:
        raise ValueError(
            f"{name}: pixels of images without colour are 0 or 1, one is {first.max()}"
        )
    return Task(name, name, tuple(chosen), space_of_its_own=space, colour=colour), images
