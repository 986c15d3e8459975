"""ReL: the relational learner, which moves a latent as a relation says: (z, r) -> z'.

Source: Valenti and Bacciu (2022), section 3, Eq. 3: the partition that r affects goes to the prior
component of the new value f_r(k), the others stay. A 3-layer MLP, as published; that it adds its
output to its input (so that "stay" is where it starts) is ours.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wdlib.model.autoencoder import NetworkConfig
from wdlib.model.networks import mlp


class RelationalLearner(nn.Module):
    """(codes [B, n, d], relation numbers [B]) -> moved codes [B, n, d].

    Args:
        partitions: n.
        relations: number of relations it knows.
    """

    def __init__(self, partitions: int, relations: int, config: NetworkConfig):
        super().__init__()
        self.relations, self.residual = relations, config.residual
        code = partitions * config.dim
        self.change = mlp(code + relations, config.width, code, activation=config.activation)

    def forward(self, z: Tensor, relation: Tensor) -> Tensor:
        numbers = torch.arange(self.relations, device=z.device)
        r = (relation[:, None] == numbers).to(z.dtype)  # one-hot; torch's own waits for the host
        moved = self.change(torch.cat([z.flatten(1), r], dim=1)).view_as(z)
        return z + moved if self.residual else moved
