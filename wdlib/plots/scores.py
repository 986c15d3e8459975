"""Scores: matrices as heat maps, and a mark for each seed of each method."""

from collections.abc import Mapping, Sequence

import numpy as np

from wdlib.plots.figure import MARKERS, PALETTE, SMALL, Described, array, label, panels


def heat_maps(matrices: Mapping[str, object], *, shares: bool = False) -> Described:
    """Matrices of importances or of mutual information, each a heat map with its numbers.

    ``matrices``: title -> [codes, factors]. With ``shares``, each column is divided by its sum.
    """
    import seaborn

    found = {title: array(matrix).astype(float) for title, matrix in matrices.items()}
    if shares:
        found = {title: matrix / matrix.sum(axis=0) for title, matrix in found.items()}
    top = 1 if shares else max(matrix.max() for matrix in found.values())
    height = 1.2 + 0.3 * max(len(matrix) for matrix in found.values())
    what = "heat maps, a code in each row and a factor in each column"
    figure, axes = panels(len(found), what, width=2.8, height=height)
    facts = []
    for panel, (title, matrix) in zip(axes, found.items()):
        seaborn.heatmap(matrix, ax=panel, cmap="Blues", vmin=0, vmax=top, annot=True, fmt=".2f",
                        annot_kws={"size": SMALL}, cbar=False)  # fmt: skip
        label(panel, title, "factor", "code")
        panel.tick_params(rotation=0)
        best = [f"factor {j} most in code {column.argmax()} ({column.max():.2f})"
                for j, column in enumerate(matrix.T)]  # fmt: skip
        facts.append(f"{title}: {', '.join(best)}")
    figure.details = "; ".join(facts)
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
    what, facts = f"{xlabel}, {len(order)} rows of marks", []
    figure, (panel,) = panels(1, what, width=7.2, height=height)
    for number, (kind, rows) in enumerate(found.items()):
        shift = 0.6 * ((number + 0.5) / len(found) - 0.5)
        heights = {row: at + shift for at, row in enumerate(order) if row in rows}
        seeds = [(value, at) for row, at in heights.items() for value in rows[row]]
        means = [(rows[row].mean(), at) for row, at in heights.items() if len(rows[row]) > 1]
        panel.scatter(*np.transpose(seeds), s=24, color=PALETTE[number], marker=MARKERS[number],
                      alpha=0.7, label=kind)  # fmt: skip
        panel.scatter(*np.reshape(means, (-1, 2)).T, s=150, color="black", marker="|")
        facts.append(f"{kind}: {', '.join(f'{row} {_range(rows[row])}' for row in heights)}")
    for text, place in (levels or {}).items():
        panel.axvline(place, color="black", ls="--", lw=1, label=text)
        facts.append(f"a line marks {text}")
    panel.set_yticks(range(len(order)), order)
    panel.set_ylim(len(order) - 0.5, -0.5)
    label(panel, "", xlabel)
    panel.grid(axis="y", alpha=0.3)
    figure.legend(loc="outside upper center", ncols=3, fontsize=SMALL)
    figure.details = "; ".join(facts)
    return figure


def _range(values: np.ndarray) -> str:
    """The values of several seeds in words: "0.912", or "0.912 to 0.934"."""
    return " to ".join(dict.fromkeys(f"{value:.3f}" for value in (values.min(), values.max())))


def nested(rows, *columns: str) -> dict:
    """Rows of results -> {value of the first column: {of the second: ... [one value per row]}}.

    ``rows`` is a data frame, or a list of mappings. The order of the rows is kept.
    """
    import pandas

    frame = pandas.DataFrame(rows)
    if not columns:
        return frame["value"].tolist()
    parts = frame.groupby(columns[0], sort=False)
    return {key: nested(part, *columns[1:]) for key, part in parts}
