"""npy and npz files of unknown origin: a header is a claim, and only what it claims is ever read.

A header of a few bytes may speak of a terabyte, a zip of a megabyte may unfold into gigabytes, and
an array of objects is a pickle, which is a program. So the header comes first, and has to be short
and to speak of plain numbers; then so many bytes are read as it says, and no more. Nothing here
unpickles, and nothing is unpacked to disk.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

# Bytes; of plain numbers it has a hundred. Within numpy's own limit of 10,000, a literal of 5,000
# signs costs Python 3.12 59 MB before it is refused.
LONGEST_HEADER = 1000
LARGEST = 1 << 30  # bytes of an array read whole; 64-dimensional codes of all dSprites are a third
BLOCK = 1 << 20  # bytes read at once
PACKINGS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # what numpy writes; others can ask for GBs
# What zipfile raises for a damaged archive, by trial as much as by its manual.
FAILURES = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError),
    *(NotImplementedError, RuntimeError, OverflowError),
)


class Header(NamedTuple):
    """What an array says of itself. ``fortran``: it is stored column by column."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype

    @property
    def size(self) -> int:
        """Bytes of its data, exact however large."""
        return math.prod(self.shape) * self.dtype.itemsize


@contextmanager
def member(path: Path, key: str) -> Iterator[tuple[Header, BinaryIO]]:
    """Of the array called ``key`` in an npz: its header, and a stream that stands at its data.

    Raises ValueError, naming file and cause, where the archive is damaged or lacks the key, and for
    a header that is none.
    """
    with reading(path):
        archive = zipfile.ZipFile(path)
    with archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        if key not in names:
            raise ValueError(f"{path} lacks {key!r}; it holds {', '.join(sorted(names)[:20])}")
        if archive.getinfo(f"{key}.npy").compress_type not in PACKINGS:
            raise ValueError(f"{path}: {key} is packed in a way that numpy never packs")
        with reading(path):
            stream = archive.open(f"{key}.npy")
        with stream:
            yield header(path, key, stream), stream


def header(path: Path, key: str, stream: BinaryIO) -> Header:
    """The header at the start of ``stream``; afterwards the stream stands at the data.

    Raises ValueError for one that is broken, longer than LONGEST_HEADER, or of no plain numbers.
    """
    with reading(path):
        begins = stream.read(8)
        first = begins[6:] == b"\x01\x00"
        said = stream.read(2 if first else 4)  # the header's length; wider since format 2
        length = int.from_bytes(said, "little")
        text = stream.read(min(length, LONGEST_HEADER))
    if not begins.startswith(np.lib.format.MAGIC_PREFIX):
        raise ValueError(f"{path}: {key} is no numpy array: it begins with {begins!r}")
    if length > LONGEST_HEADER:
        raise ValueError(f"{path}: {key} claims a header of {length} bytes")
    whole = io.BytesIO(begins + said + text)
    try:
        np.lib.format.read_magic(whole)
        parsers = np.lib.format.read_array_header_1_0, np.lib.format.read_array_header_2_0
        found = Header(*parsers[0 if first else 1](whole))
    except Exception as cause:  # it is a Python literal: what a wild one raises, no manual says
        raise ValueError(f"{path}: {key} is no numpy array: {str(cause)[:200]}") from None
    if found.dtype.kind not in "biuf":
        raise ValueError(f"{path}: {key} holds {found.dtype}, but only plain numbers are read")
    if not all(type(side) is int and side >= 0 for side in found.shape):
        raise ValueError(f"{path}: {key} claims the shape {found.shape}")
    return found


def rows(path: Path, key: str, found: Header, stream: BinaryIO, count: int) -> Iterator[np.ndarray]:
    """The data after a header, ``count`` rows at a time. Raises ValueError where it ends early."""
    row = found.size // max(found.shape[0], 1)
    for start in range(0, found.shape[0], count):
        here = min(count, found.shape[0] - start)
        data = _read(path, key, stream, here * row)
        yield np.frombuffer(data, found.dtype).reshape(here, *found.shape[1:])


def read_npy(path: Path) -> np.ndarray:
    """The array in an npy file.

    Raises FileNotFoundError where there is none; ValueError, naming file and cause, for one that is
    damaged, holds anything but plain numbers, or is larger than LARGEST.
    """
    with open(path, "rb") as stream:
        return _array(path, "the content", header(path, "the content", stream), stream)


def read_npz(path: Path, keys: Sequence[str]) -> list[np.ndarray]:
    """The arrays called ``keys`` of an npz file. Raises as ``read_npy`` does."""
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    arrays = []
    for key in keys:
        with member(path, key) as (found, stream):
            arrays.append(_array(path, key, found, stream))
    return arrays


def _array(path: Path, key: str, found: Header, stream: BinaryIO) -> np.ndarray:
    if found.size > LARGEST:
        raise ValueError(
            f"{path}: {key} claims shape {found.shape} of {found.dtype}, {found.size} bytes; "
            f"at most {LARGEST} are read"
        )
    data = _read(path, key, stream, found.size)
    order = "F" if found.fortran else "C"
    try:
        return np.frombuffer(data, found.dtype).reshape(found.shape, order=order)
    except ValueError as cause:  # more dimensions than numpy has, or a side longer than it counts
        raise ValueError(f"{path}: {key} cannot have the shape {found.shape}: {cause}") from None


def _read(path: Path, key: str, stream: BinaryIO, size: int) -> bytearray:
    """Exactly ``size`` bytes; memory grows with what is there, not with what was claimed."""
    data = bytearray()
    with reading(path):
        while len(data) < size:
            part = stream.read(min(BLOCK, size - len(data)))
            if not part:
                raise EOFError(f"{key} has {len(data)} of the {size} bytes that it claims")
            data += part
    return data


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Whatever a damaged file raises becomes one ValueError that names the file."""
    try:
        yield
    except FAILURES as cause:
        raise ValueError(f"{path} is damaged or cut short: {cause}") from cause
