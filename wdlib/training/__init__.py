"""The training room: losses, the two stages, presets, checkpoints and the one trainer."""

from wdlib.training.phases import Phase, Preset
from wdlib.training.presets import COURSE, FEW, PAPER, preset
from wdlib.training.progress import Bar, Lines, Silence, suited
from wdlib.training.trainer import Trainer

__all__ = [
    "COURSE",
    "FEW",
    "PAPER",
    "Bar",
    "Lines",
    "Phase",
    "Preset",
    "Silence",
    "Trainer",
    "preset",
    "suited",
]
