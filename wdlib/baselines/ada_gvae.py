"""Ada-GVAE: pairs of images that differ in few factors, without knowing which ones.

    delta_i = KL(q(z_i|x1) || q(z_i|x2)),    threshold = (max_i delta_i + min_i delta_i) / 2
    L = sum over x1, x2 of -E[log p(x|z)] + beta KL(q~(z|x) || N(0, I))

A dimension with delta_i below the threshold counts as shared: there, both images use the average q~
of their two posteriors. So a change between the images must fit into few dimensions.

Source: Locatello et al. (2020), "Weakly-supervised disentanglement without compromises", section 4;
averages of means and variances: Hosoya (2019), "Group-based learning of disentangled
representations with generalizability for novel contents". No label is used, but the true factors
of the train images decide which images make a pair.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from wdlib.baselines import beta_vae
from wdlib.baselines.system import FlatSystem
from wdlib.baselines.vae import Training, VAERun
from wdlib.data import Split
from wdlib.training.loop import FitRequest, Run, network_input
from wdlib.training.method import Terms


@dataclass(frozen=True)
class Config:
    """Hyper-parameters."""

    beta: float = 1.0  # weight of the KL; the paper tries 1 to 16
    changed: int = 1  # source factors that differ in a pair
    training: Training = Training()  # ``batch`` counts pairs, as published


def fit(request: FitRequest, config: Config = Config()) -> FlatSystem:  # noqa: B008
    """Train on pairs of train images; the labels only serve the read-out.

    Raises ValueError where fewer than ``config.changed`` factors vary, and where a value has no
    labelled image.
    """
    run = VAERun(Run.of(request), config.training)
    partners = Partners(request.split, config.changed, request.device)
    regulariser = beta_vae.Config(config.beta).regulariser(run)

    def objective(pick: Tensor, at: float) -> tuple[Tensor, Terms]:
        pair = torch.cat([pick, partners(pick, run.generator)])  # [2B]
        x = network_input(run.data.unlabelled[pair])
        return run.loss(x, *average(*run.vae.encode(x)), regulariser, at)

    run.train(objective)
    return run.system()


def average(mean: Tensor, log_variance: Tensor) -> tuple[Tensor, Tensor]:
    """q~ of pairs: [2B, d] each, first all x1, then all x2 in the same order -> the same shapes.

    In shared dimensions, both images get the mean of the two means and of the two variances.
    """
    (m1, m2), (s1, s2) = mean.chunk(2), log_variance.chunk(2)
    shared = ~changed(m1, s1, m2, s2)
    both_mean = (m1 + m2) / 2
    both = torch.logaddexp(s1, s2) - np.log(2)  # log of the mean variance
    mean = torch.cat([torch.where(shared, both_mean, m) for m in (m1, m2)])
    return mean, torch.cat([torch.where(shared, both, s) for s in (s1, s2)])


def changed(m1: Tensor, s1: Tensor, m2: Tensor, s2: Tensor) -> Tensor:
    """Whether each dimension differs: means and log variances [B, d] of both images -> [B, d] bool.

    It differs where the KL from x1's posterior to x2's reaches the threshold of the pair.
    """
    ratio = s1 - s2
    delta = 0.5 * (ratio.exp() + (m1 - m2).square() * (-s2).exp() - 1 - ratio)
    lowest, highest = delta.aminmax(dim=1, keepdim=True)
    return delta >= (lowest + highest) / 2


class Partners:
    """For train images, partners in train that differ in ``changed`` source factors.

    Which factors differ, and by how much, is drawn uniformly. A drawn partner can lie outside of
    train, so the first of TRIES draws that lies inside is taken. Where none does, an image is its
    own partner, which teaches nothing. This is rare on dSprites.v3; on Shapes3D.v3, where train is
    a thirteenth of all images, it happens to a few images in a hundred.

    Raises ValueError where fewer than ``changed`` factors vary.
    """

    TRIES = 128

    def __init__(self, split: Split, changed: int, device: str | torch.device):
        sizes = np.array([len(classes) for classes in split.task.admitted])
        varying = sizes > 1
        if not 1 <= changed <= varying.sum():
            raise ValueError(
                f"changed is {changed}, but only {varying.sum()} factors of {split.task.name} vary"
            )
        places = np.stack(np.unravel_index(split.train, sizes), axis=1)[:, varying]
        strides = np.append(np.cumprod(sizes[:0:-1])[::-1], 1)[varying]
        row = np.full(len(split.task), -1)
        row[split.train] = np.arange(len(split.train))
        self.changed = changed
        self.sizes, self.strides, self.places, self.row = (
            torch.from_numpy(array).to(device) for array in (sizes[varying], strides, places, row)
        )

    def __call__(self, pick: Tensor, generator: torch.Generator) -> Tensor:
        """Rows of train [B] -> rows of their partners [B]."""
        shape, device = (len(pick), self.TRIES, len(self.sizes)), pick.device
        rank = torch.rand(shape, generator=generator, device=device).argsort(2).argsort(2)
        far = torch.rand(shape, generator=generator, device=device) * (self.sizes - 1)
        by = 1 + far.long().minimum(self.sizes - 2)
        places = self.places[pick][:, None] + torch.where(rank < self.changed, by, 0)
        drawn = self.row[(places % self.sizes * self.strides).sum(2)]  # [B, TRIES], -1 outside
        first = (drawn >= 0).int().argmax(1, keepdim=True)
        partner = drawn.gather(1, first)[:, 0]
        return torch.where(partner >= 0, partner, pick)
