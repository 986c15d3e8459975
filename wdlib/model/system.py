"""What the scores need of a trained system, the same for the modular model and every baseline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from wdlib.relations import Relation


class System(Protocol):
    """What a fitted method can do. Codes are floats [N, d] or [N, n, d].

    relations: those that ``move`` can do, at least one.
    partitions: for each factor, its dimensions of the flattened code; None where no dimension
        belongs to a single factor.

    A system may also have ``sample(values [N, n], *, generator) -> codes``, where its prior has a
    component per value; ``task``; ``device``; ``history``, the log of training; and ``labels``, the
    number of labelled images that it used, where that differs from the number in the request.
    """

    relations: Sequence[Relation]
    partitions: Sequence[Sequence[int]] | None

    def encode(self, images: Tensor) -> Tensor:
        """Images [N, C, H, W], uint8 or float in [0, 1] -> codes."""

    def decode(self, codes: Tensor) -> Tensor:
        """Codes -> images [N, C, H, W] in [0, 1]."""

    def values(self, codes: Tensor) -> Tensor:
        """Codes -> the factor values that they represent, [N, n] int64."""

    def move(self, codes: Tensor, relation: Relation) -> Tensor:
        """Codes -> codes after the relation."""
