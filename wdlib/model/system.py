"""The one interface of the scores: what every trained system can do, baselines included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from wdlib.relations import Relation


class System(Protocol):
    """What a fitted method can do. Codes are [N, d] or [N, n, d], floats.

    relations: those that ``move`` knows, at least one.
    partitions: for each factor the dimensions (of the flattened code) that carry it, or None where
        no dimension belongs to one.

    A system may also have ``sample(values [N, n], *, generator) -> codes``, where there is a prior
    that can be asked for values; ``task``; ``device``; ``history``, what training said; and
    ``labels``, the number of labelled images it took where that is not what it was given.
    """

    relations: Sequence[Relation]
    partitions: Sequence[Sequence[int]] | None

    def encode(self, images: Tensor) -> Tensor:
        """Images [N, C, 64, 64], uint8 or float in [0, 1] -> codes."""

    def decode(self, codes: Tensor) -> Tensor:
        """Codes -> images [N, C, 64, 64] in [0, 1]."""

    def values(self, codes: Tensor) -> Tensor:
        """Codes -> the factor values that they stand for, [N, n] int64."""

    def move(self, codes: Tensor, relation: Relation) -> Tensor:
        """Codes -> codes after the relation."""
