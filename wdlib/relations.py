"""Relations: controlled changes of an image as integer arithmetic on its factor values.

"Left" is minus one on the second axis of position. "Next shape" is plus one on shape, where the
first shape follows the last. A relation has a name and steps, and may change several factors. Its
result is (value + step), going round or stopping at the ends; there are no tables.

Source: Valenti and Bacciu (2022), section 3, relations f_r on factor values. As in the authors'
earlier code (of arXiv 2205.10056), relations go round on dSprites, while hue and size stop at their
ends on 3D Shapes.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wdlib.factors import check_rows
from wdlib.tasks import Task


@dataclass(frozen=True)
class Step:
    """``by`` values along one axis of one relevant factor's grid, or one value that is set.

    Args:
        factor: name of the relevant factor.
        by: number of values to move, with a sign.
        axis: axis of the factor's grid (for position, 0 is y, downwards, and 1 is x, rightwards).
        cyclic: go round (True), stop at the ends (False), or as the factor does (None).
        to: the value that is set, whatever the value was; ``by`` and ``axis`` then do not count.
    """

    factor: str
    by: int = 0
    axis: int = 0
    cyclic: bool | None = None
    to: int | None = None


@dataclass(frozen=True)
class Relation:
    """A named change of one or more relevant factors."""

    name: str
    steps: tuple[Step, ...]

    def __call__(self, values, task: Task) -> np.ndarray:
        """Values [N, n] -> values after the change [N, n]: the paper's f_r.

        Raises ValueError for values that are not integers or outside their factor, and for a factor
        or axis that the task does not have.
        """
        values = check_rows(values, task.factor_names, task.sizes, f"{task.name}: values")
        for step in self.steps:
            i = task.factor(step.factor)
            factor = task.factors[i]
            if step.to is not None:
                values[:, i] = step.to
                continue
            if not 0 <= step.axis < len(factor.grid):
                raise ValueError(f"{factor.name} has {len(factor.grid)} axes, no axis {step.axis}")
            places = list(np.unravel_index(values[:, i], factor.grid))
            size = factor.grid[step.axis]
            moved = places[step.axis] + step.by
            cyclic = factor.cyclic if step.cyclic is None else step.cyclic
            places[step.axis] = moved % size if cyclic else moved.clip(0, size - 1)
            values[:, i] = np.ravel_multi_index(tuple(places), factor.grid)
        return values

    def affects(self, task: Task) -> tuple[int, ...]:
        """Positions of the relevant factors that the relation can change, ascending."""
        return tuple(sorted({task.factor(step.factor) for step in self.steps}))

    def then(self, other: Relation) -> Relation:
        """One relation that does this one first, and then ``other``."""
        return Relation(f"{self.name}, {other.name}", self.steps + other.steps)

    def inverse(self) -> Relation:
        """The change back: exact for steps that go round, not for steps that stop at the ends.

        Raises ValueError for a step that sets a value.
        """
        if any(step.to is not None for step in self.steps):
            raise ValueError(f"{self.name} sets a value: what was there before is not known")
        steps = tuple(replace(s, by=-s.by) for s in reversed(self.steps))
        return Relation(f"undo {self.name}", steps)

    def clamped(self) -> Relation:
        """The same steps, stopping at the ends."""
        return replace(self, steps=tuple(replace(s, cyclic=False) for s in self.steps))

    def around(self) -> Relation:
        """The same steps, going round."""
        return replace(self, steps=tuple(replace(s, cyclic=True) for s in self.steps))


def _one(name: str, factor: str, by: int, axis: int = 0) -> Relation:
    return Relation(name, (Step(factor, by, axis),))


RELATIONS = (
    _one("left", "position", -1, axis=1),
    _one("right", "position", +1, axis=1),
    _one("up", "position", -1, axis=0),
    _one("down", "position", +1, axis=0),
    _one("bigger", "scale", +1),
    _one("smaller", "scale", -1),
    _one("rotate+", "orientation", +1),
    _one("rotate-", "orientation", -1),
    _one("hue+", "object hue", +1),
    _one("hue-", "object hue", -1),
    _one("floor-hue+", "floor hue", +1),
    _one("floor-hue-", "floor hue", -1),
    _one("wall-hue+", "wall hue", +1),
    _one("wall-hue-", "wall hue", -1),
    _one("next-shape", "shape", +1),
)


def relations_of(task: Task) -> tuple[Relation, ...]:
    """The task's relations: those of RELATIONS for its factors, in that order.

    A task of your own dataset has two for each factor: to the next value and to the previous one.
    """
    if task.space_of_its_own is not None:
        ways = (("next", +1), ("previous", -1))
        return tuple(_one(f"{way} {f}", f, by) for f in task.factor_names for way, by in ways)
    return tuple(r for r in RELATIONS if all(s.factor in task.factor_names for s in r.steps))


def set_to(task: Task, factor: str, value: str) -> Relation:
    """The relation that leads from any value of a factor to the one called ``value``.

    Raises ValueError that suggests the nearest name of a value.
    """
    names = task.factors[task.factor(factor)].value_names
    if value not in names:
        near = difflib.get_close_matches(value, names, n=1, cutoff=0.0)
        raise ValueError(f"{factor} has no value {value!r}; did you mean {near[0]!r}?")
    return Relation(f"{factor}={value}", (Step(factor, to=names.index(value)),))


def relation(name: str, task: Task, known: Sequence[Relation] | None = None) -> Relation:
    """The task's relation called ``name``, or that of the ``known`` ones; "FACTOR=VALUE" sets a
    value. Raises ValueError that suggests the nearest name."""
    by_name = {r.name: r for r in (relations_of(task) if known is None else known)}
    if name in by_name:
        return by_name[name]
    factor, equals, value = name.partition("=")
    if equals:
        return set_to(task, factor.strip(), value.strip())
    near = difflib.get_close_matches(name, by_name, n=1, cutoff=0.0)
    raise ValueError(f"{task.name} has no relation {name!r}; did you mean {near[0]}?")
