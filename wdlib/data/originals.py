"""The datasets' published files: where they are, how they are downloaded, what they must hold.

A download runs over https only, and is kept only if its checksum is that of the published file.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import file_digest
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import numpy as np

from wdlib.data.arrays import KINDS, check_signature, read_blocks
from wdlib.factors import FactorSpace

FOLDER = "WDLIB_DATA"  # environment variable: a folder that may hold the original files
SILENCE = 30  # seconds without a byte after which an attempt to download has failed


@dataclass(frozen=True)
class Original:
    """The published file of a dataset: its names, the preferred one first; ``url`` and ``md5`` are
    those of the first. The publishers give no checksum; other projects use these (disent, ...)."""

    files: tuple[str, ...]
    url: str
    md5: str

    def find(self, path: str | os.PathLike | None = None) -> Path | None:
        """The file at ``path``, or in the folder ``path`` (default: the folder in WDLIB_DATA).

        Returns None without a path where WDLIB_DATA is not set or holds no such file. Raises
        FileNotFoundError where ``path`` does not exist or is a folder without the file, ValueError
        where it is neither file nor folder.
        """
        given = path if path is not None else os.environ.get(FOLDER)
        if not given:
            return None
        place = Path(given).expanduser()
        if not place.exists():
            source = f" (from {FOLDER})" if path is None else ""
            raise FileNotFoundError(f"there is no file or folder {place}{source}")
        if not (place.is_file() or place.is_dir()):  # to open a pipe could take forever
            raise ValueError(f"{place} is neither a file nor a folder")
        for one in [place, *(place / name for name in self.files)]:
            if one.is_file():
                return one
        if path is None:
            return None
        raise FileNotFoundError(f"folder {place} holds no {' and no '.join(self.files)}")

    def fetch(self, root: str | os.PathLike | None = None) -> Path:
        """Download the file once into ``root`` (default: the user's cache) and check its MD5.

        Raises ValueError for an address without https and for a wrong checksum, ConnectionError
        where nothing arrives in three attempts, OSError where the disk is full.
        """
        import pooch

        name = self.files[0]
        if urlsplit(self.url).scheme != "https":
            raise ValueError(f"{name} is only downloaded over https, not from {self.url}")
        what = {"registry": {name: f"md5:{self.md5}"}, "urls": {name: self.url}}
        store = pooch.create(cache_folder(root), "", **what, retry_if_failed=2)
        get = pooch.HTTPDownloader(timeout=SILENCE, hooks={"response": _stay_on_https})
        try:
            return Path(store.fetch(name, downloader=get))
        except OSError as error:
            if error.errno is not None:  # the disk's error; those of the network have no number
                raise
            said = f"{name} could not be downloaded from {self.url}: {error}"
            raise ConnectionError(said) from error


def _stay_on_https(response, **_) -> None:
    """Raises ConnectionError for a redirect to an address without https."""
    target = urljoin(response.url, response.headers.get("location", ""))
    if urlsplit(target).scheme != "https":
        raise ConnectionError(f"it redirects to {target}, which is not https")


def cache_folder(root: str | os.PathLike | None = None) -> Path:
    """``root``, or the user's cache folder for wdlib."""
    import pooch

    return Path(root).expanduser() if root is not None else Path(pooch.os_cache("wdlib"))


def content_of(path: Path) -> str:
    """Sixteen letters that identify what the file at ``path`` holds, wherever it lies.

    They begin its SHA-256. A process reads a file once, and again when it has changed.
    """
    stat = path.stat()
    return _digest(path, stat.st_ino, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=16)
def _digest(path: Path, *_: int) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()[:16]


def check_kind(path: Path) -> None:
    """Raises ValueError unless the file has a known suffix and begins as this suffix promises."""
    known = [suffix for suffix in KINDS if suffix != ".npy"]
    if path.suffix not in known:
        raise ValueError(f"{path} should end in {', '.join(known)}, not {path.suffix!r}")
    check_signature(path, path.suffix)


def check_order(path: Path, key: str, space: FactorSpace, values: Sequence, kind: type) -> None:
    """Raises ValueError where the file counts its images in another order than ``space`` does.

    values: for each factor, what row i of the array ``key`` holds for each of its classes.
    """
    start = 0
    for block in read_blocks(path, key, (len(space), len(values)), kind, 1 << 16):
        classes = space.classes(np.arange(start, start + len(block)))
        expected = np.stack([np.array(v)[c] for v, c in zip(values, classes.T)], axis=1)
        if not np.allclose(block, expected, atol=1e-3):
            raise ValueError(f"{path}: {key} is not in the published order of images")
        start += len(block)
