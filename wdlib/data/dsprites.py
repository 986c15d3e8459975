"""dSprites as facts, and the reader of its original file, npz or HDF5.

Neither form can be read by index: the npz is one compressed stream, and the HDF5's chunks cross
thousands of images. So the first use streams the file once, in blocks, into a cache of one bit a
pixel (377 MB for 737,280 images, an eighth of the pixels' size), and images are then read from that
cache by index through a memory map. Its last bytes are the SHA-256 of the others: a process that
begins to use a cache reads it through once.

Source: Matthey et al. (2017), https://github.com/google-deepmind/dsprites-dataset.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path

import numpy as np

from wdlib.data.hdf5 import h5_array, read_rows
from wdlib.data.npz import member, rows
from wdlib.data.originals import Original, cache_folder, check_array, check_signature
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
    """Classes [N, 6] -> uint8 images [N, 64, 64] of the original file.

    The first call for a file fills the cache under ``root``; so does one that finds it cut or
    altered. Raises ValueError, naming file and cause, for a file that is cut short, misnamed, or
    not dSprites, and OSError where the disk is full.
    """
    check_signature(path)
    stat = path.stat()
    stamp = f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns}"
    cache = cache_folder(root) / f"dsprites-{sha256(stamp.encode()).hexdigest()[:16]}.bits"
    if not _intact(cache, len(space) * BITS):
        _fill(cache, path, space)
    return partial(_unpack, cache, space)


def _unpack(cache: Path, space: FactorSpace, classes: np.ndarray) -> np.ndarray:
    bits = np.memmap(cache, np.uint8, mode="r", shape=(len(space), BITS))
    return np.unpackbits(bits[space.index(classes)], axis=1).reshape(-1, *SHAPE)


def _intact(cache: Path, size: int) -> bool:
    """Whether the cache is there, with its ``size`` bytes and their digest, as it was written."""
    try:
        stat = cache.stat()
    except FileNotFoundError:
        return False
    right = stat.st_size == size + sha256().digest_size
    return right and _matches(cache, size, stat.st_ino, stat.st_mtime_ns)


@lru_cache(maxsize=16)
def _matches(cache: Path, size: int, inode: int, modified: int) -> bool:
    digest = sha256()
    with cache.open("rb") as file:
        for start in range(0, size, 1 << 20):
            digest.update(file.read(min(1 << 20, size - start)))
        return digest.digest() == file.read()


def _fill(cache: Path, path: Path, space: FactorSpace) -> None:
    """Stream images (checked) into the cache, which appears whole or not at all."""
    _check_classes(path, space)
    cache.parent.mkdir(parents=True, exist_ok=True)
    digest = sha256()
    with whole(cache) as file:
        for block in _blocks(path, IMAGES, (len(space), *SHAPE), np.uint8):
            if block.max() > 1:
                raise ValueError(
                    f"{path}: {IMAGES} holds values up to {block.max()}, but a pixel of dSprites "
                    f"is 0 or 1"
                )
            bits = np.packbits(block.reshape(len(block), -1), axis=1).tobytes()
            digest.update(bits)
            file.write(bits)
        file.write(digest.digest())


def _check_classes(path: Path, space: FactorSpace) -> None:
    """The file's own classes must count as we do, or every image would get another's name."""
    key = CLASSES[path.suffix]
    start = 0
    for block in _blocks(path, key, (len(space), len(space.sizes)), np.integer):
        if (block != space.classes(np.arange(start, start + len(block)))).any():
            raise ValueError(f"{path}: {key} is not in the published order of images")
        start += len(block)


def _blocks(path: Path, key: str, shape: tuple[int, ...], kind: type) -> Iterator[np.ndarray]:
    """The array called ``key``, a block of rows at a time, once its shape and dtype are right."""
    if path.suffix == ".npz":
        yield from _npz_blocks(path, key, shape, kind)
        return
    array = h5_array(path, key)
    check_array(path, key, array, shape, kind)
    for start in range(0, shape[0], BLOCK):
        yield read_rows(path, array, start, min(start + BLOCK, shape[0]))


def _npz_blocks(path: Path, key: str, shape: tuple[int, ...], kind: type) -> Iterator[np.ndarray]:
    with member(path, key) as (header, stream):
        check_array(path, key, header, shape, kind)
        if header.fortran:
            raise ValueError(f"{path}: {key} is stored column by column, not image by image")
        yield from rows(path, key, header, stream, BLOCK)
