"""What every baseline hands back: one interface, whatever the system is inside.

It is the one that relation accuracy and the table of methods ask for, and that of
``wdlib.model.ModularModel`` with flat codes: encode, decode, values, move.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from wdlib.data import to_float
from wdlib.relations import Relation, relations_of
from wdlib.tasks import Task


@dataclass(frozen=True, eq=False)
class System:
    """A trained system.

    Args:
        task: what it was trained for.
        encoder: float images [B, C, 64, 64] in [0, 1] on the device -> codes [B, d].
        decoder: codes [B, d] on the device -> images [B, C, 64, 64] in [0, 1].
        values: codes [N, d] -> the relevant values that the system reads in them, [N, n] int64.
        move: (codes [N, d], relation) -> codes [N, d] after it, each system in its own way.
        device: where encoder and decoder live.
        partitions: the dimensions that carry each factor, in the task's order; None where the
            system has no such notion.
        history: what training said, a dict of step and losses each; the last one's step is the
            number of steps that were made.
    """

    task: Task
    encoder: Callable[[Tensor], Tensor]
    decoder: Callable[[Tensor], Tensor]
    values: Callable[[Tensor], Tensor]
    move: Callable[[Tensor, Relation], Tensor]
    device: torch.device
    partitions: tuple[tuple[int, ...], ...] | None = None
    history: tuple[dict, ...] = ()

    @property
    def relations(self) -> tuple[Relation, ...]:
        """The task's relations: all of them can be asked for."""
        return relations_of(self.task)

    @torch.no_grad()
    def encode(self, images: Tensor, *, batch: int = 512) -> Tensor:
        """Images [N, C, 64, 64], uint8 or float in [0, 1] -> codes [N, d]."""

        def encode(x: Tensor) -> Tensor:
            x = x.to(self.device)
            return self.encoder(x if x.is_floating_point() else to_float(x))

        return torch.cat([encode(part) for part in images.split(batch)])

    @torch.no_grad()
    def decode(self, codes: Tensor, *, batch: int = 512) -> Tensor:
        """Codes [N, d] -> images [N, C, 64, 64], float in [0, 1]."""
        return torch.cat([self.decoder(z.to(self.device)) for z in codes.split(batch)])
