"""Reads arrays from npy, npz and HDF5 files: never unpickled, and refused in one clear sentence.

These files are the user's own. What goes wrong is ordinary: a download broke off, a file has the
wrong name, another program has it open. Large arrays are read in blocks of rows, or by index.
"""

from __future__ import annotations

import errno
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

NUMBERS = "biuf"  # the kinds of numpy that are numbers
HDF5 = ("an HDF5 file", b"\x89HDF\r\n\x1a\n")
KINDS = {  # suffix -> the kind of file, and the bytes that it begins with
    ".npy": ("an npy file", b"\x93NUMPY"),
    ".npz": ("an npz archive", b"PK\x03\x04"),
    ".hdf5": HDF5,
    ".h5": HDF5,
}
ADVICE = {  # what keeps a file from being read although it may be sound
    errno.EAGAIN: "is locked: another program is writing it; close it there and try again",
    errno.EMFILE: "could not be opened: this process has too many open files; close some of them, "
    "or raise the limit (ulimit -n)",
    errno.EISDIR: "is a folder; give the path of a file in it",
}


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn any error of a library that reads ``path`` into one sentence with file and cause.

    Raises OSError where the cause lies outside the file (see ADVICE), ValueError for a damaged
    file. An error that already names the file stays as it is.
    """
    try:
        yield
    except MemoryError:
        raise
    except Exception as cause:
        number = getattr(cause, "errno", None)
        if number in ADVICE:
            raise OSError(f"{path} {ADVICE[number]}") from cause
        if getattr(cause, "filename", None) or str(cause).startswith(str(path)):
            raise
        why = " ".join(str(cause).split())[:200]
        raise ValueError(
            f"{path} is damaged or cut short: {why}; replace it by a complete copy"
        ) from cause


def check_signature(path: Path, suffix: str) -> None:
    """Raises ValueError unless the file begins as files with this suffix do."""
    with reading(path), path.open("rb") as file:
        begins = file.read(8)
    wanted, signature = KINDS[suffix]
    if begins.startswith(signature):
        return
    for kind, other in KINDS.values():
        if begins.startswith(other):
            raise ValueError(f"{path} is {kind}, but {wanted} is expected here")
    raise ValueError(f"{path} is not {wanted}: it begins with {begins!r}")


def read_npy(path: Path) -> np.ndarray:
    """The array of numbers in an npy file.

    Raises OSError where the file cannot be opened; ValueError for another kind of file, a damaged
    one, or an array of anything but numbers.
    """
    check_signature(path, ".npy")
    with reading(path):
        with path.open("rb") as stream:
            _header(path, "the array", stream, path.stat().st_size)
        return np.load(path, allow_pickle=False)


def read_npz(path: Path, keys: Sequence[str], kinds: str = NUMBERS) -> list[np.ndarray]:
    """The arrays ``keys`` of an npz file, with such dtypes. Raises as ``read_npy`` does."""
    arrays = []
    for key in keys:
        with _member(path, key, kinds) as (archive, _, _):
            arrays.append(archive[key])
    return arrays


def read_blocks(
    path: Path, key: str, shape: tuple[int, ...], kind: type, count: int
) -> Iterator[np.ndarray]:
    """The array called ``key`` of an npz or HDF5 file, ``count`` rows at a time.

    Raises ValueError for an array of another shape, or with a dtype of another numpy kind.
    """
    starts = range(0, shape[0], count)
    if path.suffix != ".npz":
        with h5_array(path, key, shape, kind) as array:
            yield from (array[start : start + count] for start in starts)
        return
    with _member(path, key) as (_, (found, by_column, dtype), stream):
        _check(path, key, found, dtype, shape, kind)
        if by_column:
            raise ValueError(f"{path}: {key} is stored column by column, not row by row")
        for start in starts:
            rows = min(count, shape[0] - start), *shape[1:]
            yield np.frombuffer(stream.read(math.prod(rows) * dtype.itemsize), dtype).reshape(rows)


@contextmanager
def h5_array(path: Path, key: str, shape: tuple[int, ...], kind: type):
    """The array called ``key`` of an open HDF5 file, an h5py dataset: indexing it reads rows.

    Raises OSError where the file cannot be opened; ValueError as ``read_blocks`` does, and where
    the file is damaged or lacks the key.
    """
    import h5py

    with reading(path), h5py.File(path, "r") as file:
        array = file.get(key)
        _check_holds(path, key, file, isinstance(array, h5py.Dataset))
        _check(path, key, array.shape, array.dtype, shape, kind)
        yield array


@contextmanager
def _member(path: Path, key: str, kinds: str = NUMBERS):
    """An open npz, the header of one of its arrays, and a stream at the array's data."""
    check_signature(path, ".npz")
    with reading(path), np.load(path, allow_pickle=False) as archive:
        _check_holds(path, key, archive, key in archive)
        name = key if key in archive.zip.namelist() else f"{key}.npy"
        with archive.zip.open(name) as stream:
            size = archive.zip.getinfo(name).file_size
            yield archive, _header(path, key, stream, size, kinds), stream


def _header(path: Path, key: str, stream, size: int, kinds: str = NUMBERS) -> tuple:
    """Shape, whether it is stored by column, and dtype of the npy in a stream of ``size`` bytes."""
    if (version := np.lib.format.read_magic(stream)) != (1, 0):  # the others are for records
        raise ValueError(f"{path}: {key} has npy format {version}, but numbers have format (1, 0)")
    shape, by_column, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.kind not in kinds:
        raise ValueError(f"{path}: {key} holds {dtype}, but only numbers are read")
    if (claimed := math.prod(shape) * dtype.itemsize) > size:
        raise ValueError(f"{path}: {key} claims {claimed} bytes, but the file holds {size}")
    return shape, by_column, dtype


def _check_holds(path: Path, key: str, names, holds: bool) -> None:
    if not holds:
        raise ValueError(f"{path} lacks the array {key!r}; it holds {', '.join(sorted(names))}")


def _check(path: Path, key: str, shape, dtype, wanted: tuple[int, ...], kind: type) -> None:
    if tuple(shape) != wanted or not np.issubdtype(dtype, kind):
        raise ValueError(
            f"{path}: {key} should have shape {wanted} and dtype {kind.__name__}, "
            f"but has shape {tuple(shape)} and dtype {dtype}"
        )
