"""The training room: the paper's method, what Modular adds, schedules, and the one loop."""

# ruff: noqa: F401
from wdlib.training.loop import FitRequest
from wdlib.training.progress import Bar, Lines, Progress, Silence, suited
from wdlib.training.schedule import (
    COURSE,
    FEW,
    PAPER,
    Finish,
    Labels,
    Phase,
    Preset,
    Rates,
    Relations,
    Views,
    preset,
)
from wdlib.training.trainer import Trainer
