"""Reading back what training left: a model, and whether a checkpoint is one of this run.

Nothing of a file is taken before all of it has been looked at.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor

from wdlib.model.modular import ModularModel
from wdlib.tasks import Task, task
from wdlib.training import checkpoint
from wdlib.training.phases import Preset


def load_model(folder: Path | str, *, own: Task | None = None, device: str | torch.device = "cpu"):
    """The model that ``Trainer.save_model`` left in ``folder``, in eval mode, and its record.

    ``own``: the task, where it is not one of wdlib's.

    Raises FileNotFoundError where there is none, ValueError for a broken one.
    """
    weights, record = checkpoint.load(folder, checkpoint.MODEL)
    kinds = {"task": str, "seed": int, "labels": int, "preset": dict}
    missing = [k for k, kind in kinds.items() if type(record.get(k)) is not kind]
    if missing:
        raise ValueError(f"the record of the model in {folder} lacks a proper {', '.join(missing)}")
    try:
        about = own or task(record["task"]), Preset.from_dict(record["preset"]).networks
        with torch.device("meta"):  # where networks of any size weigh nothing
            wanted = ModularModel(*about).state_dict()
    except (ValueError, RuntimeError, OverflowError, TypeError) as error:
        raise ValueError(f"the record of the model in {folder} is of no model: {error}") from None
    checkpoint.check_fit(weights, wanted, folder)
    model = ModularModel(*about)
    model.load_state_dict(weights)
    return model.to(device).eval(), record


def check_state(trainer, tensors: dict[str, Tensor], record: dict, folder) -> None:
    """Raises ValueError unless this is all that the next step depends on, and nothing else."""
    wanted = {f"model.{k}": t for k, t in trainer.model.state_dict().items()}
    wanted["generator"] = trainer.generator.get_state()
    order = wanted["order"] = tensors.get("order", trainer.order)
    beliefs = wanted["beliefs"] = tensors.get("beliefs", trainer.beliefs)
    wanted["swaps"] = trainer.swaps
    wanted |= trainer.optimisers.wanted(tensors)
    checkpoint.check_fit(tensors, wanted, folder)
    done, history = record.get("done"), record.get("history")
    if type(done) is not int or not 0 <= done <= trainer.preset.steps:
        raise ValueError(f"the checkpoint in {folder} stands at step {done!r:.20}, which is none")
    if type(record.get("seconds")) is not float or not 0 <= record["seconds"] < math.inf:
        raise ValueError(f"the checkpoint in {folder} does not say how long it took")
    if type(history) is not list or not all(type(row) is dict for row in history):
        raise ValueError(f"the history of the checkpoint in {folder} is no list of rows")
    images = torch.arange(len(trainer.unlabelled))
    if order.dtype != torch.long or order.dim() != 1 or not torch.isin(order, images).all():
        raise ValueError(f"the order of the checkpoint in {folder} holds no numbers of images")
    if beliefs.dtype != torch.long or beliefs.shape[1:] != trainer.values.shape[1:]:
        raise ValueError(f"the beliefs of the checkpoint in {folder} are no values of images")
    phase, at = trainer.preset.phase_at(min(done, trainer.preset.steps - 1))
    inside = (beliefs >= -1) & (beliefs < torch.tensor(trainer.split.task.sizes))
    if not inside.all() or (phase.taught and at and len(beliefs) != len(images)):
        raise ValueError(f"the beliefs of the checkpoint in {folder} are not of this task")
    try:
        torch.Generator(trainer.device).set_state(tensors["generator"])
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"the generator of the checkpoint in {folder}: {error}") from None
