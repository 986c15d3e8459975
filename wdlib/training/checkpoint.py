"""Checkpoints: the state of a training as tensors. All of a saved one is checked, then taken."""

from __future__ import annotations

import math
import os
from pathlib import Path

import torch
from torch import Tensor

from wdlib.model import saved
from wdlib.model.modular import ModularModel
from wdlib.training.loop import adam, half_cosine, update
from wdlib.training.schedule import Preset, Rates

MOMENTS = ("step", "exp_avg", "exp_avg_sq")


class Optimisers(dict[str, torch.optim.Adam]):
    """Adam for the autoencoder (with its heads), the critic and the relational learner.

    Their rates are 0 until ``set_rates``: they come from the phase.
    """

    def __init__(self, model: ModularModel, preset: Preset):
        owners = {
            "autoencoder": [*model.autoencoder.parameters(), *model.heads.parameters()],
            "critic": model.critic.parameters(),
            "learner": model.learner.parameters(),
        }
        super().__init__({name: adam(weights, 0.0) for name, weights in owners.items()})
        self["critic"].param_groups[0]["betas"] = preset.critic_betas

    def set_rates(self, rates: Rates, at: int, spent: float) -> None:
        """The rates after ``at`` steps, when ``spent`` of the phase is over."""
        scale = half_cosine(spent) if rates.cosine else 1.0
        if at < rates.rise:
            scale *= (at + 1) / rates.rise
        for name, optimiser in self.items():
            for group in optimiser.param_groups:
                group["lr"] = getattr(rates, name) * scale

    def minimise(self, name: str, loss: Tensor) -> None:
        """One step of the optimiser called ``name``; it changes its own weights only."""
        update(self[name], loss)

    def moments(self) -> dict[str, Tensor]:
        """Adam's moments: "name.i.step" and so on, for weight number i of an optimiser."""
        return {
            f"{name}.{i}.{k}": t
            for name, optimiser in self.items()
            for i, state in optimiser.state_dict()["state"].items()
            for k, t in state.items()
        }

    def put_back(self, found: dict[str, Tensor]) -> None:
        """Go on with the moments in ``found``."""
        for name, optimiser in self.items():
            state: dict[int, dict] = {}
            for i, weight in enumerate(optimiser.param_groups[0]["params"]):
                for moment in MOMENTS:
                    if (tensor := found.get(f"{name}.{i}.{moment}")) is not None:
                        if moment != "step":  # in the weight's own memory format
                            tensor = torch.empty_like(weight).copy_(tensor)
                        state.setdefault(i, {})[moment] = tensor
            optimiser.load_state_dict({**optimiser.state_dict(), "state": state})


def tensors_of(trainer) -> dict[str, Tensor]:
    """Every tensor that the next step of a trainer depends on, except Adam's moments."""
    tensors = {f"model.{k}": t for k, t in trainer.model.state_dict().items()}
    tensors |= {"generator": trainer.generator.get_state(), "order": trainer.order.rest}
    return tensors | {"taught": trainer.taught, "swaps": trainer.swaps}


def restore(trainer, folder: Path | str) -> None:
    """Put a trainer back to the checkpoint in ``folder``; see ``Trainer.resume``."""
    tensors, record = saved.load(folder, saved.CHECKPOINT)
    for name, value in trainer.identity().items():
        theirs = record.get(name)
        if name == "images" and _same_file(theirs, trainer.images):
            continue
        if name == "split" and isinstance(theirs, dict):  # early records lack its settings
            theirs, value = theirs.get("train"), value["train"]
        if saved.plain(theirs) != saved.plain(value):
            named = f"{name} {theirs!s:.4096}, not {value}"  # as long as a path can be
            what = f"another {name}" if name in ("preset", "split") else named
            raise ValueError(f"the checkpoint in {folder} is of {what}")
    _check(trainer, tensors, record, folder)
    weights = {k[6:]: t for k, t in tensors.items() if k.startswith("model.")}
    trainer.model.load_state_dict(weights)
    trainer.optimisers.put_back(tensors)
    trainer.generator.set_state(tensors["generator"])
    trainer.order.rest = tensors["order"].to(trainer.device)
    trainer.taught, trainer.swaps = (tensors[k].to(trainer.device) for k in ("taught", "swaps"))
    trainer.loop.done, trainer.loop.history = record["done"], record["history"]
    trainer.codes, trainer.seconds = None, record["seconds"]


def _same_file(theirs, images) -> bool:
    """Whether an early record, which holds the path of a file, is of the file of ``images``."""
    path = getattr(images, "source", "")
    return isinstance(theirs, str) and os.path.abspath(theirs) == os.path.abspath(path)


def _check(trainer, tensors: dict[str, Tensor], record: dict, folder) -> None:
    """Raises ValueError unless this is the whole state of a trainer, and nothing else."""
    moments = {k: t for k, t in tensors.items() if k.split(".")[0] in trainer.optimisers}
    wanted = tensors_of(trainer) | moments
    for free in ("order", "taught"):  # their lengths change during training
        wanted[free] = tensors.get(free, wanted[free])
    saved.check_fit(tensors, wanted, folder)
    done, seconds, history = (record.get(k) for k in ("done", "seconds", "history"))
    kinds = (type(done), type(seconds), type(history))
    if kinds != (int, float, list) or not (
        0 <= done <= trainer.preset.steps and 0 <= seconds < math.inf
    ):
        raise ValueError(
            f"the record of the checkpoint in {folder} is damaged (done {done!r:.20}, seconds "
            f"{seconds!r:.20}): restore the file, or train again in another folder"
        )
