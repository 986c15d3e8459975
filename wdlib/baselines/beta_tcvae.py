"""beta-TCVAE: the total correlation, estimated from the batch without a critic.

    KL(q(z|x) || p(z)), averaged over x  =  I(x; z) + TC(z) + sum_j KL(q(z_j) || p(z_j))
    L = -E_q(z|x)[log p(x|z)] + I(x; z) + beta TC(z) + sum_j KL(q(z_j) || p(z_j))
      = -ELBO + (beta - 1) TC(z),        TC(z) = E_q(z)[log q(z) - sum_j log q(z_j)]

q(z) is the mean of q(z|x) over all N train images; a batch represents them.

Source: Chen et al. (2018), "Isolating sources of disentanglement in variational autoencoders",
Eq. 2 and 4 with alpha = gamma = 1, and minibatch stratified sampling (appendix C.2). PUBLISHED uses
minibatch weighted sampling (section 3.3); its gradient is that of Locatello et al. (2019), who
leave out the constants.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from wdlib.baselines import vae
from wdlib.baselines.vae import Posterior, Regulariser, Training, VAERun, fit_unsupervised
from wdlib.training.method import Terms


@dataclass(frozen=True)
class Config:
    """Hyper-parameters."""

    beta: float = 6.0  # usual for dSprites; Locatello et al. (2019) try 1 to 10
    weighted: bool = False  # weighted instead of stratified sampling
    training: Training = Training()

    def regulariser(self, run: VAERun) -> Regulariser:
        """KL + (beta - 1) TC."""
        count = len(run.data.unlabelled)

        def regulariser(q: Posterior, at: float) -> tuple[Tensor, Terms]:
            dependence = total_correlation(q.z, q.mean, q.log_variance, count, self.weighted)
            return q.kl + (self.beta - 1) * dependence, {"total correlation": dependence}

        return regulariser


def total_correlation(
    z: Tensor, mean: Tensor, log_variance: Tensor, count: int, weighted: bool = False
) -> Tensor:
    """TC of the aggregate posterior in nats, from a batch of samples z_i of q(z|x_i).

    z, mean and log_variance are [B, d], with B at least 2. ``count`` is N, the number of images
    that the batch was drawn from. ``weighted``: see ``log_weights``.
    """
    log_density = log_normal(z[:, None], mean[None], log_variance[None])  # [B, B, d]: z_i given x_j
    weights = log_weights(len(z), count, z.device, weighted)  # [B, B]
    log_joint = torch.logsumexp(weights + log_density.sum(2), dim=1)  # [B]
    log_each = torch.logsumexp(weights[:, :, None] + log_density, dim=1)  # [B, d]
    return (log_joint - log_each.sum(1)).mean()


def log_weights(batch: int, count: int, device, weighted: bool = False) -> Tensor:
    """Log of the weight of q(z_i|x_j) in the estimate of q(z_i): [batch, batch].

    Stratified: image i has its own share 1/N, and the other B - 1 images divide the rest equally;
    exact for a batch of all N images. (The paper gives a separate weight to one of the others,
    chosen at random; this is the mean over that choice.)
    Weighted: every weight is 1/(N B), as in minibatch weighted sampling. It is biased: where all
    images look alike, TC is (d - 1) log N too high.
    """
    if weighted:
        return torch.full((batch, batch), -math.log(batch * count), device=device)
    others = torch.full((batch, batch), math.log((count - 1) / count / (batch - 1)), device=device)
    own = torch.eye(batch, device=device, dtype=torch.bool)
    return others.masked_fill(own, -math.log(count))


def log_normal(z: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """log N(z; mean, exp(log_variance)) per dimension, in nats; shapes broadcast."""
    distance = (z - mean).square() * (-log_variance).exp()
    return -0.5 * (distance + log_variance + math.log(2 * math.pi))


PUBLISHED = Config(weighted=True, training=vae.PUBLISHED)


fit = fit_unsupervised
