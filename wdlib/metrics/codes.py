"""Three ways to hand a representation to a score: raw, grouped and converted.

raw:       every latent dimension is a code. The definition of every published score, and hard on
           modular representations: eight dimensions that all hold one factor are eight codes that
           compete (a perfect 8-dimensions-per-factor code scores MIG .09).
grouped:   one partition is one code. ``group`` says which dimension belongs to which partition,
           and each score says in its docstring what it then measures.
converted: each partition becomes the index of its most likely prior component: ``convert``. It
           scores a classifier, so it never stands beside raw codes without its name.

No convention is the right one. A table names the one it uses.
"""

from collections.abc import Sequence

import numpy as np

from wdlib.metrics.arrays import as_array


def group(groups: Sequence[int], dims: int) -> np.ndarray:
    """The partition of each latent dimension, ``[dims]`` integers 0 .. partitions-1.

    ``groups`` is either the index of the partition of each dimension (``dims`` entries, any
    integers), or the sizes of consecutive partitions (they sum to ``dims``). The one ambiguous
    case, all ones, means the same either way only as sizes (``dims`` partitions of one dimension),
    and is read so. Raises ValueError when it is neither.
    """
    entries = np.asarray(groups)
    if entries.ndim != 1 or entries.size == 0 or entries.dtype.kind not in "iu":
        raise ValueError(f"groups must be a list of integers, one axis; got {groups!r}")
    if (entries > 0).all() and entries.sum() == dims:
        return np.repeat(np.arange(len(entries)), entries)
    if len(entries) == dims:
        return np.unique(entries, return_inverse=True)[1].reshape(-1)
    raise ValueError(
        f"groups {entries.tolist()} is neither the sizes of partitions of {dims} dimensions "
        f"(they sum to {entries.sum()}) nor one index for each ({len(entries)} given)"
    )


def members(groups: Sequence[int], dims: int) -> list[np.ndarray]:
    """The dimensions of each partition, in the order of the partitions."""
    index = group(groups, dims)
    return [np.flatnonzero(index == partition) for partition in range(index.max() + 1)]


def convert(log_densities: Sequence) -> np.ndarray:
    """Each partition as the index of its most likely component: ``[n, partitions]`` int64.

    log_densities: for each partition an array or tensor ``[n, components]`` of log-densities (or
    log-posteriors) under that partition's components. Ties go to the first component.
    """
    tables = [as_array(table, f"log_densities[{i}]") for i, table in enumerate(log_densities)]
    if not tables:
        raise ValueError("log_densities is empty: one table per partition is needed")
    if len({len(table) for table in tables}) > 1:
        raise ValueError(
            f"log_densities have {[len(table) for table in tables]} samples: not the same"
        )
    for i, table in enumerate(tables):
        if np.isnan(table).any():
            raise ValueError(f"log_densities[{i}] holds NaN")
    return np.stack([table.argmax(axis=1) for table in tables], axis=1)


def describe(groups: Sequence[int] | None, dims: int) -> str:
    """How a score's settings name the convention."""
    if groups is None:
        return f"raw, {dims} codes"
    return f"grouped, {group(groups, dims).max() + 1} partitions of {dims} dimensions"
