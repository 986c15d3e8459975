"""Three ways to give a representation to a score: raw, grouped and converted.

raw:       each latent dimension is a code. All published scores are defined so. It is hard on
           modular representations: eight dimensions that hold the same factor are eight codes
           that compete (a perfect code with 8 dimensions per factor has a MIG of .09).
grouped:   each partition is a code. The docstring of a score explains what it then measures.
converted: each partition becomes the index of its most likely prior component, one integer per
           factor. The score then measures a classifier, so a table always names this convention.
"""

from collections.abc import Sequence

import numpy as np


def group(groups: Sequence[int], dims: int) -> np.ndarray:
    """The partition of each latent dimension, ``[dims]`` integers 0 .. partitions-1.

    ``groups`` holds either the partition of each dimension (``dims`` integers), or the sizes of
    consecutive partitions, which add up to ``dims``. If both are possible (all ones), they are
    sizes. Raises ValueError for anything else.
    """
    entries = np.asarray(groups)
    if entries.ndim != 1 or entries.size == 0 or entries.dtype.kind not in "iu":
        raise ValueError(f"groups must be a list of integers with one axis, got {groups!r}")
    if (entries > 0).all() and entries.sum() == dims:
        return np.repeat(np.arange(len(entries)), entries)
    if len(entries) == dims:
        return np.unique(entries, return_inverse=True)[1].reshape(-1)
    raise ValueError(
        f"groups {entries.tolist()} is neither the sizes of partitions of {dims} dimensions "
        f"(they add up to {entries.sum()}) nor one index per dimension ({len(entries)} given)"
    )


def members(groups: Sequence[int] | None, dims: int) -> list[np.ndarray]:
    """The dimensions of each partition; without groups, each dimension alone."""
    index = np.arange(dims) if groups is None else group(groups, dims)
    return [np.flatnonzero(index == partition) for partition in range(index.max() + 1)]


def describe(groups: Sequence[int] | None, dims: int) -> str:
    """The convention in words, for a score's settings."""
    if groups is None:
        return f"raw, {dims} codes"
    return f"grouped, {len(members(groups, dims))} partitions of {dims} dimensions"
