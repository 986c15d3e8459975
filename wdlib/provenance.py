"""Which code and which libraries a result comes from; every result file carries it."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


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
