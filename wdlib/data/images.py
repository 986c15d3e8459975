"""Images of a dataset by index: drawn, or read from the original file, when you index them."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from wdlib.data import dsprites, dsprites_draw, shapes3d, shapes3d_draw
from wdlib.data.device import device_of
from wdlib.data.originals import content_of
from wdlib.factors import SPACES, FactorSpace

CHUNK = 1024  # images made at once: enough to fill numpy's loops, few enough to stay in cache


@dataclass(frozen=True)
class Images:
    """Images of a dataset, made on demand."""

    space: FactorSpace  # its order is the order of the images
    shape: tuple[int, ...]  # (64, 64) with pixels 0 or 1, or (64, 64, 3) with 0 to 255
    source: str  # "drawn", or the path of the original file
    make: Callable[[np.ndarray], np.ndarray]  # classes [N, k] -> uint8 [N, *shape]
    chunk: int = CHUNK  # the most images that one call of make makes
    threads: int = 1  # how many calls of make may run at once
    content: str = ""  # of an original file, the beginning of its SHA-256

    @property
    def identity(self) -> str:
        """What records call the images: a file by what it holds, because it may move."""
        return f"original file, SHA-256 {self.content}..." if self.content else self.source

    def __len__(self) -> int:
        """Number of images in the dataset."""
        return len(self.space)

    def draw(self, classes) -> np.ndarray:
        """Factor classes [N, k] -> uint8 images [N, *shape].

        Raises ValueError for classes outside their factor, and for other images from ``make``.
        """
        classes = self.space.check(classes)
        images = np.empty((len(classes), *self.shape), np.uint8)

        def fill(start: int) -> None:
            part = slice(start, start + self.chunk)
            made, wanted = self.make(classes[part]), images[part].shape
            if made.dtype != np.uint8 or made.shape != wanted:
                raise ValueError(
                    f"images ({self.source}) must be uint8 of shape {wanted}, but were made as "
                    f"{made.dtype} of shape {made.shape}"
                )
            images[part] = made

        starts = range(0, len(classes), self.chunk)
        if min(self.threads, len(starts)) > 1:
            with ThreadPoolExecutor(self.threads) as pool:
                list(pool.map(fill, starts))  # list waits, and raises what a thread raised
        else:
            list(map(fill, starts))
        return images

    def __getitem__(self, indices) -> np.ndarray:
        """An image number -> uint8 [*shape]; numbers [N] or a slice -> uint8 [N, *shape].

        Raises ValueError for a number outside the dataset.
        """
        if isinstance(indices, slice):
            indices = np.arange(*indices.indices(len(self)))
        if np.ndim(indices) == 0:
            return self[np.array([indices])][0]
        return self.draw(self.space.classes(indices))


def load(
    dataset: str,
    path: str | os.PathLike | None = None,
    *,
    download: bool = False,
    root: str | os.PathLike | None = None,
) -> Images:
    """The images of "dsprites" or "shapes3d": drawn, or read where there is an original file.

    Args:
        path: the original file, or its folder; the default is the environment variable WDLIB_DATA.
        download: download the original (once) where there is none.
        root: folder for downloads and caches; the default is the user's cache folder.

    Raises ValueError for another dataset and for a file that is not the original,
    FileNotFoundError for a path that does not exist.
    """
    name = dataset.lower().replace("-", "").replace("_", "")
    if name not in SPACES:
        near = difflib.get_close_matches(name, SPACES, n=1, cutoff=0.0)
        raise ValueError(f"no dataset called {dataset!r}; did you mean {near[0]}?")
    facts, draw = {
        "dsprites": (dsprites, dsprites_draw.draw),
        "shapes3d": (shapes3d, shapes3d_draw.draw),
    }[name]
    file = facts.ORIGINAL.find(path)
    if file is None and download:
        file = facts.ORIGINAL.fetch(root)
    if file is None:
        return Images(SPACES[name], facts.SHAPE, "drawn", draw, threads=os.cpu_count() or 1)
    read = dsprites.reader(file, root) if name == "dsprites" else shapes3d.reader(file)
    # A reader sorts the images of one call, so larger calls read less.
    return Images(SPACES[name], facts.SHAPE, str(file), read, 8 * CHUNK, content=content_of(file))


def to_float(images, dtype=None):
    """uint8 images, array or tensor -> torch float tensor [N, C, 64, 64] in [0, 1].

    images: [N, 64, 64] or [N, 1, 64, 64] in {0, 1}, [N, 64, 64, 3] or [N, 3, 64, 64] in 0..255.
    ``dtype`` defaults to torch.float32. Raises ValueError for another dtype or shape.
    """
    import torch

    images = _channels_first(as_tensor(images))
    scaled = images.to(dtype or torch.float32)
    return scaled if images.shape[1] == 1 else scaled.div_(255)


def as_tensor(images):
    """An array or tensor -> a torch tensor; a flipped array is copied, as torch needs."""
    import torch

    if min(getattr(images, "strides", ()), default=0) < 0:
        images = images.copy()
    return torch.as_tensor(images)


def device_images(images: Images, classes, device="cpu"):
    """Classes [N, k] -> uint8 torch tensor [N, C, 64, 64] on ``device``, drawn in chunks."""
    import torch

    classes, device = images.space.check(classes), device_of(device)
    channels = images.shape[2] if len(images.shape) == 3 else 1
    resident = torch.empty((len(classes), channels, 64, 64), dtype=torch.uint8, device=device)
    for start in range(0, len(classes), 4 * CHUNK):
        part = slice(start, start + 4 * CHUNK)
        resident[part] = _channels_first(torch.from_numpy(images.draw(classes[part]))).to(device)
    return resident


def _channels_first(images):
    """uint8 [N, 64, 64], [N, 64, 64, 3] or [N, C, 64, 64] -> [N, C, 64, 64], a view."""
    if str(images.dtype) != "torch.uint8":
        raise ValueError(f"images must be uint8, got {images.dtype}")
    if images.ndim == 3:
        return images[:, None]
    if images.ndim == 4 and images.shape[-1] == 3:
        return images.permute(0, 3, 1, 2)
    if images.ndim == 4 and images.shape[1] in (1, 3):
        return images
    shapes = "[N, 64, 64], [N, 64, 64, 3] or [N, C, 64, 64]"
    raise ValueError(f"images must be {shapes}, got {tuple(images.shape)}")
