"""Exercises of notebooks/04_relations: a step down, the period of a walk, the target of Eq. 3."""

from __future__ import annotations

import numpy as np

from wdlib.course.exercises.exercise import Exercise
from wdlib.relations import Relation, relation
from wdlib.tasks import Task, task

V2 = task("dSprites.v2")
ALL = np.stack(np.unravel_index(np.arange(V2.combinations), V2.sizes), axis=1)  # [27, 2]


def _moved(name: str, values, clamped: bool = False) -> np.ndarray:
    step = relation(name, V2)
    return (step.clamped() if clamped else step)(values, V2)


def _next_cell(values) -> np.ndarray:
    values = np.array(values)
    values[:, 1] = (values[:, 1] + 1) % 9
    return values


def period(step: Relation, of: Task) -> int:
    """How often a cyclic relation is applied until every value is back where it was."""
    start = np.zeros((1, len(of.factors)), np.int64)
    values, count = step(start, of), 1
    while (values != start).any():
        values, count = step(values, of), count + 1
    return count


def _walk() -> tuple[Relation, Task]:
    v4 = task("dSprites.v4")
    right, turn, shape = (relation(name, v4) for name in ("right", "rotate+", "next-shape"))
    return right.then(turn).then(shape), v4


def _target(z, affected, moved, means) -> np.ndarray:
    """Where Eq. 3 sends codes z [N, n, d], up to the component's own noise."""
    arrived = np.asarray(means)[np.arange(z.shape[1]), moved]  # [N, n, d]
    return np.where(np.asarray(affected)[:, None], arrived, z)


def _codes() -> list[tuple]:
    rng = np.random.default_rng(0)
    means = rng.normal(size=(2, 3, 4)).round(1)
    z = rng.normal(size=(3, 2, 4)).round(1)
    moved = np.array([[2, 1], [0, 2], [1, 0]])
    return [(z, np.array(a), moved, means) for a in ([True, False], [False, True], [True, True])]


EXERCISES = (
    Exercise(
        "04.1",
        lambda values: _moved("down", values),
        inputs=lambda: [(ALL,), (np.array([[2, 7]]),)],
        slips=(
            ("the cells of the bottom row stay where they are", lambda v: _moved("down", v, True)),
            ("it moves up", lambda v: _moved("up", v)),
            ("it moves right", lambda v: _moved("right", v)),
            ("it moves to the next cell in reading order", _next_cell),
            ("the shape changes, not the position", lambda v: _moved("next-shape", v)),
            ("nothing moves", lambda v: v),
        ),
    ),
    Exercise(
        "04.2",
        lambda: period(*_walk()),
        slips=(
            ("the three periods are multiplied, although two of them are alike", lambda: 3 * 8 * 3),
            ("the three periods are added", lambda: 3 + 8 + 3),
            ("position has a period of 9, but right has one of 3", lambda: 72),
            ("only position and shape are back", lambda: 3),
            ("only the orientation is back", lambda: 8),
        ),
    ),
    Exercise(
        "04.3",
        _target,
        inputs=_codes,
        slips=(
            (
                "every partition goes to its component; only the affected ones should",
                lambda z, a, m, means: _target(z, [True, True], m, means),
            ),
            (
                "the affected partitions stay and the others go",
                lambda z, a, m, means: _target(z, ~np.asarray(a), m, means),
            ),
            (
                "the mean is added to the code; it should take its place",
                lambda z, a, m, means: z + np.where(a[:, None], _target(0 * z, a, m, means), 0),
            ),
            (
                "the partitions that should stay are set to zero",
                lambda z, a, m, means: _target(0 * z, a, m, means),
            ),
            ("nothing moves", lambda z, a, m, means: z),
        ),
    ),
)
