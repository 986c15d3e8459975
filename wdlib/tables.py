"""Tables of many cells: as rows, as a CSV file, and as text beside what was published.

A row is one figure of one cell, with where it comes from. The CSV holds every row; the text holds
the mean over seeds with the range, and marks the best of each column. In Markdown, for a README:
``format_summary`` and ``format_encoder`` of table 1, ``format_systems`` of table 2 (and
``format_experiment("2", ...)`` in full), ``format_experiment`` of the other experiments,
``format_published`` of what was printed elsewhere.

The oracle_ of a judged figure is the judge's accuracy on test images (see ``wdlib.evaluation``),
and is called so wherever it is shown.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wdlib.cells import MOST as IMAGES
from wdlib.cells import Cell, replace_text
from wdlib.tasks import task as task_called

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


LARGEST = 1 << 22  # bytes of a CSV that is read; the longest of ours has a twelfth
MOST = 100_000  # figures in it, each of which takes a KB
WIDEST = 1000  # columns
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
    another one, or one larger than LARGEST, MOST or WIDEST.
    """
    rows = []
    _check_size(path)
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        try:
            if lacking := set(ABOUT) - set(reader.fieldnames or ()):
                raise ValueError(f"it lacks the columns {', '.join(sorted(lacking))}")
            if len(reader.fieldnames) > WIDEST:
                raise ValueError(f"it has {len(reader.fieldnames)} columns; {WIDEST} are read")
            for line in reader:
                if None in line or None in line.values():
                    raise ValueError("it has more or fewer fields than the first")
                own = {k: KINDS.get(k, str)(line.pop(k)) for k in ABOUT}
                for name, value in line.items():
                    if value:
                        convention, score = _convention(name)
                        row = {"convention": convention, "score": score, "value": float(value)}
                        rows.append(own | row)
                if len(rows) > MOST:
                    raise ValueError(f"it holds more than {MOST} figures")
        except (ValueError, csv.Error) as error:
            raise ValueError(f"{path}, line {reader.line_num}: {error}") from None
    return Table(tuple(rows))


def _check_size(path: Path | str) -> None:
    if (size := Path(path).stat().st_size) > LARGEST:
        raise ValueError(f"{path} is no table of wdlib: it has {size} bytes")


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
    another one, or one larger than LARGEST or MOST.
    """
    kinds = KINDS | {"value": float}
    _check_size(path)
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
                if len(rows) > MOST:
                    raise ValueError(f"it holds more than {MOST} figures")
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
    scores, the best of its convention, for conventions are not to be compared. Where every system
    has one seed only, nothing is marked: one seed does not say which is best.
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


JUDGE = "the judge on test images"
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

    A budget in seconds is no schedule's end, and its line says how many steps were taken of how
    many.
    """
    printed = {p.dataset: p.value for p in published if p.score == "relation accuracy"}
    lines = [["task", "combinations", "labels", *SUMMARY.values(), "paper: codes"]]
    for run, scores in _runs(rows).items():
        minutes = [s / 60 for s in scores.get("fit_seconds", [])]
        cells = [_said(v) if (v := scores.get(k)) else "" for k in SUMMARY if k != "fit_seconds"]
        cells.append(f"{_mean(minutes):.1f}" if minutes else "")
        about = [_name(run, scores), _combinations(run.dataset), str(run.labels)]
        lines.append([*about, *cells, f"{printed.get(run.dataset, '')}"])
    return _markdown(lines)


def format_encoder(rows: Iterable[Mapping]) -> str:
    """One line a dataset and method, as Markdown: how often the encoder reads each factor of test
    images right, and all at once. Mean and range over seeds."""
    runs = _runs(rows)
    read = dict.fromkeys(
        score for scores in runs.values() for score in scores if score.startswith("encoder_")
    )
    factors = [score for score in read if score != "encoder_all"]
    names = [score.removeprefix("encoder_").replace("_", " ") for score in factors]
    lines = [["task, the encoder", *names, "all factors"]]
    for run, scores in runs.items():
        each = [_said(v) if (v := scores.get(k)) else "" for k in (*factors, "encoder_all")]
        lines.append([_name(run, scores), *each])
    return _markdown(lines)


@dataclass(frozen=True)
class _Run:
    """What the seeds of one line share; ``seconds`` is its budget, None where that is in steps."""

    dataset: str
    method: str
    labels: int
    seconds: str | None


def _runs(rows: Iterable[Mapping]) -> dict[_Run, dict[str, list[float]]]:
    """For each line the values of every score, of converted codes and (prefixed) grouped ones."""
    found: dict[_Run, dict[str, list[float]]] = {}
    for row in rows:
        if row["convention"] != "raw":
            prefix = "grouped_" if row["convention"] == "grouped" else ""
            seconds = row["budget"] if row["budget"].endswith(" s") else None
            run = _Run(row["dataset"], row["method"], row["labels"], seconds)
            found.setdefault(run, {}).setdefault(prefix + row["score"], []).append(row["value"])
    return found


def _name(run: _Run, scores: Mapping[str, Sequence[float]]) -> str:
    """The line's name: the dataset, the method where it is not ours, what its budget cut."""
    name = run.dataset if run.method == OURS else f"{run.dataset}, {run.method}"
    if run.seconds is None:
        return name
    phases, whole = _schedule(run)
    if not whole or "fit_steps" not in scores:
        return f"{name}, {run.seconds}"
    taken = round(_mean(scores["fit_steps"]))
    each = "both" if phases == 2 else f"all {phases}"
    return f"{name}, {each} phases shortened to {taken:,} of {whole:,} steps"


def _schedule(run: _Run) -> tuple[int, int]:
    """Phases and steps of the preset that the run's budget cuts; (0, 0) for a method without."""
    if run.method not in (OURS, f"{OURS}-paper"):
        return 0, 0
    from wdlib.data.split import split
    from wdlib.training import COURSE, PAPER  # with it torch, which a table on disk needs not

    wanted = task_called(run.dataset)
    images = len(split(wanted, seed=0, labels=0, limit=IMAGES).train)
    preset = COURSE.for_task(wanted.name) if run.method == OURS else PAPER
    return len(preset.phases), preset.for_images(images).steps


def _combinations(dataset: str) -> str:
    try:
        return f"{task_called(dataset).combinations}"
    except ValueError:  # a world of somebody's own
        return ""


# Scores of the short table. SAP is none: of groups it can pass the oracle, one integer a factor.
SHORT = ("dci_disentanglement", "mig")


def format_systems(rows: Iterable[Mapping]) -> str:
    """Table 2 in short, as Markdown, a table a dataset: what each system is told, its judged
    relation accuracy from encoded test images, its encoder, DCI D and MIG.

    A score is of the convention under which the system gets most, named by its letter (converted,
    grouped, raw). Conventions are not to be compared with each other, and
    ``format_experiment("2", ...)`` keeps each apart. The last rows are oracle and chance, means
    over the systems; the oracle of judged relations is the judge on test images, and says so.
    """
    rows, tables = list(rows), []
    for dataset in dict.fromkeys(row["dataset"] for row in rows):
        found: dict[tuple[str, str, str], list[float]] = {}
        for row in rows:
            if row["dataset"] == dataset:
                key = row["method"], row["convention"], row["score"]
                found.setdefault(key, []).append(row["value"])
        lines = [[dataset, "told", "judged, encoded", "encoder", *(SCORES[k] for k in SHORT)]]
        for method in dict.fromkeys(method for method, _, _ in found):
            line = [method, _told(method, found.get((method, "-", "fit_labels"), ()))]
            for score in ("judged_encoded", "encoder_all"):
                line.append(_said(found[k]) if (k := (method, "-", score)) in found else "")
            for score in SHORT:
                kinds = [
                    (found[k], c[0]) for c in CONVENTIONS if (k := (method, c, score)) in found
                ]
                values, letter = max(kinds, key=lambda kind: _mean(kind[0]), default=((), ""))
                line.append(f"{_said(values)} {letter}" if values else "")
            lines.append(line)
        for twin in ("oracle", "chance"):
            line = [twin, ""]
            for name in ("judged_encoded", "encoder_all", *SHORT):
                values = [v for k, vs in found.items() if k[2] == f"{twin}_{name}" for v in vs]
                judged = twin == "oracle" and _by_judge(dataset, name)
                line.append(f"{_mean(values):.3f}{' (the judge)' * judged}" if values else "")
            lines.append(line)
        tables.append(_markdown(lines))
    return "\n\n".join(tables)


def _told(method: str, labels: Sequence[float]) -> str:
    from wdlib.methods import METHODS  # with it torch, which a table on disk needs not

    if method not in METHODS:
        return ""
    told = METHODS[method].told
    return f"{max(labels):g} labels" if told == "labels" and labels else told


def _by_judge(dataset: str, score: str) -> bool:
    """Whether the oracle_ of this figure is the judge's accuracy, and no ceiling."""
    if not score.startswith(("judged_", "decoded_")):
        return False
    try:
        return min(task_called(dataset).ceilings.values()) == 1
    except ValueError:  # a world of somebody's own
        return True


def format_published(published: Sequence[Published] = PUBLISHED) -> str:
    """The published figures that could be checked, as Markdown, and what is odd about them."""
    lines = [["published of", "system", "score", "value", "note"]]
    lines += [[p.dataset, p.method, p.score, f"{p.value:g}", p.note] for p in published]
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
    lines = [[corner, *columns]]
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


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    """A table whose first line is its head."""
    head, *rest = lines
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *rest])


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
                judged = twin == "oracle" and _by_judge(rows[0]["dataset"], name)
                found[JUDGE if judged else twin, name] = [_mean(values)]
    under = [t for t in ("oracle", JUDGE, "chance") if any((t, name) in found for name in names)]
    marked = {  # where a column has one seed only, nothing says which system is best
        name for name in names if any(len(found.get((m, name), ())) > 1 for m in methods)
    }
    lines = [[title, *names.values()]]
    for method in [*methods, *under]:
        line = [method]
        for name in names:
            values = found.get((method, name))
            bests = [_mean(found[m, name]) for m in methods if (m, name) in found]
            best = values is not None and method in methods and _mean(values) == max(bests)
            mark = " *" if best and name in marked else "  "
            line.append("" if values is None else _said(values) + mark)
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
