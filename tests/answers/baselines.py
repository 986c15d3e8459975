"""Right and wrong answers to the exercises of notebooks/07_baselines."""

import numpy as np
import torch
from torch.distributions import Normal, kl_divergence


def kl(mean, log_variance):
    return (mean**2 + log_variance.exp() - 1 - log_variance) / 2


def kl_by_torch(mean, log_variance):
    q = Normal(mean, (log_variance / 2).exp())
    return kl_divergence(q, Normal(torch.zeros_like(mean), torch.ones_like(mean)))


def total_correlation(c):
    return (np.log(np.diag(c)).sum() - np.linalg.slogdet(c)[1]) / 2


def by_correlations(c):
    scale = np.sqrt(np.diag(c))
    return -0.5 * np.log(np.linalg.det(c / np.outer(scale, scale)))


def move(codes, new_values, dims, means):
    moved = codes.copy()
    moved[:, dims] = means[new_values][:, dims]
    return moved


def move_one_by_one(codes, new_values, dims, means):
    moved = codes.copy()
    for row, value in enumerate(new_values):
        for dim in dims:
            moved[row, dim] = means[value, dim]
    return moved


def move_the_rest(codes, new_values, dims, means):
    moved = means[new_values]
    moved[:, dims] = codes[:, dims]
    return moved


def added(codes, new_values, dims, means):
    moved = codes.copy()
    moved[:, dims] += means[new_values][:, dims]
    return moved


def crossed(codes, new_values, dims, means):
    """Rows and dimensions are paired up, where every row should get every dimension."""
    moved = codes.copy()
    moved[:, dims] = means[new_values, dims]
    return moved


def first_dim(codes, new_values, dims, means):
    return move(codes, new_values, dims[:1], means)


ANSWERS = {
    "07.1": (
        [kl, kl_by_torch],
        [
            (..., "no answer yet"),
            (lambda m, s: 2 * kl(m, s), "not yet"),
            (lambda m, s: (m**2 + s.exp() ** 2 - 1 - 2 * s) / 2, "log standard deviation"),
            (lambda m, s: (m + s.exp() - 1 - s) / 2, "not yet"),
            (lambda m, s: (s.exp() - 1 - s) / 2, "left out the mean"),
            (lambda m, s: (m**2 + s - 1 - s) / 2, "forgot the exponential of the log"),
            (lambda m, s: (m**2 + s.exp() - 1 + s) / 2, "not yet"),
            (lambda m, s: (m**2 + s.exp() - s) / 2, "not yet"),
            (
                lambda m, s: (s - 1 + (1 + m**2) / s.exp()) / 2,
                "computed the KL from the prior to q",
            ),
            (lambda m, s: -kl(m, s), "the sign is wrong"),
            (lambda m, s: kl(m, s).sum(1), "the shape is (2,), but it should be (2, 3)"),
            (lambda m, s: kl(m, s).mean(), "the shape is (), but it should be (2, 3)"),
            (lambda m, s: (m**2 + s - 1 - s.log()) / 2, "are infinite"),
        ],
    ),
    "07.2": (
        [total_correlation, by_correlations],
        [
            (..., "no answer yet"),
            (lambda c: 2 * total_correlation(c), "left out the factor 1/2"),
            (lambda c: total_correlation(c) / np.log(2), "not yet"),
            (lambda c: -0.5 * np.log(np.linalg.det(c)), "left out the variances"),
            (lambda c: 0.5 * np.log(np.diag(c)).sum(), "left out the determinant, which says"),
            (lambda c: np.linalg.det(c) / np.prod(np.diag(c)), "not yet"),
            (
                lambda c: np.log(np.diag(c)).sum() - 0.5 * np.log(np.linalg.det(c)),
                "used the variances as standard",
            ),
            (lambda c: -total_correlation(c), "the sign is wrong"),
            (lambda c: np.abs(c - np.diag(np.diag(c))).sum(), "too large"),
            (lambda c: np.log(np.diag(c)), "should be one number"),
        ],
    ),
    "07.3": (
        [move, move_one_by_one],
        [
            (..., "no answer yet"),
            (lambda z, v, dims, m: m[v], "replaced the whole code"),
            (move_the_rest, "replaced all dimensions except those"),
            (added, "added the mean to the code"),
            (lambda z, v, dims, m: z, "not yet"),
            (lambda z, v, dims, m: move(z, np.zeros_like(v), dims, m), "to the first mean"),
            (first_dim, "not yet"),
            (lambda z, v, dims, m: m[v][:, dims], "the shape is (3, 1), but it should be (3, 4)"),
            (crossed, "raises ValueError"),
        ],
    ),
    "07.4": (
        [["B", "D", "F"], {"d", "b", "f"}, ("F", "B", "D"), list("BDF")],
        [
            (..., "no answer yet"),
            (["A", "B", "D", "F"], "converted codes with raw ones"),
            (["B", "C", "D", "F"], "one of your pairs compares codes"),
            (["B", "D", "E", "F"], "one of your pairs compares two"),
            (["A", "C", "E"], "chose the unfair pairs"),
            (["D", "F"], "left out a fair pair"),
            (["B", "F"], "left out a fair pair"),
            (["B", "D"], "left out a fair pair"),
            (["A", "B"], "2 of 3 entries are missing, and 1"),
            ("BDF", "should be a list"),
            ([2, 4, 6], "3 of 3 entries are missing, and 3"),
        ],
    ),
}
