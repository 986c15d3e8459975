"""The capacity-annealed beta-VAE: a code carries C nats, no more and no fewer, and C grows.

    L = -E_q(z|x)[log p(x|z)] + gamma | KL(q(z|x) || N(0, I)) - C |

A small capacity goes to the factor that improves reconstruction most (on dSprites, position). As C
grows, further factors follow in dimensions of their own.

Source: Burgess et al. (2018), "Understanding disentangling in beta-VAE", Eq. 8, with their gamma
and capacity for dSprites. C grows over a third of training, as over 100,000 of 300,000 steps in
Locatello et al. (2019).
"""

from dataclasses import dataclass

from torch import Tensor

from wdlib.baselines.vae import Posterior, Regulariser, Training, VAERun, fit_unsupervised
from wdlib.training.method import Terms


@dataclass(frozen=True)
class Config:
    """Hyper-parameters."""

    gamma: float = 1000.0
    capacity: float = 25.0  # the final C, in nats
    growth: float = 1 / 3  # share of the budget in which C grows from 0
    training: Training = Training()

    def regulariser(self, run: VAERun) -> Regulariser:
        """gamma |KL - C|."""

        def regulariser(q: Posterior, at: float) -> tuple[Tensor, Terms]:
            distance = (q.kl - capacity(at, self.capacity, self.growth)).abs()
            return self.gamma * distance, {"distance": distance}

        return regulariser


def capacity(at: float, most: float, growth: float) -> float:
    """C in nats when the share ``at`` of the budget is spent: it rises linearly to ``most``."""
    return most * min(at / growth, 1.0)


fit = fit_unsupervised
