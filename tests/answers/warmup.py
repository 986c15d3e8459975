"""Right and wrong answers to the exercises of notebooks/02_warmup."""

import math

import numpy as np
import torch
from torch.nn import functional as F


def loss(prior, codes):
    return F.softplus(-prior).mean() + F.softplus(codes).mean()


def by_log_sigmoid(prior, codes):
    return -(F.logsigmoid(prior).mean() + F.logsigmoid(-codes).mean())


def by_cross_entropy(prior, codes):
    bce = F.binary_cross_entropy_with_logits
    return bce(prior, torch.ones_like(prior)) + bce(codes, torch.zeros_like(codes))


def literal(prior, codes):
    return -(prior.sigmoid().log().mean() + (1 - codes.sigmoid()).log().mean())


def together(prior, codes):
    return torch.cat([F.softplus(-prior), F.softplus(codes)]).mean()


def guarded(prior, codes):
    """The usual patch, which is wrong where the critic is very sure."""
    d_prior, d_codes = prior.sigmoid(), codes.sigmoid()
    return -((d_prior + 1e-8).log().mean() + (1 - d_codes + 1e-8).log().mean())


ANSWERS = {
    "02.1": (
        [-(math.log(0.9) + math.log(0.8)), 0.3285, torch.tensor(0.3285)],
        [
            (-(math.log(0.9) + math.log(0.2)), "where log(1 - D) belongs"),
            (-(math.log(0.2) + math.log(0.1)), "changed places"),
            (0.16425, "averaged, not added"),
            (0.14267, "base 10"),
            (0.47393, "base 2"),
            (math.log(0.9) + math.log(0.8), "the sign is the wrong way round"),
            (0.10536, "the codes are left out"),
            (1.7, "no logarithm"),
            (1.386, "too large, by a factor of 2 to 10"),
            ((0.105, 0.223), "one number is wanted"),
        ],
    ),
    "02.2": (
        [loss, by_log_sigmoid, by_cross_entropy],
        [
            (literal, "it is infinite (right for 3 of 4 inputs)"),
            (guarded, "too small"),
            (lambda p, c: loss(c, p), "changed places"),
            (lambda p, c: loss(p, -c), "where log(1 - D) belongs"),
            (lambda p, c: -loss(p, c), "the sign is the wrong way round"),
            (together, "one mean"),
            (lambda p, c: F.softplus(-p).sum() + F.softplus(c).sum(), "added up"),
            (lambda p, c: loss(p, c) / 2, "averaged, not added"),
            (lambda p, c: F.softplus(-p) + F.softplus(c[: len(p)]), "one number is wanted"),
            (lambda p, c: F.softplus(-p) + F.softplus(c), "raises RuntimeError"),
            (lambda p, c: (1 - p).mean() + c.mean(), "too small"),
        ],
    ),
    "02.3": (
        [lambda p, q: p / (p + q), lambda p, q: 1 - q / (p + q)],
        [
            (lambda p, q: q / (p + q), "changed places"),
            (lambda p, q: p / np.maximum(q, 1e-9), "are off"),
            (lambda p, q: (p > q) * 1.0, "wherever the prior is the denser"),
            (lambda p, q: 0.5 + 0 * p, "only where p = q"),
            (lambda p, q: (p - q) / (p + q), "the difference"),
            (lambda p, q: 0.5, "the shape is (), wanted (3,)"),
            (lambda p, q: (p / (p + q)).mean(), "the shape is (), wanted (3,)"),
            (lambda p, q: 1 / (1 + np.exp(p - q)), "are off"),
            (lambda p, q: np.log(p / (p + q) + 1e-9), "are off"),
        ],
    ),
}
