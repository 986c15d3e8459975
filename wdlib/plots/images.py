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
    what = f"{what} in {rows} row{'s' * (rows > 1)} of {columns}"
    figure = _cells(images, columns, what, titles=titles)
    figure.details = "; ".join(t.replace("\n", ", ") for t in titles or () if t)
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
    images = np.stack([pixels(x) for x in rows.values()])
    what = f"{len(rows)} rows of {images.shape[1]} {what}"
    figure = _cells(np.concatenate(images), images.shape[1], what, titles=titles, rows=list(rows))
    figure.details = "; ".join(rows)
    return figure


def sweep(images: Images, start: Sequence[int], *, columns: int = 6) -> Described:
    """Change one factor of an image at a time: a row for each factor that has several classes.

    Args:
        images: a dataset.
        start: the classes [k] of the image from which every row starts.
        columns: images in a row, spread evenly over the classes of the factor.
    """
    space, rows, titles = images.space, {}, []
    for column, (name, values) in enumerate(zip(space.names, space.values)):
        if len(values) > 1:
            classes = np.tile(np.asarray(start), (columns, 1))
            classes[:, column] = np.linspace(0, len(values) - 1, columns)
            rows[name.replace("_", " ")] = images.draw(classes)
            titles += [
                values[c] if isinstance(values[c], str) else f"class {c}"
                for c in classes[:, column]
            ]
    return image_rows(rows, titles, what="images; each row changes one factor alone")


def relation_strips(
    before,
    after: Mapping[str, object],
    *,
    reads: Mapping[str, Sequence[str]] | None = None,
    rows: Sequence[str] | None = None,
) -> Described:
    """A row for each image: first before, then after each relation, with a text below.

    Args:
        before: images [N, ...], as ``pixels`` accepts them.
        after: name of a relation -> images [N, ...].
        reads: "before" and each name -> N texts.
        rows: N labels at the left.

    Raises ValueError if a relation has another number of images than ``before``.
    """
    strips = {"before": pixels(before)} | {name: pixels(x) for name, x in after.items()}
    count, columns = len(strips["before"]), len(strips)
    for name, images in strips.items():
        if len(images) != count:
            raise ValueError(f"{count} images before, but {len(images)} after {name}")
    images = np.concatenate(np.stack(list(strips.values()), axis=1))  # row by row
    below = [reads[name][row] for row in range(count) for name in strips] if reads else None
    what = f"{count} rows of images, before and after {', '.join(after)}"
    figure = _cells(images, columns, what, below=below, rows=rows)
    for panel, name in zip(figure.axes, strips):
        panel.set_title(name, fontsize=MEDIUM)
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

    A tick marks an image on which the judge reads every wanted value; a cross marks the others.

    Args:
        judge: its ``read`` returns the values [N, n] of images.
        before, after, rows: as in ``relation_strips``.
        wanted: "before" and each name -> the values [N, n] that the images should have.
        task: names the values.
    """
    reads, right = {}, []
    for name, images in ({"before": before} | dict(after)).items():
        read = array(judge.read(images))
        good = (read == array(wanted[name])).all(1)
        reads[name] = [f"{'✓' if g else '✗'} {w}" for g, w in zip(good, words(read, task))]
        right.append(f"{good.sum()} of {len(good)} {name}")
    figure = relation_strips(before, after, reads=reads, rows=rows)
    figure.details = f"the judge reads the wanted values on {', '.join(right)}"
    return figure


def words(values, task: Task, *, between: str = "\n") -> list[str]:
    """Values [N, n] -> N texts, such as "heart, middle left"."""
    rows = array(values).tolist()
    return [between.join(f.value_names[v] for f, v in zip(task.factors, row)) for row in rows]


def pixels(images) -> np.ndarray:
    """Images of any kind -> float [N, H, W], or [N, H, W, 3] for colour, in [0, 1].

    Accepts what ``wdlib.data.to_float`` accepts (uint8, grey or colour), and decoded images: float
    [N, C, H, W] in [0, 1]. Raises ValueError for another shape.
    """
    images = array(images if "float" in str(images.dtype) else to_float(images))
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(
            f"images have shape {images.shape}, but float images are [N, C, H, W] with C = 1 or 3"
        )
    images = images.clip(0, 1)
    return images[:, 0] if images.shape[1] == 1 else images.transpose(0, 2, 3, 1)


def draw(panel, image: np.ndarray, *, title: str = "", below: str = "") -> None:
    """One image of ``pixels`` in a panel, with a title and a text below it."""
    panel.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    bare(panel)
    panel.set_title(title, fontsize=SMALL)
    panel.set_xlabel(below, fontsize=SMALL, labelpad=3)


def _cells(images, columns: int, what: str, *, titles=None, below=None, rows=None) -> Described:
    """Images [N, H, W, ...] in reading order, with texts above and below, and labels of rows."""
    size = {"width": 1.25 + 0.2 * bool(below), "height": 1.25 + 0.2 * bool(titles or below)}
    size["height"] += 0.3 * bool(below)
    figure, axes = panels(-(-len(images) // columns), columns, what, **size)
    for i, panel in enumerate(axes.flat):
        if i < len(images):
            draw(
                panel, images[i], title=titles[i] if titles else "", below=below[i] if below else ""
            )
        else:
            panel.set_axis_off()
    for panel, label in zip(axes[:, 0], rows or ()):
        panel.set_ylabel(label, fontsize=SMALL)
    return figure
