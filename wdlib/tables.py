"""Tables of many cells: as rows, as a CSV file, and as text beside what was published.

A row is one figure of one cell, with where it comes from. The CSV holds every row; the text holds
the mean over seeds with the range, and marks the best of each column.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wdlib.cells import Cell, replace_text

FIGURE = ("dataset", "method", "seed", "labels", "unseen", "convention", "score", "value")
SOURCE = ("budget", "threads", "device", "seconds", "commit",
          "python", "wdlib", "torch", "numpy", "scikit-learn")  # fmt: skip
COLUMNS = FIGURE + SOURCE


@dataclass(frozen=True)
class Table:
    """Rows of COLUMNS, in the order of the cells, and the traceback of every cell that failed."""

    rows: tuple[dict, ...]
    failed: Mapping[Cell, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self):
        return iter(self.rows)

    def __str__(self) -> str:
        return format_table(self.rows)


def rows_of(cell: Cell, record: Mapping) -> list[dict]:
    """The rows of a finished cell, each with the cell's own columns and where it comes from."""
    ours = {"dataset": cell.task, "method": cell.method, "seed": cell.seed}
    ours |= {"labels": cell.labels, "unseen": cell.unseen}
    source = {"budget": cell.budget, "threads": cell.threads, "device": cell.device}
    source |= {name: record["source"].get(name, "") for name in SOURCE if name not in source}
    return [ours | row | source for row in record["rows"]]


def write_csv(rows: Iterable[Mapping], path: Path | str) -> None:
    """Write every row, whole or not at all; values with six digits, which read back the same."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(dict(row) | {"value": f"{row['value']:.6g}"})
    replace_text(Path(path), text.getvalue())


KINDS = {"seed": int, "labels": int, "unseen": float, "threads": int, "seconds": float}
ABOUT = tuple(name for name in COLUMNS if name not in ("convention", "score", "value"))


def write_wide_csv(rows: Iterable[Mapping], path: Path | str) -> None:
    """Write one line a cell, a column a figure; scores of grouped and raw codes are prefixed."""
    cells: dict[tuple, dict] = {}
    for row in rows:
        own = {k: row[k] for k in ABOUT}
        cell = cells.setdefault(tuple(own.values()), own)
        known = row["convention"] in ("-", "converted")
        name = row["score"] if known else f"{row['convention']}_{row['score']}"
        cell[name] = f"{row['value']:.9g}"
    figures = sorted({name for cell in cells.values() for name in cell} - set(COLUMNS))
    ours = [k for k in FIGURE if k in ABOUT]
    text = io.StringIO()
    writer = csv.DictWriter(text, [*ours, *figures, *SOURCE], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(cells.values())
    replace_text(Path(path), text.getvalue())


def read_wide_csv(path: Path | str) -> Table:
    """Read back what ``write_wide_csv`` wrote, as rows of one figure each.

    Raises FileNotFoundError where there is no such file, ValueError naming line and cause for
    another one.
    """
    rows = []
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        try:
            if lacking := set(ABOUT) - set(reader.fieldnames or ()):
                raise ValueError(f"it lacks the columns {', '.join(sorted(lacking))}")
            for line in reader:
                if None in line or None in line.values():
                    raise ValueError("it has more or fewer fields than the first")
                own = {k: KINDS.get(k, str)(line.pop(k)) for k in ABOUT}
                for name, value in line.items():
                    if value:
                        convention, score = _convention(name)
                        row = {"convention": convention, "score": score, "value": float(value)}
                        rows.append(own | row)
        except (ValueError, csv.Error) as error:
            raise ValueError(f"{path}, line {reader.line_num}: {error}") from None
    return Table(tuple(rows))


def _convention(name: str) -> tuple[str, str]:
    """The convention and the score of a wide table's column."""
    for convention in ("grouped", "raw"):
        if name.startswith(f"{convention}_"):
            return convention, name.removeprefix(f"{convention}_")
    score = name.removeprefix("oracle_").removeprefix("chance_")
    return ("converted" if score in SCORES else "-"), name


def read_csv(path: Path | str) -> Table:
    """Read back what ``write_csv`` wrote.

    Raises FileNotFoundError where there is no such file, ValueError naming line and cause for
    another one.
    """
    kinds = KINDS | {"value": float}
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        rows = []
        try:
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise ValueError(f"its columns are not {', '.join(COLUMNS)}")
            for row in reader:
                if None in row or None in row.values():
                    raise ValueError(f"it has more or fewer than {len(COLUMNS)} columns")
                rows.append(row | {name: kind(row[name]) for name, kind in kinds.items()})
        except (ValueError, csv.Error) as error:
            raise ValueError(f"{path}, line {reader.line_num}: {error}") from None
    return Table(tuple(rows))


@dataclass(frozen=True)
class Published:
    """A figure that was printed elsewhere, and what is odd about it."""

    dataset: str
    method: str
    score: str
    value: float
    note: str


# Only what could be checked; the rest of the published tables is left out. Which dataset the last
# three figures belong to is inferred, from factors whose perfect codes get that much, or cannot.
PUBLISHED = (
    *(
        Published(task, "modular (paper)", "relation accuracy", value, "on codes, from the prior")
        for task, value in {
            "dSprites.v2": 0.724, "dSprites.v3": 0.751, "dSprites.v4": 0.685,
            "Shapes3D.v2": 0.690, "Shapes3D.v3": 0.653, "Shapes3D.v5": 0.633,
        }.items()
    ),
    Published("dSprites", "modular (paper)", "SAP", 0.7877,
              "above its ceiling (1 - mean 1/k) with row and column apart: another definition"),
    Published("dSprites", "zerodim (paper)", "MIG", 0.14,
              "near the SAP of perfect codes of its factors, whose MIG is above .8: swapped?"),
    Published("Shapes3D", "zerodim (paper)", "SAP", 1.0,
              "above the ceiling .90 of accuracies on ten-valued factors: swapped, or R2"),
)  # fmt: skip

MOVES = {
    "judged_encoded": "judged, encoded",
    "judged_prior": "judged, prior",
    "relation_latent_all": "codes, prior",
    "encoder_all": "encoder",
}
COMPOSED = {
    f"judged_{origin}_{kind}": f"{kind}, {origin}"
    for origin in ("encoded", "prior")
    for kind in ("unseen", "seen")
}
SCORES = {
    "dci_disentanglement": "DCI D",
    "dci_completeness": "DCI C",
    "dci_informativeness": "DCI I",
    "mig": "MIG",
    "sap": "SAP",
    "sap_r2": "SAP R2",
}
CONVENTIONS = ("raw", "grouped", "converted")


def format_table(rows: Iterable[Mapping], published: Sequence[Published] = PUBLISHED) -> str:
    """The table as text: relations first, then the scores by convention; a block a dataset, number
    of labels and share of unseen combinations.

    A cell of it is the mean over seeds and the range. ``*`` marks the best mean of a column; of
    scores, the best of its convention, for conventions are not to be compared.
    """
    rows = list(rows)
    lines: list[str] = []
    for dataset, labels, unseen in dict.fromkeys(
        (row["dataset"], row["labels"], row["unseen"]) for row in rows
    ):
        block = (dataset, labels, unseen)
        mine = [r for r in rows if (r["dataset"], r["labels"], r["unseen"]) == block]
        seeds = " ".join(sorted({str(row["seed"]) for row in mine}))
        without = f", {unseen:.0%} of the combinations never seen" if unseen else ""
        budgets = ", ".join(dict.fromkeys(f"{r['budget']}, {r['threads']} thread(s)" for r in mine))
        lines += [f"{dataset}: {labels} labels, seeds {seeds}, {budgets} a cell{without}", ""]
        lines += _block("relation accuracy, all factors right", mine, "-", MOVES)
        if unseen:
            lines += _block("relations that end in such a combination", mine, "-", COMPOSED)
        for convention in CONVENTIONS:
            if any(row["convention"] == convention for row in mine):
                lines += _block(f"scores of {convention} codes", mine, convention, SCORES)
        for p in published:
            if dataset.startswith(p.dataset):
                lines.append(
                    f"published: {p.method} on {p.dataset}: {p.score} {p.value} ({p.note})"
                )
        lines.append("")
    return "\n".join(lines).rstrip()


OURS = "modular"
SUMMARY = {
    "relation_latent_target": "codes, target",
    "relation_latent_all": "codes, all",
    "judged_prior": "judged, prior",
    "judged_encoded": "judged, encoded",
    "encoder_all": "encoder",
    "judge_accuracy": "the judge",
    "dci_disentanglement": "DCI D",
    "mig": "MIG",
    "grouped_mig": "MIG, grouped",
    "sap": "SAP",
    "fit_seconds": "minutes",
}


def format_summary(rows: Iterable[Mapping], published: Sequence[Published] = PUBLISHED) -> str:
    """One line a dataset and method, as Markdown: mean and range over seeds, scores of converted
    codes (MIG of grouped ones, too), and in the last column the published relation accuracy (on
    codes, from the prior).

    A budget in seconds is no schedule's end, and its line says that it was cut short.
    """
    found: dict[tuple, dict[str, list[float]]] = {}
    for row in rows:
        prefix = "grouped_" if row["convention"] == "grouped" else ""
        if row["convention"] != "raw":
            name = row["dataset"] if row["method"] == OURS else f"{row['dataset']}, {row['method']}"
            if row["budget"].endswith(" s"):
                name += f" cut short at {row['budget']}"
            scores = found.setdefault((row["dataset"], name, row["labels"]), {})
            scores.setdefault(prefix + row["score"], []).append(row["value"])
    printed = {p.dataset: p.value for p in published if p.score == "relation accuracy"}
    head = ["task", "labels", *SUMMARY.values(), "paper: codes"]
    lines = [head, ["---"] * len(head)]
    for (dataset, name, labels), scores in found.items():
        minutes = [s / 60 for s in scores.get("fit_seconds", [])]
        cells = [_said(v) if (v := scores.get(k)) else "" for k in SUMMARY if k != "fit_seconds"]
        cells.append(f"{_mean(minutes):.1f}" if minutes else "")
        lines.append([name, str(labels), *cells, f"{printed.get(dataset, '')}"])
    return _markdown(lines)


def format_experiment(name: str, rows: Iterable[Mapping]) -> str:
    """What the rows of an experiment say, as Markdown: mean and range over seeds.

    name: "2" (a line a system), "labels" (a line a task, judged accuracy by number of labels),
        "unseen" (relations that end in a combination that training has seen, or not), or
        "ablations" (a line a recipe, judged accuracy by task). Pictures are those of encoded
        images where nothing else is said.
    """
    corner, place = EXPERIMENTS[name]
    rows = list(rows)
    datasets = list(dict.fromkeys(row["dataset"] for row in rows))
    rows.sort(key=lambda row: datasets.index(row["dataset"]))
    found: dict[str, dict[str, list[float]]] = {}
    columns: dict[str, None] = {}
    for row in rows:
        if at := place(row):
            line, column = at
            columns.setdefault(column)
            found.setdefault(line, {}).setdefault(column, []).append(row["value"])
    lines = [[corner, *columns], ["---"] * (1 + len(columns))]
    for line, values in found.items():
        lines.append([line, *(_said(values[c]) if c in values else "" for c in columns)])
    return _markdown(lines)


def _judged(line: str, column: str):
    """Where a figure of the judged accuracy stands, if the row is one."""
    return lambda row: (
        (str(row[line]), str(row[column])) if row["score"] == "judged_encoded" else None
    )


def _composed(row: Mapping) -> tuple[str, str] | None:
    return (row["dataset"], COMPOSED[row["score"]]) if row["score"] in COMPOSED else None


def _system(row: Mapping) -> tuple[str, str] | None:
    line, score = f"{row['dataset']}, {row['method']}", row["score"]
    if row["convention"] == "-":
        known = score in ("judged_encoded", "encoder_all")
        return (line, MOVES[score]) if known else None
    known = score in ("dci_disentanglement", "mig", "sap")
    return (line, f"{SCORES[score]}, {row['convention']}") if known else None


EXPERIMENTS = {
    "2": ("task and system", _system),
    "labels": ("task, by labels", _judged("dataset", "labels")),
    "unseen": ("task", _composed),
    "ablations": ("recipe", _judged("method", "dataset")),
}


def _markdown(lines: Iterable[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _block(title: str, rows: list[Mapping], convention: str, names: Mapping[str, str]) -> list[str]:
    found: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        if row["convention"] == convention:
            found.setdefault((row["method"], row["score"]), []).append(row["value"])
    methods = [m for m in dict.fromkeys(m for m, _ in found)
               if any((m, name) in found for name in names)]  # fmt: skip
    for twin in ("oracle", "chance"):  # the mean over methods: each has its own in the CSV
        for name in names:
            values = [
                v for (_, score), vs in found.items() if score == f"{twin}_{name}" for v in vs
            ]
            if values:
                found[twin, name] = [sum(values) / len(values)]
    lines = [[title, *names.values()]]
    for method in [*methods, "oracle", "chance"]:
        line = [method]
        for name in names:
            values = found.get((method, name))
            bests = [_mean(found[m, name]) for m in methods if (m, name) in found]
            best = values is not None and method in methods and _mean(values) == max(bests)
            line.append("" if values is None else _said(values) + (" *" if best else "  "))
        lines.append(line)
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return [
        "  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in
                  enumerate(zip(line, widths))).rstrip()
        for line in lines
    ] + [""]  # fmt: skip


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _said(values: Sequence[float]) -> str:
    """The mean, and the range where there is one in three digits."""
    mean, lowest, highest = (f"{v:.3f}" for v in (_mean(values), min(values), max(values)))
    return mean if lowest == highest else f"{mean} ({lowest} to {highest})"
