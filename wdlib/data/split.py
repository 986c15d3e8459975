"""Seeded splits of a task's images: train, validation, test, a few labels, and unseen combinations.

A split is a permutation cut into parts. The labelled images are the first of train, so fewer labels
are a prefix of more, and train does not depend on their number. In a table with missing labels, the
rows that have the first labels of any factor come first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from operator import index

import numpy as np

from wdlib.data.images import Images
from wdlib.files import recordable
from wdlib.tasks import Table, Task

MOST = 40_000  # images of a task in colour that take part in a run: half a gigabyte


def most_images(task: Task) -> int | None:
    """The most images of ``task`` that take part in a run: MOST, three times MOST if grey, and all
    of a table."""
    return None if isinstance(task, Table) else MOST * 3 // task.shape[0]


@dataclass(frozen=True, eq=False)
class Split:
    """Image numbers of a task (int64, without repetition), in seeded order."""

    task: Task
    seed: int
    train: np.ndarray  # train, validation and test are disjoint
    validation: np.ndarray
    test: np.ndarray
    labelled: np.ndarray  # the images of train whose relevant values may be used
    unseen: np.ndarray  # every image of the combinations that the other parts leave out
    unseen_combinations: np.ndarray  # of relevant values [M, n]
    settings: Mapping = field(default_factory=dict)  # fractions, limit and unseen, as in ``split``
    count: int | None = None  # where labels are missing: each factor has its first so many

    @property
    def labels(self) -> int:
        """Number of labels of each factor, as in ``split``."""
        return len(self.labelled) if self.count is None else self.count

    @property
    def values(self) -> np.ndarray:
        """Relevant values of the labelled images [L, n], -1 where there is no label."""
        values = self.task.labels(self.labelled)
        known = values >= 0
        return values if self.count is None else np.where(_first(known, self.count), values, -1)

    def first(self, labels: int) -> Split:
        """The split with the first ``labels`` labels of each factor, or all that it has."""
        known = self.values >= 0
        if known.all():
            return replace(self, labelled=self.labelled[:labels])
        rows = np.flatnonzero(_first(known, labels).any(1)).max(initial=-1) + 1
        return replace(self, labelled=self.labelled[:rows], count=labels)

    @property
    def record(self) -> dict:
        """Seed, digest of the training images, and settings: enough to split again."""
        digested = digest(self.train, self.labelled)
        return {"seed": self.seed, "train": digested, **recordable(self.settings)}


def split(
    task: Task,
    *,
    seed: int,
    labels: int | None = None,
    fractions: tuple[float, float, float] = (0.7, 0.1, 0.2),
    limit: int | None = None,
    unseen: float = 0.0,
) -> Split:
    """Split a task's images.

    Args:
        seed: of the permutation, and of the choice of combinations.
        labels: number of labelled images; by default 1000, or all of train in a table. In a table
            with missing labels, each factor has so many, or all that train has.
        fractions: of train, validation and test. In a table, only rows with a label are divided:
            the others belong to train, and so does the first row with each value.
        limit: the most images in train, validation and test together.
        unseen: fraction of the combinations of relevant values that only ``Split.unseen`` holds.
            Each value of each factor still occurs in other combinations.

    Raises ValueError for fractions that do not sum to 1, more labels than images of train, and so
    many unseen combinations that a value would not occur.
    """
    seed, labels = index(seed), labels if labels is None else index(labels)
    if len(fractions) != 3 or min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-9:
        raise ValueError(f"fractions of train, validation and test must sum to 1, got {fractions}")
    if limit is not None and limit < 1:
        raise ValueError(f"limit must be at least 1 image, got {limit}")
    order = np.random.default_rng(seed).permutation(len(task))
    left_out = np.zeros((0, len(task.factors)), np.int64)
    unseen_images = np.zeros(0, np.int64)
    known = task.has_labels(order)
    if unseen and not known.all():
        raise ValueError(f"{task.name} has rows without labels: no combination can be left out")
    if unseen:
        left_out = _choose_combinations(task.sizes, unseen, seed)
        gone = np.zeros(task.sizes, bool)
        gone[tuple(left_out.T)] = True
        is_gone = gone[tuple(task.labels(order).T)]
        order, unseen_images = order[~is_gone], order[is_gone]
    order = order[:limit]
    known = task.has_labels(order)
    mine = order if known.all() else _first_of_each_value(task, order[known])
    ends = np.round(np.cumsum(fractions[:2]) * len(mine)).astype(int)
    few, validation, test = np.split(mine, ends)
    if isinstance(task, Table):
        known_labels = task.labels(few) >= 0
        place = np.where(known_labels, known_labels.cumsum(0), len(few)).min(1)
        few = few[np.argsort(place, kind="stable")]  # where no label is missing, as it was
    train = few if known.all() else np.concatenate([few, order[~known]])
    if labels is None:
        labels = len(few) if isinstance(task, Table) else 1000
    if not 0 <= labels <= len(few):
        raise ValueError(
            f"cannot label {labels} images: train of {task.name} has {len(few)} images with labels"
        )
    settings = {"fractions": [*fractions], "limit": limit, "unseen": unseen}
    whole = Split(task, seed, train, validation, test, few, unseen_images, left_out, settings)
    return whole.first(labels)


def _first(known: np.ndarray, count: int) -> np.ndarray:
    """Whether a label is among the first ``count`` of its factor; known and result bool [L, n]."""
    return known & (known.cumsum(0) <= count)


def _first_of_each_value(task: Task, order: np.ndarray) -> np.ndarray:
    """The rows in their order, but with one row of each value of each factor at the beginning."""
    first = [np.unique(column, return_index=True)[1] for column in task.labels(order).T]
    first = np.unique(np.concatenate(first))
    return np.concatenate([order[first], np.delete(order, first)])


def _choose_combinations(sizes: tuple[int, ...], fraction: float, seed: int) -> np.ndarray:
    """A random ``fraction`` of all combinations [M, n] such that the rest holds every value."""
    if not 0 <= fraction < 1:
        raise ValueError(f"the unseen fraction must lie in [0, 1), got {fraction}")
    total = int(np.prod(sizes))
    wanted = round(fraction * total)
    left = [np.full(size, total // size) for size in sizes]  # combinations that hold each value
    chosen = []
    for number in np.random.default_rng([seed, 1]).permutation(total):
        values = np.unravel_index(number, sizes)
        others = [count[value] - 1 for count, value in zip(left, values)]
        if len(chosen) < wanted and all(others):
            for count, value in zip(left, values):
                count[value] -= 1
            chosen.append(values)
    if len(chosen) < wanted:
        raise ValueError(
            f"cannot leave out {wanted} of {total} combinations: a value of a factor would not "
            f"occur at all; this seed can leave out {len(chosen)}"
        )
    return np.array(chosen, np.int64).reshape(-1, len(sizes))


def digest(*parts: np.ndarray) -> str:
    """Sixteen letters that identify these image numbers in this order."""
    numbers = b"".join(part.astype("<i8").tobytes() for part in parts)
    return hashlib.sha256(numbers).hexdigest()[:16]


def check_labels(split: Split) -> None:
    """Raises ValueError, naming factor and value, where a value has no labelled image."""
    for factor, column in zip(split.task.factors, split.values.T):
        missing = np.setdiff1d(np.arange(factor.size), column)
        if len(missing):
            raise ValueError(
                f"{split.task.name}: none of the {len(column)} labelled images has {factor.name} "
                f"{missing[0]} ({factor.value_names[missing[0]]}); take more labels or another seed"
            )


def whole_seed(task: Task, *, seed: int, labels: int, limit: int | None = None) -> int:
    """The first of the hundred seeds from ``seed`` on whose labelled images show every value of
    every factor; ``seed`` where there is none."""
    for one in range(seed, seed + 100):
        with suppress(ValueError):
            check_labels(split(task, seed=one, labels=labels, limit=limit))
            return one
    return seed


def check_images(split: Split, images: Images) -> None:
    """Raises ValueError where the first images of train are all alike: nothing can be learned."""
    few = images.draw(split.task.classes(split.train[:64]))
    if len(few) > 1 and (few == few[0]).all():
        raise ValueError(
            f"{split.task.name}: the first {len(few)} images of train ({images.source}) are all "
            f"alike, so there is nothing to learn; look at the function that makes them"
        )
