"""Files that appear whole or not at all: whoever dies while writing leaves the earlier one."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

PART = re.compile(r".+\.[0-9a-f]{32}\.part")  # a file that is being written
STALE = 3600  # seconds: a part that was left alone for so long belongs to a writer that died


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write in; it takes the place of ``path`` when the block ends without an error.

    It is on the disk by then, and two writers at once do not mix: the later one stays. Raises
    OSError, naming file and cause, where the disk takes no more; what was there before is kept.
    """
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")
    try:
        with open(part, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        if error.filename is not None:
            raise
        why = error.strerror or error
        raise OSError(
            f"{path} could not be written: {why}; what was there before is kept"
        ) from error
    finally:
        part.unlink(missing_ok=True)
    sweep(path)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """The block of one writer at a time; a second one that wants ``folder`` waits.

    Whoever dies lets go of it. Where the system has no such lock (Windows, some network disks), the
    block runs all the same.
    """
    try:
        from fcntl import LOCK_EX, flock
    except ImportError:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            flock(handle, LOCK_EX)
        yield
    finally:
        os.close(handle)


def sweep(path: Path) -> None:
    """Remove what killed writers left beside ``path``: parts that are much older than it is."""
    for part in path.parent.glob("*.part"):
        try:
            if PART.fullmatch(part.name) and path.stat().st_mtime - part.stat().st_mtime > STALE:
                part.unlink()
        except FileNotFoundError:  # somebody else removed it, or replaces the file just now
            pass
