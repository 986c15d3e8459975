"""What each notebook took, memory and seconds: a plugin of pytest, beside nbval.

`make notebooks` runs the notebooks and prints the table. A notebook whose kernel takes more than
LIMIT fails the run: Binder promises 1 GB. Linux keeps the figure, the peak of the resident set
(VmHWM in proc(5)), for as long as the process lives, so it is read just before nbval stops the
kernel.

Seconds are from the start of the kernel to the last cell. They depend on the machine and on what
else it does, so they are only printed; where WDLIB_SECONDS is set, a longer notebook fails.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest
from nbval.plugin import IPyNbFile

LIMIT = 1000  # MB, of 10**6 bytes


class Memory:
    """Peaks by notebook, in MB; None where the kernel had died, or the system does not tell.

    seconds: the most that a notebook may take; by default what WDLIB_SECONDS says, or any number.
    """

    def __init__(self, limit: float = LIMIT, seconds: float | None = None):
        self.limit = limit
        self.most = float(os.environ.get("WDLIB_SECONDS") or "inf") if seconds is None else seconds
        self.peaks: dict[str, float | None] = {}
        self.seconds: dict[str, float] = {}
        self.started: dict[str, float] = {}

    @property
    def too_large(self) -> list[str]:
        return [name for name, peak in self.peaks.items() if peak and peak > self.limit]

    @property
    def too_slow(self) -> list[str]:
        return [name for name, taken in self.seconds.items() if taken > self.most]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item):
        if isinstance(item.parent, IPyNbFile):  # before nbval starts the kernel
            self.started.setdefault(item.parent.path.stem, time.perf_counter())

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item, nextitem):
        notebook = item.parent
        last = nextitem is None or nextitem.parent is not notebook
        if isinstance(notebook, IPyNbFile) and last and notebook.kernel is not None:
            name = notebook.path.stem
            self.seconds[name] = time.perf_counter() - self.started[name]
            self.peaks[name] = peak(getattr(notebook.kernel.km.provisioner, "pid", None))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session, exitstatus):
        if exitstatus == 0 and (self.too_large or self.too_slow):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        if not self.peaks:
            return
        most = "" if self.most == float("inf") else f" (at most {self.most:g})"
        terminalreporter.section(
            f"peak memory of kernels, MB (at most {self.limit:g}), and seconds{most}"
        )
        for name, taken in self.peaks.items():
            told = "unknown" if taken is None else f"{taken:.0f}"
            more = [
                *["more memory than the limit"] * (name in self.too_large),
                *["more seconds than the limit"] * (name in self.too_slow),
            ]
            line = f"{name:24s}{told:>8s}{self.seconds[name]:8.0f}  {', '.join(more)}"
            terminalreporter.line(line.rstrip())


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
