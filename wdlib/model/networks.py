"""The networks that all methods share: an encoder, two decoders and an MLP.

Images are [B, C, 64, 64].
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

SIDE = 64  # pixels: both datasets are 64 x 64


def mlp(inputs: int, hidden: int, outputs: int, *, layers: int = 3, activation: str = "relu"):
    """A network [B, inputs] -> [B, outputs] of ``layers`` linear layers, ``hidden`` units wide.

    activation: "relu", "leaky_relu" (slope .2) or "tanh".
    """
    leaky = partial(nn.LeakyReLU, 0.2)
    between = {"relu": nn.ReLU, "leaky_relu": leaky, "tanh": nn.Tanh}[activation]
    widths = [inputs] + [hidden] * (layers - 1)
    stack: list[nn.Module] = []
    for before, after in zip(widths, widths[1:]):
        stack += [nn.Linear(before, after), between()]
    return nn.Sequential(*stack, nn.Linear(widths[-1], outputs))


class ConvEncoder(nn.Module):
    """[B, C, 64, 64] -> [B, outputs]: convolutions, then a linear layer of ``hidden`` units and one
    to the code.

    ``widths``: channels of the convolutions; the first has stride 4, the others stride 2. ``norm``:
    whether batch normalisation follows each.
    """

    def __init__(self, channels, outputs, *, widths=(32, 64, 64), hidden=256, norm=True):
        super().__init__()
        layers: list[nn.Module] = []
        before, side = channels, SIDE
        for depth, width in enumerate(widths):
            kernel, stride = (8, 4) if depth == 0 else (4, 2)
            layers.append(nn.Conv2d(before, width, kernel, stride, padding=(kernel - stride) // 2))
            layers += [nn.BatchNorm2d(width)] if norm else []
            layers.append(nn.ReLU())
            before, side = width, side // stride
        self.convolutions = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Linear(before * side * side, hidden), nn.ReLU(), nn.Linear(hidden, outputs)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Images [B, C, 64, 64] -> [B, outputs]."""
        return self.head(self.convolutions(x).flatten(1))


class ConvDecoder(nn.Module):
    """[B, inputs] -> logits [B, C, 64, 64]: the textbook decoder of transposed convolutions."""

    def __init__(self, inputs, channels, *, widths=(64, 64, 32, 32), hidden=256):
        super().__init__()
        self.head = nn.Sequential(
            nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, widths[0] * 16), nn.ReLU()
        )
        layers: list[nn.Module] = []
        for before, after in zip(widths, widths[1:]):
            layers += [nn.ConvTranspose2d(before, after, 4, 2, 1), nn.ReLU()]
        self.convolutions = nn.Sequential(
            *layers, nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1)
        )  # 4 -> 8 -> 16 -> 32 -> 64 pixels a side
        self.width = widths[0]

    def forward(self, z: Tensor) -> Tensor:
        """[B, inputs] -> logits [B, C, 64, 64]."""
        return self.convolutions(self.head(z).view(-1, self.width, 4, 4))


class SeparableDecoder(nn.Module):
    """[B, inputs] -> logits [B, C, 64, 64] as a sum of rank-one images. It is not in the paper.

    The image of one object at (x, y) is nearly the outer product of a column and a row profile. So
    the network computes S = ``rank`` column profiles A_y [64, S], as many row profiles A_x [S, 64]
    and, for each channel, a small core that mixes them: logits = gain * A_y core A_x + bias (a
    Tucker decomposition). This costs far less than convolutions.
    """

    def __init__(self, inputs, channels, *, rank=16, hidden=256):
        super().__init__()
        self.rank, self.channels = rank, channels
        self.trunk = nn.Sequential(
            nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()
        )
        self.columns = nn.Linear(hidden, SIDE * rank)
        self.core = nn.Linear(hidden, channels * rank * rank)
        self.rows = nn.Linear(hidden, rank * SIDE)
        self.gain = nn.Parameter(torch.ones(()))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, z: Tensor) -> Tensor:
        """[B, inputs] -> logits [B, C, 64, 64]."""
        h = self.trunk(z)
        columns = self.columns(h).view(-1, 1, SIDE, self.rank)
        core = self.core(h).view(-1, self.channels, self.rank, self.rank)
        rows = self.rows(h).view(-1, 1, self.rank, SIDE)
        return self.gain * (columns @ core @ rows) + self.bias
