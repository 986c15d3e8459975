"""Your own dataset: factors, and a function that turns classes into images in any way.

``notebooks/01_worlds.ipynb`` has an example.
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
    """Declare a dataset, and the task of its relevant factors.

    Args:
        name: of the task.
        factors: name -> its values (words or numbers), the slowest factor first; every combination
            is an image.
        draw: classes [N, k] (int64, one column per factor) -> uint8 images, [N, 64, 64] with pixels
            0 and 1, or with ``colour`` [N, 64, 64, 3] with 0 to 255.
        relevant: the factors with a partition of their own; the others are nuisance.
        cyclic: the relevant factors whose last value is followed by the first.

    Raises ValueError for an unknown relevant factor, one with fewer than two values, a cyclic
    factor that is not relevant, and images of another dtype, shape or range (one is drawn).
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
    images = Images(space, (64, 64, 3) if colour else (64, 64), name, draw)
    brightest = images.draw(np.zeros((1, len(factors)), np.int64)).max()
    if not colour and brightest > 1:
        raise ValueError(f"{name}: without colour, pixels are 0 or 1, but one is {brightest}")
    return Task(name, name, tuple(chosen), space_of_its_own=space, colour=colour), images
