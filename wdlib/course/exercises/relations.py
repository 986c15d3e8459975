"""Exercises of notebooks/04_relations: a step down, the period of a walk, the target of Eq. 3."""

import math

import numpy as np

from wdlib.course.exercises.exercise import Exercise
from wdlib.relations import relation
from wdlib.tasks import task

V2 = task("dSprites.v2")
VALUES = (
    (np.stack(np.unravel_index(np.arange(V2.combinations), V2.sizes), axis=1),),  # [27, 2]
    (np.array([[2, 7]]),),
)

_rng = np.random.default_rng(0)
MEANS, Z = _rng.normal(size=(2, 3, 4)).round(1), _rng.normal(size=(3, 2, 4)).round(1)
MOVED = np.array([[2, 1], [0, 2], [1, 0]])
AFFECTED = ([True, False], [False, True], [True, True])
TARGETS = tuple((Z, np.array(affected), MOVED, MEANS) for affected in AFFECTED)


def _step(name: str, values) -> np.ndarray:
    return relation(name, V2)(values, V2)


def _target(z, affected, moved, means) -> np.ndarray:
    """The codes [N, n, d] that Eq. 3 asks for, with the component's mean instead of a sample."""
    arrived = np.asarray(means)[np.arange(z.shape[1]), moved]  # [N, n, d]
    return np.where(np.asarray(affected)[:, None], arrived, z)


EXERCISES = {
    "04.1": Exercise(lambda values: _step("down", values), inputs=VALUES, slips=(
        ("you left the cells of the bottom row where they are; they go to the top row",
         lambda v: relation("down", V2).clamped()(v, V2)),
        ("you moved up; rows are counted from the top", lambda v: _step("up", v)),
        ("you moved right; add a row, which is three cells", lambda v: _step("right", v)),
        ("you moved to the next cell in reading order; add a row, which is three cells",
         lambda v: np.stack([v[:, 0], (v[:, 1] + 1) % 9], axis=1)),
    )),
    # "right" is back after 3 steps, "rotate+" after 8, "next-shape" after 3.
    "04.2": Exercise(math.lcm(3, 8, 3), slips=(
        ("you multiplied the three periods; two of them are equal", 3 * 8 * 3),
        ("you added the three periods", 3 + 8 + 3),
        ("you brought back only position and shape", 3),
        ("you brought back only the orientation", 8),
    )),
    "04.3": Exercise(_target, inputs=TARGETS, slips=(
        ("you moved every partition; move only the affected ones",
         lambda z, a, m, means: _target(z, [True, True], m, means)),
        ("you moved the unaffected partitions instead of the affected ones",
         lambda z, a, m, means: _target(z, ~a, m, means)),
        ("you added the mean to the code; replace the code by the mean",
         lambda z, a, m, means: z + np.where(a[:, None], _target(0 * z, a, m, means), 0)),
        ("you set the unaffected partitions to zero; keep their codes",
         lambda z, a, m, means: _target(0 * z, a, m, means)),
    )),
}  # fmt: skip
