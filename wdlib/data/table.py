"""Your own images: N images and a table of labels, as people have them.

A table is a task whose images are its rows. No combination of values has to exist, and a label may
be missing. Pixels are read when a row is used, and kept in a cache of limited size.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from wdlib.data.images import Images, check_sides
from wdlib.factors import FactorSpace, Names
from wdlib.tasks import Factor, Table, Task

CACHE = 1 << 30  # bytes of decoded images that are kept
GREY = ("1", "L", "LA", "I", "I;16", "F")  # modes of Pillow without colour


def table(
    labels,
    images=None,
    factors: Sequence[str] | Mapping[str, Names] | None = None,
    *,
    cyclic: Sequence[str] = (),
    column: str = "file",
    resize: int | tuple[int, int] | None = None,
    colour: bool | None = None,
    binary: bool | None = None,
    name: str = "table",
) -> tuple[Task, Images]:
    """The task and the images of a table.

    Args:
        labels: DataFrame, dict of columns, or path of a CSV file; one row per image. NaN, None,
            pandas' NA and empty text mean that a label is missing.
        images: the images of the rows in order: array [N, H, W] or [N, H, W, C], HDF5 dataset, or
            torch ``Dataset`` (of images, or of tuples that begin with one); or the folder of the
            files that ``column`` names. The default is the folder of the CSV file.
        factors: the relevant columns, or column -> ``Names``; by default all but ``column``.
        cyclic: the factors whose last value is followed by the first (see also ``Names``).
        resize: side, or (height, width); an image is cropped at its middle and scaled. Without it
            all images must have one size, with sides of 16 to 256 pixels.
        colour: three channels or one; by default as the images are.
        binary: whether pixels are off and on; by default, whether images hold 0 and 1 alone.
            Otherwise integers are 0 to 255, and floats are 0 to 1 (kept as 0 to 255).

    Raises ValueError, with the number of rows concerned, for a column that does not exist or has no
    labels, for one with real numbers, for values that occur once, and for images that are missing,
    unreadable, named twice, or of several sizes. ``data.split`` divides the rows.
    """
    frame, home = _frame(labels)
    if images is None or isinstance(images, (str, os.PathLike)):
        _check_column(frame, column)
    chosen = _chosen(frame, factors, cyclic, column)
    read = [_factor(frame[one], one, names) for one, names in chosen.items()]
    values = np.stack([codes for _, codes in read], 1)
    source = _source(home if images is None else images, frame, column, resize, colour)
    some = np.random.default_rng(0).permutation(len(frame))[:64, None]
    binary = bool(source.read(some).max(initial=0) == 1) if binary is None else binary
    named = tuple(factor for factor, _ in read)
    about = [str([(f.name, f.labels) for f in named]).encode(), values.tobytes(), source.identity]
    about.append(source.read(some).tobytes())
    content = hashlib.sha256(b"".join(about)).hexdigest()[:16]
    threads, space = os.cpu_count() or 1, FactorSpace(("row",), (range(len(frame)),))
    how = {"threads": threads, "binary": binary, "content": content}
    shown = Images(space, source.shape, source.name, source.read, **how)
    height, width, *channels = source.shape
    look = {"height": height, "width": width, "colour": bool(channels), "binary": binary}
    look |= {"resized": resize is not None, "space_of_its_own": space}
    return Table(name, name, named, rows=values, **look), shown


# The labels


def _frame(labels) -> tuple[pd.DataFrame, Path | None]:
    """The table, and the folder of its file."""
    if isinstance(labels, (str, os.PathLike)):
        path = Path(labels)
        if not path.is_file():
            raise ValueError(f"the table {path} does not exist")
        try:
            with path.open(encoding="utf-8-sig") as file:
                head = file.readline()
            found = [mark for mark in ",;\t" if mark in head]  # Excel writes any of them
            return pd.read_csv(path, sep=found[0] if found else ","), path.parent
        except ValueError as error:  # what pandas raises is one, and so is a wrong encoding
            raise ValueError(f"the table {path} is no CSV file: {error}") from None
    try:
        frame = pd.DataFrame(labels)
    except ValueError as error:
        raise ValueError(f"the columns of the table do not fit together: {error}") from None
    return frame.reset_index(drop=True), None


def _chosen(frame: pd.DataFrame, factors, cyclic, column: str) -> dict[str, Names]:
    """The relevant columns, and how each is read."""
    if not len(frame):
        raise ValueError("the table has no rows")
    if factors is None:
        factors = [name for name in frame.columns if name != column]
    factors = [factors] if isinstance(factors, str) else factors
    chosen = dict(factors) if isinstance(factors, Mapping) else {f: Names() for f in factors}
    for name in chosen:
        _check_column(frame, name)
    if stray := sorted(set(cyclic) - set(chosen)):
        raise ValueError(f"{', '.join(stray)} is cyclic, but no factor: {', '.join(chosen)}")
    chosen |= {name: replace(chosen[name], cyclic=True) for name in cyclic}
    if not chosen:
        raise ValueError("the table has no factors: name at least one column")
    return chosen


def _check_column(frame: pd.DataFrame, name: str) -> None:
    if name not in frame.columns:
        near = difflib.get_close_matches(str(name), map(str, frame.columns), n=1, cutoff=0.0)
        raise ValueError(
            f"the table has no column {name!r}; did you mean {near[0]!r}? "
            f"It has {', '.join(map(str, frame.columns))}"
        )


def _factor(column: pd.Series, name: str, names: Names) -> tuple[Factor, np.ndarray]:
    """The factor of a column, and its value in each row [N] int64, -1 where no label is."""
    words = _words(column, name)
    counts = words.value_counts()
    if not len(counts):
        raise ValueError(f"no row labels {name}: all {len(column)} are missing")
    order = [str(value) for value in names.order] or _ordered(words, column)
    if strange := sorted(set(counts.index) - set(order)):
        rows = int(counts[strange].sum())
        raise ValueError(f"{rows} row(s) have a {name} that is not in its order: {strange[0]!r}")
    _check_counts(name, counts)
    bins = (tuple((value,) for value in range(len(order))),)
    codes = words.map({word: number for number, word in enumerate(order)})
    factor = Factor(name, (name,), bins, names.cyclic, tuple(order))
    return factor, codes.fillna(-1).astype(np.int64).to_numpy()


def _words(column: pd.Series, name: str) -> pd.Series:
    """The labels as words, NaN where one is missing."""
    given = column.dropna()
    if pd.api.types.is_float_dtype(given.dtype):
        given = given.astype(float)
        real = given % 1 != 0  # infinity, too
        if real.any():
            raise ValueError(
                f"{name} holds real numbers in {int(real.sum())} row(s), such as "
                f"{given[real].iloc[0]:g}; a factor has names: cut it into intervals "
                f"(pandas.cut), or write its values as text"
            )
        given = given.astype(np.int64)
    words = given.astype(str).str.strip()
    return words[words != ""].reindex(column.index)


def _ordered(words: pd.Series, column: pd.Series) -> list[str]:
    """The values in order: as the categories are, False before True, numbers by size, words by the
    alphabet, and numbers in words by size, too."""
    seen = words.dropna().unique()
    if isinstance(column.dtype, pd.CategoricalDtype):
        return [word for word in column.cat.categories.astype(str).str.strip() if word in seen]

    def key(word: str) -> list:
        parts = re.split(r"(\d+)", word)
        return [(int(p), "") if p.isdigit() else (-1, p) for p in parts]

    try:
        return sorted(seen, key=int)
    except ValueError:
        return sorted(seen, key=key)


def _check_counts(name: str, counts: pd.Series) -> None:
    """Raises ValueError where values are too few, or too rare to be learned and tested."""
    once = counts[counts == 1]
    if len(counts) > 20 and len(once) > len(counts) / 2:
        raise ValueError(
            f"{name} has {len(counts)} values, of which {len(once)} occur in one row only: is this "
            f"a name, or a number? Cut a number into intervals (pandas.cut)"
        )
    if len(once):
        raise ValueError(
            f"{len(once)} value(s) of {name} occur in one row only, such as {once.index[0]!r}: a "
            f"value needs two rows, to be learned and to be tested; add rows, or remove its label"
        )
    if len(counts) < 2:
        raise ValueError(f"{name} has one value only, {counts.index[0]!r}: nothing can be changed")


# The images


@dataclass(frozen=True)
class _Source:
    """Where pixels come from: rows [N, 1] -> uint8 [N, *shape]; a name; and what identifies it."""

    read: Callable[[np.ndarray], np.ndarray]
    shape: tuple[int, ...]
    name: str
    identity: bytes


def _source(images, frame: pd.DataFrame, column: str, resize, colour) -> _Source:
    size = (resize, resize) if isinstance(resize, int) else resize
    if images is None or isinstance(images, (str, os.PathLike)):
        return _from_files(images, frame, column, size, colour)
    if len(images) != len(frame):
        raise ValueError(f"the table has {len(frame)} rows, but there are {len(images)} images")
    if hasattr(images, "shape"):  # an array, a tensor or an HDF5 dataset
        return _from_array(images, size, colour)
    return _from_items(lambda row: _item(images[row]), len(images), size, colour)


def _from_array(images, size, colour) -> _Source:
    if size is not None:
        return _from_items(lambda row: images[row], len(images), size, colour)

    def read(rows: np.ndarray) -> np.ndarray:
        wanted, back = np.unique(rows[:, 0], return_inverse=True)  # HDF5 reads rows in order
        return _painted(_pixels(np.asarray(images[wanted])), colour)[back]

    shape = read(np.zeros((1, 1), np.int64)).shape[1:]
    check_sides(shape, "the images")
    return _Source(read, shape, "an array", str((images.shape, str(images.dtype))).encode())


def _from_items(one: Callable[[int], np.ndarray], count: int, size, colour) -> _Source:
    """Images that are read one by one: ``one`` returns an image of any kind."""
    from PIL import Image, ImageOps

    def image(row: int) -> np.ndarray:
        pixels = _painted(_pixels(np.asarray(one(row))[None]), colour)[0]
        if size is None or pixels.shape[:2] == tuple(size):
            return pixels
        fitted = ImageOps.fit(Image.fromarray(pixels), size[::-1], Image.Resampling.BILINEAR)
        return np.asarray(fitted)

    first = image(0)
    check_sides(first.shape, "the images")
    kept = lru_cache(max(CACHE // first.nbytes, 1))(image)

    def read(rows: np.ndarray) -> np.ndarray:
        found = [kept(int(row)) for row in rows[:, 0]]
        for row, pixels in zip(rows[:, 0], found):
            if pixels.shape != first.shape:
                raise ValueError(
                    f"image {row} has shape {pixels.shape}, but image 0 has {first.shape}; pass "
                    f"resize=(height, width), and colour=True or False"
                )
        return np.stack(found)

    return _Source(read, first.shape, "a dataset", str((count, first.shape)).encode())


def _from_files(folder, frame: pd.DataFrame, column: str, size, colour) -> _Source:
    from PIL import Image, ImageOps

    if folder is None:
        raise ValueError("the table has no images: pass an array, or the folder of their files")
    folder = Path(folder)
    names = frame[column].astype(object).where(frame[column].notna(), "").astype(str).str.strip()
    paths = [folder / name for name in names]
    if not folder.is_dir():
        raise ValueError(f"there is no folder {folder}")
    _refuse(names == "", names, f"have no {column}")
    _refuse(names.map(os.path.normpath).duplicated(), names, "name a file that an earlier row has")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        heads = pd.DataFrame(pool.map(_head, paths), columns=["problem", "size", "mode", "bytes"])
    _refuse(heads.problem == "missing", names, f"name a file that does not exist in {folder}")
    _refuse(heads.problem == "unreadable", names, "name a file that is no image")
    sizes = heads["size"].value_counts()
    if len(sizes) > 1 and size is None:
        one, rows = sizes.index[0], int(sizes.iloc[1:].sum())
        raise ValueError(
            f"the images have {len(sizes)} sizes: most are {one[1]} x {one[0]}, but {rows} row(s) "
            f"are not, such as {names[heads['size'] != one].iloc[0]}; pass resize=64, "
            f"or (height, width)"
        )
    colour = bool((~heads["mode"].isin(GREY)).any()) if colour is None else colour

    def one(row: int) -> np.ndarray:
        try:
            with Image.open(paths[row]) as file:
                image = ImageOps.exif_transpose(file)
                if image.mode in ("I", "I;16", "F"):
                    return _eight_bits(image)
                return np.asarray(image.convert("RGB" if colour else "L"))
        except OSError as error:
            raise ValueError(f"{paths[row]} (row {row}) cannot be read: {error}") from None

    source = _from_items(one, len(paths), size, colour)
    identity = "\n".join(f"{n} {b}" for n, b in zip(names, heads["bytes"])).encode()
    return _Source(source.read, source.shape, str(folder), identity + str(source.shape).encode())


def pictures(paths: Sequence[str | os.PathLike], task: Task) -> np.ndarray:
    """The images in these files, as the task has them: uint8 [N, H, W] or [N, H, W, 3].

    Raises ValueError, with the number of files, for one that is missing or no image, and for an
    image of another size, unless the task was declared with ``resize``.
    """
    names = [str(path) for path in paths]
    size = (task.height, task.width) if task.resized else None
    frame = pd.DataFrame({"file": names}).drop_duplicates(ignore_index=True)
    source = _from_files(Path(), frame, "file", size, task.colour)
    if source.shape[:2] != (task.height, task.width):
        raise ValueError(
            f"the images are {source.shape[0]} x {source.shape[1]}, but images of {task.name} are "
            f"{task.height} x {task.width}: scale them, or train with resize"
        )
    place = {name: row for row, name in enumerate(frame.file)}
    return source.read(np.array([[place[name]] for name in names], np.int64))


def _head(path: Path) -> tuple:
    """What the head of an image file says: a problem, (width, height), mode, bytes."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            turned = image.getexif().get(0x0112, 1) >= 5
            size = image.size[::-1] if turned else image.size
            return "", size, image.mode, path.stat().st_size
    except FileNotFoundError:
        return "missing", None, None, 0
    except (OSError, ValueError, SyntaxError):
        return "unreadable", None, None, 0


def _eight_bits(image) -> np.ndarray:
    """An image with 16 bits a pixel -> uint8."""
    return (np.asarray(image).astype(np.float64) / 257).round().clip(0, 255).astype(np.uint8)


def _item(item):
    """The image of a torch dataset's item."""
    return item[0] if isinstance(item, (tuple, list)) else item


def _pixels(images: np.ndarray) -> np.ndarray:
    """Images of any kind [N, ...] -> uint8 [N, H, W] or [N, H, W, 3]."""
    if images.ndim == 4 and images.shape[1] in (1, 3) and images.shape[-1] not in (1, 3):
        images = np.moveaxis(images, 1, -1)
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    if not (images.ndim == 3 or (images.ndim == 4 and images.shape[-1] == 3)):
        raise ValueError(f"images must be [N, H, W] or [N, H, W, 3], got {list(images.shape)}")
    if images.dtype == bool:
        return images * np.uint8(255)
    real = images.dtype.kind == "f"
    least, most, limit = images.min(initial=0), images.max(initial=0), 1 if real else 255
    if images.dtype.kind not in "iuf" or not (least >= 0 and most <= limit):
        raise ValueError(
            f"pixels of {images.dtype} are 0 to {limit}, but these are {least:g} to {most:g}"
        )
    return (images * 255.0).round().astype(np.uint8) if real else images.astype(np.uint8)


def _painted(images: np.ndarray, colour: bool | None) -> np.ndarray:
    """uint8 images in colour, in grey, or (None) as they are."""
    if colour is None or colour == (images.ndim == 4):
        return images
    if colour:
        return np.repeat(images[..., None], 3, axis=-1)
    return (images @ np.array([0.299, 0.587, 0.114])).round().astype(np.uint8)  # Rec. 601


def _refuse(bad: pd.Series, names: pd.Series, what: str) -> None:
    """Raises ValueError with the number of bad rows, and the first of them."""
    if bad.any():
        first = int(np.argmax(bad))
        rows = f"{int(bad.sum())} row(s) {what}"
        raise ValueError(f"{rows}; the first is row {first} ({names[first]})")
