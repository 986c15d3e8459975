"""What training shows while it runs: a bar in a notebook, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Protocol, TextIO


class Progress(Protocol):
    """Called every ``every`` steps: step reached, steps in all, phase, losses, images/s or None.

    A grid calls it after every cell, with the number of cells.
    """

    every: int

    def __call__(
        self, step: int, total: int, phase: str, losses: dict[str, float], rate: float | None
    ) -> None: ...


def _losses(losses: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.3f}" for name, value in losses.items())


def _speed(rate: float | None) -> str:
    return "" if rate is None else f"{rate:7.0f} images/s"


class Lines:
    """One line every ``every`` steps, to standard error."""

    def __init__(self, every: int = 200, stream: TextIO | None = None, unit: str = "step"):
        self.every, self.stream, self.unit = every, stream, unit
        self.start = time.monotonic()

    def __call__(self, step, total, phase, losses, rate):
        print(
            f"{time.monotonic() - self.start:6.0f} s  {self.unit} {step}/{total}  {phase:8s} "
            f"{_speed(rate)}  {_losses(losses)}".rstrip(),
            file=self.stream or sys.stderr,
            flush=True,
        )


class Bar:
    """A tqdm bar: a widget in a notebook, one line in a terminal."""

    def __init__(self, every: int = 50, unit: str = "step"):
        self.every, self.unit, self.bar = every, unit, None

    def __call__(self, step, total, phase, losses, rate):
        from tqdm.auto import tqdm

        if self.bar is None:
            self.bar = tqdm(total=total, initial=max(step - self.every, 0), unit=self.unit)
        self.bar.set_description(phase)
        self.bar.set_postfix_str(f"{_losses(losses)} {_speed(rate)}")
        self.bar.update(step - self.bar.n)
        if step == total:
            self.bar.close()


class Silence:
    """Shows nothing; the history is still kept."""

    every = 100

    def __call__(self, step, total, phase, losses, rate):
        pass


def suited(**settings) -> Progress:
    """A bar in a Jupyter kernel, lines elsewhere; ``settings`` are ``every`` and ``unit``."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return Bar(**settings) if hasattr(shell, "kernel") else Lines(**settings)
