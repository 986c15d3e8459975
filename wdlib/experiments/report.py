"""The results pages: tables and figures, rendered from the result files into marked places.

The text of a page is written by hand. What stands between ``<!-- NAME -->`` and ``<!-- /NAME -->``
is rendered by ``BLOCKS[NAME]``. ``python -m wdlib report`` renders both pages of a checkout, README
and notebooks/results/README, and draws the figures beside the latter.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure
from pandas import DataFrame

from wdlib import plots
from wdlib.experiments import tables
from wdlib.experiments.recipes import title
from wdlib.experiments.studies import COUNTS, TASKS_OF_TABLE_2, cells_of
from wdlib.experiments.tables import PUBLISHED, markdown, pick
from wdlib.files import write_text
from wdlib.tasks import task

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "notebooks" / "results"
PAGES = (ROOT / "README.md", RESULTS / "README.md")
ACCURACY = "judged relation accuracy"
Content = DataFrame | str


def results(name: str, **wanted) -> DataFrame:
    """The rows with these entries in the result file NAME.csv of the checkout."""
    frame = tables.read_results(RESULTS / f"{name}.csv")
    for column, value in wanted.items():
        frame = frame[frame[column] == value]
    return frame


def table_1(name: str = "table1", **columns: str) -> DataFrame:
    """Modular on each task of a file like table 1: some columns of the summary, renamed."""
    summary = tables.summary(results(name, method="modular")).droplevel("recipe")
    published = PUBLISHED[PUBLISHED.score == "relation accuracy"].set_index("dataset").value
    summary["paper"] = published.reindex(summary.index).map("{:.3f}".format)
    summary["combinations"] = [f"{task(name).combinations:,}" for name in summary.index]
    return summary.assign(labels="1000")[[*columns.values()]].set_axis([*columns], axis=1)


def least_shares() -> str:
    """The least share of its oracle that each score of converted codes has in table 1."""
    frame = results("table1", method="modular", convention="converted")
    values = frame.pivot(index=["dataset", "seed"], columns="score", values="value")
    words = []
    for score in ("dci_disentanglement", "mig", "sap", "sap_r2"):
        least = (values[score] / values[f"oracle_{score}"]).min()
        words.append(f"{tables.SCORES[score]} at least {int(1000 * least) / 1000:.3f}")
    return f"Share of the oracle in all {len(values)} runs: {', '.join(words)}."


def steps() -> DataFrame:
    """How many steps the budget of table 2 buys each system (lines) on each task (columns)."""
    rows = [(cell.task, title(cell.method), f"{cell.steps:,}") for cell in cells_of("2", seeds=[0])]
    frame = DataFrame(rows, columns=["task", "recipe", "steps"])
    return frame.pivot_table("steps", "recipe", "task", "first", sort=False)


def dots(data: DataFrame) -> Figure:
    """A row for each recipe, the best ones first, with a mark for each run on each task."""
    order = data.groupby("recipe").value.mean().sort_values(ascending=False).index
    return plots.dots(plots.nested(data, "task", "recipe"), xlabel=ACCURACY, order=order.tolist())


def curves(data: DataFrame) -> Figure:
    """Accuracy by the number of labels, a panel for each task: mean and range over seeds."""
    lines = plots.nested(data, "task", "recipe", "labels")
    ticks = {count: f"{count}" for count in COUNTS}
    words = {"xlabel": "labelled images", "ylabel": ACCURACY}
    return plots.curve_panels(lines, log="x", ticks=ticks, width=10, **words)


@dataclass(frozen=True)
class Picture:
    """A figure of judged accuracy: the name of its files, its subject, and how it is drawn."""

    name: str
    subject: str
    draw: Callable[[DataFrame], Figure] = dots

    def data(self) -> DataFrame:
        """Judged relation accuracy in the result file, a row for each run."""
        return pick(results(self.name), {("-", "judged_encoded"): "judged"})

    @property
    def digest(self) -> str:
        """The digest of the data, which is also in the metadata of the file."""
        shown = self.data().filter(["labels", "recipe", "task", "value"]).sort_index(axis=1)
        text = shown.to_csv(index=False, float_format="%.6g")
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def alt(self) -> str:
        """The alt text: the lowest and the highest mean on each task."""
        words = []
        for name, mine in self.data().groupby("task", sort=False):
            means = mine.groupby("recipe").value.mean()
            ends = [(means.min(), means.idxmin()), (means.max(), means.idxmax())]
            low, high = (f"{value:.3f} ({recipe})" for value, recipe in ends)
            words.append(f"on {name} from {low} to {high}")
        return f"{ACCURACY.capitalize()} {self.subject}: {'; '.join(words)}."


PICTURES = {
    "table2": Picture("table2", "of each system of Table 2"),
    "ablations": Picture("ablations", "of each ablation"),
    "labels": Picture("labels", "with 50 to 1000 labels", curves),
}


def fold(words: str, content: Content) -> str:
    """A table, or text, that opens with a click on the words."""
    return f"<details><summary>{words}</summary>\n\n{_text(content)}\n\n</details>"


def _text(content: Content) -> str:
    return content if isinstance(content, str) else markdown(content)


def picture(name: str, folder: str = "", **folded: DataFrame) -> str:
    """A figure with its alt text, and the tables behind it."""
    folds = [fold(words.replace("_", " "), table) for words, table in folded.items()]
    return "\n\n".join([f"![{PICTURES[name].alt}]({folder}{name}.png)", *folds])


def record(name: str) -> str:
    """What a check of robustness printed."""
    lines = (RESULTS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    text = "\n".join(["```text", *(line.rstrip() for line in lines), "```"])
    return fold(f"make {name}: {lines[0]}", text)


RELATIONS = {name: name for name in tables.RELATIONS.values()}
FRONT = {"labels": "labels", "judged accuracy": "judged, from images",
         "encoder accuracy": "encoder", "minutes": "minutes", "published": "paper"}  # fmt: skip
BLOCKS: dict[str, Callable[[], Content]] = {
    "results": lambda: "\n\n".join([
        markdown(table_1(**FRONT)), picture("table2", "notebooks/results/")]),
    "table1": lambda: table_1(combinations="combinations", **RELATIONS, paper="paper"),
    "scores": lambda: table_1(**{s: s for s in ("DCI D", "MIG", "MIG, grouped", "SAP", "steps",
                                                "minutes")}),
    "oracle": least_shares,
    "encoder": lambda: tables.encoder(results("table1", method="modular")).droplevel("recipe"),
    "paper": lambda: tables.summary(results("table1", method="modular-paper"))
    .droplevel("task")[[*RELATIONS, "steps", "minutes"]],
    "long": lambda: table_1("long", **RELATIONS, steps="steps", minutes="minutes"),
    "table2": lambda: picture("table2", **{
        name: tables.systems(results("table2", dataset=name)) for name in TASKS_OF_TABLE_2}),
    "winners": lambda: fold("The best system of each figure", tables.winners(results("table2"))),
    "pace": lambda: fold("Steps", steps()),
    "ablations": lambda: picture(
        "ablations", Judged_relation_accuracy=tables.by_task(results("ablations"))),
    "labels": lambda: picture(
        "labels", Judged_relation_accuracy=tables.by_labels(results("labels")),
        Encoder=tables.by_labels(results("labels"), "encoder_all")),
    "unseen": lambda: tables.unseen(results("unseen")),
    "replications": lambda: tables.replications(results("published")),
    "published": lambda: PUBLISHED.set_index("dataset").astype(str),
    **{name: partial(record, name) for name in (
        "kills", "hostile", "versions", "onecore", "elsewhere", "scaling", "drawing")},
}  # fmt: skip


def render(page: str) -> str:
    """The page with every block rendered anew. Raises ValueError for an unknown block."""

    def block(found: re.Match) -> str:
        name = found["name"]
        if name not in BLOCKS:
            raise ValueError(f"there is no block {name!r}; the blocks are {', '.join(BLOCKS)}")
        return f"<!-- {name} -->\n{_text(BLOCKS[name]())}\n<!-- /{name} -->"

    return re.sub(r"(?s)<!-- (?P<name>[\w-]+) -->.*?<!-- /(?P=name) -->", block, page)


def write_report() -> None:
    """Render both pages, and draw the figures. Raises ValueError outside of a checkout."""
    if not RESULTS.is_dir():
        raise ValueError(f"there is no folder {RESULTS}; the report needs a checkout of wdlib")
    for page in PAGES:
        write_text(page, render(page.read_text(encoding="utf-8")))
    for name, one in PICTURES.items():
        about = {"Description": one.digest, "Software": None}
        one.draw(one.data()).savefig(RESULTS / f"{name}.png", dpi=100, metadata=about)
