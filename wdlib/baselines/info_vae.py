"""InfoVAE: match the codes of all images together to the prior, not those of each image.

    L = -E_q(z|x)[log p(x|z)] + (1 - alpha) KL(q(z|x) || p(z))
        + (alpha + lambda - 1) MMD(q(z), p(z))
    MMD(q, p) = E_q,q[k(z, z')] - 2 E_q,p[k(z, z')] + E_p,p[k(z, z')]

The KL penalises all information in a code; alpha = 1 removes it. The maximum mean discrepancy (MMD)
compares two sets of samples through a kernel; it is 0 only for equal distributions.

Source: Zhao, Song and Ermon (2017), "InfoVAE: information maximizing variational autoencoders",
Eq. 6 and section 4. lambda is wdlib's choice: with 1000, a code without information (all zeros, 10
dimensions, MMD .011) costs 11 nats, about the KL of a working code.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from wdlib.baselines.vae import Posterior, Regulariser, Training, VAERun, fit_unsupervised
from wdlib.training.method import Terms


@dataclass(frozen=True)
class Config:
    """Hyper-parameters."""

    alpha: float = 1.0  # 1 removes the KL (also called MMD-VAE), 0 keeps it
    weight: float = 1000.0  # lambda
    training: Training = Training()

    def regulariser(self, run: VAERun) -> Regulariser:
        """(1 - alpha) KL + (alpha + lambda - 1) MMD."""

        def regulariser(q: Posterior, at: float) -> tuple[Tensor, Terms]:
            prior = torch.randn(q.z.shape, generator=run.generator, device=q.z.device)
            discrepancy = mmd(q.z, prior)
            loss = (1 - self.alpha) * q.kl + (self.alpha + self.weight - 1) * discrepancy
            return loss, {"mmd": discrepancy}

        return regulariser


def mmd(z: Tensor, other: Tensor) -> Tensor:
    """Squared maximum mean discrepancy of two sets of samples, [N, d] and [M, d].

    Every pair counts, also each sample with itself, so equal sets have exactly 0.
    """
    return kernel(z, z).mean() - 2 * kernel(z, other).mean() + kernel(other, other).mean()


def kernel(z: Tensor, other: Tensor) -> Tensor:
    """The authors' kernel exp(-|z - z'|^2 / d^2) of every pair: [N, d], [M, d] -> [N, M]."""
    distance = (z[:, None] - other[None]).square().sum(2)  # cdist has the gradient NaN at 0
    return (-distance / z.shape[1] ** 2).exp()


fit = fit_unsupervised
