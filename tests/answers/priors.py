"""Right and wrong answers to the exercises of notebooks/03_priors."""

import math

import torch


def squared(z, mean, covariance):
    return torch.einsum("bi,ij,bj->b", z - mean, covariance.inverse(), z - mean)


def density(z, mean, covariance):
    constant = len(mean) * math.log(2 * math.pi)
    return -0.5 * (squared(z, mean, covariance) + covariance.logdet() + constant)


def by_distribution(z, mean, covariance):
    return torch.distributions.MultivariateNormal(mean, covariance).log_prob(z)


def no_determinant(z, mean, covariance):
    return -0.5 * (squared(z, mean, covariance) + len(mean) * math.log(2 * math.pi))


def no_constant(z, mean, covariance):
    return -0.5 * (squared(z, mean, covariance) + covariance.logdet())


def no_half(z, mean, covariance):
    return density(z, mean, covariance) - 0.5 * squared(z, mean, covariance)


def not_inverted(z, mean, covariance):
    away = z - mean
    wrong = torch.einsum("bi,ij,bj->b", away, covariance, away)
    return density(z, mean, covariance) + 0.5 * (squared(z, mean, covariance) - wrong)


def all_pairs(z, mean, covariance):
    away = z - mean
    return -0.5 * (away @ covariance.inverse() @ away.T + covariance.logdet())


def diagonal_only(z, mean, covariance):
    return by_distribution(z, mean, torch.diag(torch.diagonal(covariance)))


def repaired(own, pooled, scale, shrink, ridge):
    return scale * ((1 - shrink) * own + shrink * pooled) + ridge * torch.eye(len(own))


def in_place(own, pooled, scale, shrink, ridge):
    mixed = scale * torch.lerp(own, pooled, shrink)
    mixed.diagonal().add_(ridge)
    return mixed


ANSWERS = {
    "03.1": (
        [density, by_distribution],
        [
            (no_determinant, "left out the log determinant of the"),
            (no_constant, "left out the term with 2 pi"),
            (no_half, "not yet"),
            (not_inverted, "used the covariance in the squared"),
            (lambda z, m, c: density(z, m, c).exp(), "not yet"),
            (lambda z, m, c: density(z, 0 * m, c), "did not subtract the mean"),
            (lambda z, m, c: -density(z, m, c), "the sign is wrong"),
            (all_pairs, "the shape is (2, 2), but it should be (2,)"),
            (diagonal_only, "are wrong"),
            (lambda z, m, c: density(z, m, c).mean(), "the shape is (), but it should be (2,)"),
            (lambda z, m, c: density(z[0], m, c), "raises"),
        ],
    ),
    "03.2": (
        [9, 9.0],
        [
            (8, "forgot that the mean is computed"),
            (10, "not yet"),
            (2, "took two codes for enough"),
            (64, "entries of the matrix"),
            (36, "not yet"),
            (7, "too small, by less than a factor of 2"),
            (1000, "more than 10 times"),
            ("nine", "should be a number"),
        ],
    ),
    "03.3": (
        [repaired, in_place],
        [
            (lambda o, p, s, a, r: repaired(p, o, s, a, r), "exchanged shrink and 1"),
            (
                lambda o, p, s, a, r: s * ((1 - a) * o + a * p + r * torch.eye(len(o))),
                "scaled the ridge, too",
            ),
            (lambda o, p, s, a, r: s * ((1 - a) * o + a * p) + r, "every entry"),
            (lambda o, p, s, a, r: s * ((1 - a) * o + a * p), "not yet"),
            (lambda o, p, s, a, r: repaired(o, p, 1, a, r), "not yet"),
            (
                lambda o, p, s, a, r: s * (1 - a) * o + a * p + r * torch.eye(len(o)),
                "own covariance only",
            ),
            (
                lambda o, p, s, a, r: s * (o + a * p) + r * torch.eye(len(o)),
                "not yet",
            ),
            (lambda o, p, s, a, r: repaired(o, p, s, a, r).diagonal(), "the shape is (2,)"),
            (lambda o, p, s, a, r: repaired(o, p, s, a, -r), "are wrong"),
            (lambda o, p, s, a, r: repaired(o, p, s, a, r) * float("nan"), "are NaN"),
        ],
    ),
    "03.4": (
        [
            lambda sizes, each: (each * max(sizes), each * math.prod(sizes)),
            lambda sizes, each: [max(each * s for s in sizes), each * math.prod(sizes)],
        ],
        [
            (lambda s, n: (n * sum(s), n * math.prod(s)), "labelled for all"),
            (lambda s, n: (n * min(s), n * math.prod(s)), "the smallest factor"),
            (lambda s, n: (max(s), math.prod(s)), "left out"),
            (lambda s, n: (n, n * math.prod(s)), "not yet"),
            (lambda s, n: (n * max(s), n * sum(s)), "added the sizes"),
            (lambda s, n: (n * math.prod(s), n * max(s)), "not yet"),
            (lambda s, n: n * max(s), "should have 2 parts"),
            (lambda s, n: (n * len(s), n * math.prod(s)), "modular: the number is too small"),
            (lambda s, n: (n * max(s), n ** len(s)), "for combinations: the number is too"),
        ],
    ),
}
