"""The navigator's own controls: a slider that follows a value, and a map that can be pressed."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import anywidget
import ipywidgets as widgets
import numpy as np
import traitlets

SIDE = 260  # pixels on the screen

# Black on white lines are visible on any image, and their meaning doesn't depend on colour.
_MARKS = """<svg viewBox="0 0 100 100" aria-hidden="true"
 style="position:absolute;inset:0;width:100%;height:100%;pointer-events:none">
<polyline points="{line}" fill="none" stroke="white" stroke-width="2.2"/>
<polyline points="{line}" fill="none" stroke="black" stroke-width="0.8" stroke-dasharray="2 1"/>
{dots}<rect x="{x0:.2f}" y="{y0:.2f}" width="3.6" height="3.6" fill="white" stroke="black"
 stroke-width="0.8"/>
<circle cx="{x:.2f}" cy="{y:.2f}" r="3.4" fill="none" stroke="white" stroke-width="2.6"/>
<circle cx="{x:.2f}" cy="{y:.2f}" r="3.4" fill="none" stroke="black" stroke-width="1.3"/>
<circle cx="{x:.2f}" cy="{y:.2f}" r="1.1" fill="black"/></svg>"""
_DOT = '<circle cx="{:.2f}" cy="{:.2f}" r="1.3" fill="white" stroke="black" stroke-width="0.7"/>'


class Dial(widgets.FloatSlider):
    """A slider that follows a value, and reports a change only if a hand has moved it.

    A browser sets a slider to the nearest point of its grid, and sends this point back like a
    change by hand. So a dial shows points of its grid only; and its step and range are powers of
    two, for which the browser's way from value to place and back is exact. ``moved`` is called with
    the new value. The range is -reach to reach, rounded up to a power of two.
    """

    def __init__(self, name: str, moved: Callable[[float], None], *, reach: float):
        self._moved, self._shown = moved, 0.0
        reach = _power(reach)
        super().__init__(description=name, min=-reach, max=reach, step=1 / 16, value=0.0)
        self.style.description_width = "90px"
        self.observe(self._changed, "value")

    def show(self, value: float) -> None:
        """Go to the grid point nearest to a value; stretch the range if it lies outside."""
        point = round(value / self.step) * self.step
        if abs(point) > self.max:
            reach = _power(abs(point))
            self.min, self.max = -reach, reach
        self._shown = point
        if self.value != point:  # a slider that a hand is moving stays
            self.value = point

    def _changed(self, change) -> None:
        if change.new != self._shown:
            self._shown = change.new
            self._moved(change.new)


def _power(reach: float) -> float:
    """The smallest power of two that is at least as large."""
    return 2.0 ** math.ceil(math.log2(reach))


def marks(points) -> str:
    """A trail of fractions [M, 2] as SVG: a square at its start, a ring at its end."""
    places = (100 * np.clip(points, 0, 1)).tolist()
    (x0, y0), (x, y) = places[0], places[-1]
    line = " ".join(f"{a:.2f},{b:.2f}" for a, b in places)
    dots = "".join(_DOT.format(*place) for place in places[1:-1])
    return _MARKS.format(line=line, dots=dots, x0=x0 - 1.8, y0=y0 - 1.8, x=x, y=y)


class ClickMap(anywidget.AnyWidget):
    """A map to click, to drag on, or to walk with the arrow keys.

    The browser gets the image of the map once (its URL), and the marks above it at every step.
    ``label`` says what the map shows, for screen readers. ``moved`` is called with (x, y, gesture):
    fractions of the view, and a number that stays the same during one movement.
    """

    image = traitlets.Unicode().tag(sync=True)
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

    def __init__(self, image: str, label: str, moved: Callable[[float, float, int], None]):
        super().__init__(image=image, label=label)
        self.observe(lambda change: change.new and moved(*change.new), "pressed")

    def show(self, points, label: str) -> None:
        """Draw the trail of fractions [M, 2]; ``label`` says in words where it ends."""
        with self.hold_sync():
            self.marks, self.label = marks(points), label
            self.here = np.clip(points[-1], 0, 1).tolist()


def value_labels(values: Sequence[float | str]) -> list[str]:
    """A label for each value: two decimals, or all where these would make two labels equal."""
    short = [v if isinstance(v, str) else f"{round(v, 2):g}" for v in values]
    return short if len(set(short)) == len(set(values)) else [str(v) for v in values]
