"""Right and wrong answers to the exercises of notebooks/01_worlds."""

import numpy as np
import pandas as pd


def horner(classes, sizes):
    number = 0
    for one, size in zip(classes, sizes):
        number = number * size + one
    return number


def with_numpy(classes, sizes):
    return np.ravel_multi_index(tuple(classes), tuple(sizes))


def by_weights(classes, sizes):
    return sum(one * int(np.prod(sizes[i + 1 :])) for i, one in enumerate(classes))


def first_fastest(classes, sizes):
    return horner(classes[::-1], sizes[::-1])


def own_size_too(classes, sizes):
    return sum(one * int(np.prod(sizes[i:])) for i, one in enumerate(classes))


def sizes_before(classes, sizes):
    return sum(one * int(np.prod(sizes[:i])) for i, one in enumerate(classes))


def forgets_the_last(classes, sizes):
    return horner(classes[:-1], sizes[:-1])


def three_factors_only(classes, sizes):
    return classes[0] * sizes[1] * sizes[2] + classes[1] * sizes[2] + classes[2]


def bin_of(place):
    for number, (first, last) in enumerate([(0, 4), (13, 17), (27, 31)]):
        if first <= place <= last:
            return number
    return -1


def value(pos_x, pos_y):
    row, column = bin_of(pos_y), bin_of(pos_x)
    return -1 if min(row, column) < 0 else 3 * row + column


def value_in_a_table(pos_x, pos_y):
    bins = np.full(32, -1)
    for number, first in enumerate((0, 13, 27)):
        bins[first : first + 5] = number
    row, column = bins[pos_y], bins[pos_x]
    return np.where((row < 0) | (column < 0), -1, 3 * row + column)


def in_a_loop(files):
    columns = {"file": [], "object": [], "side": []}
    for name in files:
        words = name.split("_")
        columns["file"].append(name)
        columns["object"].append(None if words[0] == "unknown" else words[0])
        columns["side"].append(None if words[1] == "unknown" else words[1])
    return columns


def with_pandas(files):
    found = pd.Series(files).str.extract("(?P<object>[a-z]+)_(?P<side>[a-z]+)_")
    return found.replace("unknown", np.nan).assign(file=files)


def with_empty_text(files):
    rows = [name.replace("unknown", "").split("_") for name in files]
    return {"object": [r[0] for r in rows], "side": np.array([r[1] for r in rows]), "file": files}


def keeps_unknown(files):
    return {k: [w or "unknown" for w in column] for k, column in in_a_loop(files).items()}


def leaves_out(files):
    return in_a_loop([name for name in files if "unknown" not in name])


def exchanged(files):
    return with_pandas(files).rename(columns={"object": "side", "side": "object"})


def without_ending(files):
    return in_a_loop(files) | {"file": [name.split(".")[0] for name in files]}


def one_column_only(files):
    return in_a_loop(files) | {"object": [name.split("_")[0] for name in files]}


ANSWERS = {
    "01.1": (
        [horner, with_numpy, by_weights],
        [
            (first_fastest, "the first factor change fastest"),
            (own_size_too, "own factor's size"),
            (sizes_before, "the first factor change fastest"),
            (lambda c, s: horner(c, s) + 1, "counted the images from 1"),
            (lambda c, s: sum(c), "only added the classes"),
            (forgets_the_last, "the number is too small"),
            (three_factors_only, "raises IndexError"),
            (lambda c, s: [horner(c, s)], "should be one number"),
            (lambda c, s: print(end=""), "returns None"),
            (lambda c: 0, "raises TypeError"),
            (23, "should be a function"),
        ],
    ),
    "01.2": (
        [value, value_in_a_table],
        [
            (lambda x, y: value(y, x), "exchanged x and y"),
            (lambda x, y: 3 * (y * 3 // 32) + x * 3 // 32, "cut the 32 classes into three equal"),
            (lambda x, y: 3 * bin_of(y) + bin_of(x), "computed with the -1 of a gap"),
            (lambda x, y: value(x, y) + 1 if value(x, y) >= 0 else -1, "not yet"),
            (lambda x, y: bin_of(y), "too small"),
            (lambda x, y: (bin_of(y), bin_of(x)), "should be one number"),
            (lambda x, y: abs(value(x, y)), "the sign is wrong"),
            (lambda x, y: None if value(x, y) < 0 else value(x, y), "returns None"),
            (lambda x, y: "top left", "should be a number"),
        ],
    ),
    "01.3": (
        [5 / 6, 0.833, np.float32(0.8333)],
        [
            (0.583, "full circle"),
            (1, "treated all values as different"),
            (0.75, "looks as if"),
            (2 / 3, "the ellipse looks the same twice"),
            (0.5, "not yet"),
            (83.3, "more than 10 times"),
            (1 / 3, "too small, by a factor of 2 to 10"),
            ("5/6", "should be a number"),
            ([0.5, 1, 1], "should be one number"),
        ],
    ),
    "01.4": (
        [in_a_loop, with_pandas, with_empty_text],
        [
            (keeps_unknown, "kept the word unknown as a value"),
            (leaves_out, "left out the files with an unknown label"),
            (exchanged, "exchanged object and side"),
            (without_ending, "cut the ending off"),
            (one_column_only, "in the column side only"),
            (lambda f: in_a_loop(f) | {"number": [n.split("_")[2] for n in f]}, "the columns are"),
            (lambda f: in_a_loop(f) | {"side": [None] * len(f)}, "column 'side': 3 of 4 entries"),
            (lambda f: in_a_loop(f) | {"side": ["left"]}, "check that all have the same length"),
            (lambda f: list(zip(*in_a_loop(f).values())), "should be a dict of columns"),
            (lambda f: in_a_loop(f[:-1]), "there are 3 rows, but there should be 4"),
            (lambda f: {k: np.array(v, str) for k, v in in_a_loop(f).items()}, "1 of 4 entries"),
            (lambda f: in_a_loop([f]), "raises AttributeError"),
            (in_a_loop(["mug_left_003.jpg"]), "should be a function"),
        ],
    ),
}
