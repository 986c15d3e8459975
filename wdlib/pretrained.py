"""Shipped weights: one folder a task inside the package, in the form that training leaves.

They are stored in half precision. The JSON file beside them holds the preset, the seed, the commit,
and the scores of the halved weights on the test images. ``make weights`` trains them all again.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from wdlib.data.split import Split, most_images, split
from wdlib.files import read_record
from wdlib.model import ModularModel, saved
from wdlib.model.loading import load_model
from wdlib.tasks import Task, task

WEIGHTS = Path(__file__).parent / "weights"


def shipped() -> list[str]:
    """The tasks that have shipped weights."""
    return sorted(p.parent.name for p in WEIGHTS.glob(f"*/{saved.MODEL}.json"))


def folder_of(name: str) -> Path:
    """Where the weights of the task called ``name`` (case does not matter) lie.

    Raises ValueError for no such task, FileNotFoundError for one without shipped weights.
    """
    folder = WEIGHTS / task(name).name
    if not saved.exists(folder, saved.MODEL):
        raise FileNotFoundError(
            f"no weights of {folder.name} are shipped, only of {', '.join(shipped()) or 'no task'};"
            f" train your own with: python -m wdlib train {folder.name}"
        )
    return folder


def load_pretrained(name: str, *, device: str = "cpu") -> ModularModel:
    """The shipped model of a task, in eval mode. Raises as ``folder_of`` does."""
    return load_model(folder_of(name), device=device)


def split_of(model: str | Mapping, *, own: Task | None = None) -> Split:
    """The split that a model was trained on, with the test images that it has not seen.

    Args:
        model: the name of a task with shipped weights, or the ``record`` of a model.
        own: the task of your own dataset.

    Raises as ``folder_of`` does, and ValueError where training changed the split by hand.
    """
    record = model
    if isinstance(model, str):
        record = read_record(folder_of(model) / f"{saved.MODEL}.json")
    wanted = own or task(record["task"])
    usual = {"seed": record["seed"], "limit": most_images(wanted)}  # early records lack them
    try:
        settings = usual | (record.get("split") or {})
        train = settings.pop("train", None)
        parts = split(wanted, labels=record["labels"], **settings)
    except TypeError as error:
        raise ValueError(f"the record of {wanted.name} describes no split: {error}") from None
    if train not in (None, parts.record["train"]):
        raise ValueError(
            f"the model of {wanted.name} was trained on another split than its record describes; "
            f"measure it in Python, with wdlib.evaluate and the split that it was trained on"
        )
    return parts


def ship(run: Path | str, measure, *, home: Path = WEIGHTS, **about) -> Path:
    """Keep model and judge in the folder ``run`` as the shipped ones of their task.

    Args:
        measure: the model as it will be stored, halved -> its scores, a dict for JSON.
        about: what else the record holds: commit, versions, minutes.

    Returns the folder of the weights.
    """
    tensors, record = saved.load(run, saved.MODEL)
    tensors = halved(tensors)
    model = load_model(run)
    model.load_state_dict(tensors)  # the weights as they will be read back
    record |= about | {"scores": measure(model)}
    folder = home / record["task"]
    judge, judged = saved.load(run, "judge")
    saved.save(folder, "judge", halved(judge), judged | about)
    saved.save(folder, saved.MODEL, tensors, record)
    return folder


def halved(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors, floating-point ones in half precision."""
    return {k: t.half() if t.is_floating_point() else t for k, t in tensors.items()}
