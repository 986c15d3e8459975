"""Table 2 in short, as Markdown: a line a system, and who is best at what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from wdlib.experiments.markdown import OURS, collapses, column
from wdlib.experiments.pipes import piped
from wdlib.experiments.tables import (
    CONVENTIONS,
    NO_BEST,
    SCORES,
    is_judged,
    mean_and_range,
    mean_of,
)

# Scores of the short table, each under one convention.
SHORT = (
    ("-", "judged_encoded"),
    ("-", "encoder_all"),
    ("raw", "dci_disentanglement"),
    ("converted", "dci_disentanglement"),
    ("raw", "mig"),
    ("grouped", "mig"),
    ("converted", "mig"),
)


def format_systems(rows: Iterable[Mapping]) -> str:
    """Table 2 in short, as Markdown, a table a dataset: the supervision of each system, its judged
    relation accuracy from encoded test images, its encoder, DCI D and MIG.

    Every column is of one convention, for conventions are not to be compared with each other. The
    last rows are oracle and chance, means over the systems; the oracle of judged relations is the
    judge on test images, and says so.
    """
    tables = []
    for dataset, found in _by_dataset(rows).items():
        lines = [[dataset, "supervision", *(column(*key) for key in SHORT)]]
        for method in dict.fromkeys(method for method, _, _ in found):
            name = method + collapses(found.get((method, "-", "collapsed"), ()))
            line = [name, _supervision(method, found.get((method, "-", "fit_labels"), ()))]
            values = [found.get((method, *key)) for key in SHORT]
            lines.append([*line, *(mean_and_range(v) if v else "" for v in values)])
        for twin in ("oracle", "chance"):
            line = [twin, ""]
            for convention, score in SHORT:
                key = convention, f"{twin}_{score}"
                values = [v for k, vs in found.items() if k[1:] == key for v in vs]
                judged = twin == "oracle" and is_judged(dataset, score)
                line.append(f"{mean_of(values):.3f}{' (the judge)' * judged}" if values else "")
            lines.append(line)
        tables.append(piped(lines))
    return "\n\n".join(tables)


def format_winners(rows: Iterable[Mapping], *, ours: str = OURS) -> str:
    """Who is best at what, as Markdown: a line a figure, a column a dataset. The best system (or
    systems, to three digits) and the mean over its seeds, then ``ours`` and its place among those
    that have the figure. Not of NO_BEST."""
    found = _by_dataset(rows)
    asked = [*SHORT[:2], *((c, s) for s in SCORES for c in CONVENTIONS if (c, s) != NO_BEST)]
    lines = [["best at", *found]]
    for key in asked:
        line = [column(*key)]
        for figures in found.values():
            means = {k[0]: round(mean_of(v), 3) for k, v in figures.items() if k[1:] == key}
            best = [name for name, mean in means.items() if mean == max(means.values())]
            said = f"{', '.join(best)} {max(means.values()):.3f}" if best else ""
            if ours in means and ours not in best:
                place = 1 + sum(mean > means[ours] for mean in means.values())
                said += f"; {ours} {means[ours]:.3f}, place {place} of {len(means)}"
            line.append(said)
        if any(line[1:]):
            lines.append(line)
    return piped(lines)


def _by_dataset(rows: Iterable[Mapping]) -> dict[str, dict[tuple[str, str, str], list[float]]]:
    """dataset -> (method, convention, score) -> the value of every seed."""
    found: dict[str, dict[tuple[str, str, str], list[float]]] = {}
    for row in rows:
        key = row["method"], row["convention"], row["score"]
        found.setdefault(row["dataset"], {}).setdefault(key, []).append(row["value"])
    return found


def _supervision(method: str, labels: Sequence[float]) -> str:
    from wdlib.methods import METHODS  # with it torch, which a table on disk needs not

    if method not in METHODS:
        return ""
    known = METHODS[method].supervision
    return f"{max(labels):g} labels" if known == "labels" and labels else known
