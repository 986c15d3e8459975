"""Every score of a trained system in one report, each beside its oracle and its chance.

Any system of the table of methods can be measured; what it has no notion of (a prior to sample,
partitions) is left out. What is measured on images uses the test part of the split, which nothing
was trained or chosen on; what the scores of codes fit first is fitted to images of train that had
no labels.

An oracle is what a perfect system gets: 1, unless values look alike (``ceilings``) or perfect
codes do not reach it (SAP). Beside judged pictures, where no values look alike, stands how often
the judge reads real test images right, and is said to be that. It is no ceiling: a picture that a
decoder draws may be plainer than a real one, and is then read right more often.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import torch

from wdlib.data import Images, Split, device_images
from wdlib.metrics import ScoreTable, score_table
from wdlib.metrics.judge import Judge, accuracy
from wdlib.metrics.oracle import ceilings, encoder_key
from wdlib.metrics.relational import composed_accuracy, relation_accuracy
from wdlib.metrics.table import STANDARD
from wdlib.model import System
from wdlib.model.prior import random_values

WORDS = {"prior": "from prior samples", "encoded": "from test images"}
MOST = 10_000  # images of train, and half as many of test, that the scores of codes look at
JUDGE = "the judge on test images, all factors, which is no ceiling"


@dataclass(frozen=True)
class Row:
    """One figure: what it is, its value, what a perfect and an ignorant system get.

    by_judge: in the oracle's place stands the judge's accuracy on test images (see above).
    """

    key: str
    what: str
    value: float
    oracle: float
    chance: float
    by_judge: bool = False

    def cells(self) -> list[str]:
        """What it is, and its three numbers as they are printed."""
        mark = " j" if self.by_judge else ""
        return [self.what, f"{self.value:.3f}", f"{self.oracle:.3f}{mark}", f"{self.chance:.3f}"]


@dataclass(frozen=True, repr=False)
class Report:
    """All figures of one model on one task. Prints as text, renders in a notebook.

    rows: encoder, relation accuracy and judge. scores: DCI, MIG, SAP under each convention.
    scored: on which images the scores were fitted and measured, in words.
    """

    task: str
    rows: tuple[Row, ...]
    scores: ScoreTable
    scored: str = ""

    def __getitem__(self, key: str) -> float:
        """A figure by its key, as in ``to_dict``."""
        return self.to_dict()[key]

    def to_dict(self) -> dict[str, float]:
        """Flat and ready for JSON, every figure with its oracle_ and chance_ twins.

        The oracle_ of a judged or decoded figure is the judge's accuracy on test images, unless the
        task has values that look alike; then it is the figure's ceiling. Scores of converted codes
        go by their plain names (mig, dci_disentanglement, ...), those of grouped and raw codes
        carry the convention (raw_mig, ...).
        """
        flat = {}
        for row in self.rows:
            flat |= {
                row.key: row.value,
                f"oracle_{row.key}": row.oracle,
                f"chance_{row.key}": row.chance,
            }
        for row in self.scores:
            key = row["score"]
            if row["convention"] != "converted":
                key = f"{row['convention']}_{key}"
            flat |= {
                key: row["value"],
                f"oracle_{key}": row["oracle"],
                f"chance_{key}": row["chance"],
            }
        return flat

    @property
    def notes(self) -> list[str]:
        """What a reader of the numbers has to know: about the oracle, and about the scores."""
        said = [f"j: {JUDGE}"] if any(row.by_judge for row in self.rows) else []
        return said + ([self.scored] if self.scored else [])

    def __str__(self) -> str:
        wide = max(len(row.what) for row in self.rows)
        lines = [f"{self.task:{wide}s}  value  oracle    chance"]
        for row in self.rows:
            what, value, oracle, chance = row.cells()
            lines.append(f"{what:{wide}s}  {value}   {oracle:7s}  {chance}")
        return "\n".join([*lines, "", str(self.scores), "", *self.notes]).rstrip()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row.cells()) + "</tr>"
            for row in self.rows
        )
        head = "".join(f"<th>{h}</th>" for h in (escape(self.task), "value", "oracle", "chance"))
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return table + self.scores._repr_html_() + notes


def evaluate(
    model: System,
    split: Split,
    images: Images,
    judge: Judge,
    *,
    seed: int = 0,
    samples: int = 4000,
    metrics: Sequence[str] = STANDARD,
    importances: str = "gradient_boosting",
    most: int = MOST,
    converted: bool = True,
    factors_alone: bool = False,
) -> Report:
    """Measure a trained system.

    Args:
        judge: from ``train_judge`` on the same split; its own accuracy on test is in the report.
        samples: latents drawn from the prior, if there is one, for relation accuracy.
        metrics: scores of codes; importances: the classifier behind DCI.
        most: images of train, and half as many of test, that the scores of codes look at. Those
            of train have no labels (all of train stands in where less than a tenth of it has none);
            MIG and sap_r2, which hold nothing out, look at those of test only.
        converted: also score the values that the system reads, one integer a factor; not for a
            system whose values come from a classifier of the whole code (``Method.converts``).
        factors_alone: also score the dimensions of the partitions alone, without what a system
            keeps beside them (Gabbay et al. score theirs so).
        seed: of the samples, the relations that are drawn, and the scores.

    Where the split leaves combinations of values out, relations that lead into those are measured
    apart; the judge then has to be one that has seen them.

    Raises ValueError for a split of another task.
    """
    task, device = split.task, getattr(model, "device", "cpu")
    theirs = getattr(model, "task", task).name
    if task.name != theirs:
        raise ValueError(f"the model is of {theirs}, the split of {task.name}")
    without = split.train[~np.isin(split.train, split.labelled)]
    unlabelled = 10 * len(without) >= len(split.train)
    fitted = without if unlabelled else split.train
    parts = {"train": fitted[:most], "test": split.test[: most // 2]}
    pictures = {p: device_images(images, task.classes(i), device) for p, i in parts.items()}
    values = {p: torch.from_numpy(task.labels(i)).to(device) for p, i in parts.items()}
    codes = {p: model.encode(x) for p, x in pictures.items()}
    found = {p: model.values(z) for p, z in codes.items()}

    start = {"encoded": (codes["test"], values["test"])}
    if hasattr(model, "sample"):
        generator = torch.Generator(device).manual_seed(seed)
        sizes = torch.tensor(task.sizes, device=device)
        drawn = random_values(sizes, samples, generator=generator)
        start = {"prior": (model.sample(drawn, generator=generator), drawn)} | start
    moved = {
        origin: relation_accuracy(model, task, model.relations, *pair, seed=seed, judge=judge)
        for origin, pair in start.items()
    }
    judged = accuracy(judge, pictures["test"], values["test"])
    best = ceilings(task, model.relations)
    rows = _rows(task, model.relations, found["test"] == values["test"], moved, judged, best)
    if len(split.unseen_combinations):
        unseen = torch.zeros(task.sizes, dtype=torch.bool)
        unseen[tuple(torch.from_numpy(split.unseen_combinations).T)] = True
        for origin, pair in start.items():
            into = composed_accuracy(
                model, task, model.relations, *pair, unseen, judge=judge, seed=seed
            )
            guess = 1 / task.combinations
            rows += tuple(
                Row(f"judged_{origin}_{kind}", f"relation into {kind} combinations, judged image, "
                    f"{WORDS[origin]}", into[f"judged_{kind}"],
                    *_judged_oracle(best, f"judged_{origin}", judged, guess))
                for kind in ("unseen", "seen")
            )  # fmt: skip

    flat = {p: z.flatten(1).cpu().numpy() for p, z in codes.items()}
    conventions = {"raw": (flat["train"], flat["test"], None)}
    if (groups := _groups(model, flat["train"].shape[1])) is not None:
        conventions = {"grouped": (flat["train"], flat["test"], groups)} | conventions
    if factors_alone and model.partitions is not None:
        owned = [dim for partition in model.partitions for dim in partition]
        conventions["factors"] = (flat["train"][:, owned], flat["test"][:, owned], None)
    if converted:
        read = {p: v.cpu().numpy() for p, v in found.items()}
        conventions = {"converted": (read["train"], read["test"], None)} | conventions
    scores = score_table(
        conventions,
        values["train"].cpu().numpy(),
        values["test"].cpu().numpy(),
        metrics=metrics,
        seed=seed,
        importances=importances,
        one_set="test",
    )
    scored = (
        f"scores of codes: fitted to {len(codes['train'])} images of train "
        f"{'without' if unlabelled else 'with'} labels, measured on {len(codes['test'])} of test"
    )
    return Report(task.name, rows, scores, scored)


def _groups(model: System, dims: int) -> list[int] | None:
    """The group of each dimension, one a factor and one for the rest; None without partitions."""
    if model.partitions is None:
        return None
    owner = [len(model.partitions)] * dims
    for number, partition in enumerate(model.partitions):
        for dim in partition:
            owner[dim] = number
    return owner


def _rows(task, relations, right, moved, judge_accuracy, best) -> tuple[Row, ...]:
    guess = 1 / task.combinations  # all values right by guessing
    affected = [task.sizes[i] for r in relations for i in r.affects(task)]
    guess_target = float(np.mean([1 / size for size in affected]))
    rows = []
    for origin, m in moved.items():
        what = WORDS[origin]
        latent = "relation_latent" if origin == "prior" else "relation_encoded"
        for kind, words, guessed in (
            ("target", "target only", guess_target), ("all", "all partitions", guess)
        ):  # fmt: skip
            key = f"{latent}_{kind}"
            name = f"relation, latent, {words}, {what}"
            rows.append(Row(key, name, m[kind], best.get(key, 1), guessed))
        for key, words, score, guessed in (
            (f"judged_{origin}_target", "relation, judged image, target only", "judged_target",
             guess_target),
            (f"judged_{origin}", "relation, judged image, all factors", "judged_all", guess),
            (f"decoded_{origin}", "no relation, judged image, all factors", "judged_before", guess),
        ):  # fmt: skip
            oracle = _judged_oracle(best, key, judge_accuracy, guessed)
            rows.append(Row(key, f"{words}, {what}", m[score], *oracle))
    all_right = best["encoder_all"]
    rows.append(Row("encoder_all", "encoder, all factors", _mean(right.all(1)), all_right, guess))
    for i, factor in enumerate(task.factors):
        key, share = encoder_key(factor.name), _mean(right[:, i])
        rows.append(Row(key, f"encoder, {factor.name}", share, best[key], 1 / factor.size))
    words = "the judge itself, all factors"
    rows.append(Row("judge_accuracy", words, judge_accuracy, all_right, guess))
    return tuple(rows)


def _judged_oracle(best, key: str, judge_accuracy: float, guess: float):
    """Oracle, chance and ``by_judge`` of a judged figure: its ceiling, where values look alike."""
    ceiling = best[key] if best["encoder_all"] < 1 else None
    return (judge_accuracy, guess, True) if ceiling is None else (ceiling, guess, False)


def _mean(right: torch.Tensor) -> float:
    return float(right.float().mean())
