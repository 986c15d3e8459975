"""Figures: images, partitions as maps, relations as strips, losses. Arrays in, a Figure out.

Nothing is computed here beyond layout; the plane onto which a partition is projected counts as
layout. Colours are colour-blind-safe, and never the only sign: values also have a marker and a
name, relations a title, phases a label. ``show`` gives a figure its alt text.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from wdlib.data import to_float
from wdlib.names import SMALL, spread, write
from wdlib.tasks import Task

# Okabe and Ito (2008), "Color Universal Design", without the yellow that is lost on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# Ten, so that colour and marker together tell 70 values apart.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
SIGMAS = 2
MEDIUM = 11  # points


def image_grid(images, titles: Sequence[str] | None = None, *, columns: int = 8) -> Figure:
    """Images [N, ...] row by row, each under its title.

    images: as ``pictures`` takes them. Raises ValueError where titles and images differ in number.
    """
    images = pictures(images)
    if titles is not None and len(titles) != len(images):
        raise ValueError(f"{len(titles)} titles for {len(images)} images")
    columns = min(columns, len(images))
    rows = math.ceil(len(images) / columns)
    figure, axes = _panels(rows, columns, width=1.25, height=1.25 + 0.2 * bool(titles))
    for i, panel in enumerate(axes.flat):
        if i < len(images):
            _picture(panel, images[i])
            panel.set_title("" if titles is None else titles[i], fontsize=SMALL)
        else:
            panel.set_axis_off()
    return figure


def partition_maps(codes, values, prior, task: Task) -> Figure:
    """Every partition as a 2-D map: encoded images as points, components as islands with names.

    The map is a plane through the components' means (see ``plane``); an island is the component's
    2-sigma ellipse in that plane. What overlaps on a map may lie apart in the other dimensions.

    Args:
        codes: [N, n, d] encoded images.
        values: [N, n] integers, the values of their factors.
        prior: an AdaptivePrior; or None before there is one, then a name stands at the mean of its
            points.

    Raises ValueError where the shapes do not fit the task.
    """
    codes, values = _array(codes), _array(values)
    n = len(task.factors)
    if codes.ndim != 3 or codes.shape[1] != n or values.shape != (len(codes), n):
        raise ValueError(
            f"codes {codes.shape} and values {values.shape} do not fit the {n} partitions of "
            f"{task.name}"
        )
    columns = min(n, 3)
    figure, axes = _panels(math.ceil(n / columns), columns, width=4.6, height=4.4)
    for i, (panel, factor) in enumerate(zip(axes.flat, task.factors)):
        points = codes[:, i]
        members = [points[values[:, i] == k] for k in range(factor.size)]
        present = [k for k in range(factor.size) if prior is not None or len(members[k])]
        if prior is None:
            means = np.stack([members[k].mean(0) for k in present])
        else:
            means, tril = _array(prior.mean)[i], _array(prior.scale_tril)[i]
            means = means[: factor.size]
        origin, axis = plane(means)
        for k, mean in zip(present, means):
            colour, marker = PALETTE[k % len(PALETTE)], MARKERS[k % len(MARKERS)]
            panel.scatter(
                *((members[k] - origin) @ axis).T, s=14, c=colour, marker=marker, alpha=0.45, lw=0
            )
            centre = (mean - origin) @ axis
            if prior is not None:
                half = tril[k].T @ axis  # the covariance in the plane is half.T @ half
                width, height, angle = ellipse(half.T @ half)
                island = Ellipse(centre, width, height, angle=angle, zorder=3)
                island.set(fill=False, edgecolor="black", linewidth=1.6)
                panel.add_patch(island)
            write(panel, factor.value_names[k], centre)
        panel.set_title(f"partition {i + 1}: {factor.name}", fontsize=MEDIUM)
        panel.set_xlabel("first axis of the map", fontsize=SMALL)
        panel.set_ylabel("second axis", fontsize=SMALL)
        panel.tick_params(labelsize=SMALL)
        panel.set_aspect("equal", adjustable="datalim")
    for panel in axes.flat[n:]:
        panel.set_axis_off()
    spread(figure)
    return figure


def relation_strips(
    before,
    after: Mapping[str, object],
    *,
    reads: Mapping[str, Sequence[str]] | None = None,
    rows: Sequence[str] | None = None,
) -> Figure:
    """One row an image: before, and after each relation, with what a judge reads below.

    Args:
        before: images [N, ...], as ``pictures`` takes them.
        after: relation's name -> images [N, ...].
        reads: "before" and relations' names -> N texts.
        rows: N labels, at the left.

    Raises ValueError where a relation has another number of images than ``before``.
    """
    strips = {"before": pictures(before)} | {name: pictures(x) for name, x in after.items()}
    count = len(strips["before"])
    for name, images in strips.items():
        if len(images) != count:
            raise ValueError(f"{count} images before, but {len(images)} after {name}")
    figure, axes = _panels(count, len(strips), width=1.45, height=1.4 + 0.35 * bool(reads))
    for column, (name, images) in enumerate(strips.items()):
        for row in range(count):
            panel = axes[row, column]
            _picture(panel, images[row])
            if row == 0:
                panel.set_title(name, fontsize=MEDIUM)
            if reads is not None:
                panel.set_xlabel(reads[name][row], fontsize=SMALL, labelpad=3)
            if rows is not None and column == 0:
                panel.set_ylabel(rows[row], fontsize=SMALL)
    return figure


def history(records: Sequence[Mapping], *, log: Sequence[str] = ()) -> Figure:
    """Losses over steps, a panel each, with the phases as labelled bands.

    Args:
        records: ``Trainer.history``, one mapping with "step", "phase" and the losses a row.
        log: losses with a logarithmic axis, whose values must be above 0.

    Raises ValueError where there is no record.
    """
    if not records:
        raise ValueError("the history is empty: train for a while first")
    names = list(dict.fromkeys(k for r in records for k in r if k not in ("step", "phase")))
    columns = min(len(names), 3)
    figure, axes = _panels(
        math.ceil(len(names) / columns), columns, width=3.6, height=2.4, sharex=True
    )
    bands = _bands(records)
    for panel, name in zip(axes.flat, names):
        for number, (phase, start, end) in enumerate(bands):
            panel.axvspan(start, end, color="0.93" if number % 2 else "1.0", lw=0, zorder=0)
            panel.annotate(  # every second name lower: short phases stand close
                phase, ((start + end) / 2, 0.97 - 0.1 * (number % 2)),
                xycoords=panel.get_xaxis_transform(), fontsize=SMALL, ha="center", va="top",
                color="0.3",
            )  # fmt: skip
        told = [(r["step"], r[name]) for r in records if name in r]
        panel.plot(*zip(*told), color=PALETTE[0], marker="o", markersize=2.5, lw=1.4)
        panel.set_title(name, fontsize=MEDIUM)
        panel.set_xlim(0, bands[-1][2])
        low, high = min(value for _, value in told), max(value for _, value in told)
        if name in log:
            panel.set_yscale("log")
            panel.set_ylim(low / 1.2, high * (high / low) ** 0.35)
        else:
            panel.set_ylim(0, 1.35 * high or 1)  # room for the phases' names
        panel.tick_params(labelsize=SMALL)
    for panel in axes[-1]:
        panel.set_xlabel("step", fontsize=SMALL)
    for panel in axes.flat[len(names) :]:
        panel.set_axis_off()
    return figure


def show(figure: Figure, alt: str, *, dpi: int = 80) -> None:
    """Display the figure in a notebook, with ``alt`` for those who do not see it.

    The alt text travels as the picture's metadata, which nbconvert writes into the page, and as
    the plain text of the output. Raises ValueError for an empty one.
    """
    from IPython.display import display

    if not alt.strip():
        raise ValueError("a figure needs alt text: one sentence that says what it shows")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    data = {"image/png": buffer.getvalue(), "text/plain": f"Figure: {alt}"}
    display(data, raw=True, metadata={"image/png": {"alt": alt}})


def pictures(images) -> np.ndarray:
    """Images of any kind -> float [N, 64, 64], or [N, 64, 64, 3], in [0, 1].

    Takes what ``to_float`` takes (uint8, grey or colour), and float [N, C, 64, 64] in [0, 1], as
    decoded. Raises ValueError for another shape.
    """
    if "float" not in str(images.dtype):
        images = to_float(images)
    images = _array(images)
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        raise ValueError(f"float images must be [N, C, 64, 64], C 1 or 3, got {images.shape}")
    images = images.clip(0, 1)
    return images[:, 0] if images.shape[1] == 1 else images.transpose(0, 2, 3, 1)


def plane(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A plane to see points in: points [M, d] -> their mean [d] and orthonormal axes [d, 2].

    The two leading principal axes; or, since more than three points need not lie apart there, that
    plane of a few thousand others whose closest two points are furthest apart. Where ``d`` is 1
    the second axis is zero.
    """
    points = np.asarray(points, np.float64)
    origin = points.mean(0)
    principal = np.linalg.svd(points - origin)[2][:2].T  # [d, 2], or [1, 1]
    largest = principal[np.abs(principal).argmax(0), np.arange(principal.shape[1])]
    principal = principal * np.where(largest < 0, -1.0, 1.0)  # a sign of its own
    if points.shape[1] < 3 or len(points) < 4:
        return origin, np.pad(principal, ((0, 0), (0, 2 - principal.shape[1])))
    others = np.random.default_rng(0).normal(size=(4000, points.shape[1], 2))
    planes = np.concatenate([principal[None], np.linalg.qr(others)[0]])
    first, second = np.triu_indices(len(points), 1)
    apart = (points[first] - points[second]) @ planes  # [planes, pairs, 2]
    closest = np.square(apart).sum(2).min(1)
    best = closest.argmax() if closest.max() > 1.1 * closest[0] + 1e-12 else 0
    return origin, planes[best]


def ellipse(covariance: np.ndarray, sigmas: float = SIGMAS) -> tuple[float, float, float]:
    """Covariance [2, 2] -> width, height and angle (degrees) of its ``sigmas`` contour."""
    variances, directions = np.linalg.eigh(covariance)  # ascending
    width, height = 2 * sigmas * np.sqrt(variances[::-1].clip(0))
    x, y = directions[:, 1]
    return float(width), float(height), math.degrees(math.atan2(y, x)) % 180


def _bands(records: Sequence[Mapping]) -> list[tuple[str, int, int]]:
    """(phase, first step, last step) of every stretch of equal phase."""
    bands: list[tuple[str, int, int]] = []
    for record in records:
        start = bands[-1][2] if bands else 0
        if bands and bands[-1][0] == record["phase"]:
            start = bands.pop()[1]
        bands.append((record["phase"], start, record["step"]))
    return bands


def _panels(rows: int, columns: int, *, width: float, height: float, **sharing):
    """A figure and its axes [rows, columns]; no pyplot, so nothing is shown twice or kept."""
    figure = Figure(figsize=(columns * width, rows * height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **sharing)


def _picture(panel: Axes, image: np.ndarray) -> None:
    panel.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    panel.set_xticks([])
    panel.set_yticks([])


def _array(values) -> np.ndarray:
    return values.detach().cpu().numpy() if hasattr(values, "detach") else np.asarray(values)
