"""Original dataset files: where they are, how they are fetched, and what can be wrong with them.

A user's file may be cut short, renamed or of another dataset. Every check here ends in one sentence
that names the file and the cause. A download comes over https or not at all, and is kept only
where its checksum is the published file's.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urljoin, urlsplit

import numpy as np

from wdlib.files import whole

FOLDER = "WDLIB_DATA"  # environment variable: a folder that may hold the original files
WAITS = (1, 4, None)  # seconds after each failed try of a download; None gives up
SILENCE = 30  # seconds without a byte after which a try has failed
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
        url, md5: of the first of them, for ``fetch``. The publishers give no checksum: ours are
            those that other projects have pinned (disent, among others).
    """

    files: tuple[str, ...]
    url: str
    md5: str

    def find(self, path: str | os.PathLike | None = None) -> Path | None:
        """The file at ``path`` or in the folder ``path``; without one, in the folder WDLIB_DATA.

        None where neither is given, or WDLIB_DATA holds no such file. Raises FileNotFoundError for
        a path that does not exist, and for a folder ``path`` without the file; ValueError for what
        is neither file nor folder.
        """
        asked = path if path is not None else os.environ.get(FOLDER)
        if not asked:
            return None
        place = Path(asked).expanduser()
        if not place.exists():
            source = f" (from {FOLDER})" if path is None else ""
            raise FileNotFoundError(f"there is no file or folder {place}{source}")
        if place.is_file():
            return place
        if not place.is_dir():  # opening a pipe or a device can wait for ever
            raise ValueError(f"{place} is neither a file nor a folder")
        for name in self.files:
            if (place / name).is_file():
                return place / name
        if path is None:
            return None
        raise FileNotFoundError(f"folder {place} holds no {' and no '.join(self.files)}")

    def fetch(self, root: str | os.PathLike | None = None) -> Path:
        """Download the file once into ``root`` (default: the user's cache) and check its MD5.

        Raises ValueError for an address that is not https and where the checksum differs,
        ConnectionError where nothing arrives, tried ``len(WAITS)`` times, and OSError where the
        disk takes no more. The file appears whole or not at all, and one that was there before
        stays as it was.
        """
        import pooch

        name = self.files[0]
        path = cache_folder(root) / name
        if urlsplit(self.url).scheme != "https":
            raise ValueError(f"{name} is only downloaded over https, not from {self.url}")
        if path.is_file() and pooch.file_hash(str(path), alg="md5") == self.md5:
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        pooch.get_logger().info(f"Downloading {name} from {self.url} to {path.parent}.")
        for wait in WAITS:
            try:
                with whole(path) as file:
                    self._download(file)
                break
            except OSError as cause:
                why = cause.__cause__ or cause
                if why.errno is not None:  # the disk's; what the network raises has no number
                    raise
                if wait is None:
                    raise ConnectionError(
                        f"{name} could not be downloaded from {self.url}: {why}"
                    ) from why
                time.sleep(wait)
        return path

    def _download(self, file: BinaryIO) -> None:
        """One try, into an open file; ValueError where the checksum differs."""
        import pooch

        download = pooch.HTTPDownloader(
            chunk_size=1 << 16, timeout=SILENCE, hooks={"response": _stay_on_https}
        )
        download(self.url, file, None)
        file.flush()
        if pooch.file_hash(file.name, alg="md5") != self.md5:
            raise ValueError(f"{self.files[0]} was downloaded, but its MD5 is not {self.md5}")


def _stay_on_https(response, **_) -> None:
    """A redirect may lead anywhere, but not off https."""
    target = urljoin(response.url, response.headers.get("location", ""))
    if urlsplit(target).scheme != "https":
        raise ConnectionError(f"it redirects to {target}, which is not https")


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
