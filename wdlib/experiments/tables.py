"""Tables of many cells: as rows, and as text beside what was published.

A row is one figure of one cell, with where it comes from. The text holds the mean over seeds with
the range, and marks the best of each column. ``markdown`` and ``systems`` have those of a README,
``table_files`` the CSV files.

The oracle_ of a judged figure is the judge's accuracy on test images (see ``wdlib.evaluation``),
and is called so wherever it is shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from wdlib.experiments.cells import Cell
from wdlib.experiments.published import PUBLISHED, Published
from wdlib.tasks import task as task_called

FIGURE = ("dataset", "method", "seed", "labels", "unseen", "convention", "score", "value")
SOURCE = ("budget", "threads", "device", "recipe", "seconds", "commit",
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
    """The rows of a finished cell, each with the cell's own columns and where it comes from.

    Threads and device are those that it was measured with, where its record says so.
    """
    ours = {"dataset": cell.task, "method": cell.method, "seed": cell.seed}
    ours |= {"labels": cell.labels, "unseen": cell.unseen}
    asked = {"budget": cell.budget, "threads": cell.threads, "device": cell.device}
    asked |= {"recipe": cell.recipe}
    source = {name: record["source"].get(name, asked.get(name, "")) for name in SOURCE}
    return [ours | row | source for row in record["rows"]]


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
CONVENTIONS = ("raw", "factors", "grouped", "converted")
NO_BEST = ("grouped", "sap")  # it can pass the oracle, and more of it is then nothing better


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
        asked = f"{labels} labels, seeds {seeds}, {_budgets(mine)} a cell{without}"
        lines += [f"{dataset}: {asked}", ""]
        lines += _block("relation accuracy, all factors right", mine, "-", MOVES)
        if lost := Counter(row["method"] for row in mine if row["score"] == "collapsed"):
            told = ", ".join(f"{name} (seeds: {count})" for name, count in lost.items())
            lines += [f"training collapsed: {told}", ""]
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


def _budgets(rows: Iterable[Mapping]) -> str:
    """Each budget and its threads; of several budgets in steps, the least and the most."""
    budgets = dict.fromkeys((row["budget"], row["threads"]) for row in rows)
    steps = [int(b.removesuffix(" steps")) for b, _ in budgets if b.endswith(" steps")]
    if len(steps) == len(budgets) > 1:
        return f"{min(steps)} to {max(steps)} steps, by what one budget of time buys,"
    return ", ".join(f"{budget}, {threads} thread(s)" for budget, threads in budgets)


JUDGE = "the judge on test images"


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
                judged = twin == "oracle" and is_judged(rows[0]["dataset"], name)
                found[JUDGE if judged else twin, name] = [mean_of(values)]
    under = [t for t in ("oracle", JUDGE, "chance") if any((t, name) in found for name in names)]
    marked = {  # where a column has one seed only, nothing says which system is best
        name
        for name in names
        if (convention, name) != NO_BEST and any(len(found.get((m, name), ())) > 1 for m in methods)
    }
    lines = [[title, *names.values()]]
    for method in [*methods, *under]:
        line = [method]
        for name in names:
            values = found.get((method, name))
            bests = [mean_of(found[m, name]) for m in methods if (m, name) in found]
            best = values is not None and method in methods and mean_of(values) == max(bests)
            mark = " *" if best and name in marked else "  "
            line.append("" if values is None else mean_and_range(values) + mark)
        lines.append(line)
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return [
        "  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in
                  enumerate(zip(line, widths))).rstrip()
        for line in lines
    ] + [""]  # fmt: skip


def is_judged(dataset: str, score: str) -> bool:
    """Whether the oracle_ of this figure is the judge's accuracy, and no ceiling."""
    if not score.startswith(("judged_", "decoded_")):
        return False
    try:
        return min(task_called(dataset).ceilings.values()) == 1
    except ValueError:  # a world of somebody's own
        return True


def mean_of(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def mean_and_range(values: Sequence[float]) -> str:
    """The mean, and the range where there is one in three digits."""
    mean, lowest, highest = (f"{v:.3f}" for v in (mean_of(values), min(values), max(values)))
    return mean if lowest == highest else f"{mean} ({lowest} to {highest})"
