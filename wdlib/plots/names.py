"""Names in a figure: each beside the thing that it names, and none on top of another."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from wdlib.plots.figure import SMALL

ROOM = 1  # pixels that stay free around a name
NAME = "name"  # the group of the texts that ``spread`` may move


def write(panel: Axes, text: str, place, *, above: bool = False) -> None:
    """Write a name at a place (in data coordinates), or just above it, with a white outline.

    Call ``spread`` once everything is drawn; it separates names that overlap.
    """
    panel.annotate(
        text, place, xytext=(0, 2 * above), textcoords="offset points", gid=NAME, fontsize=SMALL,
        linespacing=0.9, ha="center", va="bottom" if above else "center", zorder=5,
        path_effects=[withStroke(linewidth=3, foreground="white")],
        arrowprops={"arrowstyle": "-", "lw": 0.7, "color": "0.3", "visible": False, "shrinkB": 0},
    )  # fmt: skip


def spread(figure: Figure) -> None:
    """Raise names that lie on others of their panel. A thin line leads back to the place."""
    figure.draw_without_rendering()  # fixes the layout, and with it the pixels
    for panel in figure.findobj(Axes):
        names = [text for text in panel.texts if text.get_gid() == NAME]
        placed: list[Bbox] = []
        for text in sorted(names, key=lambda text: Text.get_window_extent(text).y0):
            box, rise = Text.get_window_extent(text).padded(ROOM), 0.0
            for other in sorted(placed, key=lambda other: other.y0):
                if box.translated(0, rise).overlaps(other):
                    rise = other.y1 - box.y0 + 0.5
            placed.append(box.translated(0, rise))
            if rise:
                points = rise * 72 / figure.dpi
                text.set_position(np.add(text.get_position(), (0, points)))
                text.arrow_patch.set_visible(points > SMALL)
