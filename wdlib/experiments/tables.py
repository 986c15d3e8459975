"""Result files and tables as pandas frames.

A frame of results has one figure of one cell in each row, and says where it comes from (COLUMNS).
A table for readers holds text: the mean over seeds, and the range if it shows in three digits.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from pandas import DataFrame

from wdlib.experiments.recipes import supervision, title
from wdlib.files import write_text

FIGURE = ("dataset", "method", "seed", "labels", "unseen", "convention", "score", "value")
SOURCE = ("budget", "threads", "device", "recipe", "seconds", "commit",
          "python", "wdlib", "torch", "numpy", "scikit-learn")  # fmt: skip
COLUMNS = FIGURE + SOURCE
ABOUT = [name for name in COLUMNS if name not in ("convention", "score", "value")]
KINDS = {"seed": int, "labels": int, "unseen": float, "threads": int, "seconds": float}

RELATIONS = {
    "relation_latent_target": "on codes, affected partition",
    "relation_latent_all": "on codes",
    "judged_prior": "judged, from the prior",
    "judged_encoded": "judged, from images",
    "encoder_all": "encoder",
    "judge_accuracy": "judge",
}
UNSEEN = {
    f"judged_{start}_{kind}": f"{kind}, {words}"
    for start, words in (("encoded", "from images"), ("prior", "from the prior"))
    for kind in ("unseen", "seen")
}
SCORES = {
    "dci_disentanglement": "DCI D",
    "dci_completeness": "DCI C",
    "dci_informativeness": "DCI I",
    "mig": "MIG",
    "sap": "SAP",
    "sap_r2": "SAP R2",
    "infom": "InfoM",
    "infoc": "InfoC",
    "infoe": "InfoE",
    "mig_sup": "MIG-sup",
    "dcimig": "DCIMIG",
    "jemmig": "JEMMIG",
    "rmig": "RMIG",
    "dci_explicitness": "DCI-ES E",
}
CONVENTIONS = ("raw", "factors", "grouped", "converted")
NO_BEST = ("grouped", "sap")  # it can exceed its oracle, so more isn't better
NAMES = {("-", score): name for score, name in (RELATIONS | UNSEEN).items()} | {
    (convention, score): f"{name}, {convention}"
    for score, name in SCORES.items()
    for convention in CONVENTIONS
}
LINES = ["task", "recipe"]
SHORT = [
    *(("-", score) for score in ("judged_encoded", "encoder_all")),
    *((convention, "dci_disentanglement") for convention in ("raw", "converted")),
    *((convention, "mig") for convention in ("raw", "grouped", "converted")),
]
# Published figures that could be checked, with their source and what is odd about them: dataset,
# system, score, value, source, remark.
PUBLISHED = pd.read_csv(Path(__file__).parent / "published.csv")


def result_file(name: str, beside: Path | str = "results") -> Path | None:
    """The file NAME.csv, or None if there is none.

    The folder ``beside`` comes first, then the copies in an installed package, then those of the
    checkout around it.
    """
    here = Path(__file__).parent / "csv"
    for folder in (Path(beside), here, here.parents[2] / "notebooks" / "results"):
        if (path := folder / f"{name}.csv").is_file():
            return path
    return None


def read_results(path: Path | str) -> DataFrame:
    """A frame of COLUMNS from a CSV file with a line for each cell and a column for each figure.

    Raises FileNotFoundError if the file doesn't exist, and ValueError if it isn't a result file.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        if not text.endswith("\n"):
            raise ValueError("its last line is cut short")
        wide = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False, index_col=False)
        if lacking := [name for name in ABOUT if name not in wide]:
            raise ValueError(f"it lacks the columns {', '.join(lacking)}")
        frame = wide.melt(ABOUT, var_name="name", ignore_index=False).sort_index(kind="stable")
        frame = frame[frame.value != ""].reset_index(drop=True)
        names = frame.name.str.rpartition(":")
        frame = frame.assign(convention=names[0].replace("", "-"), score=names[2])
        return frame[[*COLUMNS]].astype(KINDS | {"value": float})
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{path} is not a result file of wdlib: {error}") from None


def results(name: str) -> DataFrame:
    """A frame of COLUMNS: the result file NAME.csv. Raises FileNotFoundError if there is none."""
    path = result_file(name)
    if path is None:
        raise FileNotFoundError(
            f"there is no result file {name}.csv: make it (see python -m wdlib table --help), "
            "and put it into the folder results beside the notebook"
        )
    return read_results(path)


def write_results(frame: DataFrame, path: Path | str) -> None:
    """Write a frame of COLUMNS as a whole or not at all. A figure with a convention has it in the
    name of its column: "raw:mig"."""
    names = frame.score.where(frame.convention == "-", frame.convention + ":" + frame.score)
    cells = frame.assign(name=names, value=frame.value.map("{:.9g}".format))
    order = pd.MultiIndex.from_frame(frame[ABOUT].drop_duplicates())
    wide = cells.pivot(index=ABOUT, columns="name", values="value").reindex(order)
    wide = wide.reset_index()[[*ABOUT[:5], *sorted(wide), *ABOUT[5:]]]
    write_text(Path(path), wide.to_csv(index=False, lineterminator="\n"))


def mean_and_range(values: Sequence[float]) -> str:
    """The mean and, if it shows in three digits, the range; NaN is a run whose codes collapsed."""
    kept = [value for value in values if value == value]
    lost = f"{len(values) - len(kept)} of {len(values)} collapsed"
    if not kept:
        return "collapsed"
    mean, low, high = (f"{v:.3f}" for v in (sum(kept) / len(kept), min(kept), max(kept)))
    text = mean if low == high else f"{mean} ({low} to {high})"
    return text if len(kept) == len(values) else f"{text}, {lost}"


def markdown(table: DataFrame) -> str:
    """A table as Markdown, with its index as the first columns."""
    return table.reset_index().to_markdown(index=False, disable_numparse=True)


def named(frame: DataFrame) -> DataFrame:
    """The frame with the columns "task" and "recipe" as readers see them."""
    return frame.assign(task=frame.dataset, recipe=frame.method.map(title))


def pick(frame: DataFrame, names: Mapping[tuple[str, str], str]) -> DataFrame:
    """The rows of some figures, (convention, score) -> name, with the names in a column "figure".

    The columns "task" and "recipe" are for readers. A collapsed run has NaN as judged accuracy.
    """
    collapsed = frame.score == "collapsed"
    scores = frame.score.mask(collapsed, "judged_encoded")
    figures = [names.get(key) for key in zip(frame.convention, scores)]
    figures = pd.Categorical(figures, list(dict.fromkeys(names.values())))
    frame = frame.assign(figure=figures, value=frame.value.mask(collapsed))
    return named(frame).dropna(subset="figure")


def spreads(picked: DataFrame, lines: str | list[str], columns: str = "figure") -> DataFrame:
    """A table of ``mean_and_range``: a line for each value of ``lines``, in order of appearance."""
    table = picked.pivot_table("value", lines, columns, mean_and_range, sort=False, observed=True)
    order = picked[columns].sort_values() if columns == "figure" else picked[columns]
    return table[order.unique().tolist()].fillna("").rename_axis(columns=None)


def _timed(picked: DataFrame) -> DataFrame:
    """With a budget in seconds as part of the recipe, because it ends before the schedule."""
    timed = picked.budget.str.endswith(" s")
    device = (" on " + picked.device).where(picked.device != "cpu", "")
    return picked.assign(recipe=picked.recipe + (", " + picked.budget + device).where(timed, ""))


def summary(frame: DataFrame) -> DataFrame:
    """Table 1: a line for each task and recipe. Relation accuracy, the encoder, scores of converted
    codes and MIG of grouped ones; mean steps and minutes of training."""
    keys = {("-", score): name for score, name in RELATIONS.items()}
    keys |= {("converted", score): SCORES[score] for score in ("dci_disentanglement", "mig", "sap")}
    keys |= {("grouped", "mig"): "MIG, grouped"}
    table = spreads(_timed(pick(frame, keys)), LINES)
    for score, name, unit, digits in (
        ("fit_steps", "steps", 1, 0),
        ("fit_seconds", "minutes", 60, 1),
    ):
        values = _timed(pick(frame, {("-", score): name})).groupby(LINES, sort=False).value
        means = (values.mean() / unit).map(f"{{:,.{digits}f}}".format).astype(object)
        table[name] = means.reindex(table.index, fill_value="")
    return table


def encoder(frame: DataFrame) -> DataFrame:
    """How often the encoder reads each factor of a test image, a line for each task and recipe."""
    scores = frame.score[frame.score.str.startswith("encoder_")].unique()
    keys = {("-", s): s.removeprefix("encoder_").replace("_", " ") for s in scores}
    keys[("-", "encoder_all")] = "all factors"
    return spreads(_timed(pick(frame, keys)), LINES)


def by_labels(frame: DataFrame, score: str = "judged_encoded") -> DataFrame:
    """A figure by the number of labels, a line for each task and recipe."""
    picked = pick(frame, {("-", score): score})
    table = spreads(picked, LINES, "labels")
    return pd.concat([table.loc[[name]] for name in picked.task.unique()])[sorted(table)]


def by_task(frame: DataFrame, score: str = "judged_encoded") -> DataFrame:
    """A figure of each recipe (a line) on each task (a column)."""
    return spreads(pick(frame, {("-", score): score}), "recipe", "task")


def unseen(frame: DataFrame) -> DataFrame:
    """Judged accuracy of relations that end in an unseen combination, or in a seen one."""
    return spreads(pick(frame, {("-", score): name for score, name in UNSEEN.items()}), LINES)


def replications(frame: DataFrame) -> DataFrame:
    """Every score, a line for each run and convention."""
    keys = {(c, score): name for c in CONVENTIONS for score, name in SCORES.items()}
    return spreads(pick(frame, keys), [*LINES, "convention"])


def compare(frame: DataFrame, keys: Sequence[tuple[str, str]]) -> DataFrame:
    """Systems (lines) by figures (columns); then their oracle and chance, as means over systems.
    The oracle of judged accuracy is the judge's accuracy on test images, which is not a ceiling."""
    table = spreads(pick(frame, {key: NAMES[key] for key in keys}), "recipe")
    for twin in ("oracle", "chance"):
        twins = pick(frame, {(c, f"{twin}_{score}"): NAMES[c, score] for c, score in keys})
        means = twins.groupby("figure", observed=True).value.mean().map("{:.3f}".format)
        table.loc[twin] = means.reindex(table.columns)
    return table.fillna("")


def systems(frame: DataFrame) -> DataFrame:
    """Table 2 in short, for one task: what each system is trained on, relations, DCI D and MIG."""
    table = compare(frame, SHORT)
    counts = frame[frame.score == "fit_labels"].groupby("method").value.max()
    known = {title(m): supervision(m, counts.get(m)) for m in frame.method.unique()}
    table.insert(0, "supervision", [known.get(name, "") for name in table.index])
    return table


def winners(frame: DataFrame, ours: str = "modular") -> DataFrame:
    """The best system, or systems, of every figure (lines) on every task (columns), by the mean
    over seeds in three digits; then the mean and the rank of ``ours``."""
    keys = [*SHORT[:2], *((c, s) for s in SCORES for c in CONVENTIONS if (c, s) != NO_BEST)]
    picked = pick(frame, {key: NAMES[key] for key in keys})
    how = {"sort": False, "observed": True}
    means = picked.groupby(["figure", "task", "recipe"], **how).value.mean().round(3)
    table = means.groupby(["figure", "task"], **how).apply(_winner, title(ours)).unstack()
    order = picked.figure.sort_values().unique().tolist()
    return table.reindex(order, columns=frame.dataset.unique()).fillna("")


def _winner(means: pd.Series, ours: str) -> str:
    means = means.droplevel(["figure", "task"])
    best = means.index[means == means.max()]
    text = f"{', '.join(best)} {means.max():.3f}"
    if ours not in means or ours in best:
        return text
    rank = 1 + (means > means[ours]).sum()
    return f"{text}; {ours} {means[ours]:.3f}, rank {rank} of {len(means)}"


SHOWN = {  # table of the command line -> what sums it up
    "1": summary,
    "long": summary,
    "2": winners,
    "pace": lambda frame: by_task(frame, "fit_steps"),
    "labels": by_labels,
    "unseen": unseen,
    "ablations": by_task,
    "published": replications,
}
