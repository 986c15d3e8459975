"""Exercises of notebooks/08_navigator: a click as a code, the shortest walk, a confidence."""

import numpy as np
from scipy.special import log_softmax, softmax

from wdlib.course.exercises.exercise import Exercise

_rng = np.random.default_rng(0)
AXES = np.linalg.qr(_rng.normal(size=(5, 2)))[0]
ORIGIN = np.array([1.0, -2, 0.5, 0, 3])
POINTS = tuple((_rng.normal(size=(n, 2)).round(1), ORIGIN, AXES) for n in (4, 1))
NEAR = np.log([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]])  # log densities [points, values]
FAR = np.array([[-1000.0, -1001, -1003]])
DENSITIES = ((NEAR,), (NEAR[:1] + 2,), (FAR,), (np.concatenate([NEAR, FAR]),))


def _code(points, origin, axes) -> np.ndarray:
    return origin + points @ axes.T


EXERCISES = {
    "08.1": Exercise(_code, inputs=POINTS, slips=(
        ("you left out the origin", lambda p, o, a: p @ a.T),
        ("you subtracted the origin, as on the way to a map; add it", lambda p, o, a: p @ a.T - o),
        ("you used only the origin; add points along the axes", lambda p, o, a: _code(0 * p, o, a)),
        ("you exchanged the two axes", lambda p, o, a: _code(p[:, ::-1], o, a)),
    )),
    # A test finds this number by trying every walk.
    "08.2": Exercise(4, slips=(
        ("you used no relation that goes round", 6),
        ("you went round in only one of the two directions", 5),
        ("you went back to the previous shape; there is only next-shape", 3),
        ("you changed only the position", 2),
    )),
    "08.3": Exercise(lambda log: softmax(log, axis=1), inputs=DENSITIES, slips=(
        ("you returned log confidences; take the exponential",
         lambda log: log_softmax(log, axis=1)),
        ("you did not divide the densities by their sum", np.exp),
        ("you summed over points; sum over the values (axis 1)", lambda log: softmax(log, axis=0)),
        ("you divided the log densities by their sum; divide the densities",
         lambda log: log / log.sum(1, keepdims=True)),
    )),
}  # fmt: skip
