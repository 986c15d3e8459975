"""The networks that all methods share: an encoder, two decoders and an MLP.

Images are [B, C, H, W], with sides of 16 to 256 pixels. ``shape`` is (C, H, W).
"""

from __future__ import annotations

from functools import partial
from math import log2, prod

import torch
from torch import Tensor, nn

Shape = tuple[int, int, int]


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
    """[B, C, H, W] -> [B, outputs]: convolutions, then a linear layer of ``hidden`` units and one
    to the code.

    ``widths``: channels of the convolutions. The first one brings an image of any size to a map of
    about 16 x 16 (its stride is 4 for a side of 64); the others have stride 2. ``norm``: whether
    batch normalisation follows each.
    """

    def __init__(self, shape: Shape, outputs, *, widths=(32, 64, 64), hidden=256, norm=True):
        super().__init__()
        layers: list[nn.Module] = []
        before, *size = shape
        strides = [2 ** round(log2(side / 16)) for side in size]
        for width in widths:
            kernels = [2 * stride if stride > 1 else 3 for stride in strides]
            padding = [(kernel - stride) // 2 for kernel, stride in zip(kernels, strides)]
            layers.append(nn.Conv2d(before, width, kernels, strides, padding))
            layers += [nn.BatchNorm2d(width)] if norm else []
            layers.append(nn.ReLU())
            before, size = width, [side // stride for side, stride in zip(size, strides)]
            strides = [2 if side > 1 else 1 for side in size]
        self.convolutions = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Linear(before * size[0] * size[1], hidden), nn.ReLU(), nn.Linear(hidden, outputs)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Images [B, C, H, W] -> [B, outputs]."""
        return self.head(self.convolutions(x).flatten(1))


class ConvDecoder(nn.Module):
    """[B, inputs] -> logits [B, C, H, W]: the textbook decoder of transposed convolutions."""

    def __init__(self, inputs, shape: Shape, *, widths=(64, 64, 32, 32), hidden=256):
        super().__init__()
        channels, self.height, self.width = shape
        self.start = widths[0], -(-self.height // 16), -(-self.width // 16)
        self.head = nn.Sequential(
            nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, prod(self.start)), nn.ReLU()
        )
        layers: list[nn.Module] = []
        for before, after in zip(widths, widths[1:]):
            layers += [nn.ConvTranspose2d(before, after, 4, 2, 1), nn.ReLU()]
        self.convolutions = nn.Sequential(
            *layers, nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1)
        )  # 4 -> 8 -> 16 -> 32 -> 64 pixels a side

    def forward(self, z: Tensor) -> Tensor:
        """[B, inputs] -> logits [B, C, H, W]."""
        logits = self.convolutions(self.head(z).view(-1, *self.start))
        return logits[:, :, : self.height, : self.width]


class SeparableDecoder(nn.Module):
    """[B, inputs] -> logits [B, C, H, W] as a sum of rank-one images. It is not in the paper.

    The image of one object at (x, y) is nearly the outer product of a column and a row profile. So
    the network computes S = ``rank`` column profiles A_y [H, S], as many row profiles A_x [S, W]
    and, for each channel, a small core that mixes them: logits = gain * A_y core A_x + bias (a
    Tucker decomposition). This costs far less than convolutions.
    """

    def __init__(self, inputs, shape: Shape, *, rank=16, hidden=256):
        super().__init__()
        channels, self.height, self.width = shape
        self.rank, self.channels = rank, channels
        self.trunk = nn.Sequential(
            nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()
        )
        self.columns = nn.Linear(hidden, self.height * rank)
        self.core = nn.Linear(hidden, channels * rank * rank)
        self.rows = nn.Linear(hidden, rank * self.width)
        self.gain = nn.Parameter(torch.ones(()))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, z: Tensor) -> Tensor:
        """[B, inputs] -> logits [B, C, H, W]."""
        h = self.trunk(z)
        columns = self.columns(h).view(-1, 1, self.height, self.rank)
        core = self.core(h).view(-1, self.channels, self.rank, self.rank)
        rows = self.rows(h).view(-1, 1, self.rank, self.width)
        return self.gain * (columns @ core @ rows) + self.bias
