"""All scores of a representation at one call, each beside its oracle and its chance.

A score alone says little: its ceiling depends on the factors, its floor on their balance. The
table puts the three side by side, and names the convention of every row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from html import escape

from wdlib.metrics.dci import dci, regroup
from wdlib.metrics.explicitness import explicitness
from wdlib.metrics.interventional import beta_vae, factor_vae, irs
from wdlib.metrics.mig import mig
from wdlib.metrics.modularity import modularity
from wdlib.metrics.oracle import chance_codes, oracle_codes
from wdlib.metrics.result import Score
from wdlib.metrics.sap import sap

STANDARD = ("mig", "sap", "sap_r2", "dci")


@dataclass(frozen=True)
class _Task:
    """What every score is computed from; ``trees`` keeps DCI's fits, the costly part.

    one_set: "train" or "test", the arrays of the scores that look at one set only.
    """

    train: object
    factors: object
    test: object
    test_factors: object
    groups: object
    settings: dict  # of DCI: importances, seed, jobs
    trees: dict
    one_set: str

    @property
    def seed(self) -> int:
        return self.settings["seed"]

    @property
    def arrays(self) -> tuple:
        return self.train, self.factors, self.test, self.test_factors

    @property
    def one(self) -> tuple:
        return self.arrays[:2] if self.one_set == "train" else self.arrays[2:]


def _dci(task: _Task) -> dict[str, float]:
    key = id(task.train), id(task.test)  # raw and grouped codes are the same arrays
    if key not in task.trees:
        task.trees[key] = dci(*task.arrays, **task.settings)
    score = task.trees[key]
    score = score if task.groups is None else regroup(score, task.groups)
    names = ("disentanglement", "completeness", "informativeness")
    return {f"dci_{name}": score[name] for name in names}


def _value(score: Score, name: str | None = None) -> dict[str, float]:
    return {name or next(iter(score.values)): score.value}


METRICS = {
    "mig": lambda t: _value(mig(*t.one, groups=t.groups)),
    "sap": lambda t: _value(sap(*t.arrays, groups=t.groups, jobs=t.settings["jobs"])),
    "sap_r2": lambda t: _value(sap(*t.one, kind="r2", groups=t.groups), "sap_r2"),
    "dci": _dci,
    "modularity": lambda t: _value(modularity(*t.one, groups=t.groups)),
    "explicitness": lambda t: _value(explicitness(*t.arrays)),
    "irs": lambda t: _value(irs(*t.one, groups=t.groups)),
    "factor_vae": lambda t: _value(factor_vae(*t.arrays, groups=t.groups, seed=t.seed)),
    "beta_vae": lambda t: _value(beta_vae(*t.arrays, groups=t.groups, seed=t.seed)),
}


def check_metrics(metrics: Sequence[str]) -> None:
    """ValueError for a name that is no metric, with the nearest one."""
    for name in metrics:
        if name not in METRICS:
            near = get_close_matches(str(name), METRICS, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise ValueError(f"no metric {name!r}{hint}; there are {', '.join(METRICS)}")


def score(
    codes_train,
    factors_train,
    codes_test,
    factors_test,
    *,
    metrics: Sequence[str] = STANDARD,
    groups=None,
    seed: int = 0,
    importances: str = "gradient_boosting",
    jobs: int = 1,
    one_set: str = "train",
) -> dict[str, float]:
    """Several scores of one representation as a flat dict, ready for JSON.

    codes_*: ``[n, d]``; factors_*: ``[n, k]`` classes. Keys: mig, sap, sap_r2,
    dci_disentanglement, dci_completeness, dci_informativeness (test accuracy), modularity,
    explicitness (test), irs, factor_vae, beta_vae. MIG, sap_r2, modularity and IRS need one set
    only: the training arrays, as in disentanglement_lib, or with one_set="test" the test arrays.
    importances: the classifier behind DCI (see ``dci``); jobs: processes for DCI and SAP.

    Raises ValueError for an unknown metric name (with the nearest one) or another one_set, and
    whatever the scores raise.
    """
    settings = {"seed": seed, "importances": importances, "jobs": jobs}
    arrays = codes_train, factors_train, codes_test, factors_test
    _check_one_set(one_set)
    return _scores(_Task(*arrays, groups, settings, {}, one_set), metrics)


def _check_one_set(one_set: str) -> None:
    if one_set not in ("train", "test"):
        raise ValueError(f"one_set is 'train' or 'test', got {one_set!r}")


def _scores(task: _Task, metrics: Sequence[str]) -> dict[str, float]:
    metrics = [metrics] if isinstance(metrics, str) else list(metrics)
    check_metrics(metrics)
    numbers = {}
    for name in metrics:
        numbers |= METRICS[name](task)
    return numbers


@dataclass(frozen=True)
class ScoreTable:
    """Rows of (convention, score, value, oracle, chance): prints as text, renders in a notebook."""

    rows: tuple[dict, ...]

    COLUMNS = ("convention", "score", "value", "oracle", "chance")

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self):
        return iter(self.rows)

    def _cells(self) -> list[list[str]]:
        return [
            [row[c] if isinstance(row[c], str) else f"{row[c]:.3f}" for c in self.COLUMNS]
            for row in self.rows
        ]

    def __str__(self) -> str:
        lines = [list(self.COLUMNS), *self._cells()]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.COLUMNS))]
        return "\n".join(
            "  ".join(
                cell.ljust(width) if i < 2 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(line, widths))
            ).rstrip()
            for line in lines
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{column}</th>" for column in self.COLUMNS)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
            for cells in self._cells()
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def to_dict(self) -> dict[str, dict[str, float]]:
        """{convention: {score, oracle_score, chance_score, ...}}: floats, ready for JSON."""
        out: dict[str, dict[str, float]] = {}
        for row in self.rows:
            scores = out.setdefault(row["convention"], {})
            scores[row["score"]] = row["value"]
            scores[f"oracle_{row['score']}"] = row["oracle"]
            scores[f"chance_{row['score']}"] = row["chance"]
        return out


def score_table(
    codes_by_convention: Mapping[str, tuple],
    factors_train,
    factors_test,
    *,
    metrics: Sequence[str] = STANDARD,
    seed: int = 0,
    importances: str = "gradient_boosting",
    jobs: int = 1,
    one_set: str = "train",
) -> ScoreTable:
    """Scores under every convention, each beside what perfect and what ignorant codes get.

    codes_by_convention: {"raw": (codes_train, codes_test, None), "grouped": (codes_train,
    codes_test, groups), "converted": (indices_train, indices_test, None)}, any of them. Raw and
    grouped codes that are the same arrays share DCI's trees.
    oracle: the factor classes themselves as codes (the same for every convention).
    chance: this convention's codes with their rows permuted by ``seed``.
    The other settings, and what is raised: as for ``score``.
    """
    settings = {"seed": seed, "importances": importances, "jobs": jobs}
    _check_one_set(one_set)
    trees: dict = {}
    shuffled: dict = {}

    def scores(train, test, groups=None):
        arrays = train, factors_train, test, factors_test
        task = _Task(*arrays, groups, settings, trees, one_set)
        return _scores(task, metrics)

    perfect = oracle_codes(factors_train), oracle_codes(factors_test)
    oracle = scores(*perfect)
    rows = []
    for convention, (train, test, groups) in codes_by_convention.items():
        key = id(train), id(test)
        if key not in shuffled:
            shuffled[key] = chance_codes(train, seed=seed), chance_codes(test, seed=seed)
        value, chance = scores(train, test, groups), scores(*shuffled[key], groups)
        for name in value:
            numbers = {"value": value[name], "oracle": oracle[name], "chance": chance[name]}
            rows.append({"convention": convention, "score": name, **numbers})
    return ScoreTable(tuple(rows))
