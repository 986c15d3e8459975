"""Answers to the exercises of notebooks/05_training."""

import math

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, softplus


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def critic_loss(prior, code):
    return -(np.log(sigmoid(prior)).mean() + np.log(1 - sigmoid(code)).mean())


def critic_loss_by_softplus(prior, code):
    prior, code = torch.from_numpy(prior), torch.from_numpy(code)
    return softplus(-prior).mean() + softplus(code).mean()


def critic_loss_by_cross_entropy(prior, code):
    prior, code = torch.from_numpy(prior), torch.from_numpy(code)
    real = binary_cross_entropy_with_logits(prior, torch.ones_like(prior))
    return real + binary_cross_entropy_with_logits(code, torch.zeros_like(code))


def steps(images):
    return 6000 * math.ceil(7 * images / 1024)


ANSWERS = {
    "05.1": (
        [critic_loss, critic_loss_by_softplus, critic_loss_by_cross_entropy],
        [
            (..., "no answer yet"),
            (lambda p, c: -critic_loss(p, c), "the sign is that of Eq. 2"),
            (lambda p, c: critic_loss(c, p), "changed places"),
            (lambda p, c: critic_loss(p, c) / 2, "averaged, not added"),
            (lambda p, c: -np.log(sigmoid(p)).mean(), "the term of the codes"),
            (lambda p, c: -np.log(1 - sigmoid(c)).mean(), "the term of the prior"),
            (lambda p, c: critic_loss(p, c) * len(p), "summed, not averaged"),
            (lambda p, c: -sigmoid(p).mean() - (1 - sigmoid(c)).mean(), "the logarithm"),
            (
                lambda p, c: -np.log(sigmoid(p)).mean() - np.log(sigmoid(c)).mean(),
                "log D is asked of the codes",
            ),
            (lambda p, c: -np.log(sigmoid(p)) - np.log(1 - sigmoid(c)), "one number is wanted"),
            (lambda p, c: critic_loss(sigmoid(p), sigmoid(c)), "right for 0 of 3"),
        ],
    ),
    "05.2": (
        [0.08, 0.4**2 / 2],
        [
            (..., "no answer yet"),
            (0.16, "both partitions"),
            (0.2, "not squared"),
            (0.4, "the standard deviation itself"),
            (1.28, "summed over the dimensions"),
            (0.0, "foresee the sample"),
            (0.32, "counted twice"),
            (0.64, "too large"),
            (0.01, "too small"),
        ],
    ),
    "05.3": (
        [
            ["balanced", "critic too strong", "critic does not learn"],
            ("Balanced", "critic too strong", "critic does not learn"),
        ],
        [
            (..., "no answer yet"),
            (["critic too strong", "balanced", "critic does not learn"], "another order"),
            (["balanced", "critic does not learn", "critic too strong"], "another order"),
            (["balanced", "critic too strong", "balanced"], "1 of 3 entries"),
            (["balanced", "diverged", "critic does not learn"], "1 of 3 entries"),
            (["balanced", "critic too strong"], "the shape is"),
            ("balanced", "the shape is"),
        ],
    ),
    "05.4": (
        [steps, lambda n: 1000 * math.ceil(7 * n / 1024) + 5000 * math.ceil(7 * n / 1024)],
        [
            (..., "no answer yet"),
            (lambda n: 6000 * math.ceil(n / 1024), "the six corrupted copies"),
            (lambda n: 6000 * math.ceil(6 * n / 1024), "not the image itself"),
            (lambda n: 1000 * math.ceil(7 * n / 1024), "only the warm-up"),
            (lambda n: 5000 * math.ceil(7 * n / 1024), "only full training"),
            (lambda n: 6000 * (7 * n // 1024), "smaller batch of an epoch is left out"),
            (lambda n: 6000 * math.ceil(7 * n / 128), "the batch is the learner's"),
            (lambda n: math.ceil(6000 * 7 * n / 1024), "only the total"),
            (lambda n: 6000 * 7 * n, "these are images"),
            (526_000, "a function is wanted"),
        ],
    ),
}
