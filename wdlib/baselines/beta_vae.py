"""beta-VAE: the KL of the ELBO with a larger weight.

    L = -E_q(z|x)[log p(x|z)] + beta KL(q(z|x) || N(0, I))

With beta above 1, every nat in the code is expensive. Codes with independent dimensions carry the
most information for their price.

Source: Higgins et al. (2017), "beta-VAE: learning basic visual concepts with a constrained
variational framework", Eq. 4.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from wdlib.baselines.system import FlatSystem
from wdlib.baselines.vae import Regulariser, Training, VAERun, fit_unsupervised, kl
from wdlib.training.loop import FitRequest


@dataclass(frozen=True)
class Config:
    """Hyper-parameters.

    Args:
        beta: weight of the KL; 1 is the plain VAE. 4 is usual for dSprites; Locatello et al. (2019)
            try 1 to 16.
    """

    beta: float = 4.0
    training: Training = Training()

    def regulariser(self, run: VAERun) -> Regulariser:
        """beta KL."""

        def regulariser(mean: Tensor, log_variance: Tensor, z: Tensor, at: float):
            nats = kl(mean, log_variance).sum(1).mean()
            return self.beta * nats, {"kl": nats}

        return regulariser


def fit(request: FitRequest, config: Config = Config()) -> FlatSystem:  # noqa: B008
    """Train a beta-VAE; see ``vae.fit_unsupervised``."""
    return fit_unsupervised(request, config)
