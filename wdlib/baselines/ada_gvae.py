"""Ada-GVAE: pairs of images that differ in few factors, and no word about which.

    delta_i = KL(q(z_i|x1) || q(z_i|x2)),    threshold = (max_i delta_i + min_i delta_i) / 2
    L = sum over x1, x2 of -E[log p(x|z)] + beta KL(q~(z|x) || N(0, I))

Dimensions whose posteriors hardly differ (delta_i below the threshold) are taken for shared: both
images then use the average of the two posteriors there, q~. So what changed in the pair has to fit
into few dimensions.

Source: Locatello et al. (2020), "Weakly-supervised disentanglement without compromises", section 4;
averaging means and variances: Hosoya (2019), "Group-based learning of disentangled representations
with generalizability for novel contents". No label is used, but the pairs are made from the true
factors of train's images.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from wdlib.baselines.loop import Loop, check_budget, pictures
from wdlib.baselines.system import System
from wdlib.baselines.vae import Run, Terms, Training, kl, reconstruction, resident, sample
from wdlib.data import Images, Split
from wdlib.training.progress import Progress


@dataclass(frozen=True)
class Config:
    """Hyper-parameters.

    Args:
        beta: weight of the KL; the paper tries 1 to 16.
        changed: source factors that differ in a pair; 0 draws 1 to all but one, for each pair anew
            (the paper has both).
        training: ``batch`` counts pairs, as published.
    """

    beta: float = 1.0
    changed: int = 1
    training: Training = Training()


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
    """Train on pairs of train's images, for so many steps or seconds.

    ``labels``: the first so many labelled images (None: all) serve the read-out alone. Raises
    ValueError for a budget that is not exactly one, for more changed factors than vary, and as
    ``vae.Run`` does.
    """
    check_budget(steps, seconds)
    data = resident(split, images, labels=labels, device=device)
    run = Run(data, config.training, seed=seed)
    partners = Partners(split, config.changed, device)

    def objective(pick: Tensor, at: float) -> tuple[Tensor, Terms]:
        pair = torch.cat([pick, partners(pick, run.generator)])
        x = pictures(data.unlabelled[pair])
        mean, log_variance = average(*run.vae.encode(x))
        z = sample(mean, log_variance, run.generator)
        fidelity = reconstruction(run.vae.decode(z), x)
        nats = kl(mean, log_variance).sum(1).mean()
        return fidelity + config.beta * nats, {"reconstruction": fidelity, "kl": nats}

    loop = Loop(steps=steps, seconds=seconds, progress=progress, device=device)
    run.train(objective, loop)
    return run.system(loop)


def average(mean: Tensor, log_variance: Tensor) -> tuple[Tensor, Tensor]:
    """q~ of pairs: [2B, d] each, first all x1, then all x2, in the same order -> the same shapes.

    Shared dimensions get the mean of the two means and of the two variances.
    """
    (m1, m2), (s1, s2) = mean.chunk(2), log_variance.chunk(2)
    shared = ~changed(m1, s1, m2, s2)
    both_mean = (m1 + m2) / 2
    both = torch.logaddexp(s1, s2) - np.log(2)  # log of the mean variance
    mean = torch.cat([torch.where(shared, both_mean, m) for m in (m1, m2)])
    return mean, torch.cat([torch.where(shared, both, s) for s in (s1, s2)])


def changed(m1: Tensor, s1: Tensor, m2: Tensor, s2: Tensor) -> Tensor:
    """Which dimensions differ: means and log variances [B, d] of both images -> [B, d] bool.

    Those whose KL from x1's posterior to x2's is at or above the threshold of their pair.
    """
    ratio = s1 - s2
    delta = 0.5 * (ratio.exp() + (m1 - m2).square() * (-s2).exp() - 1 - ratio)
    lowest, highest = delta.aminmax(dim=1, keepdim=True)
    return delta >= (lowest + highest) / 2


class Partners:
    """For images of train, others of train whose source factors differ in ``changed`` places.

    Which factors differ, and by how much, is drawn uniformly. A drawn partner may lie outside of
    train; of TRIES draws one that lies inside is taken. Where none does, an image is its own
    partner, which changes nothing: rare on dSprites.v3; some images in a hundred on Shapes3D.v3,
    where train is a thirteenth of all images, and a few have no partner in it.

    Raises ValueError where fewer than ``changed`` factors vary.
    """

    TRIES = 128

    def __init__(self, split: Split, changed: int, device: str | torch.device):
        sizes = np.array([len(classes) for classes in split.task.admitted])
        varying = sizes > 1
        if not 0 <= changed <= varying.sum():
            raise ValueError(
                f"{changed} factors cannot differ in a pair: {varying.sum()} vary in "
                f"{split.task.name}"
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
        shape = (len(pick), self.TRIES, len(self.sizes))

        def uniform(*shape: int) -> Tensor:
            return torch.rand(shape, generator=generator, device=pick.device)

        number = self.changed
        if number == 0:  # from 1 to all but one
            number = 1 + (uniform(len(pick), 1, 1) * (len(self.sizes) - 1)).long()
        rank = uniform(*shape).argsort(2).argsort(2)
        by = 1 + (uniform(*shape) * (self.sizes - 1)).long().minimum(self.sizes - 2)
        places = self.places[pick][:, None] + torch.where(rank < number, by, 0)
        drawn = self.row[(places % self.sizes * self.strides).sum(2)]  # [B, TRIES], -1 outside
        first = (drawn >= 0).int().argmax(1, keepdim=True)
        partner = drawn.gather(1, first)[:, 0]
        return torch.where(partner >= 0, partner, pick)
