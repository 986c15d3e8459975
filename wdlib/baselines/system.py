"""What the baselines return: a system whose codes are vectors, with dimensions for every factor.

``move`` is the same for all: read the values from the code, change them as the relation says, and
write the new value into the dimensions of the affected factors. So a baseline needs no relational
learner, and it can apply any relation. What stands for a value is the system's own: an embedding,
a one-hot vector, or a mean code.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate

import torch
from torch import Tensor

from wdlib.data import as_input
from wdlib.relations import Relation, relations_of
from wdlib.training.loop import Run, network_input

Partitions = tuple[tuple[int, ...], ...]  # for each factor its dimensions of the code


class FlatSystem:
    """A trained system with codes [N, D].

    Args:
        run: the training that is over: its task, device and history.
        encoder: float images [B, C, H, W] in [0, 1] on the device -> codes [B, D].
        decoder: codes [B, D] on the device -> logits of images [B, C, H, W].
        reader: has ``partitions``; ``values``, codes [N, D] -> the value of each factor, [N, n]
            int64; and ``place``, (number of a factor, its values [N]) -> what its dimensions hold
            then, [N, width].
        spread: float images as above -> standard deviations of the codes, [B, D], where the encoder
            is stochastic and a code is its mean.
    """

    def __init__(
        self,
        run: Run,
        encoder: Callable[[Tensor], Tensor],
        decoder: Callable[[Tensor], Tensor],
        reader,
        spread: Callable[[Tensor], Tensor] | None = None,
    ):
        self.task, self.device, self.history = run.task, run.device, run.loop.history
        self.relations = relations_of(run.task)
        self.encoder, self.decoder, self.place = encoder, decoder, reader.place
        self.spread = spread
        self.partitions: Partitions = reader.partitions
        self.values = reader.values

    def encode(self, images: Tensor, *, batch: int = 512) -> Tensor:
        """Images [N, C, H, W], as ``wdlib.data.as_input`` takes them -> codes [N, D]."""
        return self._of_images(self.encoder, images, batch)

    def deviations(self, images: Tensor, *, batch: int = 512) -> Tensor | None:
        """Images -> standard deviations [N, D] of a stochastic encoder; None for another one."""
        return self._of_images(self.spread, images, batch) if self.spread else None

    @torch.no_grad()
    def _of_images(self, network, images: Tensor, batch: int) -> Tensor:
        parts = (images[i : i + batch] for i in range(0, len(images), batch))
        inputs = (network_input(as_input(x, self.task).to(self.device)) for x in parts)
        return torch.cat([network(x) for x in inputs])

    @torch.no_grad()
    def decode(self, codes: Tensor, *, batch: int = 512) -> Tensor:
        """Codes [N, D] -> images [N, C, H, W], float in [0, 1]."""
        parts = codes.split(batch)
        return torch.cat([self.decoder(z.to(self.device)).sigmoid() for z in parts])

    @torch.no_grad()
    def move(self, codes: Tensor, relation: Relation) -> Tensor:
        """Codes [N, D] -> codes [N, D] in which every affected factor has its new value."""
        after = torch.from_numpy(relation(self.values(codes).cpu().numpy(), self.task))
        moved = codes.clone()
        for i in relation.affects(self.task):
            moved[:, list(self.partitions[i])] = self.place(i, after[:, i].to(codes.device))
        return moved


def consecutive(widths: Sequence[int]) -> Partitions:
    """The first ``widths[0]`` dimensions for the first factor, the next ones for the second, ..."""
    ends = accumulate(widths)
    return tuple(tuple(range(end - width, end)) for width, end in zip(widths, ends))
