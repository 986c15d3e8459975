"""Relations: controlled changes as integer arithmetic on factor values.

"Left" is minus one on the second axis of position; "next shape" is plus one on shape, and after the
last comes the first. A relation is a name and its steps; with more than one step it changes more
than one factor. No tables: whatever a relation does follows from (value + step), cyclic or clamped.

Source: Valenti and Bacciu (2022), section 3, relations f_r on factor values. That dSprites
relations are cyclic, and that hue and size saturate on 3D Shapes, follows the authors' earlier code
(that of arXiv 2205.10056).
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace

import numpy as np

from wdlib.factors import integers
from wdlib.tasks import Task


@dataclass(frozen=True)
class Step:
    """``by`` values along one axis of one relevant factor's grid.

    Args:
        factor: name of the relevant factor.
        by: signed number of values to move.
        axis: axis of the factor's grid (position: 0 is y, downwards; 1 is x, rightwards).
        cyclic: go round (True), stop at the ends (False), or do as the factor does (None).
    """

    factor: str
    by: int
    axis: int = 0
    cyclic: bool | None = None


@dataclass(frozen=True)
class Relation:
    """A named change of one or more relevant factors."""

    name: str
    steps: tuple[Step, ...]

    def __call__(self, values, task: Task) -> np.ndarray:
        """Values [N, n] -> values after the change [N, n]: the paper's f_r.

        Raises ValueError for values that are no integers or outside their factor, and for a factor
        that the task lacks.
        """
        values = integers(values, f"{task.name}: values [N, {len(task.factors)}]", ndim=2)
        if values.shape[1] != len(task.factors):
            raise ValueError(
                f"values have shape {values.shape}; {task.name} needs [N, {len(task.factors)}]"
            )
        for name, column, size in zip(task.factor_names, values.T, task.sizes, strict=True):
            if len(column) and not (0 <= column.min() and column.max() < size):
                raise ValueError(
                    f"{task.name}: {name} has values 0 to {size - 1}, "
                    f"got {column.min()} to {column.max()}"
                )
        for step in self.steps:
            i = task.factor(step.factor)
            factor = task.factors[i]
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
        """Positions of the relevant factors that the relation may change, ascending."""
        return tuple(sorted({task.factor(step.factor) for step in self.steps}))

    def then(self, other: Relation) -> Relation:
        """First this one, then ``other``, as one relation."""
        return Relation(f"{self.name}, {other.name}", self.steps + other.steps)

    def inverse(self) -> Relation:
        """The change back (exact for cyclic steps; a clamped step loses what it clips)."""
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
    """The relations whose factors the task has, in the order of RELATIONS.

    Of a task with factors of its own: the next and the previous value of each.
    """
    if task.space_of_its_own is not None:
        ways = (("next", +1), ("previous", -1))
        return tuple(_one(f"{way} {f}", f, by) for f in task.factor_names for way, by in ways)
    return tuple(r for r in RELATIONS if all(s.factor in task.factor_names for s in r.steps))


def relation(name: str, task: Task) -> Relation:
    """The task's relation called ``name``. Raises ValueError that suggests the nearest."""
    by_name = {r.name: r for r in relations_of(task)}
    if name in by_name:
        return by_name[name]
    near = difflib.get_close_matches(name, by_name, n=1, cutoff=0.0)
    raise ValueError(f"{task.name} has no relation {name!r}; did you mean {near[0]}?")
