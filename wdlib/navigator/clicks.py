"""The map as a widget: a still picture below, marks above it, and word of where it was pressed.

The picture is sent once, the marks at every step. Plain ipywidgets cannot tell where a picture was
pressed, so ``ClickMap`` needs anywidget; without it ``StillMap`` shows the same, and the point is
moved by two sliders.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path

import ipywidgets as widgets
import traitlets

try:
    import anywidget
except ImportError:  # the navigator works without
    anywidget = None

from wdlib.navigator.dial import Dial

SIDE = 260  # pixels on the screen

_SVG = (
    '<svg viewBox="0 0 100 100" aria-hidden="true" '
    'style="position:absolute;inset:0;width:100%;height:100%;pointer-events:none">'
)


def marks(points) -> str:
    """A trail of fractions [M, 2] as SVG: a square where it starts, a ring where it is now.

    Black on white lines, so that they show on any picture and mean nothing by colour.
    """
    places = [(100 * min(max(x, 0.0), 1.0), 100 * min(max(y, 0.0), 1.0)) for x, y in points]
    line = " ".join(f"{x:.2f},{y:.2f}" for x, y in places)
    (x0, y0), (x, y) = places[0], places[-1]
    ring = f'<circle cx="{x:.2f}" cy="{y:.2f}" r="3.4" fill="none" '
    parts = [
        f'<polyline points="{line}" fill="none" stroke="white" stroke-width="2.2"/>',
        f'<polyline points="{line}" fill="none" stroke="black" stroke-width="0.8" '
        'stroke-dasharray="2 1"/>',
        *(
            f'<circle cx="{a:.2f}" cy="{b:.2f}" r="1.3" fill="white" stroke="black" '
            'stroke-width="0.7"/>'
            for a, b in places[1:-1]
        ),
        f'<rect x="{x0 - 1.8:.2f}" y="{y0 - 1.8:.2f}" width="3.6" height="3.6" fill="white" '
        'stroke="black" stroke-width="0.8"/>',
        ring + 'stroke="white" stroke-width="2.6"/>',
        ring + 'stroke="black" stroke-width="1.3"/>',
        f'<circle cx="{x:.2f}" cy="{y:.2f}" r="1.1" fill="black"/>',
    ]
    return f"{_SVG}{''.join(parts)}</svg>"


class StillMap(widgets.VBox):
    """A map that is looked at, with a slider for each of its axes.

    Args:
        picture: the URL of the still picture.
        label: what the map shows, for those who do not see it.
        moved: called with (x, y, gesture): fractions of the view, and a number that is the same
            throughout one movement.
    """

    def __init__(self, picture: str, label: str, moved: Callable[[float, float, int], None]):
        self.moved = moved
        still = widgets.HTML(
            f'<img src="{picture}" alt="{escape(label)}" width="{SIDE}" height="{SIDE}" '
            'style="display:block;max-width:none">'
        )
        self._marks = widgets.HTML()
        for layer in (still, self._marks):
            layer.layout = widgets.Layout(grid_area="1 / 1", width=f"{SIDE}px", height=f"{SIDE}px")
            layer.layout.margin = "0"
        stack = widgets.GridBox([still, self._marks])
        stack.layout = widgets.Layout(width=f"{SIDE}px", height=f"{SIDE}px", overflow="hidden")
        self.across, self.up = (
            Dial(name, self._slid, step=1 / 64, signed=False, readout=False)
            for name in ("across", "up")
        )
        for dial in (self.across, self.up):
            dial.layout = widgets.Layout(width=f"{SIDE}px")
            dial.style.description_width = "50px"
        super().__init__([stack, self.across, self.up])

    def show(self, points, label: str) -> None:
        """Draw the trail of fractions [M, 2]; ``label`` says in words where it ends."""
        x, y = (min(max(float(v), 0.0), 1.0) for v in points[-1])
        self._marks.value = (
            f'<div role="img" aria-label="{escape(label)}" '
            f'style="position:relative;width:{SIDE}px;height:{SIDE}px">{marks(points)}</div>'
        )
        self.across.show(x)
        self.up.show(1 - y)

    def _slid(self, _value: float) -> None:
        self.moved(self.across.value, 1 - self.up.value, 0)


if anywidget is None:
    ClickMap = None
else:

    class ClickMap(anywidget.AnyWidget):
        """A map that is clicked, dragged on, or walked with the arrow keys; arguments as above."""

        picture = traitlets.Unicode().tag(sync=True)
        label = traitlets.Unicode().tag(sync=True)
        marks = traitlets.Unicode().tag(sync=True)
        here = traitlets.List([0.5, 0.5]).tag(sync=True)
        pressed = traitlets.List([]).tag(sync=True)  # x, y, gesture

        _css = f"""
        .wdlib-map {{ position: relative; width: {SIDE}px; height: {SIDE}px; cursor: crosshair;
            touch-action: none; user-select: none; border: 1px solid #767676; }}
        .wdlib-map:focus-visible {{ outline: 3px solid #0072B2; outline-offset: -3px; }}
        .wdlib-map img {{ display: block; width: 100%; height: 100%; max-width: none; }}
        """
        _esm = Path(__file__).with_name("clicks.js")

        def __init__(self, picture: str, label: str, moved: Callable[[float, float, int], None]):
            super().__init__(picture=picture, label=label)
            self.moved = moved
            self.observe(self._was_pressed, "pressed")

        def show(self, points, label: str) -> None:
            """Draw the trail of fractions [M, 2]; ``label`` says in words where it ends."""
            x, y = (min(max(float(v), 0.0), 1.0) for v in points[-1])
            with self.hold_sync():
                self.marks, self.here, self.label = marks(points), [x, y], label

        def _was_pressed(self, change) -> None:
            if change.new:
                self.moved(*change.new)
