"""The first line of a record: which code was measured, where and when."""

import os
import platform
import sys
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # versions.py runs where nothing is installed

from wdlib.files import commit  # noqa: E402


def heading(seed: int | None = None) -> str:
    """Commit, Python, machine and date, and the seed where there is one."""
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    said = [f"commit {commit() or 'unknown'}", f"Python {platform.python_version()}", machine]
    said.append(date.today().isoformat())
    return ", ".join(said + ([] if seed is None else [f"seed {seed}"]))
