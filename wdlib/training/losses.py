"""Losses: tensors in, a scalar out. Their weights live in the presets, never here.

Equations: Valenti and Bacciu (2022), section 3.
"""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional as F


def reconstruction(logits: Tensor, x: Tensor) -> Tensor:
    """-E[log p(x | z)], the first term of Eq. 1, under a Bernoulli likelihood of each pixel.

    logits and x [B, C, 64, 64]. Nats an image, divided by the 64 pixels of a side so that a weight
    of 1 serves beside the other losses.
    """
    total = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    return total / (len(x) * x.shape[-1])


def critic(prior_logits: Tensor, code_logits: Tensor) -> Tensor:
    """-(E_prior[log D(z)] + E_data[log(1 - D(enc(x)))]): Eq. 2, which the critic maximises.

    Both [B]: the critic's logits of samples of the prior and of codes.
    """
    return F.softplus(-prior_logits).mean() + F.softplus(code_logits).mean()


def adversarial(code_logits: Tensor) -> Tensor:
    """-E_data[log D(enc(x))]: the encoder's side of Eq. 2 in its non-saturating form. [B]."""
    return F.softplus(-code_logits).mean()


def relational(moved: Tensor, target: Tensor) -> Tensor:
    """Eq. 3: mean squared error between ReL(z, r) and where f_r sends z. Both [B, n, d]."""
    return F.mse_loss(moved, target)


def labels(scores: list[Tensor], values: Tensor) -> Tensor:
    """Cross-entropy of labelled values, mean over images and partitions. Ours.

    scores: logits [B, K_i], one tensor a partition; values [B, n] integers, -1 where unknown: an
    unknown value adds nothing, and counts in the mean.
    """
    each = [
        F.cross_entropy(s, v, ignore_index=-1, reduction="sum") / len(v)
        for s, v in zip(scores, values.T)
    ]
    return sum(each) / len(scores)


def diverged(name: str, loss: float, channels: int) -> bool:
    """Whether a loss, as a float, is one that training does not come back from.

    That is NaN or infinity; for the two sides of Eq. 2, odds of e^80 against one of them (float32
    ends at e^88); for the reconstruction of images of ``channels``, a hundred times what a decoder
    that knows nothing pays.
    """
    most = {"critic": 80.0, "adversarial": 80.0, "reconstruction": 6400 * channels * math.log(2)}
    return not (math.isfinite(loss) and loss <= most.get(name, math.inf))


def check_sound(said: dict[str, float], channels: int, *, step: int) -> None:
    """Raises FloatingPointError that names the step and the first of the losses, as floats by name,
    that has ``diverged``."""
    for name, loss in said.items():
        if diverged(name, loss, channels):
            raise FloatingPointError(
                f"the {name} loss is {loss:g} at step {step}: training has diverged; the last "
                f"checkpoint is kept, but train anew with lower learning rates or less weight on "
                f"the adversarial loss"
            )


def pseudo_labels(scores: list[Tensor], believed: list[Tensor], confidence: float) -> Tensor:
    """Cross-entropy of the values that the model itself is sure of. Ours, as in FixMatch.

    scores: logits [B, K_i] of changed images, one tensor a partition; believed: probabilities
    [B, K_i] of the unchanged ones. A value counts where its probability reaches ``confidence``;
    the mean is over all images and partitions.

    Source: Sohn et al. (2020), "FixMatch", Eq. 4, each partition by itself.
    """
    total = 0.0
    for score, belief in zip(scores, believed):
        sure, value = belief.max(1)
        each = F.cross_entropy(score, value, reduction="none")
        total = total + (each * (sure >= confidence)).mean()
    return total / len(scores)
