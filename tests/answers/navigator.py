"""Answers to the exercises of notebooks/08_navigator."""

import numpy as np
import torch
from scipy.special import softmax

from wdlib.relations import relations_of
from wdlib.tasks import task


def shortest(start, goal) -> int:
    """Number of relations from values to values, every walk being tried."""
    v2 = task("dSprites.v2")
    reached, length = {start}, 0
    while goal not in reached:
        there = np.array(sorted(reached))
        reached |= {tuple(row) for r in relations_of(v2) for row in r(there, v2).tolist()}
        length += 1
    return length


def lift(points, origin, axes):
    return origin + points @ axes.T


def lift_in_torch(points, origin, axes):
    points, origin, axes = map(torch.from_numpy, (points, origin, axes))
    return torch.stack([origin + x * axes[:, 0] + y * axes[:, 1] for x, y in points])


def sure(log):
    away = np.exp(log - log.max(1, keepdims=True))
    return away / away.sum(1, keepdims=True)


def sure_in_torch(log):
    return torch.from_numpy(log).softmax(1)


def sure_but_underflows(log):
    with np.errstate(invalid="ignore"):
        return np.exp(log) / np.exp(log).sum(1, keepdims=True)


def one_maximum(log):
    with np.errstate(invalid="ignore"):
        above = np.exp(log - log.max())
        return above / above.sum(1, keepdims=True)


def certain(log):
    return np.eye(log.shape[1])[log.argmax(1)]


ANSWERS = {
    "08.1": (
        [lift, lift_in_torch, lambda p, o, a: o + p @ np.linalg.pinv(a)],
        [
            (..., "no answer yet"),
            (lambda p, o, a: p @ a.T, "left out the origin"),
            (lambda p, o, a: p @ a.T - o, "subtracted the origin, as on the way"),
            (lambda p, o, a: lift(0 * p, o, a), "only the origin"),
            (lambda p, o, a: lift(p[:, ::-1], o, a), "exchanged"),
            (lambda p, o, a: o + p @ a, "raises ValueError"),
            (lambda p, o, a: lift(p, o, a)[0], "the shape is"),
            (lambda p, o, a: lift(2 * p, o, a), "entries"),
        ],
    ),
    "08.2": (
        [shortest((0, 0), (2, 8)), 4.0],
        [
            (..., "no answer yet"),
            (6, "used no relation that goes round"),
            (2, "only the position"),
            (3, "went back to the previous shape"),
            (5, "only one of the two"),
            (8, "too large"),
            ("next-shape", "should be a number"),
        ],
    ),
    "08.3": (
        [sure, sure_in_torch],
        [
            (..., "no answer yet"),
            (sure_but_underflows, "are NaN"),
            (lambda log: np.log(sure(log)), "log confidences"),
            (np.exp, "did not divide the densities by"),
            (one_maximum, "are NaN"),
            (lambda log: softmax(log, axis=0), "over points"),
            (softmax, "not yet"),
            (lambda log: log / log.sum(1, keepdims=True), "divided the log densities by their"),
            (certain, "entries"),
            (lambda log: sure(log).argmax(1), "the shape is"),
        ],
    ),
}
