"""A slider that follows a value, and tells only of a hand that moves it.

A browser puts what it is told on the nearest point of the slider's grid, and sends that point back
as if somebody had moved the slider there. So a dial shows points of its grid alone; and its step
and its range are powers of two, for which the browser's way from value to place and back is exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import ipywidgets as widgets


class Dial(widgets.FloatSlider):
    """A slider from ``-reach`` to ``reach``, or from 0, which stretches where a value lies outside.

    Args:
        name: the label beside it.
        moved: called with the value to which a hand has moved the dial.
        reach: made a power of two, at least as large.
        step: a power of two.
        signed: whether it goes below 0.
    """

    def __init__(
        self,
        name: str,
        moved: Callable[[float], None],
        *,
        reach: float = 1.0,
        step: float = 1 / 16,
        signed: bool = True,
        **options,
    ):
        self._moved, self._shown = moved, 0.0
        reach = _power(reach)
        low = -reach if signed else 0.0
        super().__init__(description=name, min=low, max=reach, step=step, value=0.0, **options)
        self.observe(self._changed, "value")

    def show(self, value: float) -> None:
        """Go to the point of the grid that is nearest to a value."""
        point = round(value / self.step) * self.step
        if abs(point) > self.max:
            reach = _power(abs(point))
            self.min, self.max = -reach if self.min else 0.0, reach
        self._shown = point
        if self.value != point:  # a slider in motion is not pulled at
            self.value = point

    def _changed(self, change) -> None:
        if change.new != self._shown:
            self._shown = change.new
            self._moved(change.new)


def _power(reach: float) -> float:
    """The least power of two that is as large."""
    return 2.0 ** math.ceil(math.log2(reach))
