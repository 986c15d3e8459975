"""Lines over something: the losses of a training over its steps, scores over a budget."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from wdlib.plots.figure import MARKERS, PALETTE, SMALL, STYLES, Described, array, label, panels


def history(records: Sequence[Mapping]) -> Described:
    """The losses of a training over its steps, a panel for each, with its phases as bands.

    ``records`` are ``Trainer.history``: mappings with "step", "phase" and the losses of the step.
    Raises ValueError if there is no record.
    """
    if not records:
        raise ValueError("the history is empty: train for at least one step first")
    names = list(dict.fromkeys(k for r in records for k in r if k not in ("step", "phase")))
    bands, facts = _bands(records), []
    end = bands[-1][2]
    what = f"losses over {end} steps, with the phases {', '.join(phase for phase, _, _ in bands)}"
    figure, axes = panels(len(names), what, width=3.6, height=2.4, columns=3, sharex=True)
    for panel, name in zip(axes, names):
        steps, losses = zip(*((r["step"], r[name]) for r in records if name in r))
        panel.plot(steps, losses, color=PALETTE[0], marker="o", markersize=2.5, lw=1.4)
        label(panel, name)
        panel.set_xlim(0, end)
        panel.set_ylim(0, 1.35 * max(losses) or 1)  # room for the names of the phases
        _draw_bands(panel, bands)
        facts.append(f"{name} {course(losses)}")
    for panel in figure.axes[-min(len(names), 3) :]:
        panel.set_xlabel("step", fontsize=SMALL)
    figure.details = "; ".join(facts)
    return figure


def curves(lines: Mapping[str, object], **options) -> Described:
    """Lines in one panel: name -> line. The other arguments are those of ``curve_panels``."""
    return curve_panels({"": lines}, **options)


def curve_panels(
    groups: Mapping[str, Mapping[str, object]],
    *,
    xlabel: str,
    ylabel: str,
    x: Sequence[float] | None = None,
    log: str = "",
    ticks: Mapping[float, str] | None = None,
    levels: Mapping[str, float] | None = None,
    at: Mapping[str, tuple[str, float]] | None = None,
    limits: tuple[float, float] | None = None,
    width: float = 6.4,
) -> Described:
    """A panel for each group of lines. A band shows the range of several values at one place.

    Args:
        groups: title -> name -> line. A line is an array [X], an array [X, seeds], or a mapping
            from places to a value or to the values of several seeds.
        xlabel, ylabel: labels of the axes.
        x: the places [X] of arrays; without it, 0, 1, 2, ...
        log: the logarithmic axes: "x", "y" or "xy".
        ticks: place -> label on the horizontal axis.
        levels: name -> height of a horizontal line.
        at: title of a panel -> name and place of a vertical line.
        limits: of the vertical axis.
        width: of the figure, in inches.
    """
    what, facts = f"{ylabel} over {xlabel}", []
    names = list(dict.fromkeys(name for lines in groups.values() for name in lines))
    figure, axes = panels(len(groups), what, width=width / len(groups), height=3.2, sharey=True)
    for panel, (title, lines) in zip(axes, groups.items()):
        for name, line in lines.items():
            means = _draw_line(panel, *_points(line, x), names.index(name))
            facts.append(f"{title} {name} {course(means)}".strip())
        for text, height in (levels or {}).items():
            panel.axhline(height, color="0.5", lw=0.8)
            _remark(panel, text, (1, height), panel.get_yaxis_transform(), 0)
            facts.append(f"a line marks {text} at {height:.3g}")
        if title in (at or {}):
            text, place = at[title]
            panel.axvline(place, color="0.3", ls=":", lw=1.4)
            _remark(panel, text, (place, 0.03), panel.get_xaxis_transform(), 90)
            facts.append(f"a vertical line marks {text} at {place:g}")
        label(panel, title, xlabel, ylabel)
        panel.set(**{f"{axis}scale": "log" for axis in log})
        if ticks:
            panel.set_xticks(list(ticks), list(ticks.values()))
            panel.minorticks_off()
    panel.set_ylim(limits)
    signs = [Line2D([], [], **_sign(k)) for k in range(len(names))]
    figure.legend(signs, names, loc="outside upper center", ncols=3, fontsize=SMALL)
    figure.details = "; ".join(facts)
    return figure


def _draw_line(panel: Axes, places: np.ndarray, heights: np.ndarray, number: int) -> list[float]:
    """Draw the mean at each place and the range around it; return the means."""
    import seaborn  # takes a second

    different = np.unique(places)
    seaborn.lineplot(x=places, y=heights, ax=panel, errorbar=("pi", 100), **_sign(number),
                     markevery=max(len(different) // 15, 1))  # fmt: skip
    return [heights[places == place].mean() for place in different]


def _sign(number: int) -> dict:
    """Colour, marker and style of a line."""
    style = STYLES[number % len(STYLES)]
    return {"color": PALETTE[number], "marker": MARKERS[number], "ls": style, "lw": 1.4, "ms": 4}


def _remark(panel: Axes, text: str, place, transform, angle: int) -> None:
    panel.annotate(text, place, (-2, 0), xycoords=transform, textcoords="offset points", ha="right",
                   va="bottom", rotation=angle, fontsize=SMALL, color="0.3")  # fmt: skip


def course(values: Sequence[float]) -> str:
    """How a line runs, in words: its first and its last value."""
    return f"goes from {values[0]:.3g} to {values[-1]:.3g}"


def _points(line, x) -> np.ndarray:
    """A line in any form -> its points [2, M]."""
    if not isinstance(line, Mapping):
        line = array(line)
        line = dict(zip(range(len(line)) if x is None else x, line))
    pairs = [(place, value) for place, values in line.items() for value in np.ravel(values)]
    return np.array(pairs, np.float64).T


def _bands(records: Sequence[Mapping]) -> list[tuple[str, int, int]]:
    """(phase, first step, last step) of every stretch of records with the same phase."""
    bands, start = [], 0
    for phase, stretch in groupby(records, key=itemgetter("phase")):
        *_, last = stretch
        bands.append((phase, start, last["step"]))
        start = last["step"]
    return bands


def _draw_bands(panel: Axes, bands: Sequence[tuple[str, int, int]]) -> None:
    for number, (phase, start, end) in enumerate(bands):
        panel.axvspan(start, end, color="0.93" if number % 2 else "1.0", lw=0, zorder=0)
        panel.annotate(  # every second name is lower, since short phases are close together
            phase, ((start + end) / 2, 0.97 - 0.1 * (number % 2)), fontsize=SMALL, color="0.3",
            xycoords=panel.get_xaxis_transform(), ha="center", va="top",
        )  # fmt: skip
