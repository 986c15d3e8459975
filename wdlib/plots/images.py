"""Images in rows: grids, one factor at a time, and what relations make of an image."""

from collections.abc import Mapping, Sequence

import numpy as np

from wdlib.data import Images, to_float
from wdlib.plots.figure import MEDIUM, SMALL, Described, array, panels
from wdlib.tasks import Task


def image_grid(
    images, titles: Sequence[str] | None = None, *, columns: int = 8, what: str = "images"
) -> Described:
    """Images [N, ...] of any kind (see ``pixels``) in reading order, each below its title.

    ``what`` is their subject in words. Raises ValueError if the number of titles is not N.
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
        rows: label -> images [N, ...] of any kind; every row has the same N.
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

    Every row starts from the classes ``start`` [k]; its images are spread evenly over the classes.
    """
    space, rows, titles = images.space, {}, []
    for column, (name, values) in enumerate(zip(space.names, space.values)):
        if len(values) > 1:
            classes = np.tile(np.asarray(start), (columns, 1))
            classes[:, column] = np.linspace(0, len(values) - 1, columns)
            rows[name.replace("_", " ")] = images.draw(classes)
            shown = [(c, values[c]) for c in classes[:, column]]
            titles += [value if isinstance(value, str) else f"class {c}" for c, value in shown]
    return image_rows(rows, titles, what="images; each row changes one factor alone")


def judged_strips(
    judge,
    before,
    after: Mapping[str, object],
    wanted: Mapping[str, object],
    task: Task,
    rows: Sequence[str] | None = None,
) -> Described:
    """A row for each image: before, after each relation, and below what a judge reads there.

    A tick marks an image on which the judge reads every wanted value; a cross marks the others.

    Args:
        judge: its ``read`` returns the values [N, n] of images.
        before: images [N, ...] of any kind.
        after: name of a relation -> images [N, ...].
        wanted: "before" and each name -> the values [N, n] that the images should have.
        task: names the values.
        rows: N labels at the left.
    """
    strips, below, right = {"before": before} | dict(after), [], []
    for name, images in strips.items():
        read = array(judge.read(images))
        good = (read == array(wanted[name])).all(1)
        below.append([f"{'✓' if g else '✗'} {w}" for g, w in zip(good, words(read, task))])
        right.append(f"{good.sum()} of {len(good)} {name}")
    images = np.concatenate(np.stack([pixels(x) for x in strips.values()], axis=1))  # row by row
    what = f"{len(before)} rows of images, before and after {', '.join(after)}"
    texts = [text for row in zip(*below) for text in row]
    figure = _cells(images, len(strips), what, below=texts, rows=rows)
    for panel, name in zip(figure.axes, strips):
        panel.set_title(name, fontsize=MEDIUM)
    figure.details = f"the judge reads the wanted values on {', '.join(right)}"
    return figure


def words(values, task: Task, *, between: str = "\n") -> list[str]:
    """Values [N, n] -> N texts, such as "heart, middle left"; -1, a missing label, is "?"."""
    names = [(*factor.value_names, "?") for factor in task.factors]
    return [between.join(n[v] for n, v in zip(names, row)) for row in array(values).tolist()]


def pixels(images) -> np.ndarray:
    """Images of any kind -> float [N, H, W], or [N, H, W, 3] for colour, in [0, 1].

    The kinds are those of ``wdlib.data.to_float`` (uint8, grey or colour), and decoded images:
    float [N, C, H, W] in [0, 1]. Raises ValueError for another shape.
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
    panel.set(xticks=[], yticks=[])
    panel.set_title(title, fontsize=SMALL)
    panel.set_xlabel(below, fontsize=SMALL, labelpad=3)


def _cells(images, columns: int, what: str, *, titles=None, below=None, rows=None) -> Described:
    """Images [N, H, W, ...] in reading order, with texts above and below, and labels of rows."""
    width = 1.25 + 0.2 * bool(below)
    height = 1.25 + 0.2 * bool(titles or below) + 0.3 * bool(below)
    figure, axes = panels(len(images), what, width=width, height=height, columns=columns)
    none = [""] * len(images)
    for panel, image, title, text in zip(axes, images, titles or none, below or none):
        draw(panel, image, title=title, below=text)
    for panel, label in zip(axes[::columns], rows or ()):
        panel.set_ylabel(label, fontsize=SMALL)
    return figure
