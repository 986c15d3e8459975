"""One lazy, factor-indexed view over a dataset, whether it is drawn or read from the original file.

``load("dsprites")`` holds no image; it knows how to make the ones that are asked for. Whatever the
source, images come in the same order, shape and dtype.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from wdlib.data import dsprites_draw
from wdlib.factors import FactorSpace
from wdlib.tasks import SPACES

CHUNK = 1024  # images made at once: enough to fill numpy's loops, few enough to stay in cache


@dataclass(frozen=True)
class Images:
    """Images of a dataset, made on demand.

    Args:
        space: the factors, whose order is the order of the images.
        shape: of one image, (64, 64) with pixels 0 or 1, or (64, 64, 3) with 0 to 255.
        source: "drawn", or the path of the original file.
        make: classes [N, k], at most CHUNK rows, -> uint8 [N, *shape].
        threads: how many chunks ``make`` may work on at once.
    """

    space: FactorSpace
    shape: tuple[int, ...]
    source: str
    make: Callable[[np.ndarray], np.ndarray]
    threads: int = 1

    def __len__(self) -> int:
        """Number of images in the dataset."""
        return len(self.space)

    def draw(self, classes) -> np.ndarray:
        """Factor classes [N, k] -> uint8 images [N, *shape].

        Raises ValueError for classes outside their factor.
        """
        classes = self.space.check(classes)
        images = np.empty((len(classes), *self.shape), np.uint8)

        def fill(start: int) -> None:
            images[start : start + CHUNK] = self.make(classes[start : start + CHUNK])

        starts = range(0, len(classes), CHUNK)
        if min(self.threads, len(starts)) > 1:
            with ThreadPoolExecutor(self.threads) as pool:
                list(pool.map(fill, starts))  # the list waits, and raises what a thread raised
        else:
            for start in starts:
                fill(start)
        return images

    def __getitem__(self, indices) -> np.ndarray:
        """Image number -> uint8 [*shape]; numbers [N] or a slice -> uint8 [N, *shape].

        Raises ValueError for a number outside the dataset.
        """
        if isinstance(indices, slice):
            indices = np.arange(*indices.indices(len(self)))
        if np.ndim(indices) == 0:
            return self[np.array([indices])][0]
        return self.draw(self.space.classes(indices))

    def batches(self, indices, size: int) -> Iterator[np.ndarray]:
        """Image numbers [N] -> uint8 batches of ``size`` images (the last may be smaller).

        Holds one batch at a time, so a million numbers stream.
        """
        if size < 1:
            raise ValueError(f"a batch holds at least 1 image, got size {size}")
        for start in range(0, len(indices), size):
            yield self[indices[start : start + size]]


def load(dataset: str) -> Images:
    """The images of "dsprites" or "shapes3d".

    Raises ValueError for any other name, and suggests the nearest.
    """
    known = dataset.lower().replace("-", "").replace("_", "")
    if known not in SPACES:
        near = difflib.get_close_matches(known, SPACES, n=1, cutoff=0.0)
        raise ValueError(f"no dataset called {dataset!r}; did you mean {near[0]}?")
    if known == "dsprites":
        shape, make = (64, 64), dsprites_draw.draw
    else:
        raise ValueError("shapes3d cannot be drawn yet")
    return Images(SPACES[known], shape, "drawn", make, threads=os.cpu_count() or 1)


def to_float(images, dtype=None):
    """uint8 images, array or tensor -> torch float tensor [N, C, 64, 64] in [0, 1].

    Takes [N, 64, 64] in {0, 1}, [N, 64, 64, 3] in 0..255, or what ``device_images`` returns (one
    channel means {0, 1}, three mean 0..255). ``dtype`` defaults to torch.float32. Raises
    ValueError for another dtype or shape.
    """
    import torch

    images = _channels_first(torch.as_tensor(images))
    scaled = images.to(dtype or torch.float32)
    return scaled if images.shape[1] == 1 else scaled.div_(255)


def device_images(images: Images, classes, device="cpu"):
    """Classes [N, k] -> uint8 torch tensor [N, C, 64, 64] that stays on the device.

    Drawn in chunks, so beside the result only a few megabytes are held.
    """
    import torch

    classes = images.space.check(classes)
    channels = images.shape[2] if len(images.shape) == 3 else 1
    resident = torch.empty((len(classes), channels, 64, 64), dtype=torch.uint8, device=device)
    step = 4 * CHUNK
    for start in range(0, len(classes), step):
        chunk = torch.from_numpy(images.draw(classes[start : start + step]))
        resident[start : start + step] = _channels_first(chunk).to(device)
    return resident


def _channels_first(images):
    """[N, 64, 64] or [N, 64, 64, 3] or [N, C, 64, 64] -> [N, C, 64, 64], a view."""
    if str(images.dtype) != "torch.uint8":
        raise ValueError(f"images must be uint8, got {images.dtype}")
    if images.ndim == 3:
        return images[:, None]
    if images.ndim == 4 and images.shape[-1] == 3:
        return images.permute(0, 3, 1, 2)
    if images.ndim == 4 and images.shape[1] in (1, 3):
        return images
    raise ValueError(
        f"images must be [N, 64, 64], [N, 64, 64, 3] or [N, C, 64, 64], got {tuple(images.shape)}"
    )
