"""The capacity-annealed beta-VAE: a code may carry C nats, no more and no fewer, and C grows.

    L = -E_q(z|x)[log p(x|z)] + gamma | KL(q(z|x) || N(0, I)) - C |

With little capacity a code holds what saves most reconstruction (on dSprites, the position); as C
grows the next factors join, in dimensions of their own.

Source: Burgess et al. (2018), "Understanding disentangling in beta-VAE", Eq. 8.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from wdlib.baselines.vae import Regulariser, Run, Training, kl, unsupervised


@dataclass(frozen=True)
class Config:
    """Hyper-parameters.

    Args:
        gamma: weight of the distance to the capacity; 1000 as published.
        capacity: C at its end, in nats; 25 as published on dSprites.
        growth: share of the budget over which C grows from 0; a third, as the 100,000 of 300,000
            steps of Locatello et al. (2019).
    """

    gamma: float = 1000.0
    capacity: float = 25.0
    growth: float = 1 / 3
    training: Training = Training()

    def regulariser(self, run: Run) -> Regulariser:
        """gamma |KL - C|."""

        def regulariser(mean: Tensor, log_variance: Tensor, z: Tensor, at: float):
            nats = kl(mean, log_variance).sum(1).mean()
            distance = (nats - capacity(at, self.capacity, self.growth)).abs()
            return self.gamma * distance, {"kl": nats, "distance": distance}

        return regulariser


def capacity(at: float, most: float, growth: float) -> float:
    """C in nats when the share ``at`` of the budget is spent: linear up to ``most``, then still.

    Raises ValueError for a growth that is not positive.
    """
    if growth <= 0:
        raise ValueError(f"the capacity must grow over a positive share, got {growth}")
    return most * min(at / growth, 1.0)


fit = unsupervised(Config())
