"""Models and checkpoints on disk: tensors as safetensors, beside a JSON record.

A save writes the tensors to a new file, then replaces the record that names this file and its
SHA-256, and at last removes the old tensors: a process that dies leaves the previous save intact.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from wdlib.files import alone, read_record, recordable, whole

FORMAT = 1
UNREADABLE = (safetensors.SafetensorError, KeyError, RuntimeError, TypeError, ValueError)
CHECKPOINT, MODEL = "checkpoint", "model"  # names of saves: the state of training, the model


def save(folder: Path | str, name: str, tensors: dict[str, Tensor], record: dict) -> Path:
    """Write folder/name.json, and the safetensors file that it points to. Returns the JSON's path.

    Before anything is written, raises FloatingPointError for a tensor with NaN or infinity, and
    TypeError for a record that JSON cannot hold.
    """
    folder = Path(folder)
    tensors = {k: t.detach().cpu().contiguous() for k, t in tensors.items()}
    for key, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise FloatingPointError(
                f"{key} holds NaN or infinity, so no {name} was saved in {folder}; training has "
                f"diverged: train again with a lower learning rate"
            )
    data = safetensors.torch.save(tensors)
    digest = hashlib.sha256(data).hexdigest()
    weights = folder / f"{name}-{digest[:12]}.safetensors"
    path = folder / f"{name}.json"
    record = {"format": FORMAT, **recordable(record), "weights": weights.name, "sha256": digest}
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder):
        with whole(weights) as file:
            file.write(data)
        with whole(path) as file:
            file.write(json.dumps(record, indent=1).encode())
        for old in folder.glob(f"{name}-*.safetensors"):
            if old != weights:
                old.unlink(missing_ok=True)
    return path


def load(folder: Path | str, name: str) -> tuple[dict[str, Tensor], dict]:
    """The tensors and the record of a save.

    Raises FileNotFoundError where there is no such save; ValueError, naming file and cause, for a
    damaged record, or weights that are missing, cut or altered.
    """
    path = Path(folder) / f"{name}.json"
    if not path.is_file():
        raise FileNotFoundError(f"no {name} in {folder}: {path} does not exist")
    with alone(path.parent):  # so that record and weights are of one save
        record = read_record(path)
        known, pointer, digest = (record.get(key) for key in ("format", "weights", "sha256"))
        if not isinstance(pointer, str) or not isinstance(digest, str):
            raise ValueError(f"{path} is no record of wdlib: it points to no weights")
        if known != FORMAT:
            raise ValueError(f"{path} has format {known!r:.40}; this version reads format {FORMAT}")
        if Path(pointer).name != pointer:
            raise ValueError(f"{path} points outside its folder, to {pointer!r:.80}")
        weights = path.parent / pointer
        if not weights.is_file():
            raise ValueError(f"{path} points to {pointer!r:.80}, which is missing")
        data = weights.read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:
            raise ValueError(f"{weights} is cut or altered: its SHA-256 is not the recorded one")
        try:
            return safetensors.torch.load(data), record
        except UNREADABLE as error:
            raise ValueError(f"{weights} is not a safetensors file for torch: {error}") from None


def exists(folder: Path | str, name: str) -> bool:
    """Whether there is a save called ``name``."""
    return (Path(folder) / f"{name}.json").is_file()


def plain(record):
    """The record as JSON returns it (tuples become lists), to compare it with a loaded record."""
    return json.loads(json.dumps(record))


def check_fit(tensors: dict[str, Tensor], wanted: dict[str, Tensor], where) -> None:
    """Raises ValueError, naming it, for the first tensor that is missing, unknown or misshapen."""
    for name in sorted(tensors.keys() | wanted.keys()):
        if name not in tensors or name not in wanted:
            raise ValueError(
                f"the weights in {where} {'lack' if name in wanted else 'have an unknown'} {name}"
            )
        if tensors[name].shape != wanted[name].shape:
            raise ValueError(
                f"the weights in {where} have {name} of shape {tuple(tensors[name].shape)}, "
                f"but the model needs {tuple(wanted[name].shape)}"
            )
