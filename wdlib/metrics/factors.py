"""What a score knows about factors: columns of classes, and columns of real values.

Integers, whole numbers, booleans, names and categories are classes. Numbers with fractions are real
values, and so are the columns that the caller declares ``continuous``. Nothing is cut into bins:
the same angle in 12, 360 and 2000 classes has a MIG of .90, .64 and .57, so only the caller can
choose the classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

FEW_VALUES, MOST_ROWS = 3, 0.99  # fractions that take so few values in so many rows may be classes


@dataclass(frozen=True)
class Factors:
    """Factors of the same n samples: columns ``[n]``, int64 for classes and float64 for values."""

    columns: tuple[np.ndarray, ...]

    def __len__(self) -> int:
        return len(self.columns[0])

    def __getitem__(self, rows) -> "Factors":
        return Factors(tuple(column[rows] for column in self.columns))

    @property
    def real(self) -> np.ndarray:
        """Which factors are real-valued: a mask ``[k]``."""
        return np.array([column.dtype.kind == "f" for column in self.columns])

    @property
    def array(self) -> np.ndarray:
        """All factors ``[n, k]``: int64 if all are classes, else float64."""
        return np.stack(self.columns, axis=1)

    def labels(self, score: str) -> np.ndarray:
        """The classes, int64 ``[n, k]``. Raises ValueError, naming the score, for a real factor."""
        if self.real.any():
            raise ValueError(
                f"factor {self.real.argmax()} is real-valued, and {score} is only defined for "
                "classes: cut the factor into classes yourself, for example with "
                "pandas.cut(values, 12), and report the number of bins with the score"
            )
        return self.array


def without_torch(values):
    """A torch tensor on any device as a numpy array, without importing torch; the rest as it is."""
    if not hasattr(values, "detach"):
        return values
    values = values.detach().cpu()
    return (values.double() if values.is_floating_point() else values).numpy()


def as_factors(factors, name: str = "factors", continuous=None) -> Factors:
    """Factors ``[n, k]`` read as classes or real values; see ``read_factors``."""
    return read_factors({name: factors}, continuous)[0]


def read_factors(parts: Mapping[str, object], continuous=None) -> list[Factors]:
    """Factors of several parts, by name, with the same classes in all: one ``Factors`` a part.

    Args:
        parts: name -> array, nested list, tensor or frame ``[n, k]``. Names and categories become
            their ranks, counted over all parts.
        continuous: names or numbers of the columns that are real-valued though they hold whole
            numbers; True for all columns.

    Raises ValueError for a missing or an infinite value, integers beyond 64 bits, a declared column
    without numbers, parts with different columns, and fractions that look like classes.
    """
    if all(isinstance(part, Factors) for part in parts.values()):
        return list(parts.values())
    frames = {name: _frame(part, name) for name, part in parts.items()}
    (first, frame), *others = frames.items()
    for name, other in others:
        if other.shape[1] != frame.shape[1]:
            raise ValueError(
                f"{first} has {frame.shape[1]} columns and {name} has {other.shape[1]}"
            )
    declared = _declared(continuous, list(frame.columns))
    columns = [_column(frames, j, j in declared) for j in range(frame.shape[1])]
    ends = np.cumsum([len(frame) for frame in frames.values()])[:-1]
    return [Factors(part) for part in zip(*(np.split(column, ends) for column in columns))]


def _frame(values, name: str):
    """A frame from a frame, an array, a nested list or a tensor; its columns keep their dtypes."""
    from pandas import DataFrame

    if not isinstance(values, DataFrame):
        values = without_torch(values)
        try:
            array = np.asarray(values)
        except ValueError as error:
            raise ValueError(f"{name} is not a rectangular array: {error}") from None
        if array.ndim != 2:
            raise ValueError(
                f"{name} has shape {array.shape}, expected two axes: [samples, columns]"
            )
        values = DataFrame(array if array.dtype.kind in "biufO" else values)
    if min(values.shape) == 0:
        raise ValueError(f"{name} has shape {values.shape}: it is empty")
    return values


def _declared(continuous, names: list) -> set[int]:
    """The numbers of the columns that are declared real-valued, by name or by number."""
    if continuous is None or continuous is False:
        return set()
    if continuous is True:
        return set(range(len(names)))
    asked = [continuous] if isinstance(continuous, str) else continuous
    for one in asked:
        if one not in names and one not in range(len(names)):
            raise ValueError(f"continuous names {one!r}; the factors are {names}")
    return {names.index(one) if one in names else int(one) for one in asked}


def _column(frames, j: int, declared: bool) -> np.ndarray:
    """Column j of all parts together: float64 if it is real-valued, else int64."""
    from pandas import concat
    from pandas.api.types import is_numeric_dtype

    whole = concat([frame.iloc[:, j] for frame in frames.values()], ignore_index=True)
    whole = whole.infer_objects()

    def refuse(bad, why: str) -> None:
        for row in np.flatnonzero(bad)[:1]:
            value = whole.iloc[row]
            for name, frame in frames.items():
                if row < len(frame):
                    raise ValueError(f"{name} holds {value} in row {row}, column {j}: {why}")
                row -= len(frame)

    refuse(whole.isna(), "factors must not be missing")
    if not is_numeric_dtype(whole) or whole.dtype.kind == "c":
        refuse([declared], "the column is declared continuous, so it must hold numbers")
        return _ranks_of_names(whole)
    values = whole.to_numpy()
    if values.dtype.kind == "O":  # a nullable dtype
        values = np.asarray(whole.tolist())
    if values.dtype.kind != "f" and not declared:
        refuse(values > np.iinfo(np.int64).max, _TOO_LARGE)
        return values.astype(np.int64)
    values = values.astype(np.float64)
    refuse(~np.isfinite(values), "factors must be finite")
    if not declared and (fractions := values != np.round(values)).any():
        first = values[: len(next(iter(frames.values())))]
        common = np.sort(np.unique(first, return_counts=True)[1])[-FEW_VALUES:].sum()
        few = common >= MOST_ROWS * len(first)
        refuse(
            fractions & few,
            "factors are class labels unless they are real values, and at most "
            f"{FEW_VALUES} values make up 99% of this column; number the classes by integers, or "
            f"declare real values by continuous=[{j}]",
        )
        declared = True
    if not declared:
        refuse((values >= 2.0**63) | (values < -(2.0**63)), _TOO_LARGE)
    return values if declared else values.astype(np.int64)


_TOO_LARGE = "too large for a 64-bit integer; number the classes from 0"


def _ranks_of_names(names) -> np.ndarray:
    """The rank of each name: in the order of the categories, if there is one, else sorted."""
    from pandas import factorize

    if hasattr(names, "cat"):
        return names.cat.codes.to_numpy().astype(np.int64)
    numbers, values = factorize(names)
    order = sorted(range(len(values)), key=lambda i: (type(values[i]).__name__, str(values[i])))
    return np.argsort(order)[numbers]
