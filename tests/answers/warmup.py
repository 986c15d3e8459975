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
            (-(math.log(0.9) + math.log(0.2)), "used log D for the codes"),
            (-(math.log(0.2) + math.log(0.1)), "exchanged prior and codes"),
            (0.16425, "averaged the two terms"),
            (0.14267, "base 10"),
            (0.47393, "not yet"),
            (math.log(0.9) + math.log(0.8), "the sign is wrong"),
            (0.10536, "not yet"),
            (1.7, "not yet"),
            (1.386, "too large, by a factor of 2 to 10"),
            ((0.105, 0.223), "should be one number"),
        ],
    ),
    "02.2": (
        [loss, by_log_sigmoid, by_cross_entropy],
        [
            (literal, "it is infinite"),
            (guarded, "too small"),
            (lambda p, c: loss(c, p), "exchanged prior and codes"),
            (lambda p, c: loss(p, -c), "used log D for the codes"),
            (lambda p, c: -loss(p, c), "the sign is wrong"),
            (together, "one mean"),
            (lambda p, c: F.softplus(-p).sum() + F.softplus(c).sum(), "added over the logits"),
            (lambda p, c: loss(p, c) / 2, "not yet"),
            (lambda p, c: F.softplus(-p) + F.softplus(c[: len(p)]), "should be one number"),
            (lambda p, c: F.softplus(-p) + F.softplus(c), "raises RuntimeError"),
            (lambda p, c: (1 - p).mean() + c.mean(), "too small"),
        ],
    ),
    "02.3": (
        [lambda p, q: p / (p + q), lambda p, q: 1 - q / (p + q)],
        [
            (lambda p, q: q / (p + q), "exchanged prior and codes"),
            (lambda p, q: p / np.maximum(q, 1e-9), "returned the ratio of the densities"),
            (lambda p, q: (p > q) * 1.0, "returned 1 wherever the prior is"),
            (lambda p, q: 0.5 + 0 * p, "not yet"),
            (lambda p, q: (p - q) / (p + q), "the difference"),
            (lambda p, q: 0.5, "the shape is (), but it should be (3,)"),
            (lambda p, q: (p / (p + q)).mean(), "the shape is (), but it should be (3,)"),
            (lambda p, q: 1 / (1 + np.exp(p - q)), "are wrong"),
            (lambda p, q: np.log(p / (p + q) + 1e-9), "are wrong"),
        ],
    ),
}
