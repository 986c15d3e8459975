"""The paper's six tasks: which factors are relevant, and which images take part.

A task keeps some of a dataset's images and gives each a value for each *relevant* factor. Every
other factor is *nuisance*: it varies, but it has no labels. A relevant factor cuts one or more
source factors into bins of classes, so "position" is x and y, each in three cells.

Source: Valenti and Bacciu (2022), section 4, gives the factors and the number of combinations. The
bins are our choice; gaps between them keep neighbouring values from looking alike.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from wdlib.factors import DSPRITES, SPACES, FactorSpace, check_numbers, integers

LOOK = ("height", "width", "colour", "binary", "resized")  # what a task knows about its images
Bins = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Factor:
    """A relevant factor: its values are the cells of a grid of bins over its source factors."""

    name: str
    source: tuple[str, ...]  # the source factors that it combines, one per axis of the grid
    bins: tuple[Bins, ...]  # per axis; a bin is the source classes that count as one value
    cyclic: bool = True  # a step past the last value leads to the first; else it stays
    labels: tuple[str, ...] = ()  # one word per value; the default is its place in the grid

    @property
    def grid(self) -> tuple[int, ...]:
        """Number of bins along each axis."""
        return tuple(len(axis) for axis in self.bins)

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.grid))

    @property
    def value_names(self) -> tuple[str, ...]:
        """One readable name per value."""
        return self.labels or tuple(
            ",".join(map(str, np.unravel_index(v, self.grid))) for v in range(self.size)
        )


@dataclass(frozen=True)
class Task:
    """Relevant factors of a dataset, and the nuisance that takes part.

    Images 0 to ``len(task) - 1`` are every combination of the admitted classes of all source
    factors, in the dataset's own order.
    """

    name: str  # as in the paper, such as "dSprites.v2"
    dataset: str  # "dsprites" or "shapes3d"
    factors: tuple[Factor, ...]  # the relevant ones, one partition each
    # (Source factor, admitted classes). A source factor that appears neither here nor in a relevant
    # factor keeps all its classes.
    nuisance: tuple[tuple[str, tuple[int, ...]], ...] = ()
    space_of_its_own: FactorSpace | None = None  # the factors of another dataset: wdlib.data.own
    height: int = 64  # of an image, in pixels
    width: int = 64
    colour: bool | None = None  # three channels instead of one; None as the dataset has it
    binary: bool | None = None  # every pixel is off or on; None as the dataset has it
    resized: bool = False  # images of other sizes are cropped and scaled to this one

    def __post_init__(self):
        for name, dataset in (("colour", "shapes3d"), ("binary", "dsprites")):
            if getattr(self, name) is None:
                object.__setattr__(self, name, self.dataset == dataset)

    @property
    def space(self) -> FactorSpace:
        """The dataset's source factors."""
        return self.space_of_its_own or SPACES[self.dataset]

    @property
    def factor_names(self) -> tuple[str, ...]:
        """The name of each relevant factor."""
        return tuple(f.name for f in self.factors)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of values of each relevant factor."""
        return tuple(f.size for f in self.factors)

    @property
    def combinations(self) -> int:
        """Number of combinations of relevant values, as in the paper's Table 1."""
        return math.prod(self.sizes)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of an image for the networks: channels, height, width."""
        return 3 if self.colour else 1, self.height, self.width

    @property
    def record(self) -> dict:
        """The whole task, ready for JSON; ``recorded`` makes a task of it again."""
        factors = [
            {"name": f.name, "values": [*f.value_names], "grid": [*f.grid], "cyclic": f.cyclic}
            for f in self.factors
        ]
        look = {name: getattr(self, name) for name in LOOK}
        return {"name": self.name, "factors": factors, "image": look}

    def factor(self, name: str) -> int:
        """Position of the relevant factor called ``name``. Raises ValueError for another name."""
        if name not in self.factor_names:
            raise ValueError(
                f"{self.name} has no relevant factor {name!r}, only {', '.join(self.factor_names)}"
            )
        return self.factor_names.index(name)

    @cached_property
    def admitted(self) -> tuple[np.ndarray, ...]:
        """For each source factor, the classes that take part, ascending."""
        admitted = {name: range(size) for name, size in zip(self.space.names, self.space.sizes)}
        admitted |= dict(self.nuisance)
        for factor in self.factors:
            admitted |= {source: sum(bins, ()) for source, bins in zip(factor.source, factor.bins)}
        return tuple(np.sort(np.array(admitted[name])) for name in self.space.names)

    def __len__(self) -> int:
        """Number of images of the task."""
        return math.prod(len(a) for a in self.admitted)

    def classes(self, indices) -> np.ndarray:
        """Image numbers of the task [N] -> source classes [N, k].

        Raises ValueError for a number outside the task.
        """
        indices = check_numbers(indices, len(self), f"image numbers of {self.name}")
        places = np.unravel_index(indices, [len(a) for a in self.admitted])
        return np.stack([a[p] for a, p in zip(self.admitted, places, strict=True)], axis=1)

    def values(self, classes) -> np.ndarray:
        """Source classes [N, k] -> relevant values [N, n].

        Raises ValueError for a class that belongs to no value of the task.
        """
        classes = self.space.check(classes)
        columns = []
        for factor in self.factors:
            places = []
            for source, bins in zip(factor.source, factor.bins, strict=True):
                column = self.space.position(source)
                bin_of = np.full(self.space.sizes[column], -1)
                for place, members in enumerate(bins):
                    bin_of[list(members)] = place
                places.append(bin_of[classes[:, column]])
                if (stray := classes[places[-1] < 0, column]).size:
                    at = f"class {stray[0]} of {source}"
                    raise ValueError(f"{self.name}: {at} belongs to no value of {factor.name}")
            columns.append(np.ravel_multi_index(tuple(places), factor.grid))
        return np.stack(columns, axis=1)

    def labels(self, indices) -> np.ndarray:
        """Image numbers of the task [N] -> relevant values [N, n]."""
        return self.values(self.classes(indices))

    def has_labels(self, indices) -> np.ndarray:
        """Image numbers of the task [N] -> whether any relevant value of each is known, bool [N].

        It is all of them, except in a table.
        """
        return np.ones(len(indices), bool)

    def every_combination(self) -> np.ndarray:
        """All combinations of relevant values [combinations, n]."""
        return np.stack(np.unravel_index(np.arange(self.combinations), self.sizes), axis=1)

    def seen(self, values) -> np.ndarray:
        """Relevant values [N, n] -> how well images show each value, [N, n]: 1 over the number of
        values that look alike (see ``orientations_told_apart``)."""
        values = integers(values, f"{self.name}: values [N, {len(self.factors)}]", ndim=2)
        seen = np.ones(values.shape)
        column = {f.source: i for i, f in enumerate(self.factors)}
        turned, shape = column.get(("orientation",)), column.get(("shape",))
        if self.space is not DSPRITES or turned is None:
            return seen
        share = orientations_told_apart(self.factors[turned].bins[0])  # [3 shapes, orientations]
        if shape is None:
            shapes = self.admitted[self.space.position("shape")]
            seen[:, turned] = share[shapes].mean(0)[values[:, turned]]
        else:
            share = np.stack([share[list(one)].mean(0) for one in self.factors[shape].bins[0]])
            seen[:, turned] = share[values[:, shape], values[:, turned]]
        return seen

    @cached_property
    def ceilings(self) -> dict[str, float]:
        """The best possible accuracy on each relevant factor, over all combinations of values.

        It is 1 unless values look alike; for orientation on v4's full circle, (1/4 + 1/2 + 1) / 3.
        """
        if self.space is not DSPRITES:
            return dict.fromkeys(self.factor_names, 1.0)
        seen = self.seen(self.every_combination()).mean(0)
        return dict(zip(self.factor_names, seen.tolist(), strict=True))


@dataclass(frozen=True, eq=False)
class Table(Task):
    """A task whose images are the rows of a table; its only source factor is the row."""

    rows: np.ndarray = field(default=None, repr=False)  # values [N, n]; -1 where no label is

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.rows)

    @property
    def admitted(self) -> tuple[np.ndarray, ...]:
        """The rows that take part: all."""
        return (np.arange(len(self)),)

    def values(self, classes) -> np.ndarray:
        """Rows [N, 1] -> relevant values [N, n], -1 where a label is missing."""
        return self.rows[self.space.check(classes)[:, 0]]

    def has_labels(self, indices) -> np.ndarray:
        """Numbers of rows [N] -> whether any label of each is known, bool [N]."""
        return (self.rows[indices] >= 0).any(1)


# How often a sprite looks the same within a full turn.
TURNS = {"square": 4, "ellipse": 2, "heart": 1}


def orientations_told_apart(bins: Sequence[Sequence[int]]) -> np.ndarray:
    """1 over the number of orientations that look like each one: [3 shapes, bins].

    bins: the classes of dSprites' orientation that count as one value, one sequence per value.

    Two orientations look alike if the middles of their bins, turned by a symmetry of the shape, are
    less than half a bin apart. The nearest of a square differ by 2.3 degrees, of an ellipse by 4.6:
    5 to 18 of 4096 pixels. A model that reads those pixels can exceed the ceiling.
    """
    angles = np.array(DSPRITES.values[DSPRITES.position("orientation")])
    middle = np.array([angles[list(one)].mean() for one in bins])
    half = max(map(len, bins)) * (angles[1] - angles[0]) / 2
    shares = []
    for shape in DSPRITES.values[DSPRITES.position("shape")]:
        period = 2 * np.pi / TURNS[shape]
        apart = (middle[:, None] - middle + period / 2) % period - period / 2
        shares.append(1 / (np.abs(apart) < half - 1e-9).sum(1))
    return np.stack(shares)


def _each(name: str, classes: Sequence[int], labels=(), cyclic: bool = True) -> Factor:
    """A factor whose values are single classes of one source factor."""
    bins = tuple((c,) for c in classes)
    return Factor(name, (name.replace(" ", "_"),), (bins,), cyclic, tuple(labels))


_CELLS = (tuple(range(0, 5)), tuple(range(13, 18)), tuple(range(27, 32)))
_ROWS, _COLUMNS = ("top", "middle", "bottom"), ("left", "centre", "right")
_PLACES = tuple(f"{y} {x}" for y in _ROWS for x in _COLUMNS)
_POSITION = Factor("position", ("posY", "posX"), (_CELLS, _CELLS), labels=_PLACES)
_SHAPE2D = _each("shape", range(3), ("square", "ellipse", "heart"))
_SCALE2D = _each("scale", range(1, 6), ("0.6", "0.7", "0.8", "0.9", "1.0"))
# A square looks the same every 90 degrees: eight orientations within a quarter turn all differ, and
# eight over the full circle do not (see Task.ceilings). Classes 0 and 39 are the same angle.
_QUARTER = _each("orientation", range(8), (f"{360 / 39 * k:.0f}°" for k in range(8)))
_OCTANTS = tuple(tuple(range(5 * k, min(5 * k + 5, 39))) for k in range(8))
_FROM = tuple(f"from {360 / 39 * 5 * k:.0f}°" for k in range(8))
_CIRCLE = Factor("orientation", ("orientation",), (_OCTANTS,), labels=_FROM)
_UPRIGHT = ("orientation", (0, 1, 2, 37, 38))

_HUES = tuple(
    _each(f"{part} hue", range(10), (f"{h / 10:.1f}" for h in range(10)), cyclic=False)
    for part in ("floor", "wall", "object")
)
_SHAPE3D = _each("shape", range(4), ("cube", "cylinder", "sphere", "capsule"))
_SIZES = ((0, 1), (3, 4), (6, 7))
_SCALE3D = Factor("scale", ("scale",), (_SIZES,), False, ("small", "medium", "large"))


def _named(*tasks: Task) -> dict[str, Task]:
    return {task.name: task for task in tasks}


TASKS = _named(
    Task("dSprites.v2", "dsprites", (_SHAPE2D, _POSITION), (("scale", (2, 3, 4)), _UPRIGHT)),
    Task("dSprites.v3", "dsprites", (_SHAPE2D, _POSITION, _SCALE2D), (_UPRIGHT,)),
    Task("dSprites.v4", "dsprites", (_SHAPE2D, _POSITION, _SCALE2D, _QUARTER)),
    Task("dSprites.v4-circle", "dsprites", (_SHAPE2D, _POSITION, _SCALE2D, _CIRCLE)),
    Task("Shapes3D.v2", "shapes3d", (_HUES[2], _SHAPE3D)),
    Task("Shapes3D.v3", "shapes3d", (_HUES[2], _SHAPE3D, _SCALE3D)),
    Task("Shapes3D.v5", "shapes3d", (*_HUES, _SHAPE3D, _SCALE3D)),
)

# Tasks of other publications, to repeat runs in their settings.
_VARYING = zip(DSPRITES.names[1:], DSPRITES.sizes[1:])  # without colour, which has one class
ELSEWHERE = _named(
    # Locatello et al. (2019), and (2020) with few labels
    Task("dSprites.all", "dsprites", tuple(_each(name, range(size)) for name, size in _VARYING)),
    Task("Shapes3D.hues", "shapes3d", _HUES),  # Gabbay et al. (2021)
)


def task(name: str) -> Task:
    """The task of TASKS or ELSEWHERE called ``name`` (case does not matter).

    Raises ValueError that suggests the nearest name.
    """
    by_lower = {known.lower(): task for known, task in (TASKS | ELSEWHERE).items()}
    if name.lower() in by_lower:
        return by_lower[name.lower()]
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.0)
    raise ValueError(f"no task called {name!r}; did you mean {by_lower[near[0]].name}?")


def recorded(record: dict) -> Task:
    """The task that a ``Task.record`` describes; of your own images, it knows no longer which.

    Raises ValueError for a task of TASKS that is described in another way.
    """
    known = (TASKS | ELSEWHERE).get(record["name"])
    if known is not None:
        if known.record != record:
            raise ValueError(f"the recorded task {known.name} is not the task of this name")
        return known
    factors = []
    for one in record["factors"]:
        grid, name = one["grid"], one["name"]
        sources = (
            (name,) if len(grid) == 1 else tuple(f"{name} {axis}" for axis in range(len(grid)))
        )
        bins = tuple(tuple((place,) for place in range(size)) for size in grid)
        factors.append(Factor(name, sources, bins, one["cyclic"], tuple(one["values"])))
    axes = [(source, range(n)) for f in factors for source, n in zip(f.source, f.grid)]
    space = FactorSpace(*(tuple(part) for part in zip(*axes)))
    look = {name: record["image"][name] for name in LOOK}
    return Task(record["name"], record["name"], tuple(factors), space_of_its_own=space, **look)
