"""Adam's moments as named tensors of a checkpoint, and back into the optimiser."""

from __future__ import annotations

import torch
from torch import Tensor

MOMENTS = ("step", "exp_avg", "exp_avg_sq")


def named(name: str, optimiser: torch.optim.Adam) -> dict[str, Tensor]:
    """The moments of weight number i, as "name.i.step" and so on."""
    states = optimiser.state_dict()["state"].items()
    return {f"{name}.{i}.{k}": t for i, state in states for k, t in state.items()}


def wanted(name: str, optimiser: torch.optim.Adam, found: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of the names and shapes that ``found`` should have for this optimiser.

    A weight that has never moved has no moments; one that has some should have all three.
    """
    shapes = {}
    for i, weight in enumerate(_owned(optimiser)):
        if any(f"{name}.{i}.{k}" in found for k in MOMENTS):
            shapes |= {f"{name}.{i}.{k}": torch.zeros(()) if k == "step" else weight
                       for k in MOMENTS}  # fmt: skip
    return shapes


def put_back(name: str, optimiser: torch.optim.Adam, found: dict[str, Tensor]) -> None:
    """Go on with the moments in ``found``, which are as ``wanted``."""
    state: dict[int, dict] = {}
    for i, weight in enumerate(_owned(optimiser)):
        for moment in MOMENTS:
            if (tensor := found.get(f"{name}.{i}.{moment}")) is not None:
                if moment != "step":  # in the weight's own memory format
                    tensor = torch.empty_like(weight).copy_(tensor)
                state.setdefault(i, {})[moment] = tensor
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})


def _owned(optimiser: torch.optim.Adam) -> list[Tensor]:
    return [weight for group in optimiser.param_groups for weight in group["params"]]
