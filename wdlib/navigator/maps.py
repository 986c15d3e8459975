"""A partition as a map: a plane for the eye, and a way back from the plane to codes.

The map shows the projection of each code onto a plane. Many codes have the same projection, so a
point of the map must stand for one of them: the code above it on a surface through the means of all
components. At an island, the surface has the height of its mean; between islands it has a weighted
mean of their heights, and nearer islands weigh more. So the centre of an island gives exactly the
mean of its component. (The paper has no maps.)
"""

import numpy as np
from matplotlib.axes import Axes

from wdlib.model import AdaptivePrior
from wdlib.plots.figure import Described, png
from wdlib.plots.islands import components, draw_islands, ellipse, plane
from wdlib.plots.names import spread
from wdlib.tasks import Factor

MARGIN = 1.18  # side of the view, relative to its contents: names need room


class PartitionMap:
    """The map of one partition. Its coordinates are latent units; ``fraction`` is for the screen.

    The map shows encoded images, by their codes [N, d] in this partition and the values [N] of
    their factor, and the components of the adapted prior.
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
        shown = np.concatenate([self.points, self.centres - reach, self.centres + reach])
        low, high = shown.min(0), shown.max(0)
        self.side = MARGIN * float((high - low).max())
        self.corner = (low + high) / 2 - self.side / 2  # bottom left

    @property
    def title(self) -> str:
        """Number and factor of the partition."""
        return f"partition {self.partition + 1}: {self.factor.name}"

    def place(self, codes) -> np.ndarray:
        """Codes [..., d] -> their projections on the map [..., 2]."""
        return (np.asarray(codes, np.float64) - self.origin) @ self.axes

    def lift(self, points) -> np.ndarray:
        """Points of the map [..., 2] -> the codes [..., d] for which they stand."""
        points = np.asarray(points, np.float64)
        squared = np.square(points[..., None, :] - self.centres).sum(-1)  # [..., K]
        near = (squared / self.side**2 + 1e-12) ** -2.0
        near /= near.sum(-1, keepdims=True)
        return self.origin + points @ self.axes.T + near @ self.heights

    def fraction(self, points) -> np.ndarray:
        """Points of the map [..., 2] -> fractions of the view, 0 to 1, to the right and down."""
        x, y = np.moveaxis((np.asarray(points) - self.corner) / self.side, -1, 0)
        return np.stack([x, 1 - y], axis=-1)

    def from_fraction(self, fractions) -> np.ndarray:
        """The inverse of ``fraction``."""
        x, y = np.moveaxis(np.asarray(fractions, np.float64), -1, 0)
        return self.corner + self.side * np.stack([x, 1 - y], axis=-1)

    def draw(self, panel: Axes) -> None:
        """Draw points, islands and their names. They fill the panel."""
        islands = self.centres, self.covariances
        draw_islands(panel, self.points, self.values, self.factor.value_names, islands)
        (left, bottom), (right, top) = self.corner, self.corner + self.side
        panel.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
        panel.set(xticks=[], yticks=[])

    def png(self, *, inches: float = 3.3, dpi: int = 180) -> bytes:
        """The map as a PNG file, whose edges are the edges of the view."""
        figure = Described(f"map of {self.title}", figsize=(inches, inches))
        panel = figure.add_axes((0, 0, 1, 1))
        self.draw(panel)
        panel.set_axis_off()
        spread(figure)
        return png(figure, dpi)
