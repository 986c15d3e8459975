"""Answers to the exercises of notebooks/04_relations."""

import numpy as np
import torch


def down(values):
    values = np.array(values)
    row, column = np.divmod(values[:, 1], 3)
    values[:, 1] = 3 * ((row + 1) % 3) + column
    return values


def down_in_one_sum(values):
    return np.stack([values[:, 0], (values[:, 1] + 3) % 9], axis=1)


def down_clamped(values):
    row, column = np.divmod(values[:, 1], 3)
    return np.stack([values[:, 0], 3 * np.minimum(row + 1, 2) + column], axis=1)


def down_without_a_round(values):
    return np.stack([values[:, 0], values[:, 1] + 3], axis=1)


def up(values):
    return np.stack([values[:, 0], (values[:, 1] - 3) % 9], axis=1)


def right(values):
    row, column = np.divmod(values[:, 1], 3)
    return np.stack([values[:, 0], 3 * row + (column + 1) % 3], axis=1)


def target(z, affected, moved, means):
    out = np.array(z)
    for i in np.flatnonzero(affected):
        out[:, i] = means[i, moved[:, i]]
    return out


def target_in_torch(z, affected, moved, means):
    arrived = torch.from_numpy(means)[torch.arange(z.shape[1]), torch.from_numpy(moved)]
    return torch.where(torch.from_numpy(affected)[:, None], arrived, torch.from_numpy(z))


def target_everywhere(z, affected, moved, means):
    return means[np.arange(z.shape[1]), moved]


def target_of_the_others(z, affected, moved, means):
    return target(z, ~affected, moved, means)


def target_added(z, affected, moved, means):
    out = np.array(z)
    for i in np.flatnonzero(affected):
        out[:, i] += means[i, moved[:, i]]
    return out


def target_of_the_first_value(z, affected, moved, means):
    out = np.array(z)
    for i in np.flatnonzero(affected):
        out[:, i] = means[i, moved[0, i]]
    return out


def target_in_one_buffer(z, affected, moved, means):
    BUFFER[:] = target(z, affected, moved, means)
    return BUFFER


BUFFER = np.zeros((3, 2, 4))


def target_flat(z, affected, moved, means):
    return target(z, affected, moved, means).reshape(len(z), -1)


ANSWERS = {
    "04.1": (
        [down, down_in_one_sum],
        [
            (..., "no answer yet"),
            (down_clamped, "left the cells of the bottom row"),
            (up, "moved up"),
            (right, "moved right"),
            (lambda v: np.stack([v[:, 0], (v[:, 1] + 1) % 9], axis=1), "reading order"),
            (lambda v: np.stack([(v[:, 0] + 1) % 3, v[:, 1]], axis=1), "not yet"),
            (lambda v: np.array(v), "not yet"),
            (lambda v: down(v)[:, 1], "the shape is"),
            (down_without_a_round, "entries"),
            (down(np.array([[2, 7]])), "should be a function"),
        ],
    ),
    "04.2": (
        [24, 24.0, np.int64(24)],
        [
            (..., "no answer yet"),
            (72, "multiplied"),
            (14, "added"),
            (3, "only position and shape"),
            (8, "only the orientation"),
            (27, "too large"),
            (48, "too large"),
            (23, "too small"),
        ],
    ),
    "04.3": (
        [target, target_in_torch, target_in_one_buffer],
        [
            (..., "no answer yet"),
            (target_everywhere, "moved every partition"),
            (target_of_the_others, "moved the unaffected partitions"),
            (target_added, "added the mean to the code"),
            (lambda z, a, m, means: target(0 * z, a, m, means), "set the unaffected partitions to"),
            (lambda z, a, m, means: z, "not yet"),
            (target_of_the_first_value, "entries"),
            (target_flat, "the shape is"),
        ],
    ),
}
