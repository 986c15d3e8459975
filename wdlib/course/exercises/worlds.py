"""Exercises of notebooks/01_worlds: numbers and classes, values of a task, ceilings."""

from __future__ import annotations

import numpy as np

from wdlib.course.exercises.exercise import Exercise
from wdlib.factors import DSPRITES, FactorSpace
from wdlib.tasks import task


def _number_of(classes, sizes) -> int:
    space = FactorSpace(
        tuple(f"factor {i}" for i in range(len(sizes))), tuple(tuple(range(s)) for s in sizes)
    )
    return int(space.index([classes])[0])


def _position_value(pos_x: int, pos_y: int) -> int:
    v2 = task("dSprites.v2")
    try:
        return int(v2.values([[0, 0, 2, 0, pos_x, pos_y]])[0, v2.factor("position")])
    except ValueError:  # in a gap
        return -1


def _best_share(alike: tuple[int, int, int]) -> float:
    """The best accuracy where so many values look alike for a square, an ellipse, a heart."""
    return float(np.mean([1 / count for count in alike]))


def _per_combination(name: str) -> int:
    return len(task(name)) // task(name).combinations


EXERCISES = (
    Exercise(
        "01.1",
        _number_of,
        inputs=lambda: [
            ((0, 0, 0), (3, 2, 4)),
            ((2, 1, 3), (3, 2, 4)),
            ((1, 0, 2), (3, 2, 4)),
            ((5,), (7,)),
            ((0, 2, 5, 12, 3, 30), DSPRITES.sizes),
        ],
        slips=(
            ("the first factor runs fastest", lambda c, s: _number_of(c[::-1], s[::-1])),
            (
                "each class is multiplied by its own factor's size, not by the sizes after it",
                lambda c, s: sum(int(np.prod(s[i:])) * c[i] for i in range(len(c))),
            ),
            ("pictures are counted from 1", lambda c, s: _number_of(c, s) + 1),
            ("the classes are only added up", lambda c, s: sum(c)),
        ),
    ),
    Exercise(
        "01.2",
        _position_value,
        inputs=lambda: [
            (0, 0), (16, 2), (31, 4), (2, 15), (17, 13), (28, 30), (8, 0), (16, 20), (5, 26),
        ],
        slips=(
            ("x and y have changed places", lambda x, y: _position_value(y, x)),
            (
                "there are no gaps: the 32 classes are cut into three equal parts",
                lambda x, y: 3 * (y * 3 // 32) + x * 3 // 32,
            ),
            (
                "a gap counts only where both x and y lie in one",
                lambda x, y: 3 * _cell(y) + _cell(x) if max(_cell(x), _cell(y)) >= 0 else -1,
            ),
            ("values are counted from 1", lambda x, y: _from_one(_position_value(x, y))),
            ("the -1 of a gap is computed with", lambda x, y: 3 * _cell(y) + _cell(x)),
        ),
    ),
    Exercise(
        "01.3",
        lambda: _per_combination("dSprites.v3"),
        slips=(
            ("the scale still counts as nuisance", lambda: 3 * _per_combination("dSprites.v3")),
            ("the scale still counts as nuisance", lambda: 5 * _per_combination("dSprites.v3")),
            ("orientation 39 was counted, too", lambda: 6 * 5 * 5),
            ("the orientation or one direction of the place was left out", lambda: 5 * 5),
            ("the place inside the cell was left out", lambda: 5),
            ("these are all pictures of the task", lambda: len(task("dSprites.v3"))),
            ("these are combinations, not pictures", lambda: task("dSprites.v3").combinations),
        ),
    ),
    Exercise(
        "01.4",
        lambda: _best_share((2, 1, 1)),
        slips=(
            ("the values lie on the full circle", lambda: _best_share((4, 2, 1))),
            ("every value can be told apart", lambda: 1.0),
            ("the square has four values alike here, too", lambda: _best_share((4, 1, 1))),
            ("the ellipse comes back within half a turn", lambda: _best_share((2, 2, 1))),
            ("counts are averaged, not shares", lambda: 1 / np.mean([2, 1, 1])),
            ("only the square is asked", lambda: 0.5),
        ),
        tolerance=5e-3,
    ),
)  # fmt: skip


def _cell(place: int) -> int:
    """Bin of a place along one axis, -1 in a gap."""
    value = _position_value(place, 0)
    return value if value >= 0 else -1


def _from_one(value: int) -> int:
    return value + 1 if value >= 0 else -1
