"""Codes on a plane: clouds of points, and the components of the prior as islands with names.

A code has more dimensions than a figure, so a partition is seen on a plane through the means of its
components. Codes that overlap there may be far apart in the other dimensions.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse

from wdlib.plots.figure import MARKERS, PALETTE, SMALL, Described, array, label, panels
from wdlib.plots.names import spread, write
from wdlib.tasks import Task

SIGMAS = 2


def partition_maps(codes, values, prior, task: Task) -> Described:
    """A map for each partition: encoded images as points, components as named 2-sigma ellipses.

    Args:
        codes: [N, n, d] encoded images.
        values: [N, n] integers, the values of their factors.
        prior: an AdaptivePrior, or None to write each name at the mean of its points instead.
        task: names the factors and values.

    Raises ValueError if the shapes don't fit the task.
    """
    codes, values = array(codes), array(values)
    n = len(task.factors)
    if codes.ndim != 3 or codes.shape[1] != n or values.shape != (len(codes), n):
        raise ValueError(
            f"codes {codes.shape} and values {values.shape} do not fit the {n} partitions of "
            f"{task.name}"
        )
    maps = []
    for i, factor in enumerate(task.factors):
        points, mine, islands = codes[:, i], values[:, i], None
        if prior is None:
            origin, axes = plane([points[mine == k].mean(0) for k in np.unique(mine)])
        else:
            means, covariances = components(prior, i)
            origin, axes = plane(means)
            islands = (means - origin) @ axes, axes.T @ covariances @ axes
        title = f"partition {i + 1}: {factor.name}"
        maps.append((title, (points - origin) @ axes, mine, factor.value_names, islands))
    what = f"maps of the partitions {', '.join(task.factor_names)} with {len(codes)} codes"
    return _draw_maps(maps, what, ("first axis of the map", "second axis"))


def clouds(
    points,
    values,
    names: Sequence[str],
    islands=None,
    *,
    large=None,
    axes: tuple[str, str] = ("first number of the code", "second number"),
) -> Described:
    """Codes of two numbers, marked by value; with their components, if there are any.

    Args:
        points: [N, 2], or title -> [N, 2] for several panels.
        values: [N] integers.
        names: the name of each value.
        islands: pairs (mean [2], covariance [2, 2]), one for each value, or a prior with one
            partition; or title -> either.
        large: [N] booleans, points to draw larger.
        axes: labels of the axes.
    """
    several = points if isinstance(points, Mapping) else {"": points}
    islands = islands if isinstance(islands, Mapping) else dict.fromkeys(several, islands)
    values, maps = array(values), []
    for title, cloud in several.items():
        found = islands[title]
        if isinstance(found, Sequence):
            found = tuple(np.stack(part) for part in zip(*found))
        elif found is not None:
            found = components(found, 0)
        maps.append((title, array(cloud), values, names, found))
    what = f"{len(values)} codes in {len(names)} clouds, {', '.join(names)}"
    return _draw_maps(maps, what, axes, large)


def _draw_maps(maps, what: str, axes: tuple[str, str], large=None) -> Described:
    """A panel for each (title, points [N, 2], values [N], names, islands or None)."""
    figure, grid = panels(len(maps), what, width=4.2, height=4, columns=3)
    for panel, (title, points, values, names, islands) in zip(grid, maps):
        draw_islands(panel, points, values, names, islands, large=large)
        _equal(panel, title, *axes)
    figure.details = "; ".join(title for title, *_ in maps if title)
    spread(figure)
    return figure


def draw_islands(
    panel: Axes, points: np.ndarray, values, names: Sequence[str], islands=None, *, large=None
) -> None:
    """Draw points [N, 2] by value, and an ellipse with a name for each component.

    ``islands`` are means [K, 2] and covariances [K, 2, 2]; without them each name is written at the
    mean of its points. ``large``: [N] booleans, points to draw larger.
    """
    for k, name in enumerate(names):
        mine = values == k
        if islands is None and not mine.any():
            continue
        look = {"c": PALETTE[k % len(PALETTE)], "marker": MARKERS[k % len(MARKERS)]}
        panel.scatter(*points[mine].T, s=12, alpha=0.45, lw=0, **look)
        if large is not None:
            panel.scatter(*points[mine & array(large)].T, s=40, ec="black", **look)
        if islands is None:
            write(panel, name, points[mine].mean(0))
            continue
        mean, covariance = islands[0][k], islands[1][k]
        width, height, angle = ellipse(covariance)
        panel.add_patch(Ellipse(mean, width, height, angle=angle, zorder=3, fill=False,
                                edgecolor="black", linewidth=1.4))  # fmt: skip
        top = SIGMAS * math.sqrt(covariance[1, 1])  # of the ellipse, above its centre
        write(panel, name.replace(" ", "\n"), mean + (0, top), above=True)


def moves(before, after, means: Sequence, task: Task, relation: str) -> Described:
    """Arrows from codes to where a relation moves them, a panel for each partition.

    Args:
        before, after: [N, n, 2] codes.
        means: for each partition, the means [K, 2] of its components.
        task: names the factors and values.
        relation: its name.
    """
    before, after = array(before), array(after)
    what = f'{len(before)} codes before and after the relation "{relation}"'
    figure, axes = panels(len(task.factors), what, width=4.4, height=4.2)
    for i, (panel, factor) in enumerate(zip(axes, task.factors)):
        a, b, centres = before[:, i], after[:, i], array(means[i])
        near = np.linalg.norm(a[:, None] - centres, axis=2).argmin(1)
        for k, name in enumerate(factor.value_names):
            top = a[near == k, 1].max(initial=centres[k, 1])
            write(panel, name, (centres[k, 0], top), above=True)
        panel.scatter(*a.T, s=18, marker=MARKERS[0], color=PALETTE[0], label="before")
        panel.scatter(*b.T, s=26, marker=MARKERS[2], color=PALETTE[1], label="after")
        panel.quiver(*a.T, *(b - a).T, angles="xy", scale_units="xy", scale=1, color="0.6",
                     width=0.004, headwidth=5)  # fmt: skip
        _equal(panel, f"partition of {factor.name}")
        panel.set(xticks=[], yticks=[])
    axes[0].legend(fontsize=SMALL)
    spread(figure)
    return figure


def nets(codes: Mapping[str, object]) -> Described:
    """The codes of a grid of images as a net, over the 2-sigma circle of a normal prior.

    codes: title -> [X, Y, 2], the codes of an object at X times Y places.
    """
    width = 4.6 if len(codes) == 1 else 3.2
    figure, axes = panels(len(codes), "codes of all places as a net", width=width, height=3.4)
    turn = np.linspace(0, 2 * np.pi, 100)
    for panel, (title, net) in zip(axes, codes.items()):
        net = array(net)
        panel.plot(*net[::3].transpose(2, 1, 0), "-", color=PALETTE[0], lw=1)
        panel.plot(*net[:, ::3].transpose(2, 0, 1), "--", color=PALETTE[1], lw=1)
        panel.plot(SIGMAS * np.cos(turn), SIGMAS * np.sin(turn), "k:", lw=2.5)
        _equal(panel, title, "first number of the code", "second number")
    lines = [panel.lines[0], panel.lines[-2], panel.lines[-1]]
    names = ["along y", "along x", "2 sigma of the prior"]
    figure.legend(lines, names, loc="outside lower center", ncols=3, fontsize=SMALL)
    figure.details = "; ".join(codes)
    return figure


def bin_map(task: Task, name: str) -> Described:
    """Which classes of two source factors make which value of a factor, as a map.

    ``name`` is a factor with two source factors, vertical and horizontal, such as "position".
    """
    factor = task.factors[task.factor(name)]
    tall, wide = (task.space.sizes[task.space.position(source)] for source in factor.source)
    what = f"a map of the {wide} by {tall} classes of {' and '.join(factor.source[::-1])}"
    figure, (panel,) = panels(1, what, width=4.6, height=4.6)
    panel.scatter(*np.indices((wide, tall)).reshape(2, -1), s=4, color="0.75", marker="x", lw=0.8)
    for value, text in enumerate(factor.value_names):
        cell = np.unravel_index(value, factor.grid)
        rows, columns = (bins[b] for bins, b in zip(factor.bins, cell))
        panel.scatter(*np.meshgrid(columns, rows), s=14, color=PALETTE[0], marker="o")
        write(panel, f"{value}: {text}", (np.mean(columns), rows[0] - 0.8), above=True)
    label(panel, "", *(f"class of {source}" for source in factor.source[::-1]))
    panel.set(aspect="equal", xlim=(-4, wide + 3), ylim=(tall + 2, -4))
    figure.details = f"dots make {factor.size} values, crosses take no part"
    return figure


def components(prior, partition: int) -> tuple[np.ndarray, np.ndarray]:
    """Means [K, d] and covariances [K, d, d] of the components of a partition."""
    size = prior.sizes[partition]
    means = array(prior.mean)[partition, :size].astype(np.float64)
    tril = array(prior.scale_tril)[partition, :size].astype(np.float64)
    return means, tril @ tril.transpose(0, 2, 1)


def plane(points) -> tuple[np.ndarray, np.ndarray]:
    """A plane on which points [M, d] are visible -> their mean [d] and orthonormal axes [d, 2].

    The axes are the first two principal axes. With more than three points, two of them may
    coincide there; then the plane is the one, of 4000 random planes, on which the closest two
    points are furthest apart. If ``d`` is 1, the second axis is zero.
    """
    points = np.asarray(points, np.float64)
    origin = points.mean(0)
    principal = np.linalg.svd(points - origin)[2][:2].T  # [d, 2], or [1, 1]
    largest = principal[np.abs(principal).argmax(0), np.arange(principal.shape[1])]
    principal = principal * np.where(largest < 0, -1.0, 1.0)  # makes the sign unique
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


def _equal(panel: Axes, title: str, x: str = "", y: str = "") -> None:
    """Label a map, and make its units equal in both directions."""
    label(panel, title, x, y)
    panel.set_aspect("equal", adjustable="datalim")
    panel.margins(0.15)
