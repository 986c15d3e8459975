"""Files: whole or not at all. Atomic writes, JSON records, provenance and environment."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import fields, is_dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version
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


LARGEST = 1 << 23  # bytes; the longest training of PAPER leaves a quarter of it
MOST = 200_000  # lists and objects in it; an empty one takes thirty times its two signs


def read_record(path: Path) -> dict:
    """The JSON object that the file holds.

    Raises FileNotFoundError where there is none; ValueError, naming file and cause, for what is no
    JSON, is nested deeper than Python counts, is no object, or is larger than LARGEST or MOST.
    """
    size = path.stat().st_size
    if size > LARGEST:
        raise ValueError(f"{path} is no record of wdlib: it has {size} bytes")
    try:
        text = path.read_text(encoding="utf-8")
        if (count := text.count("[") + text.count("{")) > MOST:
            raise ValueError(f"it holds {count} lists and objects")
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no record of wdlib: {error}") from None
    if not isinstance(record, dict):
        raise ValueError(f"{path} is no record of wdlib: it holds no JSON object")
    return record


def provenance() -> dict[str, str]:
    """Commit, versions and kind of machine of this process. A name with "" is not known here."""
    found = {"commit": commit(), "python": platform.python_version()}
    found |= {name: installed(name) for name in ("wdlib", "torch", "numpy", "scikit-learn")}
    return found | {"machine": f"{platform.system()} {platform.machine()}"}


def installed(name: str) -> str:
    """The version of an installed package, "" where there is none."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


@cache
def commit() -> str:
    """The commit that this code stands at, with "-dirty" where it was changed since; "" unknown."""
    git = ["git", "-C", str(Path(__file__).parent)]

    def said(*command: str) -> str:
        quiet = {"stderr": subprocess.DEVNULL, "text": True}
        return subprocess.check_output([*git, *command], **quiet).strip()

    try:
        # The repository around an installed package is not the package's.
        said("ls-files", "--error-unmatch", Path(__file__).name)
        return said("describe", "--always", "--dirty", "--exclude=*")
    except (OSError, subprocess.CalledProcessError):
        return ""


class Environment(dict):
    """Name -> what was found, as text; prints one line each."""

    def __repr__(self) -> str:
        wide = max(map(len, self), default=0)
        return "\n".join(f"{name:{wide}s}  {said}" for name, said in self.items())


def report_environment() -> Environment:
    """Versions, commit, system, cores, memory, threads and device of this process.

    The packages are those that wdlib depends on, each with its version or "not installed". An
    empty commit means that wdlib does not run from a checkout.
    """
    import torch

    found = provenance()
    found["machine"] = platform.platform()
    found["cores"] = f"{_cores()} of {os.cpu_count()}"
    found["memory"] = _memory()
    threads = os.environ.get("OMP_NUM_THREADS")
    found["threads"] = f"{torch.get_num_threads()} of torch, OMP_NUM_THREADS {threads or 'not set'}"
    found["device"] = "cpu"
    if torch.cuda.is_available():
        found["device"] = f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}"
    for name in _dependencies():
        found[name] = installed(name) or "not installed"
    return Environment(found)


def _dependencies() -> list[str]:
    """What wdlib's own metadata asks for, the optional packages included."""
    try:
        wanted = requires("wdlib") or []
    except PackageNotFoundError:
        return []
    return sorted({re.match(r"[\w.-]+", line)[0].lower() for line in wanted})


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.1f} GB"
    except (AttributeError, OSError, ValueError):  # not every system says
        return ""


def recipe_of(settings) -> str:
    """The digest of a configuration: a dataclass, of values that JSON holds and of dataclasses.

    What is off (0, False, None, empty) counts as absent, so that a new field which is off changes
    no digest. Raises TypeError for other values.
    """
    text = json.dumps(_plain(settings), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _plain(value):
    if is_dataclass(value):
        own = {field.name: getattr(value, field.name) for field in fields(value)}
        return {"": type(value).__name__} | {k: _plain(v) for k, v in own.items() if v}
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items() if v}
    return [_plain(v) for v in value] if isinstance(value, tuple | list) else value
