"""What a score accepts: codes and factors as arrays, checked in one place.

Each score is a function of ``codes [n, d]`` and ``factors [n, k]``: numpy arrays, lists, pandas
frames, or torch tensors on any device. Codes become float64; ``factors`` says what becomes of
factors. An input that would make a score NaN is refused, with the name of the array, the column and
the cause.
"""

import numpy as np

from wdlib.metrics.factors import Factors, as_factors, read_factors, without_torch

TEST_FRACTION = 1 / 3  # as usual in the field: 10,000 samples to train on, 5,000 to test on


def as_codes(codes, name: str = "codes") -> np.ndarray:
    """Codes as float64 ``[n, d]``.

    Raises ValueError for what is not a rectangular, non-empty 2-D array of finite numbers.
    """
    try:
        array = np.asarray(without_torch(codes))
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"{name} is not a rectangular array: {error}") from None
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} has dtype {array.dtype}, expected numbers")
    if array.ndim != 2:
        raise ValueError(f"{name} has shape {array.shape}, expected two axes: [samples, columns]")
    if min(array.shape) == 0:
        raise ValueError(f"{name} has shape {array.shape}: it is empty")
    array = array.astype(np.float64, order="C")
    for row, column in np.argwhere(~np.isfinite(array))[:1]:
        value = array[row, column]
        raise ValueError(
            f"{name} holds {value} in row {row}, column {column}: codes must be finite"
        )
    return array


def check_pair(
    codes, factors, part: str = "", needs_classes: str = ""
) -> tuple[np.ndarray, Factors | np.ndarray]:
    """Codes ``[n, d]`` and factors of the same n samples.

    ``part`` ("", "_train", "_test") completes the names in error messages. The factors are
    ``Factors``, or int64 ``[n, k]`` for a score that ``needs_classes`` (its name). Raises
    ValueError if the numbers of samples differ, and if a factor has a single value (test samples
    may): such a factor has no entropy and no classes to tell apart, so no score is defined for it.
    """
    codes = as_codes(codes, f"codes{part}")
    factors = as_factors(factors, f"factors{part}")
    if len(codes) != len(factors):
        raise ValueError(
            f"codes{part} has {len(codes)} samples and factors{part} has {len(factors)}"
        )
    for j, column in enumerate(factors.columns):
        if column.min() == column.max() and part != "_test":
            raise ValueError(
                f"factor {j} takes a single value ({column[0]}) in factors{part}: "
                "no score is defined for it, so leave its column out"
            )
    return codes, factors.labels(needs_classes) if needs_classes else factors


def train_and_test(
    codes_train, factors_train, codes_test, factors_test, seed: int, needs_classes: str = ""
) -> tuple:
    """Training codes and factors, test codes and factors, all checked, and the split in words.

    ``needs_classes`` is as in ``check_pair``. Without test arrays, a third of the samples is held
    out, drawn with ``seed``. Raises ValueError as ``check_pair`` does, and for test arrays that do
    not fit the training arrays.
    """
    if (codes_test is None) != (factors_test is None):
        raise ValueError("codes_test and factors_test belong together: give both or neither")
    if codes_test is None:
        codes, factors = check_pair(codes_train, factors_train, "_train", needs_classes)
    else:
        parts = read_factors({"factors_train": factors_train, "factors_test": factors_test})
        codes, factors = check_pair(codes_train, parts[0], "_train", needs_classes)
        test_codes, test_factors = check_pair(codes_test, parts[1], "_test", needs_classes)
        if codes.shape[1] != test_codes.shape[1]:
            raise ValueError(
                f"codes_train has {codes.shape[1]} columns and codes_test has {test_codes.shape[1]}"
            )
        return codes, factors, test_codes, test_factors, "given"
    held_out = int(len(codes) * TEST_FRACTION)
    if held_out == 0:
        raise ValueError(f"codes_train has {len(codes)} samples, too few to hold out a test set")
    order = np.random.default_rng(seed).permutation(len(codes))
    train, test = order[held_out:], order[:held_out]
    check_pair(codes[train], factors[train], "_train")
    return codes[train], factors[train], codes[test], factors[test], "seeded third held out"


def at_least(count: int, least: int, what: str, why: str) -> None:
    """Raises ValueError unless there are at least ``least`` of ``what``."""
    if count < least:
        raise ValueError(f"{what}: {count} given, at least {least} needed: {why}")


def classes(factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values of each factor as 0 .. size-1 ``[n, k]``, and the sizes ``[k]``."""
    columns = [_ranks(column) for column in factors.T]
    return np.stack(columns, axis=1), np.array([column.max() + 1 for column in columns])


def _ranks(column: np.ndarray) -> np.ndarray:
    """The rank of each value among the distinct ones; small integers are not sorted."""
    low, high = int(column.min()), int(column.max())
    if high - low >= len(column):
        return np.unique(column, return_inverse=True)[1].reshape(-1)
    shifted = column - low
    return (np.cumsum(np.bincount(shifted) > 0) - 1)[shifted]
