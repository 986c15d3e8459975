"""Exercises of notebooks/08_navigator: a click as a code, the shortest walk, a confidence."""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax, softmax

from wdlib.course.exercises.exercise import Exercise


def _lifted(points, origin, axes) -> np.ndarray:
    return origin + np.asarray(points) @ axes.T


def _planes() -> list[tuple]:
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(5, 2)))[0]
    origin = np.array([1.0, -2, 0.5, 0, 3])
    return [(rng.normal(size=(n, 2)).round(1), origin, axes) for n in (4, 1)]


def _densities() -> list[tuple]:
    near = np.log([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]])
    far = np.array([[-1000.0, -1001, -1003]])
    return [(near,), (near[:1] + 2,), (far,), (np.concatenate([near, far]),)]


EXERCISES = (
    Exercise(
        "08.1",
        _lifted,
        inputs=_planes,
        slips=(
            ("the origin is left out", lambda p, o, a: p @ a.T),
            ("the origin is taken away, as on the way to the map", lambda p, o, a: p @ a.T - o),
            ("only the origin counts", lambda p, o, a: o + 0 * p @ a.T),
            ("the two axes are exchanged", lambda p, o, a: o + p[:, ::-1] @ a.T),
        ),
    ),
    Exercise(
        "08.2",
        lambda: 4,  # tests/answers/navigator.py finds it by trying every walk
        slips=(
            ("no relation goes round", lambda: 6),
            ("only one of the two directions goes round", lambda: 5),
            ("a shape can also go to the one before", lambda: 3),
            ("only the position changes", lambda: 2),
        ),
    ),
    Exercise(
        "08.3",
        lambda log: softmax(log, axis=1),
        inputs=_densities,
        slips=(
            ("these are the logarithms of the confidences", lambda log: log_softmax(log, axis=1)),
            ("the densities are never divided by their sum", lambda log: np.exp(log)),
            ("the sum runs over the points, not the values", lambda log: softmax(log, axis=0)),
            ("the sum runs over everything at once", lambda log: softmax(log)),
            (
                "the log densities are divided by their sum, not the densities",
                lambda log: log / log.sum(1, keepdims=True),
            ),
        ),
    ),
)
