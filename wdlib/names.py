"""Names in a figure: written beside what they name, moved apart where they lie on one another."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

SMALL = 9  # font size, in points
ROOM = 2  # pixels that stay free around a name
NAME = "name"  # marks the texts that ``spread`` may move


def write(panel: Axes, text: str, place, *, above: bool = False) -> None:
    """Write a name at a place (in data coordinates), or just above it, on a white outline.

    ``spread`` moves the names of a figure apart, once all is drawn.
    """
    panel.annotate(
        text, place, xytext=(0, 2 * above), textcoords="offset points", gid=NAME, fontsize=SMALL,
        linespacing=0.9, ha="center", va="bottom" if above else "center", zorder=5,
        path_effects=[withStroke(linewidth=3, foreground="white")],
        arrowprops={"arrowstyle": "-", "lw": 0.7, "color": "0.3", "visible": False, "shrinkB": 0},
    )  # fmt: skip


def spread(figure: Figure) -> None:
    """Move names that lie on one another apart, within their panel; a thin line leads back."""
    figure.draw_without_rendering()  # lays the figure out, so that pixels are what they will be
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
    """Boxes [N, 4] (left, bottom, right, top) -> shifts [N, 2] after which no two overlap.

    Pairs push each other away along the axis that needs less, again and again; what leaves the
    frame [4] is pushed back. Boxes that overlap with nobody stay. Where there is no room for all,
    some overlap is left.
    """
    low, high = boxes[:, :2].copy(), boxes[:, 2:].copy()
    inside = (low >= frame[:2]).all(1) & (high <= frame[2:]).all(1)
    for _ in range(500):
        still = True
        for i in range(len(boxes)):
            for j in range(i):
                room = np.minimum(high[i], high[j]) - np.maximum(low[i], low[j])  # of the overlap
                if room.min() <= 0:
                    continue
                axis = room.argmin()
                middle = low[i] + high[i] - low[j] - high[j]
                push = (room[axis] / 2 + 0.5) * (1 if middle[axis] >= 0 else -1)
                for box, sign in ((i, 1), (j, -1)):
                    low[box, axis] += sign * push
                    high[box, axis] += sign * push
                still = False
        back = np.maximum(frame[:2] - low, 0) - np.maximum(high - frame[2:], 0)
        back *= inside[:, None]  # who began outside may stay there
        low, high = low + back, high + back
        if still:
            break
    return low - boxes[:, :2]
