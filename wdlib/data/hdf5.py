"""HDF5 files of unknown origin: arrays that lie in the file itself, read lazily by index.

HDF5 can say much more than an array: links into other files, arrays made of other files' pieces,
raw data kept elsewhere, filters that are programs of their own. A published dataset has none of
these, so all of them are refused, and what remains is one array in one file. The C library behind
h5py raises many kinds of error for a damaged file; here they become one. And it unfolds a packed
chunk to whatever size that has, so a chunk is looked at before it is read.
"""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import product
from pathlib import Path

import numpy as np

FILTERS = {2: "shuffle", 1: "gzip", 3: "fletcher32"}  # in the order of writing, each at most once
LARGEST_CHUNK = 1 << 23  # bytes; eight times what h5py chooses at most
ROOM = 1 << 22  # bytes that a chunk may unfold to without being looked at
DEFLATE = 1032  # times its own size: what deflate unfolds to at most
# What h5py raises for a damaged file, by trial as much as by its manual.
FAILURES = (
    *(OSError, RuntimeError, KeyError, ValueError, TypeError),
    *(AttributeError, OverflowError, MemoryError),
)


def h5_array(path: Path, key: str):
    """The h5py dataset called ``key``, lazily, through one handle a process.

    Raises ValueError, naming file and cause, where the file is damaged or lacks the key, or where
    the array's data is not plainly in the file.
    """
    with reading(path):
        stat = path.stat()
    return _checked(path, key, os.getpid(), stat.st_ino, stat.st_mtime_ns)


def read_rows(path: Path, array, start: int, stop: int) -> np.ndarray:
    """``array[start:stop]`` of an array that ``h5_array`` gave.

    Raises ValueError, naming file and cause, where it cannot be read, and before memory fills where
    a packed chunk unfolds to more than its share of the array.
    """
    with reading(path):
        packed = array.chunks and array.id.get_create_plist().get_nfilters()
        length = path.stat().st_size
        if not packed or not any(_bomb(array, c, length) for c in _corners(array, start, stop)):
            return array[start:stop]
    raise ValueError(f"{path}: a chunk of {array.name} unfolds to more than belongs in it")


def _corners(array, start: int, stop: int) -> Iterator[tuple[int, ...]]:
    """The first index of every chunk that the rows from ``start`` to ``stop`` lie in."""
    first, *others = array.chunks
    across = (range(0, length, chunk) for length, chunk in zip(array.shape[1:], others))
    return product(range(start // first * first, stop, first), *across)


def _bomb(array, corner: tuple[int, ...], length: int) -> bool:
    """Whether a chunk unfolds to more than belongs in it.

    Raises ValueError, before memory is asked for, where it claims to be longer than its file.
    """
    try:
        claimed = array.id.get_chunk_info_by_coord(corner).size
        packed = array.id.read_direct_chunk(corner)[1] if claimed <= length else b""
    except (OSError, RuntimeError, ValueError):
        return False  # never written; or damaged, which reading it will say
    if claimed > length:
        raise ValueError(f"a chunk of {array.name} claims {claimed} bytes, more than the file has")
    if len(packed) * DEFLATE <= ROOM:
        return False
    unfolding = zlib.decompressobj()
    try:
        unfolding.decompress(packed, math.prod(array.chunks) * array.dtype.itemsize + 64)
    except zlib.error:
        return False  # stored as it is
    return bool(unfolding.unconsumed_tail)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Whatever a damaged file raises becomes one ValueError that names the file."""
    try:
        yield
    except FAILURES as cause:
        raise ValueError(f"{path} is damaged or cut short: {cause}") from cause


@lru_cache(maxsize=16)
def _checked(path: Path, key: str, process: int, inode: int, modified: int):
    # An open HDF5 handle must not cross a fork: keyed by the process, each opens its own. Keyed by
    # the file as it stands, a file that was replaced is opened anew.
    with reading(path):
        import h5py

        place = h5py.File(path, "r")
    for part in key.split("/"):
        with reading(path):
            names = [str(name) for name in place] if isinstance(place, h5py.Group) else []
            link = place.get(part, getlink=True) if part in names else None
        if link is None:
            raise ValueError(f"{path} lacks {key!r}; it holds {', '.join(sorted(names)[:20])}")
        if not isinstance(link, h5py.HardLink):
            raise ValueError(f"{path}: {part!r} is a link to another place, not the data itself")
        with reading(path):
            place = place[part]
    if not isinstance(place, h5py.Dataset):
        raise ValueError(f"{path}: {key!r} is no array")
    with reading(path):
        elsewhere = place.is_virtual or bool(place.external)
        settings = place.id.get_create_plist()
        filters = [settings.get_filter(i)[0] for i in range(settings.get_nfilters())]
        chunk = math.prod(place.chunks or ()) * place.dtype.itemsize if place.chunks else 0
    if elsewhere:
        raise ValueError(f"{path}: the data of {key!r} lies in other files")
    if filters != [number for number in FILTERS if number in filters]:
        raise ValueError(
            f"{path}: {key!r} needs other filters than {', '.join(FILTERS.values())}, in this order"
        )
    if chunk > LARGEST_CHUNK:
        raise ValueError(
            f"{path}: {key!r} lies in chunks of {chunk} bytes, but at most {LARGEST_CHUNK} are read"
        )
    return place
