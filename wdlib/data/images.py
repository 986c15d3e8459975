"""Images of a dataset by index: drawn, or read from the original file, when you index them."""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from wdlib.data import dsprites, dsprites_draw, shapes3d, shapes3d_draw
from wdlib.data.device import device_of
from wdlib.data.originals import content_of
from wdlib.factors import SPACES, FactorSpace

SIDES = 16, 256  # pixels of the smallest and the largest side
CHUNK = 1024  # images made at once: enough to fill numpy's loops, few enough to stay in cache
RESIDENT = 1 << 30  # bytes of images that a run keeps in memory; of more, it makes batch by batch


@dataclass(frozen=True)
class Images:
    """Images of a dataset, made on demand."""

    space: FactorSpace  # its order is the order of the images
    shape: tuple[int, ...]  # (height, width), or (height, width, 3) for colour
    source: str  # "drawn", or the path of the original file
    make: Callable[[np.ndarray], np.ndarray]  # classes [N, k] -> uint8 [N, *shape]
    chunk: int = CHUNK  # the most images that one call of make makes
    threads: int = 1  # how many calls of make may run at once
    binary: bool = False  # pixels are 0 or 1, not 0 to 255
    content: str = ""  # of a file or a table, the beginning of its SHA-256

    @property
    def identity(self) -> str:
        """What records call the images: a file by what it holds, because it may move."""
        return f"SHA-256 {self.content}..." if self.content else self.source

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
            if self.binary and made.max(initial=0) > 1:
                raise ValueError(f"images ({self.source}) are binary, but a pixel is {made.max()}")
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
    file, binary = facts.ORIGINAL.find(path), name == "dsprites"
    if file is None and download:
        file = facts.ORIGINAL.fetch(root)
    if file is None:
        threads = os.cpu_count() or 1
        return Images(SPACES[name], facts.SHAPE, "drawn", draw, threads=threads, binary=binary)
    read = dsprites.reader(file, root) if name == "dsprites" else shapes3d.reader(file)
    # A reader sorts the images of one call, so larger calls read less.
    how = {"binary": binary, "content": content_of(file)}
    return Images(SPACES[name], facts.SHAPE, str(file), read, 8 * CHUNK, **how)


def check_sides(shape: Sequence[int], what: str) -> None:
    """Raises ValueError, naming ``what``, for images with sides that the networks do not take."""
    if not SIDES[0] <= min(shape[:2]) <= max(shape[:2]) <= SIDES[1]:
        raise ValueError(
            f"{what} are {shape[0]} x {shape[1]}, but sides are {SIDES[0]} to {SIDES[1]} pixels; "
            f"pass resize=64, or (height, width)"
        )


def to_float(images, dtype=None):
    """uint8 images, array or tensor -> torch float tensor [N, C, H, W] in [0, 1].

    images: [N, H, W], [N, H, W, 3] or [N, C, H, W], with 0 to 255; grey images in which no pixel
    exceeds 1 count as binary. ``dtype`` defaults to torch.float32. ``as_input`` knows the task, and
    need not guess. Raises ValueError for another dtype or shape.
    """
    import torch

    images = _channels_first(as_tensor(images))
    if str(images.dtype) != "torch.uint8":
        raise ValueError(f"images must be uint8, got {images.dtype}")
    binary = images.shape[1] == 1 and (not images.numel() or images.max() <= 1)
    return images.to(dtype or torch.float32) if binary else scaled(images, dtype)


def scaled(images, dtype=None):
    """uint8 tensor with 0 to 255, as ``device_images`` makes them -> float tensor in [0, 1]."""
    return (images.float() if dtype is None else images.to(dtype)).div_(255)


def as_input(images, task):
    """Images as people have them -> the float32 tensor [N, C, H, W] in [0, 1] that networks read.

    images: array or tensor [N, H, W], [N, H, W, C] or [N, C, H, W] of the task's size. Integers are
    0 to 255, or for a binary task 0 and 1 (also 0 and 255); floats of any width are 0 to 1.

    Raises ValueError for another shape, dtype or range, and for NaN.
    """
    import torch

    images = _channels_first(as_tensor(images))
    if not images.is_floating_point() and images.dtype not in (torch.uint8, torch.bool):
        images = images.to(torch.int64)  # torch computes little with the other integers
    if tuple(images.shape[1:]) != task.shape:
        raise ValueError(
            f"images of {task.name} are [N, C, H, W] = [N, {', '.join(map(str, task.shape))}], "
            f"but these are {list(images.shape)}; resize or convert them first"
        )
    if images.dtype == torch.bool or not images.numel():
        return images.to(torch.float32)
    least, most = (float(end) for end in images.aminmax())
    if not math.isfinite(least + most):
        raise ValueError("the images hold NaN or infinity, but pixels are 0 to 1")
    limit = 1 if images.is_floating_point() else 255
    if not (least >= 0 and most <= limit):
        raise ValueError(
            f"pixels of {images.dtype} are 0 to {limit}, but these are {least:g} to {most:g}: "
            f"scale them first, for example by 1 / {most:g}"
        )
    if images.is_floating_point():
        return images.to(torch.float32)
    if task.binary and most > 1 and not ((images == 0) | (images == 255)).all():
        raise ValueError(f"images of {task.name} are binary: 0 and 1, or 0 and 255, not grey")
    if not task.binary and most == 1:
        raise ValueError(
            f"these pixels are 0 and 1, but integers are 0 to 255 for {task.name}: multiply them "
            f"by 255, or declare the task binary"
        )
    return images.to(torch.float32) if most <= 1 else scaled(images)


def as_tensor(images):
    """An array or tensor -> a torch tensor; a flipped or read-only array is copied, as torch
    needs."""
    import torch

    if isinstance(images, np.ndarray) and (
        min(images.strides, default=0) < 0 or not images.flags.writeable
    ):
        images = images.copy()
    return torch.as_tensor(images)


def device_images(images: Images, classes, device="cpu"):
    """Classes [N, k] -> uint8 tensor [N, C, H, W] with 0 to 255 on ``device``, drawn in chunks."""
    import torch

    classes, device = images.space.check(classes), device_of(device)
    channels, size = (*images.shape, 1)[2], images.shape[:2]
    resident = torch.empty((len(classes), channels, *size), dtype=torch.uint8, device=device)
    for start in range(0, len(classes), 4 * CHUNK):
        part = slice(start, start + 4 * CHUNK)
        resident[part] = _channels_first(torch.from_numpy(images.draw(classes[part]))).to(device)
    return resident.mul_(255) if images.binary else resident


class Stream:
    """Images by place, made when a batch asks for them: for more images than memory should hold.

    ``stream[places]``, with a slice or numbers [B], is ``make(rows[places])``.
    """

    def __init__(self, make: Callable, rows):
        self.make, self.rows = make, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, places):
        return self.make(self.rows[places if isinstance(places, slice) else places.cpu()])

    def split(self, size: int):
        """The images in order, ``size`` at a time."""
        return (self[start : start + size] for start in range(0, len(self), size))


def by_place(images: Images, classes, device="cpu"):
    """Images of classes [N, k], to be indexed by place: the tensor of ``device_images``, or a
    ``Stream`` where this would take more than RESIDENT bytes."""
    if len(classes) * math.prod(images.shape) <= RESIDENT:
        return device_images(images, classes, device)
    return Stream(partial(device_images, images, device=device), classes)


def _channels_first(images):
    """[N, H, W], [N, H, W, C] or [N, C, H, W] with C = 1 or 3 -> [N, C, H, W], a view."""
    if images.ndim == 3:
        return images[:, None]
    if images.ndim == 4 and images.shape[1] in (1, 3):
        return images
    if images.ndim == 4 and images.shape[-1] in (1, 3):
        return images.permute(0, 3, 1, 2)
    shapes = "[N, H, W], [N, H, W, C] or [N, C, H, W] with C = 1 or 3"
    raise ValueError(f"images must be {shapes}, got {tuple(images.shape)}")
