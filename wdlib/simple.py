"""One line for people who have images and a table: split, train, measure.

task, images = wdlib.table("labels.csv", "photos", ["object", "angle"])
model = wdlib.fit(task, images)
model.read(images[:3])
model.move(images[:3], "next object")
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from wdlib.data import Images, Split
from wdlib.data.split import most_images, split
from wdlib.evaluation import evaluate
from wdlib.metrics.judge import train_judge
from wdlib.model import ModularModel
from wdlib.tasks import Table, Task
from wdlib.training import Preset, Progress, Trainer, suited
from wdlib.training import preset as preset_called
from wdlib.training.trainer import shares_of

SHARE = 0.6  # of the steps, for a table: more read photographs no better
FEW_LABELS = 250  # with fewer labelled images, FEW is the better preset


def fit(
    task: Task,
    images: Images,
    *,
    labels: int | None = None,
    preset: Preset | str | None = None,
    steps: int | None = None,
    seconds: float | None = None,
    seed: int = 0,
    device: str = "cpu",
    metrics: Sequence[str] = ("mig", "sap_r2", "dci"),
    progress: Progress | None = None,
    folder: Path | str | None = None,
) -> ModularModel:
    """Split the images, train a model, and measure it on images that training did not see.

    Args:
        labels: labelled images of each factor; by default all of train in a table, and 1000 in a
            drawn world.
        preset: by default COURSE, or FEW for fewer than 250 labelled images.
        steps, seconds: of training in all, instead of the steps of the preset.
        metrics: scores of codes in the report, as in ``evaluate``.
        folder: for checkpoints, and at last the model.

    Returns the model, with ``report`` (see ``evaluate``), ``split``, and ``judge``. Raises
    ValueError as ``Trainer`` does.
    """
    parts = parts_of(task, seed=seed, labels=labels)
    how, shown = {"seed": seed, "device": device}, progress or suited()
    trainer = Trainer(parts, images, chosen := schedule(parts, preset, steps), **how)
    if seconds is None:
        model = trainer.run(progress=shown, folder=folder).eval()
    else:
        shares = shares_of(parts, images, chosen, **how)
        model = trainer.run_for(seconds, shares, progress=shown).eval()
    model.record = trainer.record
    if folder is not None:
        model.save(folder)
    model.split, model.report, judge = parts, None, None
    if len(parts.test):
        judge = train_judge(parts, images, seed=seed, device=device)
        how = {"seed": seed, "metrics": metrics, "importances": "hist_gradient_boosting"}
        model.report = evaluate(model, parts, images, judge, **how)
    object.__setattr__(model, "judge", judge)  # beside the model, not one of its networks
    return model


def parts_of(task: Task, *, seed: int, labels: int | None = None) -> Split:
    """The usual split. Of a table, no row is kept for validation, because nothing is chosen."""
    settings = {"fractions": (0.85, 0.0, 0.15)} if isinstance(task, Table) else {}
    return split(task, seed=seed, labels=labels, limit=most_images(task), **settings)


def schedule(parts: Split, preset: Preset | str | None = None, steps: int | None = None) -> Preset:
    """The preset for a split: the given one, or the one for its number of labels; cut to steps."""
    usual = "FEW" if parts.labels < FEW_LABELS else "COURSE"
    chosen = usual if preset is None else preset
    chosen = preset_called(chosen) if isinstance(chosen, str) else chosen
    chosen = chosen.for_task(parts.task.name)
    if isinstance(parts.task, Table) and not isinstance(preset, Preset):
        chosen = replace(chosen, lengths={parts.task.name: SHARE}).for_task(parts.task.name)
    return chosen if steps is None else chosen.cut(steps)
