"""Scores: matrices as heat maps, bars, and a mark for each seed of each method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from wdlib.plots.figure import MARKERS, MEDIUM, PALETTE, SMALL, Described, array, panels


def heat_maps(
    matrices: Mapping[str, object],
    *,
    shares: bool = False,
    xlabel: str = "factor",
    ylabel: str = "code",
    factors: Sequence[str] | None = None,
) -> Described:
    """Matrices of importances or of mutual information, each a heat map with its numbers.

    Args:
        matrices: title -> [codes, factors].
        shares: divide each column by its sum.
        xlabel, ylabel: labels of the axes.
        factors: names of the columns.
    """
    import seaborn

    found = {title: array(matrix).astype(float) for title, matrix in matrices.items()}
    if shares:
        found = {title: matrix / matrix.sum(axis=0) for title, matrix in found.items()}
    top = 1 if shares else max(matrix.max() for matrix in found.values())
    tall = max(len(matrix) for matrix in found.values())
    what = f"heat maps, a {ylabel} in each row and a {xlabel} in each column"
    height = 1.2 + 0.3 * tall
    figure, axes = panels(1, len(found), what, width=2.8, height=height)
    facts = []
    for panel, (title, matrix) in zip(axes[0], found.items()):
        names = factors or [str(j) for j in range(matrix.shape[1])]
        seaborn.heatmap(matrix, ax=panel, cmap="Blues", vmin=0, vmax=top, annot=True, fmt=".2f",
                        annot_kws={"size": SMALL}, cbar=False, xticklabels=names)  # fmt: skip
        panel.set_title(title, fontsize=MEDIUM)
        panel.set_xlabel(xlabel, fontsize=SMALL)
        panel.set_ylabel(ylabel, fontsize=SMALL)
        panel.tick_params(labelsize=SMALL, rotation=0)
        best = [f"{xlabel} {n} most in {ylabel} {c.argmax()} ({c.max():.2f})"
                for n, c in zip(names, matrix.T)]  # fmt: skip
        facts.append(f"{title}: {', '.join(best)}")
    figure.details = "; ".join(facts)
    return figure


def bars(groups: Mapping[str, Sequence[float]], *, xlabel: str, ylabel: str) -> Described:
    """Bars in a panel for each group: title -> heights."""
    what = f"bars, {ylabel} of each {xlabel}"
    figure, axes = panels(1, len(groups), what, width=2.6, height=2.6, sharey=True)
    for panel, (title, heights) in zip(axes[0], groups.items()):
        panel.bar(range(len(heights)), array(heights), color=PALETTE[0])
        panel.set_title(title, fontsize=MEDIUM)
        panel.set_xticks(range(len(heights)))
        panel.set_xlabel(xlabel, fontsize=SMALL)
    axes[0, 0].set_ylabel(ylabel, fontsize=SMALL)
    told = {
        title: ", ".join(f"{h:.2g}" for h in array(heights)) for title, heights in groups.items()
    }
    figure.details = "; ".join(f"{title}: {heights}" for title, heights in told.items())
    return figure


def dots(
    groups: Mapping[str, Mapping[str, object]],
    *,
    xlabel: str,
    order: Sequence[str] | None = None,
    levels: Mapping[str, float] | None = None,
) -> Described:
    """A row for each method or task, with a mark for each seed, and a line at the mean.

    Args:
        groups: kind -> row -> a value, or the values of several seeds. A kind has its own colour,
            marker and height in the row.
        xlabel: the quantity.
        order: the rows from top to bottom; by default they are sorted by the mean of the first
            kind that has them.
        levels: name -> place of a vertical line.
    """
    found = {kind: {row: np.ravel(values).astype(float) for row, values in rows.items()}
             for kind, rows in groups.items()}  # fmt: skip
    first: dict[str, float] = {}
    for rows in found.values():
        first |= {row: values.mean() for row, values in rows.items() if row not in first}
    order = list(order or sorted(first, key=first.get))
    height = 1.2 + (0.16 + 0.1 * len(found)) * len(order)
    figure, axes = panels(1, 1, f"{xlabel}, {len(order)} rows of marks", width=7.2, height=height)
    (panel,), facts = axes[0], []
    for number, (kind, rows) in enumerate(found.items()):
        colour, marker = PALETTE[number], MARKERS[number]
        shift = 0.6 * ((number + 0.5) / len(found) - 0.5)
        told, shown = [], kind
        for at, row in enumerate(order):
            if row in rows:
                values = rows[row]
                panel.scatter(values, np.full(len(values), at + shift), s=24, color=colour,
                              marker=marker, alpha=0.7, label=shown)  # fmt: skip
                if len(values) > 1:
                    panel.scatter(values.mean(), at + shift, s=150, color="black", marker="|")
                told.append(f"{row} {spread_in_words(values)}")
                shown = None
        facts.append(f"{kind}: {', '.join(told)}")
    for text, place in (levels or {}).items():
        panel.axvline(place, color="black", ls="--", lw=1, label=text)
        facts.append(f"a line marks {text}")
    panel.set_yticks(range(len(order)), order, fontsize=SMALL)
    panel.set_ylim(len(order) - 0.5, -0.5)
    panel.set_xlabel(xlabel, fontsize=SMALL)
    panel.grid(axis="y", alpha=0.3)
    figure.legend(loc="outside upper center", ncols=3, fontsize=SMALL)
    figure.details = "; ".join(facts)
    return figure


def spread_in_words(values: np.ndarray) -> str:
    """The values of several seeds in words: "0.912", or "0.912 to 0.934"."""
    low, high = f"{values.min():.3f}", f"{values.max():.3f}"
    return low if low == high else f"{low} to {high}"


def nested(rows, *columns: str, value: str = "value") -> dict:
    """Rows of results -> {value of the first column: {of the second: ... [one value per row]}}.

    rows: a data frame, or a list of mappings. The order of the rows is kept.
    """
    import pandas

    frame = pandas.DataFrame(rows)
    if not columns:
        return frame[value].tolist()
    parts = frame.groupby(columns[0], sort=False)
    return {key: nested(part, *columns[1:], value=value) for key, part in parts}
