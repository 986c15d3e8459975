"""Exercises of notebooks/01_worlds: numbers and classes, values of a task, ceilings, tables."""

import numpy as np

from wdlib.course.exercises.exercise import Exercise
from wdlib.factors import DSPRITES
from wdlib.tasks import task

V2 = task("dSprites.v2")
NUMBERED = (  # classes and sizes
    ((0, 0, 0), (3, 2, 4)),
    ((2, 1, 3), (3, 2, 4)),
    ((1, 0, 2), (3, 2, 4)),
    ((5,), (7,)),
    ((0, 2, 5, 12, 3, 30), DSPRITES.sizes),
)
PLACES = ((0, 0), (16, 2), (31, 4), (2, 15), (17, 13), (28, 30), (8, 0), (16, 20), (5, 26))
FILES = (  # OBJECT_SIDE_NUMBER, and an ending
    (["mug_left_003.jpg", "mug_unknown_004.jpg", "shoe_right_012.jpg", "unknown_left_013.jpg"],),
    (["lamp_front_1.jpeg", "shoe_front_25.jpeg", "unknown_unknown_26.png", "lamp_unknown_7.png"],),
)


def _number_of(classes, sizes) -> int:
    return int(np.ravel_multi_index(classes, sizes))


def _position(pos_x: int, pos_y: int) -> int:
    try:
        return int(V2.values([[0, 0, 2, 0, pos_x, pos_y]])[0, V2.factor("position")])
    except ValueError:  # in a gap
        return -1


def _bin(place: int) -> int:
    """Bin of a place along one axis, -1 in a gap."""
    return _position(place, 0)


def _ceiling(*alike: int) -> float:
    """The best accuracy where so many values look alike for a square, an ellipse, a heart."""
    return float(np.mean([1 / count for count in alike]))


def _columns(files: list[str], unknown: str | None = None) -> dict[str, list]:
    words = [name.split("_")[:2] for name in files]
    first, second = ([unknown if w == "unknown" else w for w in column] for column in zip(*words))
    return {"file": files, "object": first, "side": second}


EXERCISES = {
    "01.1": Exercise(_number_of, inputs=NUMBERED, slips=(
        ("you let the first factor change fastest", lambda c, s: _number_of(c[::-1], s[::-1])),
        ("you multiplied each class by its own factor's size; use only the sizes after it",
         lambda c, s: sum(int(np.prod(s[i:])) * c[i] for i in range(len(c)))),
        ("you counted the images from 1; they start at 0", lambda c, s: _number_of(c, s) + 1),
        ("you only added the classes; multiply each by the sizes after it", lambda c, s: sum(c)),
    )),
    "01.2": Exercise(_position, inputs=PLACES, slips=(
        ("you exchanged x and y", lambda x, y: _position(y, x)),
        ("you cut the 32 classes into three equal parts; there are gaps between the cells",
         lambda x, y: 3 * (y * 3 // 32) + x * 3 // 32),
        ("you return -1 only where both x and y are in a gap; one is enough",
         lambda x, y: 3 * _bin(y) + _bin(x) if max(_bin(x), _bin(y)) >= 0 else -1),
        ("you computed with the -1 of a gap; return -1 as soon as x or y is in a gap",
         lambda x, y: 3 * _bin(y) + _bin(x)),
    )),
    "01.3": Exercise(_ceiling(2, 1, 1), tolerance=5e-3, slips=(
        ("you used the values of the full circle", _ceiling(4, 2, 1)),
        ("you treated all values as different; two of the square look alike", 1.0),
        ("four values of the square look alike; here only two do", _ceiling(4, 1, 1)),
        ("the ellipse looks the same twice; within half a turn it does not", _ceiling(2, 2, 1)),
    )),
    "01.4": Exercise(_columns, inputs=FILES, slips=(
        ("you kept the word unknown as a value; a missing label is None",
         lambda files: _columns(files, "unknown")),
        ("you left out the files with an unknown label; keep their rows, with None",
         lambda files: _columns([name for name in files if "unknown" not in name])),
        ("you exchanged object and side",
         lambda files: dict(zip(("file", "side", "object"), _columns(files).values()))),
        ("you looked for unknown in the column side only",
         lambda files: _columns(files) | {"object": _columns(files, "unknown")["object"]}),
        ("you cut the ending off; the table needs the whole name of the file",
         lambda files: _columns(files) | {"file": [n.rpartition(".")[0] for n in files]}),
        ("you left the number in the column side",
         lambda files: _columns(files) | {"side": [n.partition("_")[2] for n in files]}),
    )),
}  # fmt: skip
