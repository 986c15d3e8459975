"""What may come into a score: codes and factors as arrays, checked once and in one place.

Every score of this room is a function of two arrays, ``codes [n, d]`` and ``factors [n, k]``. They
may be numpy arrays, lists, or torch tensors on any device (torch is never imported here: a tensor
knows how to become an array). Codes become float64, factors int64. Anything a score could only
answer with a silent NaN is refused here with a sentence that names the array, the column and the
cause.
"""

import numpy as np

TEST_FRACTION = 1 / 3  # the field's habit: 10,000 points to train on, 5,000 to test on


def as_array(values, name: str) -> np.ndarray:
    """A 2-D numpy array from an array, a nested list or a (CPU or GPU) tensor."""
    if hasattr(values, "detach"):  # a torch tensor, recognised without importing torch
        values = values.detach().cpu()
        values = (values.double() if values.is_floating_point() else values).numpy()
    try:
        array = np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"{name} is not a rectangular array: {error}") from None
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} has dtype {array.dtype}, expected numbers")
    if array.ndim != 2:
        raise ValueError(f"{name} has shape {array.shape}, expected two axes: [samples, columns]")
    if min(array.shape) == 0:
        raise ValueError(f"{name} has shape {array.shape}: it is empty")
    return array


def as_codes(codes, name: str = "codes") -> np.ndarray:
    """Codes as float64 ``[n, d]``; ValueError where a value is not finite."""
    array = as_array(codes, name).astype(np.float64)
    bad = ~np.isfinite(array)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise ValueError(f"{name} holds {array[row, column]} in row {row}, column {column}")
    return array


def as_factors(factors, name: str = "factors") -> np.ndarray:
    """Factor classes as int64 ``[n, k]``; ValueError where a label is not an integer."""
    array = as_array(factors, name)
    if array.dtype.kind == "f":
        bad = ~(np.isfinite(array) & (array == np.round(array)))
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise ValueError(
                f"{name} holds {array[row, column]} in row {row}, column {column}: "
                "factors are class labels, integers"
            )
    too_large = np.argwhere((array >= 2**63) | (array < -(2**63)))
    if len(too_large):
        row, column = too_large[0]
        raise ValueError(
            f"{name} holds {array[row, column]} in row {row}, column {column}, which is too large "
            "for a 64-bit integer: number the classes from 0"
        )
    return array.astype(np.int64)


def check_pair(codes, factors, part: str = "") -> tuple[np.ndarray, np.ndarray]:
    """Codes ``[n, d]`` and factors ``[n, k]`` of the same n samples, each factor taking two values.

    ``part`` ("", "_train", "_test") only serves the error messages. A factor that does not vary
    has no entropy to explain and no classes to tell apart: no score is defined for it, and the
    reference answers NaN or another number for every score. Here it is an error.
    """
    codes, factors = as_codes(codes, f"codes{part}"), as_factors(factors, f"factors{part}")
    if len(codes) != len(factors):
        raise ValueError(
            f"codes{part} has {len(codes)} samples and factors{part} has {len(factors)}"
        )
    if part != "_test":
        constant = np.flatnonzero(factors.min(axis=0) == factors.max(axis=0))
        if constant.size:
            column = constant[0]
            raise ValueError(
                f"factor {column} takes a single value ({factors[0, column]}) in factors{part}: "
                "no score is defined for it, leave its column out"
            )
    return codes, factors


def train_and_test(
    codes_train, factors_train, codes_test, factors_test, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, str]:
    """Four checked arrays and the name of the split.

    With test arrays they are used as they are; without, a third of the samples, drawn by a
    permutation seeded with ``seed``, is held out.
    """
    if (codes_test is None) != (factors_test is None):
        raise ValueError("codes_test and factors_test go together: give both or neither")
    codes, factors = check_pair(codes_train, factors_train, "_train")
    if codes_test is not None:
        test_codes, test_factors = check_pair(codes_test, factors_test, "_test")
        for kind, here, there in (
            ("codes", codes, test_codes),
            ("factors", factors, test_factors),
        ):
            if here.shape[1] != there.shape[1]:
                raise ValueError(
                    f"{kind}_train has {here.shape[1]} columns and {kind}_test has {there.shape[1]}"
                )
        return codes, factors, test_codes, test_factors, "given"
    order = np.random.default_rng(seed).permutation(len(codes))
    held_out = int(len(codes) * TEST_FRACTION)
    if held_out == 0:
        raise ValueError(f"codes_train has {len(codes)} samples, too few to hold out a test set")
    train, test = order[held_out:], order[:held_out]
    check_pair(codes[train], factors[train], "_train")
    return codes[train], factors[train], codes[test], factors[test], "seeded third held out"


def at_least(count: int, least: int, what: str, why: str) -> None:
    """ValueError unless there are ``least`` of ``what``."""
    if count < least:
        raise ValueError(f"{what}: {count} given, at least {least} needed: {why}")


def classes(factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each factor's values as 0 .. size-1 ``[n, k]``, and the sizes ``[k]``."""
    columns = [_ranks(column) for column in factors.T]
    return np.stack(columns, axis=1), np.array([column.max() + 1 for column in columns])


def _ranks(column: np.ndarray) -> np.ndarray:
    """The rank of each value among the distinct ones. Small integers need no sorting."""
    low, high = int(column.min()), int(column.max())
    if high - low >= len(column):
        return np.unique(column, return_inverse=True)[1].reshape(-1)
    shifted = column - low
    return (np.cumsum(np.bincount(shifted) > 0) - 1)[shifted]
