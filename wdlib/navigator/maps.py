"""A partition as a map to walk on: a plane for the eye, and a way back from it into the latent.

Forth, a code is seen at its shadow on the plane through the components' means (``plane``).
Back, many codes cast the same shadow, so a point of the map has to stand for one of them. It stands
for the code above it on a surface that passes through the mean of every component: right at an
island the height of that island, between islands a mixture of the heights around, the nearer the
more. So the shadow of what a click reaches is where the click was, and a click on the centre of an
island reaches exactly the mean of its component.

The paper shows no maps; all of this is ours.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wdlib.model import AdaptivePrior
from wdlib.plots.figure import bare, png
from wdlib.plots.islands import components, draw_islands, ellipse, plane
from wdlib.plots.names import spread
from wdlib.tasks import Factor

MARGIN = 1.18  # side of the view, over the side of what it has to show: names need room


class PartitionMap:
    """One partition's map. Map coordinates are latent units; ``fraction`` makes them screen ones.

    Args:
        factor: whose values the components are.
        prior: the adapted prior.
        partition: the factor's position in it.
        codes: [N, d] encoded images of this partition, which are drawn as points.
        values: [N] integers, the values of their factor.
    """

    def __init__(self, factor: Factor, prior: AdaptivePrior, partition: int, codes, values):
        self.factor, self.partition = factor, partition
        self.means, covariances = components(prior, partition)  # [K, d], [K, d, d]
        self.origin, self.axes = plane(self.means)  # [d], [d, 2]
        self.centres = self.place(self.means)  # [K, 2]
        self.covariances = self.axes.T @ covariances @ self.axes  # [K, 2, 2]
        self.points, self.values = self.place(codes), np.asarray(values)
        self.heights = (self.means - self.origin) - self.centres @ self.axes.T  # [K, d]

        reach = max(ellipse(c)[0] for c in self.covariances) / 2  # the longest half-axis
        corners = [self.centres - reach, self.centres + reach]
        shown = np.concatenate([self.points, *corners])
        low, high = shown.min(0), shown.max(0)
        self.side = MARGIN * float((high - low).max())
        self.corner = (low + high) / 2 - self.side / 2  # bottom left

    def place(self, codes) -> np.ndarray:
        """Codes [..., d] -> where the map shows them [..., 2]."""
        return (np.asarray(codes, np.float64) - self.origin) @ self.axes

    def lift(self, points) -> np.ndarray:
        """Points of the map [..., 2] -> the codes [..., d] that they stand for."""
        points = np.asarray(points, np.float64)
        squared = np.square(points[..., None, :] - self.centres).sum(-1)  # [..., K]
        near = (squared / self.side**2 + 1e-12) ** -2.0
        near /= near.sum(-1, keepdims=True)
        return self.origin + points @ self.axes.T + near @ self.heights

    def fraction(self, points) -> np.ndarray:
        """Points of the map [..., 2] -> fractions of the view: rightwards and downwards, 0 to 1."""
        x, y = np.moveaxis((np.asarray(points) - self.corner) / self.side, -1, 0)
        return np.stack([x, 1 - y], axis=-1)

    def from_fraction(self, fractions) -> np.ndarray:
        """The inverse of ``fraction``."""
        x, y = np.moveaxis(np.asarray(fractions, np.float64), -1, 0)
        return self.corner + self.side * np.stack([x, 1 - y], axis=-1)

    def draw(self, panel: Axes) -> None:
        """Points, islands and their names, filling the panel."""
        islands = self.centres, self.covariances
        draw_islands(panel, self.points, self.values, self.factor.value_names, islands)
        panel.set_xlim(self.corner[0], self.corner[0] + self.side)
        panel.set_ylim(self.corner[1], self.corner[1] + self.side)
        bare(panel)
        panel.set_aspect("equal")

    def png(self, *, inches: float = 3.3, dpi: int = 180) -> bytes:
        """The map as a PNG file whose edges are the edges of the view."""
        figure = Figure(figsize=(inches, inches))
        panel = figure.add_axes((0, 0, 1, 1))
        self.draw(panel)
        panel.set_axis_off()
        spread(figure)
        return png(figure, dpi)
