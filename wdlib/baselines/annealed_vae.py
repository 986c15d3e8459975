"""The capacity-annealed beta-VAE: a code carries C nats, no more and no fewer, and C grows.

    L = -E_q(z|x)[log p(x|z)] + gamma | KL(q(z|x) || N(0, I)) - C |

A small capacity goes to the factor that improves reconstruction most (on dSprites, position). As C
grows, further factors follow in dimensions of their own.

Source: Burgess et al. (2018), "Understanding disentangling in beta-VAE", Eq. 8.
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
        gamma: weight of the distance to the capacity; 1000 as published.
        capacity: the final C in nats; 25 as published for dSprites.
        growth: share of the budget in which C grows from 0; a third, as the 100,000 of 300,000
            steps of Locatello et al. (2019).
    """

    gamma: float = 1000.0
    capacity: float = 25.0
    growth: float = 1 / 3
    training: Training = Training()

    def regulariser(self, run: VAERun) -> Regulariser:
        """gamma |KL - C|."""

        def regulariser(mean: Tensor, log_variance: Tensor, z: Tensor, at: float):
            nats = kl(mean, log_variance).sum(1).mean()
            distance = (nats - capacity(at, self.capacity, self.growth)).abs()
            return self.gamma * distance, {"kl": nats, "distance": distance}

        return regulariser


def capacity(at: float, most: float, growth: float) -> float:
    """C in nats when the share ``at`` of the budget is spent: it rises linearly to ``most``.

    Raises ValueError for a growth that is not positive.
    """
    if growth <= 0:
        raise ValueError(f"growth is {growth}; the capacity must grow over a positive share")
    return most * min(at / growth, 1.0)


def fit(request: FitRequest, config: Config = Config()) -> FlatSystem:  # noqa: B008
    """Train a capacity-annealed beta-VAE; see ``vae.fit_unsupervised``."""
    return fit_unsupervised(request, config)
