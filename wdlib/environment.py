"""What a bug report needs to say of the place where wdlib ran: no names of people or folders."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, requires

from wdlib.provenance import installed, provenance


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
