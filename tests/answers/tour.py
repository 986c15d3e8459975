"""Answers to the exercises of notebooks/00_tour."""

import math

import numpy as np
import torch


def nearest(codes, means):
    return ((codes[:, None] - means[None]) ** 2).sum(axis=2).argmin(axis=1)


def nearest_in_a_loop(codes, means):
    return [min(range(len(means)), key=lambda k: np.linalg.norm(z - means[k])) for z in codes]


def nearest_in_torch(codes, means):
    return torch.cdist(torch.from_numpy(codes), torch.from_numpy(means)).argmin(1)


def furthest(codes, means):
    return ((codes[:, None] - means[None]) ** 2).sum(axis=2).argmax(axis=1)


def nearest_code(codes, means):
    return ((codes[:, None] - means[None]) ** 2).sum(axis=2).argmin(axis=0)


def without_squares(codes, means):
    return np.abs((codes[:, None] - means[None]).sum(axis=2)).argmin(axis=1)


def shapes_that_do_not_fit(codes, means):
    return ((codes - means) ** 2).sum(axis=1).argmin()


ANSWERS = {
    "00.1": (
        [nearest, nearest_in_a_loop, nearest_in_torch],
        [
            (..., "no answer yet"),
            (furthest, "not yet"),
            (nearest_code, "looked for the nearest code of every"),
            (without_squares, "cancel"),
            (lambda c, m: (c @ m.T).argmax(1), "the largest product"),
            (lambda c, m: np.abs(c[:, :1] - m[:, 0]).argmin(1), "not yet"),
            (lambda c, m: nearest(c, m) + 1, "counted the values from 1"),
            (lambda c, m: ((c[:, None] - m) ** 2).sum(2).min(1), "not yet"),
            (shapes_that_do_not_fit, "raises ValueError"),
            (lambda c, m: 0, "the shape is ()"),
        ],
    ),
    "00.2": (
        [
            lambda sizes: 1 / math.prod(sizes),
            lambda sizes: np.prod([1 / size for size in sizes]),
            lambda sizes: math.exp(-sum(map(math.log, sizes))),
        ],
        [
            (..., "no answer yet"),
            (lambda sizes: np.mean([1 / size for size in sizes]), "averaged"),
            (lambda sizes: sum(1 / size for size in sizes), "added the accuracies of the factors"),
            (lambda sizes: 1 / sum(sizes), "added the sizes"),
            (lambda sizes: 1 / max(sizes), "only the largest"),
            (lambda sizes: 1 - 1 / math.prod(sizes), "not yet"),
            (math.prod, "not yet"),
            (lambda sizes: 1 / (sizes[0] * sizes[1]), "raises IndexError"),
            (1 / 27, "should be a function"),
        ],
    ),
}
