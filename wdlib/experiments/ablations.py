"""Ablations: the preset COURSE without one part, and the paper's losses with a label loss.

A variant is a title and a change of the task's preset, so the one trainer runs them all. Each
variant takes as many steps as Modular does on the task, shared out among its phases in proportion.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from wdlib.methods import METHODS, Method, modular
from wdlib.training import COURSE, FEW, PAPER, Preset

Change = dict | Callable[[Preset], Preset]  # a dict is what ``Preset.changed`` takes


def _no_standard_codes(preset: Preset) -> Preset:
    return replace(preset, networks=replace(preset.networks, standard=False))


def _no_finish(preset: Preset) -> Preset:
    return replace(preset, phases=tuple(p for p in preset.phases if not p.finish))


# The published schedule has 6000 epochs. Cut to our number of steps, its batches of 1024 would be
# too few, so batches here have 64 images, rates fall along a cosine, and the learner has our rate.
# Autoencoder and critic keep the published 1e-4 (on 3D Shapes, too, where 1e-5 would leave tiny
# steps). At rates near ours the published weights, an adversary 13 times as heavy as
# reconstruction, drove the codes of most runs into one point.
FAITHFUL = replace(
    PAPER.changed(epochs=0, batch=64, rates={"learner": 1e-3, "cosine": True}),
    name="FAITHFUL",
    changes={"Shapes3D": {"losses": {"reconstruction": 1 / 192}}},
)
FAITHFUL = replace(
    FAITHFUL,
    phases=tuple(replace(p, steps=n) for p, n in zip(FAITHFUL.phases, (1000, 5000), strict=True)),
)
# id -> title, preset, change
VARIANTS: dict[str, tuple[str, Preset, Change]] = {
    "no-labels": (
        "no label loss", COURSE, {"losses": {"labels": 0.0, "pseudo": 0.0, "teacher": 0.0}},
    ),
    "no-pseudo-labels": ("no pseudo-labels", COURSE, {"losses": {"pseudo": 0.0, "teacher": 0.0}}),
    "no-leading-labels": (
        "full reconstruction weight", COURSE, {"losses": {"reconstruction": 1.0}},
    ),
    "no-standard-codes": ("no standardised codes", COURSE, _no_standard_codes),
    "no-cycle": (
        "no cycle loss, no recomposition loss", COURSE,
        {"losses": {"cycle": 0.0, "recomposition": 0.0}},
    ),
    "no-adversary": ("no adversarial loss", COURSE, {"losses": {"adversarial": 0.0}}),
    "no-shifts": ("no shifts, no roaming", COURSE, {"views": {"shift": 0, "roam": 0.0}}),
    "no-roaming": ("no roaming", COURSE, {"views": {"roam": 0.0}}),
    "no-finish": ("no frozen-encoder finish", COURSE, _no_finish),
    "paper": ("Modular (paper), cut", FAITHFUL, {}),
    "paper+leading-labels": (
        "Modular (paper), cut + leading labels", FAITHFUL, {"losses": {"labels": 1.0}},
    ),
    "few": ("FEW", FEW, {}),
}  # fmt: skip


def _changed(preset: Preset, change: Change, task: str) -> Preset:
    preset = preset.for_task(task)
    return change(preset) if callable(change) else preset.changed(**change)


TITLES = {name: title for name, (title, *_) in VARIANTS.items()}
TITLES["alone"] = "labelled images alone"
ABLATIONS: dict[str, Method] = {
    "modular": METHODS["modular"],
    "alone": modular(COURSE.for_task, "an ablation", only_labelled=True),
    **{name: modular(partial(_changed, preset, change), "an ablation")
       for name, (_, preset, change) in VARIANTS.items()},
}  # fmt: skip
