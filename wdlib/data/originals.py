"""Original dataset files: where they are, how they are fetched, and what can be wrong with them.

A user's file may be cut short, renamed or of another dataset. Every check here ends in one sentence
that names the file and the cause. Nothing is ever unpickled.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FOLDER = "WDLIB_DATA"  # environment variable: a folder that may hold the original files
SIGNATURES = {
    ".npz": ("an npz archive", b"PK\x03\x04"),
    ".hdf5": ("an HDF5 file", b"\x89HDF\r\n\x1a\n"),
    ".h5": ("an HDF5 file", b"\x89HDF\r\n\x1a\n"),
}


@dataclass(frozen=True)
class Original:
    """A dataset's published file.

    Args:
        files: the names it is published under, preferred first.
        url, md5: of the first of them, for ``fetch``.
    """

    files: tuple[str, ...]
    url: str
    md5: str

    def find(self, path: str | os.PathLike | None = None) -> Path | None:
        """The file at ``path`` or in the folder ``path``; without one, in the folder WDLIB_DATA.

        None where neither is given, or WDLIB_DATA holds no such file. Raises FileNotFoundError for
        a path that does not exist, and for a folder ``path`` without the file.
        """
        asked = path if path is not None else os.environ.get(FOLDER)
        if not asked:
            return None
        place = Path(asked).expanduser()
        if not place.exists():
            source = f" (from {FOLDER})" if path is None else ""
            raise FileNotFoundError(f"there is no file or folder {place}{source}")
        if not place.is_dir():
            return place
        for name in self.files:
            if (place / name).is_file():
                return place / name
        if path is None:
            return None
        raise FileNotFoundError(f"folder {place} holds no {' and no '.join(self.files)}")

    def fetch(self, root: str | os.PathLike | None = None) -> Path:
        """Download the file once into ``root`` (default: the user's cache) and check its MD5.

        Raises ValueError where the checksum differs, ConnectionError where nothing arrives. Either
        way a file that was there before stays as it was.
        """
        import pooch

        name = self.files[0]
        try:
            fetched = pooch.retrieve(self.url, f"md5:{self.md5}", name, cache_folder(root))
        except ValueError as cause:
            raise ValueError(f"{name} was downloaded, but its MD5 is not {self.md5}") from cause
        except OSError as cause:  # what the network raises, too
            raise ConnectionError(f"{name} could not be downloaded from {self.url}") from cause
        return Path(fetched)


def cache_folder(root: str | os.PathLike | None = None) -> Path:
    """``root``, or the user's cache folder for wdlib."""
    import pooch

    return Path(root).expanduser() if root is not None else Path(pooch.os_cache("wdlib"))


def check_signature(path: Path) -> None:
    """Raises ValueError unless the file begins as its suffix promises."""
    if path.suffix not in SIGNATURES:
        raise ValueError(f"{path} should end in {', '.join(SIGNATURES)}, not {path.suffix!r}")
    promised, signature = SIGNATURES[path.suffix]
    with path.open("rb") as file:
        begins = file.read(8)
    if begins.startswith(signature):
        return
    for found, other in SIGNATURES.values():
        if begins.startswith(other):
            raise ValueError(f"{path} is {found}, not {promised} as its name says")
    raise ValueError(f"{path} is not {promised}: it begins with {begins!r}")


def check_array(path: Path, key: str, array, shape: tuple[int, ...], kind: type) -> None:
    """Raises ValueError unless ``array`` has this shape, and a dtype of this numpy kind."""
    if tuple(array.shape) != shape or not np.issubdtype(array.dtype, kind):
        raise ValueError(
            f"{path}: {key} should have shape {shape} and dtype {kind.__name__}, "
            f"but has shape {tuple(array.shape)} and dtype {array.dtype}"
        )
