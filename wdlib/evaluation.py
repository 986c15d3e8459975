"""All scores of a trained system in one report, each next to its oracle and its chance.

Figures that need what a system does not have (a prior to sample from, partitions) are left out. All
figures are measured on the test split; scores of codes are fitted to unlabelled images of train.

The oracle is what a perfect system gets: 1, unless some values look alike (``ceilings``), or a
score is below 1 for perfect codes (SAP). For figures of judged images, if no values look alike,
the judge's accuracy on test images takes its place. This is not a maximum: an image from a decoder
may be plainer than a real one, and the judge then reads it right more often.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import index

import numpy as np
import torch
from pandas import DataFrame, concat
from torch import Tensor

from wdlib.data import Images, Split, by_place
from wdlib.metrics import score_table
from wdlib.metrics.judge import Judge
from wdlib.metrics.oracle import ceilings, encoder_key
from wdlib.metrics.relational import composed_accuracy, relation_accuracy
from wdlib.metrics.table import STANDARD
from wdlib.model import System
from wdlib.model.prior import random_values
from wdlib.tasks import Table, Task

MOST = 10_000  # images of train for the scores of codes; half as many of test
FEWEST = 20  # images with every label, in train and in test, that scores of codes need
WORDS = {"prior": "from prior samples", "encoded": "from test images"}
JUDGE = "j: the judge's accuracy on test images, which is not a maximum"
RELATION_FIGURES = (  # key, description, name in ``relation_accuracy``
    ("relation_{}_target", "relation, latent, target only", "target"),
    ("relation_{}_all", "relation, latent, all partitions", "all"),
    ("judged_{}_target", "relation, judged image, target only", "judged_target"),
    ("judged_{}", "relation, judged image, all factors", "judged_all"),
    ("decoded_{}", "no relation, judged image, all factors", "judged_before"),
)


@dataclass(frozen=True, repr=False)
class Report:
    """All figures of one model on one task. Prints as text, and as tables in a notebook.

    figures: relation accuracy, encoder and judge. A frame, indexed by key, of what it is, value,
             oracle, chance, and by_judge (True where the oracle is the judge's accuracy).
    scores:  the scores of codes under each convention, the frame of ``score_table``.
    scored:  on which images the scores were fitted and measured, in words.
    """

    task: str
    figures: DataFrame
    scores: DataFrame
    scored: str

    def __getitem__(self, key: str) -> float:
        """A figure by its key, as in ``to_dict``."""
        return self.to_dict()[key]

    def to_dict(self) -> dict[str, float]:
        """All figures, flat and ready for JSON, each followed by its oracle_ and its chance_.

        Scores of converted codes have plain names (mig, dci_disentanglement, ...), other scores
        start with their convention (raw_mig, ...). What is not defined is left out.
        """
        flat = {}
        for (convention, key), value, oracle, chance in self.frame().itertuples():
            key = key if convention in ("-", "converted") else f"{convention}_{key}"
            flat |= {key: value, f"oracle_{key}": oracle, f"chance_{key}": chance}
        return {key: float(value) for key, value in flat.items() if not np.isnan(value)}

    def frame(self) -> DataFrame:
        """Value, oracle and chance of all figures, indexed by convention and score.

        The convention of figures that are not scores of codes is "-".
        """
        figures = concat({"-": self.figures}, names=["convention", "score"])
        return concat([figures, self.scores])[["value", "oracle", "chance"]]

    def tables(self) -> tuple[DataFrame, DataFrame]:
        """Both frames as they are shown: three decimals, and a "j" at each oracle by the judge."""
        numbers = ["value", "oracle", "chance"]
        figures = self.figures.set_index("what")[numbers].map("{:.3f}".format)
        figures["oracle"] += [" j" if by_judge else "" for by_judge in self.figures.by_judge]
        return figures.rename_axis(self.task), self.scores.map("{:.3f}".format).replace("nan", "-")

    @property
    def notes(self) -> list[str]:
        """What a reader must know about the oracles and about the scores."""
        return [JUDGE, self.scored] if any(self.figures.by_judge) else [self.scored]

    def __str__(self) -> str:
        how = {"index": False, "tablefmt": "plain", "disable_numparse": True}
        texts = [table.reset_index().to_markdown(**how) for table in self.tables()]
        return "\n\n".join([*texts, "\n".join(self.notes)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        notes = "".join(f"<p>{note}</p>" for note in self.notes)
        return "".join(table.to_html() for table in self.tables()) + notes


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
    jobs: int = 1,
) -> Report:
    """Measure a trained system.

    Args:
        judge: from ``train_judge`` on the same split. If the split leaves combinations of values
            out, the judge must have seen them; relations into them have figures of their own.
        seed: for the samples, the random relations, and the scores.
        samples: number of codes from the prior for relation accuracy, if there is a prior.
        metrics, importances, jobs: as in ``score``; wsepin is for stochastic encoders (VAEs).
        most: images of train that the scores of codes are fitted to; they are measured on half as
            many of test. Images without labels are used, or all of train if less than a tenth has
            none. MIG and sap_r2 hold nothing out and use test alone.
        converted: also score the values that the system reads, one integer per factor. Not for a
            system whose values come from a classifier of the whole code (``Method.converts``).
        factors_alone: also score the partitions without the remaining dimensions, as Gabbay et al.

    Raises ValueError for a split of another task.
    """
    task, device = split.task, getattr(model, "device", "cpu")
    seed, samples = index(seed), index(samples)
    theirs = getattr(model, "task", task).name
    if task.name != theirs:
        raise ValueError(f"the model is for {theirs}, but the split is for {task.name}")
    to_fit, how = _images_to_fit(split)
    parts = {"train": to_fit[:most], "test": split.test[: most // 2]}
    shown = {part: by_place(images, task.classes(i), device) for part, i in parts.items()}
    values = {part: torch.from_numpy(task.labels(i)).to(device) for part, i in parts.items()}
    codes = {part: model.encode(x) for part, x in shown.items()}
    read = {part: model.values(z) for part, z in codes.items()}

    every = {"shown": shown, "codes": codes, "read": read, "values": values}
    test = {name: parts["test"] for name, parts in every.items()}
    figures = _figures(model, split, judge, test, samples, seed)
    fitted = {"metrics": metrics, "seed": seed, "importances": importances, "jobs": jobs}
    scores, scored = _scores_of_codes(model, every, converted, factors_alone, fitted)
    return Report(task.name, figures, scores, scored.format(how=how))


def _scores_of_codes(model, every: dict, converted, factors_alone, fitted: dict):
    """The table of scores on images with every label, and a sentence about these images."""
    whole = {part: (v >= 0).all(1) for part, v in every["values"].items()}
    codes, read, values = (
        {part: tensor[whole[part]] for part, tensor in every[name].items()}
        for name in ("codes", "read", "values")
    )
    train, test = (len(part) for part in values.values())
    if values["test"].shape[1] == 1:
        empty = DataFrame(columns=["value", "oracle", "chance"])
        return empty, "no scores of codes: they compare factors, and there is one"
    if min(train, test) < FEWEST:
        note = f"{train} images of train and {test} of test have every label, {FEWEST} are needed"
        return DataFrame(columns=["value", "oracle", "chance"]), f"no scores of codes: {note}"
    scores = score_table(
        _conventions(model.partitions, codes, read if converted else None, factors_alone),
        *(part.cpu().numpy() for part in values.values()),
        one_set="test",
        deviations=_deviations(model, every["shown"]["test"], whole["test"], fitted["metrics"]),
        **fitted,
    )
    scored = f"fitted to {train} images of train {{how}} labels, measured on {test} of test"
    return scores, f"scores of codes: {scored}"


def _figures(model, split: Split, judge, test: dict[str, Tensor], samples, seed) -> DataFrame:
    """Relation accuracy, encoder and judge, on test images: ``shown``, ``codes``, what the model
    ``read``, and the true ``values``."""
    task, known = split.task, test["values"] >= 0
    # Where a label is missing, what the judge reads in the image stands for it.
    seen = judge.read(test["shown"]).to(known.device)
    before = torch.where(known, test["values"], seen)
    starts = _starts(model, task, (test["codes"], before), samples, seed)
    rows = _relation_rows(model, task, starts, judge, seed)
    rows += _reading_rows(task, test["read"] == test["values"], known)
    judged = float(((seen == test["values"]) | ~known).all(1).float().mean())
    rows.append(("judge_accuracy", "the judge itself, all factors", judged, 1 / task.combinations))
    if len(split.unseen_combinations):
        rows += _combination_rows(model, task, starts, judge, seed, split.unseen_combinations)
    return _with_oracles(rows, ceilings(task, model.relations), judged)


def _images_to_fit(split: Split) -> tuple[np.ndarray, str]:
    """Images of train for the scores of codes, "without" labels or "with" them."""
    if isinstance(split.task, Table):
        return split.labelled, "with"
    unlabelled = split.train[~np.isin(split.train, split.labelled)]
    enough = 10 * len(unlabelled) >= len(split.train)
    return (unlabelled, "without") if enough else (split.train, "with")


def _starts(model, task: Task, encoded, samples: int, seed: int) -> dict:
    """origin -> (codes, values [N, n]): from the prior, if there is one, and from test images."""
    if not hasattr(model, "sample"):
        return {"encoded": encoded}
    device = getattr(model, "device", "cpu")
    generator = torch.Generator(device).manual_seed(seed)
    values = random_values(torch.tensor(task.sizes, device=device), samples, generator=generator)
    return {"prior": (model.sample(values, generator=generator), values), "encoded": encoded}


def _relation_rows(model, task: Task, starts, judge, seed) -> list[tuple]:
    """(key, description, value, chance) of relation accuracy, for each origin of codes."""
    relations, rows = model.relations, []
    affected = [task.sizes[i] for relation in relations for i in relation.affects(task)]
    target, every = float(np.mean([1 / size for size in affected])), 1 / task.combinations
    for origin, start in starts.items():
        score = relation_accuracy(model, task, relations, *start, seed=seed, judge=judge)
        for key, what, name in RELATION_FIGURES:
            latent = origin == "prior" and key.startswith("relation")
            chance = target if name.endswith("target") else every
            what = f"{what}, {WORDS[origin]}"
            rows.append((key.format("latent" if latent else origin), what, score[name], chance))
    return rows


def _combination_rows(model, task: Task, starts, judge, seed, left_out) -> list[tuple]:
    """The same for relations into combinations that training has not seen, and into the others."""
    unseen, rows = torch.zeros(task.sizes, dtype=torch.bool), []
    unseen[tuple(torch.from_numpy(left_out).T)] = True
    how = {"judge": judge, "seed": seed}
    for origin, start in starts.items():
        score = composed_accuracy(model, task, model.relations, *start, unseen, **how)
        for kind in ("unseen", "seen"):
            key, value = f"judged_{origin}_{kind}", score[f"judged_{kind}"]
            what = f"relation into {kind} combinations, judged image, {WORDS[origin]}"
            rows.append((key, what, value, 1 / task.combinations))
    return rows


def _reading_rows(task: Task, right: Tensor, known: Tensor) -> list[tuple]:
    """The same for the values [N, n] that the encoder reads: all that have a label (``known``), and
    each factor on the images that label it."""
    every = (right | ~known).all(1).float()
    rows = [("encoder_all", "encoder, all factors", every, 1 / task.combinations)]
    for factor, column, has in zip(task.factors, right.float().T, known.T):
        count = "" if has.all() else f" ({int(has.sum())} images label it)"
        what = f"encoder, {factor.name}{count}"
        rows.append((encoder_key(factor.name), what, column[has], 1 / factor.size))
    return [(key, what, float(value.mean()), chance) for key, what, value, chance in rows]


def _with_oracles(rows: list[tuple], best: dict[str, float], judge_accuracy: float) -> DataFrame:
    """The frame of a report: a figure of judged images has a ceiling only if values look alike."""
    figures = DataFrame(rows, columns=["key", "what", "value", "chance"]).set_index("key")
    base = figures.index.str.replace("_(un)?seen$", "", regex=True)
    best = best | {"judge_accuracy": best["encoder_all"]}
    by_judge = base.str.contains("^judged|^decoded") & (best["encoder_all"] == 1)
    oracle = np.where(by_judge, judge_accuracy, [best.get(key, 1) for key in base])
    return figures.assign(oracle=oracle, by_judge=by_judge)


def _deviations(model, shown, whole: Tensor, metrics: Sequence[str]) -> dict[str, tuple]:
    """For WSEPIN: the standard deviations of the codes of the test images with every label
    (``whole``), if there are any."""
    asked = "wsepin" in metrics and hasattr(model, "deviations")
    found = model.deviations(shown) if asked else None
    if found is None:
        return {}
    return dict.fromkeys(("raw", "grouped"), (None, found[whole].cpu().numpy()))


def _conventions(partitions, codes, read, factors_alone: bool) -> dict[str, tuple]:
    """convention -> (codes of train, codes of test, groups), for those that the system has."""
    flat = [part.flatten(1).cpu().numpy() for part in codes.values()]
    found: dict[str, tuple] = {}
    if read is not None:
        found["converted"] = (*(part.cpu().numpy() for part in read.values()), None)
    if partitions is not None:
        groups = np.full(flat[0].shape[1], len(partitions))  # the last group: without a factor
        for number, dims in enumerate(partitions):
            groups[list(dims)] = number
        found["grouped"] = (*flat, groups)
    found["raw"] = (*flat, None)
    if factors_alone and partitions is not None:
        owned = np.concatenate([list(dims) for dims in partitions])
        found["factors"] = (*(part[:, owned] for part in flat), None)
    return found
