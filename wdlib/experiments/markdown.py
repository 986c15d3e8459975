"""Tables of many cells as Markdown, for a README or a notebook.

``format_summary`` and ``format_encoder`` of table 1, ``format_experiment`` of the others (table 2
in short: ``wdlib.experiments.systems``), ``format_published`` of what was printed elsewhere. A
figure is the mean over seeds, with the range.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wdlib.experiments.cells import most_images
from wdlib.experiments.pipes import piped
from wdlib.experiments.published import PUBLISHED, Published
from wdlib.experiments.tables import (
    COMPOSED,
    CONVENTIONS,
    MOVES,
    SCORES,
    mean_and_range,
    mean_of,
)
from wdlib.tasks import task as task_called

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
    "fit_steps": "steps",
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
        known = [name for name in SUMMARY if not name.startswith("fit_")]
        cells = [mean_and_range(v) if (v := scores.get(name)) else "" for name in known]
        steps = scores.get("fit_steps")
        cells.append(f"{mean_of(steps):,.0f}" if steps else "")
        cells.append(f"{mean_of(minutes):.1f}" if minutes else "")
        about = [_name(run, scores), _combinations(run.dataset), str(run.labels)]
        lines.append([*about, *cells, f"{printed.get(run.dataset, '')}"])
    return piped(lines)


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
        each = [
            mean_and_range(v) if (v := scores.get(k)) else "" for k in (*factors, "encoder_all")
        ]
        lines.append([_name(run, scores), *each])
    return piped(lines)


@dataclass(frozen=True)
class _Run:
    """What the seeds of one line share; ``seconds`` is its budget, None where that is in steps;
    ``device`` is what counts the seconds."""

    dataset: str
    method: str
    labels: int
    seconds: str | None
    device: str


def _runs(rows: Iterable[Mapping]) -> dict[_Run, dict[str, list[float]]]:
    """For each line the values of every score, of converted codes and (prefixed) grouped ones."""
    found: dict[_Run, dict[str, list[float]]] = {}
    for row in rows:
        if row["convention"] != "raw":
            prefix = "grouped_" if row["convention"] == "grouped" else ""
            seconds = row["budget"] if row["budget"].endswith(" s") else None
            device = "cpu" if seconds is None else row["device"]  # steps are steps anywhere
            run = _Run(row["dataset"], row["method"], row["labels"], seconds, device)
            found.setdefault(run, {}).setdefault(prefix + row["score"], []).append(row["value"])
    return found


def collapses(collapsed: Sequence[float]) -> str:
    """What a line's name says of its seeds whose training collapsed."""
    return f", {len(collapsed)} collapsed" if collapsed else ""


def _name(run: _Run, scores: Mapping[str, Sequence[float]]) -> str:
    """The line's name: the dataset, the method where it is not ours, the device where it is no
    processor, what its budget cut."""
    name = run.dataset if run.method == OURS else f"{run.dataset}, {run.method}"
    name += "" if run.device == "cpu" else f" on {run.device}"
    name += collapses(scores.get("collapsed", ()))
    if run.seconds is None:
        return name
    phases, whole = _schedule(run)
    if not whole or "fit_steps" not in scores:
        return f"{name}, {run.seconds}"
    taken = round(mean_of(scores["fit_steps"]))
    each = "both" if phases == 2 else f"all {phases}"
    return f"{name}, {each} phases shortened to {taken:,} of {whole:,} steps"


def _schedule(run: _Run) -> tuple[int, int]:
    """Phases and steps of the preset that the run's budget cuts; (0, 0) for a method without."""
    if run.method not in (OURS, f"{OURS}-paper"):
        return 0, 0
    from wdlib.data.split import split
    from wdlib.training import COURSE, PAPER  # with it torch, which a table on disk needs not

    wanted = task_called(run.dataset)
    images = len(split(wanted, seed=0, labels=0, limit=most_images(wanted)).train)
    preset = COURSE.for_task(wanted.name) if run.method == OURS else PAPER
    return len(preset.phases), preset.for_images(images).steps


def _combinations(dataset: str) -> str:
    try:
        return f"{task_called(dataset).combinations}"
    except ValueError:  # a world of somebody's own
        return ""


def column(convention: str, score: str) -> str:
    """What a figure's column is called: "MIG, grouped"."""
    if convention == "-":
        return MOVES[score]
    return f"{SCORES[score]}, {convention}"


def format_published(published: Sequence[Published] = PUBLISHED) -> str:
    """The published figures that could be checked, as Markdown, and what is odd about them."""
    lines = [["published of", "system", "score", "value", "note"]]
    lines += [[p.dataset, p.method, p.score, f"{p.value:g}", p.note] for p in published]
    return piped(lines)


def format_experiment(name: str, rows: Iterable[Mapping]) -> str:
    """What the rows of an experiment say, as Markdown: mean and range over seeds.

    name: "2" and "pace" (a line a system), "labels" (a line a task, judged accuracy by number of
        labels, and of ours all factors read by the encoder), "unseen" (relations that end in a
        combination that training has seen, or not), "ablations" (a line a recipe, judged accuracy
        by task), or "published" (a line a run and score, by convention). Pictures are those of
        encoded images where nothing else is said.
    """
    corner, place = EXPERIMENTS[name]
    rows = list(rows)
    datasets, methods = (list(dict.fromkeys(r[k] for r in rows)) for k in ("dataset", "method"))
    rows.sort(key=lambda r: (datasets.index(r["dataset"]), methods.index(r["method"]), _rank(r)))
    found: dict[str, dict[str, list[float | None]]] = {}
    columns: dict[str, None] = {}
    for row in rows:
        if at := place(row):
            line, column = at
            columns.setdefault(column)
            value = None if row["score"] == "collapsed" else row["value"]
            found.setdefault(line, {}).setdefault(column, []).append(value)
    lines = [[corner, *columns]]
    for line, values in found.items():
        lines.append([line, *(_or_collapsed(values.get(column, [])) for column in columns)])
    return piped(lines)


def _or_collapsed(values: Sequence[float | None]) -> str:
    """Mean and range, and how many of the runs (None) collapsed."""
    kept = [value for value in values if value is not None]
    if not kept:
        return "collapsed" if values else ""
    lost = len(values) - len(kept)
    return mean_and_range(kept) + (f", {lost} of {len(values)} collapsed" if lost else "")


def _rank(row: Mapping) -> tuple[int, int]:
    """Where a figure stands among those of its system, whatever the order in its file."""
    scores, conventions = [*COMPOSED, *MOVES, *SCORES], ["-", *CONVENTIONS]
    known = row["score"] in scores and row["convention"] in conventions
    return (scores.index(row["score"]), conventions.index(row["convention"])) if known else (-1, 0)


def _line(row: Mapping) -> str:
    return row["dataset"] + ("" if row["method"] == OURS else f", {row['method']}")


def _by_labels(row: Mapping) -> tuple[str, str] | None:
    """Judged accuracy of every line, and of our presets what the encoder reads: a relation starts
    from values that are known."""
    line, score = _line(row), row["score"]
    if score == "encoder_all" and row["method"] in (OURS, "few"):
        return f"{line}, the encoder", str(row["labels"])
    return (line, str(row["labels"])) if score == "judged_encoded" else None


def _recipe(row: Mapping) -> tuple[str, str] | None:
    known = row["score"] in ("judged_encoded", "collapsed")
    return (row["method"], row["dataset"]) if known else None


def _composed(row: Mapping) -> tuple[str, str] | None:
    return (_line(row), COMPOSED[row["score"]]) if row["score"] in COMPOSED else None


def _system(row: Mapping) -> tuple[str, str] | None:
    line, score = f"{row['dataset']}, {row['method']}", row["score"]
    known = ("judged_encoded", "encoder_all", "dci_disentanglement", "mig", "sap")
    return (line, column(row["convention"], score)) if score in known else None


def _replicated(row: Mapping) -> tuple[str, str] | None:
    """Every score of every convention, for each publication prints others."""
    if row["convention"] not in CONVENTIONS or row["score"] not in SCORES:
        return None
    return f"{row['dataset']}, {row['method']}: {SCORES[row['score']]}", row["convention"]


EXPERIMENTS = {
    "2": ("task and system", _system),
    "pace": ("task and system", _system),
    "labels": ("task, by labels", _by_labels),
    "unseen": ("task", _composed),
    "ablations": ("recipe", _recipe),
    "published": ("task, run and score", _replicated),
}
