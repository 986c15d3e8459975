"""beta-VAE: the KL of the ELBO, weighed more than it should be.

    L = -E_q(z|x)[log p(x|z)] + beta KL(q(z|x) || N(0, I))

A beta above 1 makes every nat that a code carries dear. Codes whose dimensions are independent
carry most for their price.

Source: Higgins et al. (2017), "beta-VAE: learning basic visual concepts with a constrained
variational framework", Eq. 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from wdlib.baselines.loop import Loop, check_budget
from wdlib.baselines.system import System
from wdlib.baselines.vae import Regulariser, Run, Training, kl, resident
from wdlib.data import Images, Split
from wdlib.training.progress import Progress


@dataclass(frozen=True)
class Config:
    """Hyper-parameters.

    Args:
        beta: weight of the KL; 1 is the plain VAE. 4 is Higgins et al.'s on dSprites; Locatello et
            al. (2019) try 1 to 16.
    """

    beta: float = 4.0
    training: Training = Training()

    def regulariser(self, run: Run) -> Regulariser:
        """beta KL."""

        def regulariser(mean: Tensor, log_variance: Tensor, z: Tensor, at: float):
            nats = kl(mean, log_variance).sum(1).mean()
            return self.beta * nats, {"kl": nats}

        return regulariser


def fit(
    split: Split,
    images: Images,
    *,
    labels: int | None = None,
    seed: int,
    steps: int | None = None,
    seconds: float | None = None,
    device: str | torch.device = "cpu",
    progress: Progress | None = None,
    config: Config = Config(),  # noqa: B008
) -> System:
    """Train on all of train without labels, for so many steps or seconds.

    ``labels``: the first so many labelled images (None: all) serve the read-out alone. Raises
    ValueError for a budget that is not exactly one, and as ``vae.resident`` does.
    """
    check_budget(steps, seconds)
    data = resident(split, images, labels=labels, device=device)
    run = Run(data, config.training, seed=seed)
    loop = Loop(steps=steps, seconds=seconds, progress=progress)
    run.train(run.regularised(config.regulariser(run)), loop)
    return run.system(loop)
