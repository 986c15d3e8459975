"""The paper's six tasks: which factors are relevant, and which images take part.

A task keeps some of a dataset's images and gives each a value for each *relevant* factor; every
other factor is *nuisance*: it varies, but nobody labels it. A relevant factor gathers one or more
source factors and cuts each into bins of classes, so "position" is x and y, each in three cells.

Source: Valenti and Bacciu (2022), section 4, names the factors and the number of combinations. It
does not say which classes make up a bin; DATA.md's choice stands here, and the bins are kept apart
so that two neighbouring values never look alike. That choice is ours.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from wdlib.factors import DSPRITES, SPACES, FactorSpace, integers

Bins = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Factor:
    """A relevant factor: its values are the cells of a grid of bins over its source factors.

    Args:
        name: the name a reader sees.
        source: the source factors it gathers, one an axis of the grid.
        bins: for each axis, the bins; a bin is the source classes that count as one value.
        cyclic: whether a step past the last value returns to the first (else it stays).
        labels: one word a value; the default is the value's place in the grid.
    """

    name: str
    source: tuple[str, ...]
    bins: tuple[Bins, ...]
    cyclic: bool = True
    labels: tuple[str, ...] = ()

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
        """One readable name a value."""
        return self.labels or tuple(
            ",".join(map(str, np.unravel_index(v, self.grid))) for v in range(self.size)
        )


@dataclass(frozen=True)
class Task:
    """Relevant factors over a dataset, and the nuisance that is let in.

    Images of the task are numbered 0 to ``len(task) - 1``: the product of every source factor's
    admitted classes, in the dataset's own order.

    Args:
        name: as in the paper, such as "dSprites.v2".
        dataset: "dsprites" or "shapes3d".
        factors: the relevant factors, one partition each.
        nuisance: source factor -> admitted classes; a source factor named neither here nor in a
            relevant factor keeps all its classes.
        space_of_its_own, colour: the factors, and the kind of images, of a dataset that is not one
            of these two (see ``wdlib.data.own``).
    """

    name: str
    dataset: str
    factors: tuple[Factor, ...]
    nuisance: tuple[tuple[str, tuple[int, ...]], ...] = ()
    space_of_its_own: FactorSpace | None = None
    colour: bool = False

    @property
    def space(self) -> FactorSpace:
        """The dataset's source factors."""
        return self.space_of_its_own or SPACES[self.dataset]

    @property
    def factor_names(self) -> tuple[str, ...]:
        return tuple(f.name for f in self.factors)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of values of each relevant factor."""
        return tuple(f.size for f in self.factors)

    @property
    def combinations(self) -> int:
        """Number of combinations of relevant values: what the paper's Table 1 counts."""
        return int(np.prod(self.sizes))

    @property
    def channels(self) -> int:
        """Colour channels of an image."""
        return 3 if self.colour or self.dataset == "shapes3d" else 1

    def factor(self, name: str) -> int:
        """Position of the relevant factor called ``name``. Raises ValueError if there is none."""
        if name not in self.factor_names:
            raise ValueError(
                f"{self.name} has no relevant factor {name!r}, only {', '.join(self.factor_names)}"
            )
        return self.factor_names.index(name)

    @cached_property
    def admitted(self) -> tuple[np.ndarray, ...]:
        """For each source factor, the classes that take part, ascending."""
        admitted = {name: np.arange(size) for name, size in zip(self.space.names, self.space.sizes)}
        admitted |= {name: np.sort(np.array(classes)) for name, classes in self.nuisance}
        for factor in self.factors:
            for source, bins in zip(factor.source, factor.bins, strict=True):
                admitted[source] = np.sort(np.concatenate([np.array(b) for b in bins]))
        return tuple(admitted[name] for name in self.space.names)

    def __len__(self) -> int:
        """Number of images of the task."""
        return int(np.prod([len(a) for a in self.admitted]))

    def classes(self, indices) -> np.ndarray:
        """Image numbers of the task [N] -> source classes [N, k].

        Raises ValueError for a number outside the task.
        """
        indices = integers(indices, "image numbers", ndim=1)
        if len(indices) and not (0 <= indices.min() and indices.max() < len(self)):
            raise ValueError(
                f"{self.name} has images 0 to {len(self) - 1}, "
                f"got {indices.min()} to {indices.max()}"
            )
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
                if (places[-1] < 0).any():
                    stray = classes[places[-1] < 0, column][0]
                    raise ValueError(
                        f"{self.name}: class {stray} of {source} belongs to no value of "
                        f"{factor.name}"
                    )
            columns.append(np.ravel_multi_index(tuple(places), factor.grid))
        return np.stack(columns, axis=1)

    def labels(self, indices) -> np.ndarray:
        """Image numbers of the task [N] -> relevant values [N, n]."""
        return self.values(self.classes(indices))

    def every_combination(self) -> np.ndarray:
        """All combinations of relevant values [combinations, n]."""
        every = np.unravel_index(np.arange(self.combinations), self.sizes)
        return np.stack(every, axis=1).astype(np.int64)

    def seen(self, values) -> np.ndarray:
        """Relevant values [N, n] -> how surely an image of them shows each: [N, n], 1 over the
        number of values that look alike (``orientations_told_apart``)."""
        values = integers(values, f"{self.name}: values [N, {len(self.factors)}]", ndim=2)
        seen = np.ones(values.shape)
        sources = [f.source for f in self.factors]
        sprites = self.dataset == "dsprites" and self.space_of_its_own is None
        if not sprites or ("orientation",) not in sources:
            return seen
        turned = sources.index(("orientation",))
        share = orientations_told_apart(self.factors[turned].bins[0])  # [3 shapes, orientations]
        if ("shape",) in sources:
            shape = sources.index(("shape",))
            share = np.stack([share[list(one)].mean(0) for one in self.factors[shape].bins[0]])
            seen[:, turned] = share[values[:, shape], values[:, turned]]
        else:
            shapes = self.admitted[self.space.position("shape")]
            seen[:, turned] = share[shapes].mean(0)[values[:, turned]]
        return seen

    @cached_property
    def ceilings(self) -> dict[str, float]:
        """The accuracy that a perfect eye reaches on each relevant factor, all combinations alike.

        1 where no two values look alike. Of v4's full circle, orientation: (1/4 + 1/2 + 1) / 3.
        """
        seen = self.seen(self.every_combination()).mean(0)
        return dict(zip(self.factor_names, seen.tolist(), strict=True))


def _each(*classes: int) -> Bins:
    return tuple((c,) for c in classes)


_CELLS = (tuple(range(0, 5)), tuple(range(13, 18)), tuple(range(27, 32)))
_SHAPE2D = Factor("shape", ("shape",), (_each(0, 1, 2),), labels=("square", "ellipse", "heart"))
_POSITION = Factor(
    "position",
    ("posY", "posX"),
    (_CELLS, _CELLS),
    labels=tuple(
        f"{y} {x}" for y in ("top", "middle", "bottom") for x in ("left", "centre", "right")
    ),
)
_SCALE2D = Factor(
    "scale", ("scale",), (_each(1, 2, 3, 4, 5),), labels=("0.6", "0.7", "0.8", "0.9", "1.0")
)
# A square looks the same every 90 degrees: eight orientations inside a quarter turn can all be
# told apart, eight over the full circle cannot (see Task.ceilings).
_QUARTER = Factor(
    "orientation",
    ("orientation",),
    (_each(*range(8)),),
    labels=tuple(f"{360 / 39 * k:.0f}°" for k in range(8)),
)
# Classes 0 and 39 are the same angle, so 39 takes no part.
_CIRCLE = Factor(
    "orientation",
    ("orientation",),
    (tuple(tuple(range(5 * k, min(5 * k + 5, 39))) for k in range(8)),),
    labels=tuple(f"from {360 / 39 * 5 * k:.0f}°" for k in range(8)),
)
_UPRIGHT = ("orientation", (0, 1, 2, 37, 38))


def _hue(name: str) -> Factor:
    return Factor(
        name.replace("_", " "), (name,), (_each(*range(10)),), cyclic=False,
        labels=tuple(f"{h / 10:.1f}" for h in range(10)),
    )  # fmt: skip


_SHAPE3D = Factor(
    "shape", ("shape",), (_each(*range(4)),), labels=("cube", "cylinder", "sphere", "capsule")
)
_SCALE3D = Factor(
    "scale", ("scale",), (((0, 1), (3, 4), (6, 7)),), cyclic=False,
    labels=("small", "medium", "large"),
)  # fmt: skip

_HUES = (_hue("floor_hue"), _hue("wall_hue"), _hue("object_hue"))

TASKS = {
    task.name: task
    for task in (
        Task("dSprites.v2", "dsprites", (_SHAPE2D, _POSITION), (("scale", (2, 3, 4)), _UPRIGHT)),
        Task("dSprites.v3", "dsprites", (_SHAPE2D, _POSITION, _SCALE2D), (_UPRIGHT,)),
        Task("dSprites.v4", "dsprites", (_SHAPE2D, _POSITION, _SCALE2D, _QUARTER)),
        Task("dSprites.v4-circle", "dsprites", (_SHAPE2D, _POSITION, _SCALE2D, _CIRCLE)),
        Task("Shapes3D.v2", "shapes3d", (_hue("object_hue"), _SHAPE3D)),
        Task("Shapes3D.v3", "shapes3d", (_hue("object_hue"), _SHAPE3D, _SCALE3D)),
        Task("Shapes3D.v5", "shapes3d", (*_HUES, _SHAPE3D, _SCALE3D)),
    )
}

# Not the paper's: what other publications take for factors, for runs in their own settings.
_EVERY = tuple(
    Factor(name, (name,), (_each(*range(size)),))
    for name, size in zip(DSPRITES.names, DSPRITES.sizes)
    if size > 1
)
ELSEWHERE = {
    task.name: task
    for task in (
        Task("dSprites.all", "dsprites", _EVERY),  # Locatello et al. (2019) and (2020, few labels)
        Task("Shapes3D.hues", "shapes3d", _HUES),  # Gabbay et al. (2021)
    )
}


def task(name: str) -> Task:
    """The task called ``name`` (case does not matter), of TASKS or of ELSEWHERE.

    Raises ValueError that suggests the nearest name.
    """
    by_lower = {known.lower(): task for known, task in (TASKS | ELSEWHERE).items()}
    if name.lower() in by_lower:
        return by_lower[name.lower()]
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.0)
    raise ValueError(f"no task called {name!r}; did you mean {by_lower[near[0]].name}?")


# How often a sprite looks the same within a full turn. (3D Shapes turns the camera instead.)
TURNS = {"square": 4, "ellipse": 2, "heart": 1}


def orientations_told_apart(bins: Sequence[Sequence[int]]) -> np.ndarray:
    """1 over the number of orientations that look like each: [3 shapes, bins].

    bins: the classes of dSprites' orientation that count as one value, one sequence a value.

    Two look alike where the middles of their bins, turned by a symmetry of the shape, lie less than
    half a bin apart: a square's over a full circle in fours, an ellipse's in twos. dSprites samples
    angles 360/39 degrees apart, which no symmetry divides, so few of its images are quite equal:
    the nearest of a square are 2.3 degrees apart, and of an ellipse 4.6, which changes 5 to 18 of
    4096 pixels, by size. Who reads those pixels gets beyond.
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
