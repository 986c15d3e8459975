"""FactorVAE: a critic estimates the total correlation of the code, and the encoder reduces it.

    L = -ELBO + gamma TC(z),    TC(z) = KL(q(z) || prod_j q(z_j)) ~ E_q(z)[log D(z) / (1 - D(z))]

The critic D separates codes from codes whose dimensions were permuted among the images, each
dimension on its own: these are samples of prod_j q(z_j). The logit of the best critic is the log
ratio of the two densities, and its mean over codes is the total correlation. Unlike beta-VAE, this
does not reduce the mutual information between image and code.

Source: Kim and Mnih (2018), "Disentangling by factorising", Eq. 2 and 3, algorithms 1 and 2. Two
differences: the permuted codes come from the same batch, as in disentanglement_lib, where
algorithm 2 draws a second batch; and the critic takes its step before the autoencoder does. The
critic is smaller (published: six hidden layers of 1000, leaky ReLU, rate 1e-4), because the
published one costs more than encoder and decoder together.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from wdlib.baselines.vae import Posterior, Regulariser, Training, VAERun, fit_unsupervised
from wdlib.model.networks import mlp
from wdlib.training import method
from wdlib.training.loop import adam, anneal, update
from wdlib.training.method import Terms


@dataclass(frozen=True)
class Config:
    """Hyper-parameters."""

    gamma: float = 35.0  # usual for dSprites; Locatello et al. (2019) try 10 to 100
    width: int = 256  # of the critic
    layers: int = 4  # including the output layer
    activation: str = "relu"
    critic_lr: float = 1e-3
    critic_betas: tuple[float, float] = (0.5, 0.9)
    training: Training = Training()

    def regulariser(self, run: VAERun) -> Regulariser:
        """KL + gamma TC. Every call also updates the critic, whose loss at chance is 2 log 2."""
        sizes = {"layers": self.layers, "activation": self.activation}
        score = run.data.build(lambda: mlp(run.vae.dim, self.width, 1, **sizes))  # the logit of D
        optimiser = adam(score.parameters(), self.critic_lr, self.critic_betas)

        def regulariser(q: Posterior, at: float) -> tuple[Tensor, Terms]:
            if self.training.cosine:
                anneal(optimiser, at)
            z = q.z.detach()
            loss = method.critic(score(z), score(permuted(z, run.generator)))
            update(optimiser, loss)
            dependence = score(q.z).mean()
            terms = {"total correlation": dependence, "critic": loss}
            return q.kl + self.gamma * dependence, terms

        return regulariser


def permuted(z: Tensor, generator: torch.Generator) -> Tensor:
    """Codes [B, d], each dimension permuted among the rows on its own (algorithm 1)."""
    order = torch.rand(z.shape, generator=generator, device=z.device).argsort(0)
    return z.gather(0, order)


fit = fit_unsupervised
