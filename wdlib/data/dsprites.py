"""dSprites: its published file, and a reader that makes the file readable by index.

The npz is one compressed stream, and a chunk of the HDF5 file crosses thousands of images. So the
first use streams the file into a cache of one bit per pixel (377 MB for 737,280 images), which is
read through a memory map. The cache ends with the SHA-256 of the other bytes; each process checks
it once.

Source: Matthey et al. (2017), https://github.com/google-deepmind/dsprites-dataset.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path

import numpy as np

from wdlib.data.arrays import read_blocks
from wdlib.data.originals import Original, cache_folder, check_kind, check_order, content_of
from wdlib.factors import DSPRITES, FactorSpace
from wdlib.files import whole

SHAPE = (64, 64)
NAME = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64"
ORIGINAL = Original(
    files=(f"{NAME}.hdf5", f"{NAME}.npz"),
    url=f"https://github.com/google-deepmind/dsprites-dataset/raw/master/{NAME}.hdf5",
    md5="b331c4447a651c44bf5e8ae09022e230",
)
IMAGES = "imgs"
CLASSES = {".npz": "latents_classes", ".hdf5": "latents/classes", ".h5": "latents/classes"}
BITS = SHAPE[0] * SHAPE[1] // 8  # bytes of an image in the cache
BLOCK = 8192  # images streamed at once: 32 MB


def reader(
    path: Path, root: str | os.PathLike | None = None, space: FactorSpace = DSPRITES
) -> Callable[[np.ndarray], np.ndarray]:
    """A function from classes [N, 6] to uint8 images [N, 64, 64] of the original file.

    The first call for a file fills the cache under ``root``; so does a call that finds the cache
    cut or altered. Copies of the file share the cache. Raises ValueError, naming file and cause,
    for a damaged file and for any other, and OSError where no cache can be written.
    """
    check_kind(path)
    cache = cache_folder(root) / f"dsprites-{content_of(path)}.bits"
    if not _intact(cache, len(space) * BITS):
        numbers = [np.arange(size) for size in space.sizes]
        check_order(path, CLASSES[path.suffix], space, numbers, np.integer)
        try:
            _fill(cache, path, space)
        except PermissionError as error:
            raise PermissionError(
                f"{path} is read through a cache, which cannot be written in {cache.parent} "
                f"({error.strerror}): give another folder as root, or in XDG_CACHE_HOME"
            ) from None
    return partial(_unpack, cache, space)


def _unpack(cache: Path, space: FactorSpace, classes: np.ndarray) -> np.ndarray:
    bits = np.memmap(cache, mode="r", shape=(len(space), BITS))
    return np.unpackbits(bits[space.index(classes)], axis=1).reshape(-1, *SHAPE)


def _intact(cache: Path, size: int) -> bool:
    """Whether the cache holds its ``size`` bytes and their digest, as they were written."""
    if not cache.exists() or (stat := cache.stat()).st_size != size + sha256().digest_size:
        return False
    return _matches(cache, size, stat.st_ino, stat.st_mtime_ns)


@lru_cache(maxsize=16)
def _matches(cache: Path, size: int, inode: int, modified: int) -> bool:
    digest = sha256()
    with cache.open("rb") as file:
        for start in range(0, size, 1 << 20):
            digest.update(file.read(min(1 << 20, size - start)))
        return digest.digest() == file.read()


def _fill(cache: Path, path: Path, space: FactorSpace) -> None:
    """Stream the images into the cache, which appears as a whole or not at all."""
    cache.parent.mkdir(parents=True, exist_ok=True)
    digest = sha256()
    with whole(cache) as file:
        for block in read_blocks(path, IMAGES, (len(space), *SHAPE), np.uint8, BLOCK):
            if block.max() > 1:
                raise ValueError(
                    f"{path}: {IMAGES} holds values up to {block.max()}, but pixels of dSprites "
                    f"are 0 or 1"
                )
            bits = np.packbits(block.reshape(len(block), -1), axis=1).tobytes()
            digest.update(bits)
            file.write(bits)
        file.write(digest.digest())
