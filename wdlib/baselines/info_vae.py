"""InfoVAE: the codes of all images together match the prior, rather than those of each image.

    L = -E_q(z|x)[log p(x|z)] + (1 - alpha) KL(q(z|x) || p(z))
        + (alpha + lambda - 1) MMD(q(z), p(z))
    MMD(q, p) = E_q,q[k(z, z')] - 2 E_q,p[k(z, z')] + E_p,p[k(z, z')]

The KL asks that no code says anything of its image; alpha = 1 drops it. The maximum mean
discrepancy compares two sets of samples through a kernel, and is 0 only for equal distributions.

Source: Zhao, Song and Ermon (2017), "InfoVAE: information maximizing variational autoencoders",
Eq. 6 and section 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from wdlib.baselines.vae import Regulariser, Run, Training, kl, unsupervised


@dataclass(frozen=True)
class Config:
    """Hyper-parameters.

    Args:
        alpha: 1 takes the KL away, 0 keeps it. 1 is what is called MMD-VAE.
        weight: lambda of the equation. Ours: at 1000 a code that says nothing (all zeros, 10
            dimensions, MMD .011) costs 11 nats, about what the KL of a working code does.
    """

    alpha: float = 1.0
    weight: float = 1000.0
    training: Training = Training()

    def regulariser(self, run: Run) -> Regulariser:
        """(1 - alpha) KL + (alpha + lambda - 1) MMD."""

        def regulariser(mean: Tensor, log_variance: Tensor, z: Tensor, at: float):
            nats = kl(mean, log_variance).sum(1).mean()
            prior = torch.randn(z.shape, generator=run.generator, device=z.device)
            discrepancy = mmd(z, prior)
            loss = (1 - self.alpha) * nats + (self.alpha + self.weight - 1) * discrepancy
            return loss, {"kl": nats, "mmd": discrepancy}

        return regulariser


def mmd(z: Tensor, other: Tensor) -> Tensor:
    """Squared maximum mean discrepancy of two sets of samples [N, d] and [M, d].

    The kernel is exp(-|z - z'|^2 / d^2), the authors' choice; every pair counts, each sample with
    itself too, so that equal sets score exactly 0.
    """
    return kernel(z, z).mean() - 2 * kernel(z, other).mean() + kernel(other, other).mean()


def kernel(z: Tensor, other: Tensor) -> Tensor:
    """exp(-|z - z'|^2 / d^2) of every pair: [N, d], [M, d] -> [N, M]."""
    away = (z[:, None] - other[None]).square().sum(2)  # not cdist: its gradient at 0 is NaN
    return (-away / z.shape[1] ** 2).exp()


fit = unsupervised(Config())
