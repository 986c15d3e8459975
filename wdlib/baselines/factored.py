"""Codes with a place for every factor, and a natural move: write the new value where the old was.

A code here is a row of numbers whose first dimensions belong to the factors, in the task's order,
and whose rest is the residual: whatever no label speaks of. To apply a relation is to read the
values off the code, change them as the relation says, and put what stands for the new value in the
affected factors' places. No relational learner is needed, and any relation can be asked for.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wdlib.baselines.loop import pictures
from wdlib.baselines.system import System
from wdlib.model.autoencoder import NetworkConfig
from wdlib.model.networks import ConvDecoder, ConvEncoder, SeparableDecoder
from wdlib.relations import Relation
from wdlib.tasks import Task


class FactoredModel(nn.Module):
    """A model of such codes; a subclass says what they hold: the four methods at the end.

    Args:
        task: whose factors have a place.
        widths: dimensions of each factor's place.
    """

    def __init__(self, task: Task, widths: tuple[int, ...]):
        super().__init__()
        self.task = task
        ends = torch.tensor(widths).cumsum(0).tolist()
        self.partitions = tuple(tuple(range(end - w, end)) for end, w in zip(ends, widths))

    @torch.no_grad()
    def move(self, codes: Tensor, relation: Relation) -> Tensor:
        """Codes [N, D] -> codes in which every affected factor stands at its new value."""
        after = torch.from_numpy(relation(self.values(codes).cpu().numpy(), self.task))
        moved = codes.clone()
        for i in relation.affects(self.task):
            moved[:, list(self.partitions[i])] = self.place(i, after[:, i].to(codes.device))
        return moved

    def system(self, history: list[dict], device) -> System:
        """This model, trained and in eval mode, as what a baseline hands back."""
        self.eval()
        return System(
            task=self.task,
            encoder=lambda x: self.code(pictures(x)),
            decoder=lambda codes: self.logits(codes).sigmoid(),
            values=self.values,
            move=self.move,
            device=torch.device(device),
            partitions=self.partitions,
            history=tuple(history),
        )

    def code(self, x: Tensor) -> Tensor:
        """Float images [B, C, 64, 64] -> codes [B, D]."""
        raise NotImplementedError

    def logits(self, codes: Tensor) -> Tensor:
        """Codes [B, D] -> logits [B, C, 64, 64]; the sigmoid is the image."""
        raise NotImplementedError

    def values(self, codes: Tensor) -> Tensor:
        """Codes [N, D] -> the value of each factor [N, n] int64."""
        raise NotImplementedError

    def place(self, factor: int, values: Tensor) -> Tensor:
        """Values [N] of one factor -> what then stands in its place [N, width]."""
        raise NotImplementedError


def encoder(config: NetworkConfig, channels: int, outputs: int) -> ConvEncoder:
    """Images [B, C, 64, 64] -> [B, outputs], of the sizes that wdlib's own model has."""
    network = ConvEncoder(
        channels,
        outputs,
        widths=config.encoder_widths,
        hidden=config.hidden,
        norm=config.encoder_norm,
    )
    return network.to(memory_format=torch.channels_last)


def decoder(config: NetworkConfig, inputs: int, channels: int) -> nn.Module:
    """[B, inputs] -> logits [B, C, 64, 64], the decoder that wdlib's own model has.

    Raises ValueError for an unknown one.
    """
    if config.decoder == "separable":
        return SeparableDecoder(inputs, channels, rank=config.rank, hidden=config.hidden)
    if config.decoder == "conv":
        network = ConvDecoder(inputs, channels, hidden=config.hidden)
        return network.to(memory_format=torch.channels_last)
    raise ValueError(f"no decoder called {config.decoder!r}; there are separable and conv")
