"""How much memory the kernel of each notebook took at most: a plugin of pytest, beside nbval.

`make memory` runs the notebooks and prints the table. A notebook that takes more than LIMIT fails
the run: Binder promises 1 GB. Linux keeps the figure, the peak of the resident set (VmHWM in
proc(5)), for as long as the process lives, so it is read just before nbval stops the kernel.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from nbval.plugin import IPyNbFile

LIMIT = 1000  # MB, of 10**6 bytes


class Memory:
    """Peaks by notebook, in MB; None where the kernel had died, or the system does not tell."""

    def __init__(self, limit: float = LIMIT):
        self.limit = limit
        self.peaks: dict[str, float | None] = {}

    @property
    def too_large(self) -> list[str]:
        return [name for name, peak in self.peaks.items() if peak and peak > self.limit]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item, nextitem):
        notebook = item.parent
        last = nextitem is None or nextitem.parent is not notebook
        if isinstance(notebook, IPyNbFile) and last and notebook.kernel is not None:
            pid = getattr(notebook.kernel.km.provisioner, "pid", None)
            self.peaks[notebook.path.stem] = peak(pid)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session, exitstatus):
        if exitstatus == 0 and self.too_large:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        if not self.peaks:
            return
        terminalreporter.section(f"peak memory of kernels, MB (at most {self.limit:g})")
        for name, taken in self.peaks.items():
            told = "unknown" if taken is None else f"{taken:.0f}"
            more = "  more than the limit" if name in self.too_large else ""
            terminalreporter.line(f"{name:24s}{told:>8s}{more}")


def peak(pid: int | None) -> float | None:
    """The most memory that a living process has held, in MB; None where nobody can say."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, flags=re.MULTILINE)
    return int(found[1]) * 1024 / 1e6 if found else None


def pytest_configure(config):
    config.pluginmanager.register(Memory(), "memory of kernels")
