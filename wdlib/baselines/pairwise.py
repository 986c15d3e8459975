"""Pairwise similarities: told of two images whether a factor is the same in both, not what it is.

    P(same_k | z, z') = sigmoid(slope (margin - |u_k - u'_k|^2))
    L = rho(t) (-E[log p(x|z)]) + KL(q(z|x) || N(0, I)) + weight sum_k -log P(same_k)

u_k are the dimensions of the code that are set aside for factor k; the rest are free. Images of
the same value are drawn together there, others apart; the weight rho of the reconstruction rises
from 0 to 1 early on, so that the similarities come first.

Source: Chen and Batmanghelich (2020), "Weakly supervised disentanglement by pairwise similarities"
(binary similarities). They tell of one factor; one set of dimensions for every factor is ours.
Here the similarities are those of pairs of labelled images. Ours, too: slope, margin, weight and
the rise of rho (logistic). The code that they released takes slope 1000, margin 2, weight 1, a rise
that is linear, and squared error of pixels. With those three numbers relations were judged .31
right on dSprites.v3 and .77 on Shapes3D.v3 (validation images, one seed, 7382 and 4498 steps),
and with squared error, too, .01 and .12; with slope 10, margin 1 and weight 100, the best of eleven
on both together, .96 and .92.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from wdlib.baselines.loop import Loop, check_budget, pictures
from wdlib.baselines.readout import Partitions
from wdlib.baselines.system import System
from wdlib.baselines.vae import Run, Terms, Training, kl, reconstruction, resident, sample
from wdlib.data import Images, Split
from wdlib.training.ours import shifted
from wdlib.training.progress import Progress


@dataclass(frozen=True)
class Config:
    """Hyper-parameters.

    Args:
        width: dimensions set aside for each factor.
        weight: of the similarities.
        slope, margin: of the similarity.
        pairs: of labelled images a step.
        shift: labelled images are moved by up to so many pixels, as for ours.
        warm_up: share of the budget at which rho is one half.
    """

    width: int = 2
    weight: float = 100.0
    slope: float = 10.0
    margin: float = 1.0
    pairs: int = 32
    shift: int = 2
    warm_up: float = 0.05
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
    """Train on all of train, and on pairs of the labelled images, for so many steps or seconds.

    ``labels``: the first so many labelled images (None: all) make the pairs and serve the read-out.
    Raises ValueError for a budget that is not exactly one, for a code too short for its factors,
    and as ``vae.resident`` does.
    """
    check_budget(steps, seconds)
    data = resident(split, images, labels=labels, device=device)
    run = Run(data, config.training, seed=seed)
    partitions = set_aside(len(data.values[0]), config.width, run.vae.dim)
    count = config.training.batch

    def objective(pick: Tensor, at: float) -> tuple[Tensor, Terms]:
        one, other = torch.randint(
            len(data.labelled), (2, config.pairs), generator=run.generator, device=run.device
        )
        known = pictures(data.labelled[torch.cat([one, other])])
        known = shifted(known, config.shift, run.generator)
        x = pictures(torch.cat([pictures(data.unlabelled[pick]), known]))  # one pass for all
        mean, log_variance = run.vae.encode(x)
        z = sample(mean, log_variance, run.generator)
        z, z_one, z_other = z.split([count, config.pairs, config.pairs])
        fidelity = reconstruction(run.vae.decode(z), x[:count])
        nats = kl(mean[:count], log_variance[:count]).sum(1).mean()
        same = data.values[one] == data.values[other]
        told = similarity(z_one, z_other, same, partitions, config.slope, config.margin)
        loss = rise(at, config.warm_up) * fidelity + nats + config.weight * told
        return loss, {"reconstruction": fidelity, "kl": nats, "similarity": told}

    loop = Loop(steps=steps, seconds=seconds, progress=progress, device=device)
    run.train(objective, loop)
    return run.system(loop, partitions)


def set_aside(factors: int, width: int, dim: int) -> Partitions:
    """The first ``width`` dimensions for the first factor, and so on.

    Raises ValueError where ``dim`` dimensions do not suffice.
    """
    if factors * width > dim:
        raise ValueError(
            f"{factors} factors of {width} dimensions each do not fit into a code of {dim}"
        )
    return tuple(tuple(range(k * width, (k + 1) * width)) for k in range(factors))


def similarity(
    z: Tensor, other: Tensor, same: Tensor, partitions: Partitions, slope: float, margin: float
) -> Tensor:
    """-log P(same), summed over factors, mean over pairs, in nats.

    z, other [B, d]: the codes of both images; same [B, n] bool: whether each factor agrees.
    """
    apart = (z - other).square()
    distance = torch.stack([apart[:, list(dims)].sum(1) for dims in partitions], dim=1)  # [B, n]
    logits = slope * (margin - distance)
    each = F.binary_cross_entropy_with_logits(logits, same.to(logits.dtype), reduction="none")
    return each.sum(1).mean()


def rise(at: float, half: float) -> float:
    """rho when the share ``at`` of the budget is spent: a logistic curve, one half at ``half``; 1
    throughout where that is 0."""
    if not half:
        return 1.0
    return 1 / (1 + math.exp(min(-(at - half) / (half / 10), 500)))
