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

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from wdlib.baselines.system import FlatSystem
from wdlib.baselines.vae import Regulariser, Training, VAERun, fit_unsupervised, kl
from wdlib.model.networks import mlp
from wdlib.training import method
from wdlib.training.loop import FitRequest, adam, anneal, update


@dataclass(frozen=True)
class Config:
    """Hyper-parameters.

    Args:
        gamma: weight of the total correlation. 35 is usual for dSprites; Locatello et al. (2019)
            try 10 to 100.
        width, layers, activation: of the critic; ``layers`` includes the output layer.
        critic_lr, critic_betas: of the critic's Adam; the betas are the published ones.
    """

    gamma: float = 35.0
    width: int = 256
    layers: int = 4
    activation: str = "relu"
    critic_lr: float = 1e-3
    critic_betas: tuple[float, float] = (0.5, 0.9)
    training: Training = Training()

    def network(self, dim: int) -> nn.Module:
        """The critic's network: codes [B, dim] -> logits [B, 1]."""
        return mlp(dim, self.width, 1, layers=self.layers, activation=self.activation)

    def regulariser(self, run: VAERun) -> Regulariser:
        """KL + gamma TC. Every call also updates the critic."""
        critic = Critic(run.data.build(lambda: self.network(run.vae.dim)), self)

        def regulariser(mean: Tensor, log_variance: Tensor, z: Tensor, at: float):
            if self.training.cosine:
                anneal(critic.optimiser, at)
            critic_loss = critic.learn(z.detach(), run.generator)
            nats = kl(mean, log_variance).sum(1).mean()
            dependence = critic.total_correlation(z)
            terms = {"kl": nats, "total correlation": dependence, "critic": critic_loss}
            return nats + self.gamma * dependence, terms

        return regulariser


class Critic:
    """D and its optimiser; ``score`` gives the logit of D."""

    def __init__(self, score: nn.Module, config: Config):
        self.score = score
        self.optimiser = adam(score.parameters(), config.critic_lr, config.critic_betas)

    def total_correlation(self, z: Tensor) -> Tensor:
        """The mean logit of codes [B, d]: an estimate of their total correlation, in nats."""
        return self.score(z).mean()

    def learn(self, z: Tensor, generator: torch.Generator) -> Tensor:
        """One step on codes [B, d] and their permuted copies; a loss of 2 log 2 is chance."""
        loss = method.critic(self.score(z), self.score(permuted(z, generator)))
        update(self.optimiser, loss)
        return loss.detach()


def permuted(z: Tensor, generator: torch.Generator) -> Tensor:
    """Codes [B, d], each dimension permuted among the rows on its own (algorithm 1)."""
    order = torch.rand(z.shape, generator=generator, device=z.device).argsort(0)
    return z.gather(0, order)


def fit(request: FitRequest, config: Config = Config()) -> FlatSystem:  # noqa: B008
    """Train a FactorVAE; see ``vae.fit_unsupervised``."""
    return fit_unsupervised(request, config)
