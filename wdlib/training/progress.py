"""What training says while it runs: a bar in a notebook, plain lines elsewhere.

The losses stay on the device until they are said, so saying them is the only time the host waits.
"""

from __future__ import annotations

import sys
import time
from typing import Protocol, TextIO


class Progress(Protocol):
    """Told every ``every`` steps: step reached, steps in all, phase, losses, images/s."""

    every: int

    def __call__(
        self, step: int, total: int, phase: str, losses: dict[str, float], rate: float
    ) -> None: ...


def _said(losses: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.3f}" for name, value in losses.items())


class Lines:
    """One line every ``every`` steps, to standard error."""

    def __init__(self, every: int = 200, stream: TextIO | None = None):
        self.every, self.stream, self.start = every, stream, time.monotonic()

    def __call__(self, step, total, phase, losses, rate):
        print(
            f"{time.monotonic() - self.start:6.0f} s  step {step}/{total}  {phase:8s} "
            f"{rate:7.0f} images/s  {_said(losses)}",
            file=self.stream or sys.stderr,
            flush=True,
        )


class Bar:
    """A tqdm bar: a widget in a notebook, one line in a terminal."""

    def __init__(self, every: int = 50):
        self.every, self.bar = every, None

    def __call__(self, step, total, phase, losses, rate):
        from tqdm.auto import tqdm

        if self.bar is None:
            self.bar = tqdm(total=total, initial=max(step - self.every, 0), unit="step")
        self.bar.set_description(phase)
        self.bar.set_postfix_str(f"{_said(losses)}  {rate:.0f} images/s")
        self.bar.update(step - self.bar.n)
        if step == total:
            self.bar.close()


class Silence:
    """Says nothing; the history is still kept."""

    every = 100

    def __call__(self, step, total, phase, losses, rate):
        pass


def suited() -> Progress:
    """A bar where there is a Jupyter kernel, lines elsewhere."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return Bar() if hasattr(shell, "kernel") else Lines()
