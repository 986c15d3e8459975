"""The three optimisers of a training: their rates, their steps, their moments in a checkpoint."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wdlib.model.modular import ModularModel
from wdlib.training.phases import Phase, Preset

MOMENTS = ("step", "exp_avg", "exp_avg_sq")


class Optimisers(dict[str, torch.optim.Adam]):
    """Adam for the autoencoder (with its heads), for the critic and for the relational learner.

    Their rates are 0 until ``set_rates``: they come from the phase.
    """

    def __init__(self, model: ModularModel, preset: Preset):
        owners = {
            "autoencoder": [*model.autoencoder.parameters(), *model.heads.parameters()],
            "critic": model.critic.parameters(),
            "learner": model.learner.parameters(),
        }
        betas = {"critic": preset.critic_betas}
        super().__init__(
            (name, torch.optim.Adam(own, lr=0.0, betas=betas.get(name, (0.9, 0.999)), fused=True))
            for name, own in owners.items()
        )

    def set_rates(self, phase: Phase, at: int, spent: float) -> None:
        """The rates that ``phase`` has after ``at`` steps, which are the share ``spent`` of it."""
        fall = 0.5 * (1 + math.cos(math.pi * spent)) if phase.cosine else 1.0
        if at < phase.rise:
            fall *= (at + 1) / phase.rise
        rates = {"autoencoder": phase.lr, "critic": phase.critic_lr, "learner": phase.learner_lr}
        for name, optimiser in self.items():
            for group in optimiser.param_groups:
                group["lr"] = rates[name] * fall

    def minimise(self, name: str, loss: Tensor) -> None:
        """One step of the optimiser called ``name``, which moves its own weights alone."""
        optimiser = self[name]
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    def forget(self) -> None:
        """Drop all moments: Adam begins anew."""
        for optimiser in self.values():
            optimiser.state.clear()

    def moments(self) -> dict[str, Tensor]:
        """What Adam remembers of weight number i of an optimiser, as "name.i.step" and so on."""
        return {
            f"{name}.{i}.{k}": t
            for name, optimiser in self.items()
            for i, state in optimiser.state_dict()["state"].items()
            for k, t in state.items()
        }

    def wanted(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        """Tensors of the names and shapes of the moments that ``found`` should have.

        A weight that has never moved has no moments; one that has some should have all three.
        """
        shapes = {}
        for name, optimiser in self.items():
            for i, weight in enumerate(_owned(optimiser)):
                if any(f"{name}.{i}.{k}" in found for k in MOMENTS):
                    shapes |= {f"{name}.{i}.{k}": torch.zeros(()) if k == "step" else weight
                               for k in MOMENTS}  # fmt: skip
        return shapes

    def put_back(self, found: dict[str, Tensor]) -> None:
        """Go on with the moments in ``found``, which are as ``wanted``."""
        for name, optimiser in self.items():
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
