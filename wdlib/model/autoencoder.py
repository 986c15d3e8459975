"""M-AE: the modular auto-encoder, whose latent is n partitions of d dimensions, and its critic.

Source: Valenti and Bacciu (2022), section 3: encoder x -> z = (z_1, ..., z_n), decoder z -> x, and
a discriminator D that tells codes from samples of the prior (Eq. 1 and 2). Whether D sees all
partitions at once or one each, the paper leaves open; here one D sees them all.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from wdlib.model.networks import ConvDecoder, ConvEncoder, SeparableDecoder, mlp

WIDEST = 1 << 16  # of any layer; a layer between two of these would take 17 GB


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of all networks.

    Args:
        dim: dimensions of a partition (8 in the paper).
        encoder_widths, encoder_norm, hidden: see ConvEncoder.
        standard: every code dimension has mean 0 and variance 1 over a batch (ours): whatever the
            losses' weights, codes keep the scale of the prior.
        decoder: "conv" (textbook, PAPER) or "separable" (ours, COURSE).
        rank: profiles a side of the separable decoder.
        width: of the critic's and the relational learner's three layers (1024 in the paper).
        activation: between those layers ("tanh" in the authors' earlier code).
        residual: the relational learner adds its output to its input (ours).

    Raises ValueError, naming it, for a size that is none.
    """

    dim: int = 8
    encoder_widths: tuple[int, ...] = (32, 32, 32)
    encoder_norm: bool = True
    hidden: int = 256
    standard: bool = False
    decoder: str = "separable"
    rank: int = 16
    width: int = 256
    activation: str = "relu"
    residual: bool = True

    def __post_init__(self):
        sizes = {name: getattr(self, name) for name in ("dim", "hidden", "rank", "width")}
        sizes |= {f"encoder_widths[{i}]": width for i, width in enumerate(self.encoder_widths)}
        for name, size in sizes.items():
            if type(size) is not int or not 1 <= size <= WIDEST:
                raise ValueError(f"{name} is a whole number, 1 to {WIDEST}, got {size!r:.40}")
        if not 1 <= len(self.encoder_widths) <= 5:  # 64 pixels by 4, then by 2, end at 1
            raise ValueError(f"an encoder has 1 to 5 widths, got {len(self.encoder_widths)}")
        if self.activation not in ("relu", "tanh"):
            raise ValueError(f"no activation called {self.activation!r}; there are relu and tanh")


class ModularAutoencoder(nn.Module):
    """Encoder and decoder around a latent of ``n`` partitions.

    Its convolutions keep their weights channels-last, which a CPU computes faster.

    Args:
        partitions: n, one a relevant factor.
        channels: C of the images, which are [B, C, 64, 64] in [0, 1].

    Raises ValueError for an unknown decoder.
    """

    def __init__(self, partitions: int, channels: int, config: NetworkConfig):
        super().__init__()
        self.partitions, self.dim = partitions, config.dim
        code = partitions * config.dim
        self.encoder = ConvEncoder(
            channels,
            code,
            widths=config.encoder_widths,
            hidden=config.hidden,
            norm=config.encoder_norm,
        )
        self.standardise = nn.BatchNorm1d(code, affine=False) if config.standard else nn.Identity()
        if config.decoder == "separable":
            self.decoder = SeparableDecoder(code, channels, rank=config.rank, hidden=config.hidden)
        elif config.decoder == "conv":
            self.decoder = ConvDecoder(code, channels, hidden=config.hidden)
        else:
            raise ValueError(f"no decoder called {config.decoder!r}; there are separable and conv")
        self.to(memory_format=torch.channels_last)

    def encode(self, x: Tensor) -> Tensor:
        """Images [B, C, 64, 64] in [0, 1] -> codes [B, n, d]."""
        z = self.standardise(self.encoder(x.contiguous(memory_format=torch.channels_last)))
        return z.view(-1, self.partitions, self.dim)

    def decode(self, z: Tensor) -> Tensor:
        """Codes [B, n, d] -> logits [B, C, 64, 64]; the sigmoid is the image."""
        return self.decoder(z.flatten(1))


class Critic(nn.Module):
    """D of Eq. 2: codes [B, n, d] -> one logit each, high for samples of the prior."""

    def __init__(self, partitions: int, config: NetworkConfig):
        super().__init__()
        self.score = mlp(partitions * config.dim, config.width, 1, activation=config.activation)

    def forward(self, z: Tensor) -> Tensor:
        return self.score(z.flatten(1)).squeeze(1)
