"""Files, as every room uses them: atomic writes, JSON records, provenance and environment."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import fields, is_dataclass, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import BinaryIO

import numpy as np

PART = re.compile(r".+\.[0-9a-f]{32}\.part")  # a file that is being written
STALE = 3600  # seconds: the writer of a part that nobody touched for so long has died


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """Open a file to write in; it takes the place of ``path`` when the block ends without an error.

    Of two writers at the same time, the later file stays. Behind a link, the file is replaced, and
    keeps its mode. A pipe or a device is written to directly. Raises OSError, naming file and
    cause, where the disk is full; an earlier file is kept.
    """
    if path.exists() and not path.is_file():
        with _naming(path), open(path, "wb") as file:
            yield file
        return
    target = Path(os.path.realpath(path))
    part = target.with_name(f"{target.name}.{uuid.uuid4().hex}.part")
    try:
        with _naming(path):
            with open(part, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                shutil.copymode(target, part)
            os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    sweep(target)


def write_text(path: Path, text: str) -> None:
    """Write a file as a whole or not at all, in a folder that is made if there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as file:
        file.write(text.encode())


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        why = error.strerror or error
        raise OSError(f"{path} could not be written: {why}; an earlier file is kept") from error


def sweep(path: Path) -> None:
    """Remove parts beside ``path`` that are much older: their writers have died."""
    for part in path.parent.glob("*.part"):
        with suppress(FileNotFoundError):  # another process was faster
            if PART.fullmatch(part.name) and path.stat().st_mtime - part.stat().st_mtime > STALE:
                part.unlink()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """A block that one process at a time may run for ``folder``; the others wait.

    Where the system has no such lock (Windows, some network disks), the block runs all the same.
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


def read_record(path: Path) -> dict:
    """The JSON object in a file. Raises FileNotFoundError where there is no file; ValueError,
    naming file and cause, where it holds something else than a JSON object."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no record of wdlib: {error}") from None
    if not isinstance(record, dict):
        raise ValueError(f"{path} is no record of wdlib: it holds no JSON object")
    return record


def recipe_of(settings) -> str:
    """A digest (12 letters) of a dataclass of settings: values of JSON, and further dataclasses.

    A setting that is off (0, False, None, empty) counts as absent, so that a new field which is off
    changes no digest. Raises TypeError for other values.
    """
    text = json.dumps(_what_is_on(recordable(settings)), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _what_is_on(value):
    if is_dataclass(value):
        return {"": type(value).__name__} | _what_is_on(vars(value))
    if isinstance(value, Mapping):
        return {k: _what_is_on(v) for k, v in value.items() if v}
    return [_what_is_on(v) for v in value] if isinstance(value, tuple | list) else value


def recordable(value):
    """The same value with Python's numbers in place of numpy's, as JSON needs them.

    Dataclasses, mappings, tuples and lists are made anew, with everything inside. Raises TypeError
    for what JSON cannot hold.
    """
    if is_dataclass(value):
        return replace(value, **{f.name: recordable(getattr(value, f.name)) for f in fields(value)})
    if isinstance(value, Mapping):
        return {recordable(k): recordable(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return (list if isinstance(value, list) else tuple)(map(recordable, value))
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise TypeError(f"a record cannot hold {value!r:.80}: use numbers, text, lists or dataclasses")


def provenance() -> dict[str, str]:
    """Commit, versions and kind of machine of this process; "" for what is not known."""
    found = {"commit": commit(), "python": platform.python_version()}
    found |= {name: installed(name) for name in ("wdlib", "torch", "numpy", "scikit-learn")}
    return found | {"machine": f"{platform.system()} {platform.machine()}"}


def installed(name: str) -> str:
    """The version of an installed package, "" where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


@cache
def commit() -> str:
    """The commit of this code, with "-dirty" where files were changed since; "" where unknown."""

    def git(*command: str) -> str:
        where = ["git", "-C", str(Path(__file__).parent)]
        quiet = {"stderr": subprocess.DEVNULL, "text": True}
        return subprocess.check_output([*where, *command], **quiet).strip()

    try:  # an installed package may lie inside another repository
        git("ls-files", "--error-unmatch", Path(__file__).name)
        return git("describe", "--always", "--dirty", "--exclude=*")
    except (OSError, subprocess.CalledProcessError):
        return ""


class Environment(dict):
    """Name -> what was found, as text; prints one per line."""

    def __repr__(self) -> str:
        wide = max(map(len, self), default=0)
        return "\n".join(f"{name:{wide}s}  {text}" for name, text in self.items())


def report_environment() -> Environment:
    """Versions, commit (empty outside a checkout), system, cores, memory, threads and device of
    this process; of each package that wdlib depends on, the version or "not installed"."""
    import torch
    from joblib import cpu_count

    found = provenance()
    found["machine"] = platform.platform()
    found["cores"] = f"{cpu_count()} of {os.cpu_count()}"
    with suppress(AttributeError, OSError, ValueError):  # some systems have no such figure
        size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        found["memory"] = f"{size / 2**30:.1f} GB"
    threads = os.environ.get("OMP_NUM_THREADS", "not set")
    found["threads"] = f"{torch.get_num_threads()} of torch, OMP_NUM_THREADS {threads}"
    found["device"] = "cpu"
    if torch.cuda.is_available():
        found["device"] = f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}"
    with suppress(PackageNotFoundError):
        for line in sorted(requires("wdlib") or []):
            name = re.match(r"[\w.-]+", line)[0].lower()
            found[name] = installed(name) or "not installed"
    return Environment(found)
