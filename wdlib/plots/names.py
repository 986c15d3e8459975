"""Names in a figure: each beside the thing that it names, and none on top of another."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

from wdlib.plots.figure import SMALL

ROOM = 2  # pixels that stay free around a name
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
    """Separate overlapping names within their panel. A thin line leads back to the place."""
    figure.draw_without_rendering()  # fixes the layout, and with it the pixels
    for panel in figure.findobj(Axes):
        names = [text for text in panel.texts if text.get_gid() == NAME]
        boxes = np.array([Text.get_window_extent(text).extents for text in names]).reshape(-1, 4)
        boxes += np.multiply(ROOM, (-1, -1, 1, 1))
        frame = np.array(panel.get_window_extent().extents)
        shifts = apart(boxes, frame) * 72 / figure.dpi  # pixels -> points
        for text, shift in zip(names, shifts):
            if np.abs(shift).max() > 0.1:
                text.set_position(np.add(text.get_position(), shift))
                text.arrow_patch.set_visible(np.abs(shift).max() > SMALL)


def apart(boxes: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Boxes [N, 4] (left, bottom, right, top) -> shifts [N, 2] that separate them.

    In every round, two boxes that overlap push each other away along the axis on which they overlap
    less. A box that started inside the frame [4] is pushed back into it. If there isn't room for
    all of them, some overlap remains.
    """
    low, high = boxes[:, :2].copy(), boxes[:, 2:].copy()
    inside = ((low >= frame[:2]) & (high <= frame[2:])).all(1)[:, None]
    for _ in range(500):
        moved = False
        for i, j in zip(*np.tril_indices(len(boxes), -1)):
            overlap = np.minimum(high[i], high[j]) - np.maximum(low[i], low[j])
            if overlap.min() > 0:
                axis, moved = overlap.argmin(), True
                middle = low[i] + high[i] - low[j] - high[j]
                push = (overlap[axis] / 2 + 0.5) * (1 if middle[axis] >= 0 else -1)
                for corner in (low, high):
                    corner[[i, j], axis] += push, -push
        back = np.maximum(frame[:2] - low, 0) - np.maximum(high - frame[2:], 0)
        low, high = low + back * inside, high + back * inside
        if not moved:
            break
    return low - boxes[:, :2]
