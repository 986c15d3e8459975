"""A saved model, made again from its record: the task, the networks, and the weights."""

from __future__ import annotations

from pathlib import Path

import torch

from wdlib.data import device_of
from wdlib.model.modular import Factory, ModularModel, NetworkConfig
from wdlib.model.saved import MODEL, check_fit, load
from wdlib.relations import Relation, Step
from wdlib.tasks import Task, recorded, task


def load_model(
    folder: Path | str,
    *,
    own: Task | None = None,
    device: str | torch.device = "cpu",
    encoder: Factory | None = None,
    decoder: Factory | None = None,
) -> ModularModel:
    """The model that ``ModularModel.save`` wrote into ``folder``, in eval mode.

    Args:
        own: the task, if you have it; by default it is made from the record.
        encoder, decoder: the functions that made networks of your own (see ``ModularModel``).

    Raises FileNotFoundError where there is no model; ValueError for a damaged one, for another task
    than the recorded one, where a function is missing, and for a device that is not there.
    """
    device = device_of(device)
    weights, record = load(folder, MODEL)
    record.setdefault("factories", {})  # early records have none
    kinds = {"task": str, "seed": int, "labels": int, "preset": dict, "factories": dict}
    if missing := [k for k, kind in kinds.items() if type(record.get(k)) is not kind]:
        raise ValueError(f"the record of the model in {folder} lacks a valid {', '.join(missing)}")
    made = {"encoder": encoder, "decoder": decoder}
    for part, name in record["factories"].items():
        if made.get(part) is None:
            raise ValueError(
                f"the {part} of the model in {folder} was made by {name}: pass {part}="
            )
    try:
        networks = dict(record["preset"]["networks"])
        for name in ("encoder_widths", "dims"):
            networks[name] = tuple(networks.get(name, ()))
        about = _task_of(record, own), NetworkConfig(**networks)
        relations = (
            [_relation(one) for one in record["relations"]] if "relations" in record else None
        )
        with torch.device("meta"):  # where networks of any size take no memory
            wanted = ModularModel(*about, relations=relations, **made).state_dict()
    except (KeyError, ValueError, RuntimeError, OverflowError, TypeError) as error:
        raise ValueError(f"the record in {folder} describes no model: {error}") from None
    check_fit(weights, wanted, folder)
    model = ModularModel(*about, relations=relations, **made)
    model.load_state_dict(weights)
    model.record = record
    return model.to(device).eval()


def _task_of(record: dict, own: Task | None) -> Task:
    """The task of a record; early records hold its name only."""
    described = record.get("described")
    if own is None:
        return task(record["task"]) if described is None else recorded(described)
    if own.name != record["task"] or described not in (None, own.record):
        raise ValueError(f"it is of another task than the given {own.name}: {described}")
    return own


def _relation(record: dict) -> Relation:
    return Relation(record["name"], tuple(Step(**step) for step in record["steps"]))
