"""Images in rows: grids, one factor at a time, and what relations make of an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from wdlib.data import Images, to_float
from wdlib.plots.figure import MEDIUM, SMALL, Described, array, bare, panels
from wdlib.tasks import Task


def image_grid(
    images, titles: Sequence[str] | None = None, *, columns: int = 8, what: str = "images"
) -> Described:
    """Images [N, ...] in reading order, each below its title.

    Args:
        images: anything that ``pixels`` accepts.
        titles: N titles.
        columns: images in a row.
        what: the subject, for the alt text.

    Raises ValueError if the number of titles is not N.
    """
    images = pixels(images)
    if titles is not None and len(titles) != len(images):
        raise ValueError(f"{len(titles)} titles for {len(images)} images")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    details = "; ".join(flat(title) for title in titles or () if title)
    what = f"{what} in {rows} row{'s' * (rows > 1)} of {columns}"
    figure, axes = _grid(rows, columns, what, details, tall=0.2 * bool(titles))
    for i, panel in enumerate(axes.flat):
        if i < len(images):
            draw(panel, images[i], title="" if titles is None else titles[i])
        else:
            panel.set_axis_off()
    return figure


def image_rows(
    rows: Mapping[str, object], titles: Sequence[str] | None = None, *, what: str = "images"
) -> Described:
    """Rows of images, each with its label at the left.

    Args:
        rows: label -> images [N, ...], as ``pixels`` accepts them; every row has the same N.
        titles: a title for every image, in reading order.
        what: the subject, for the alt text.
    """
    strips = [pixels(images) for images in rows.values()]
    columns = len(strips[0])
    what = f"{len(rows)} rows of {columns} {what}"
    figure, axes = _grid(len(rows), columns, what, "; ".join(rows), tall=0.2 * bool(titles))
    for i, (panel, image) in enumerate(zip(axes.flat, np.concatenate(strips), strict=True)):
        draw(panel, image, title=titles[i] if titles else "")
    for panel, label in zip(axes[:, 0], rows):
        panel.set_ylabel(label, fontsize=SMALL)
    return figure


def sweep(images: Images, start: Sequence[int], *, columns: int = 6) -> Described:
    """Change one factor of an image at a time: a row for each factor that has several classes.

    Args:
        images: a dataset.
        start: the classes [k] of the image from which every row starts.
        columns: images in a row, spread evenly over the classes of the factor.
    """
    space, rows, titles = images.space, {}, []
    for column, (name, size) in enumerate(zip(space.names, space.sizes)):
        if size > 1:
            classes = np.tile(np.asarray(start), (columns, 1))
            classes[:, column] = np.linspace(0, size - 1, columns)
            rows[name.replace("_", " ")] = images.draw(classes)
            values = [space.values[column][c] for c in classes[:, column]]
            titles += [v if isinstance(v, str) else f"class {c}"
                       for v, c in zip(values, classes[:, column])]  # fmt: skip
    return image_rows(rows, titles, what="images; each row changes one factor alone")


def relation_strips(
    before,
    after: Mapping[str, object],
    *,
    reads: Mapping[str, Sequence[str]] | None = None,
    rows: Sequence[str] | None = None,
    details: str = "",
) -> Described:
    """A row for each image: first before, then after each relation, with a text below.

    Args:
        before: images [N, ...], as ``pixels`` accepts them.
        after: name of a relation -> images [N, ...].
        reads: "before" and each name -> N texts.
        rows: N labels at the left.
        details: what the texts say on the whole, for the alt text.

    Raises ValueError if a relation has another number of images than ``before``.
    """
    strips = {"before": pixels(before)} | {name: pixels(x) for name, x in after.items()}
    count = len(strips["before"])
    for name, images in strips.items():
        if len(images) != count:
            raise ValueError(f"{count} images before, but {len(images)} after {name}")
    what = f"{count} rows of images, before and after {', '.join(after)}"
    figure, axes = _grid(count, len(strips), what, details, wide=0.2, tall=0.5 * bool(reads))
    for column, (name, images) in enumerate(strips.items()):
        axes[0, column].set_title(name, fontsize=MEDIUM)
        for row, panel in enumerate(axes[:, column]):
            draw(panel, images[row], title=None, below=reads[name][row] if reads else "")
    for panel, label in zip(axes[:, 0], rows or ()):
        panel.set_ylabel(label, fontsize=SMALL)
    return figure


def judged_strips(
    judge,
    before,
    after: Mapping[str, object],
    wanted: Mapping[str, object],
    task: Task,
    rows: Sequence[str] | None = None,
) -> Described:
    """``relation_strips`` with the values that a judge reads below each image.

    A tick marks an image on which the judge reads every wanted value, a cross any other.

    Args:
        judge: its ``read`` returns the values [N, n] of images.
        before, after, rows: as in ``relation_strips``.
        wanted: "before" and each name -> the values [N, n] that the images should have.
        task: names the values.
    """
    reads, right = {}, {}
    for name, images in ({"before": before} | dict(after)).items():
        read = array(judge.read(images))
        good = (read == array(wanted[name])).all(1)
        reads[name] = [f"{'✓' if g else '✗'} {w}" for g, w in zip(good, words(read, task))]
        right[name] = f"{good.sum()} of {len(good)} {name}"
    details = f"the judge reads the wanted values on {', '.join(right.values())}"
    return relation_strips(before, after, reads=reads, rows=rows, details=details)


def words(values, task: Task, *, between: str = "\n") -> list[str]:
    """Values [N, n] -> N texts, such as "heart, middle left"."""
    rows = array(values).tolist()
    return [between.join(f.value_names[v] for f, v in zip(task.factors, row)) for row in rows]


def pixels(images) -> np.ndarray:
    """Images of any kind -> float [N, H, W], or [N, H, W, 3] for colour, in [0, 1].

    Accepts what ``wdlib.data.to_float`` accepts (uint8, grey or colour), and decoded images: float
    [N, C, H, W] in [0, 1]. Raises ValueError for another shape.
    """
    if "float" not in str(images.dtype):
        images = to_float(images)
    images = array(images)
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(
            f"images have shape {images.shape}, but float images are [N, C, H, W] with C = 1 or 3"
        )
    images = images.clip(0, 1)
    return images[:, 0] if images.shape[1] == 1 else images.transpose(0, 2, 3, 1)


def draw(panel, image: np.ndarray, *, title: str | None = "", below: str = "") -> None:
    """One image of ``pixels`` in a panel, with a title and a text below it."""
    panel.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    bare(panel)
    if title is not None:
        panel.set_title(title, fontsize=SMALL)
    panel.set_xlabel(below, fontsize=SMALL, labelpad=3)


def flat(text: str) -> str:
    """A text of several lines in one line."""
    return text.replace("\n", ", ")


def _grid(rows, columns, what, details, *, wide=0.0, tall=0.0):
    return panels(rows, columns, what, details, width=1.25 + wide, height=1.25 + tall)
