"""beta-VAE: the KL of the ELBO with a larger weight.

    L = -E_q(z|x)[log p(x|z)] + beta KL(q(z|x) || N(0, I))

With beta above 1, every nat in the code is expensive. Codes with independent dimensions carry the
most information for their price.

Source: Higgins et al. (2017), "beta-VAE: learning basic visual concepts with a constrained
variational framework", Eq. 4. beta 4 is usual for dSprites; Locatello et al. (2019) try 1 to 16.
"""

from dataclasses import dataclass

from wdlib.baselines.vae import Regulariser, Training, VAERun, fit_unsupervised


@dataclass(frozen=True)
class Config:
    """Hyper-parameters."""

    beta: float = 4.0  # 1 is the plain VAE
    training: Training = Training()

    def regulariser(self, run: VAERun) -> Regulariser:
        """beta KL."""
        return lambda q, at: (self.beta * q.kl, {})


fit = fit_unsupervised
