"""All scores of a representation at one call, each beside its oracle and its chance.

A score alone says little: its ceiling depends on the factors, its floor on their balance. The
table puts the three side by side, and names the convention of every row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from html import escape

from wdlib.metrics.beta_vae import beta_vae
from wdlib.metrics.dci import dci
from wdlib.metrics.explicitness import explicitness
from wdlib.metrics.factor_vae import factor_vae
from wdlib.metrics.irs import irs
from wdlib.metrics.mig import mig
from wdlib.metrics.modularity import modularity
from wdlib.metrics.oracle import chance_codes, oracle_codes
from wdlib.metrics.sap import sap

STANDARD = ("mig", "sap", "sap_r2", "dci")


def _dci(train, factors, test, test_factors, groups, seed, importances):
    score = dci(
        train, factors, test, test_factors, groups=groups, seed=seed, importances=importances
    )
    names = ("disentanglement", "completeness", "informativeness")
    return {f"dci_{name}": score[name] for name in names}


def _sap(kind):
    def one(train, factors, test, test_factors, groups, seed, importances):
        score = sap(train, factors, test, test_factors, kind=kind, groups=groups, seed=seed)
        return {"sap" if kind == "svm" else "sap_r2": score.value}

    return one


def _on_train(function, name):
    def one(train, factors, test, test_factors, groups, seed, importances):
        return {name: function(train, factors, groups=groups).value}

    return one


def _sampled(function, name):
    def one(train, factors, test, test_factors, groups, seed, importances):
        score = function(train, factors, test, test_factors, groups=groups, seed=seed)
        return {name: score.value}

    return one


def _explicitness(train, factors, test, test_factors, groups, seed, importances):
    return {"explicitness": explicitness(train, factors, test, test_factors).value}


METRICS = {
    "mig": _on_train(mig, "mig"),
    "sap": _sap("svm"),
    "sap_r2": _sap("r2"),
    "dci": _dci,
    "modularity": _on_train(modularity, "modularity"),
    "explicitness": _explicitness,
    "irs": _on_train(irs, "irs"),
    "factor_vae": _sampled(factor_vae, "factor_vae"),
    "beta_vae": _sampled(beta_vae, "beta_vae"),
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
) -> dict[str, float]:
    """Several scores of one representation as a flat dict, ready for JSON.

    codes_*: ``[n, d]``; factors_*: ``[n, k]`` classes. Keys: mig, sap, sap_r2,
    dci_disentanglement, dci_completeness, dci_informativeness (test accuracy), modularity,
    explicitness (test), irs, factor_vae, beta_vae. MIG, sap_r2, modularity and IRS use the
    training arrays only. importances: the classifier behind DCI (see ``dci``).
    Raises ValueError for an unknown metric name (with the nearest one), and whatever the scores
    raise.
    """
    metrics = [metrics] if isinstance(metrics, str) else list(metrics)
    check_metrics(metrics)
    numbers = {}
    for name in metrics:
        numbers |= METRICS[name](
            codes_train, factors_train, codes_test, factors_test, groups, seed, importances
        )
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
) -> ScoreTable:
    """Scores under every convention, each beside what perfect and what ignorant codes get.

    codes_by_convention: {"raw": (codes_train, codes_test, None), "grouped": (codes_train,
    codes_test, groups), "converted": (indices_train, indices_test, None)}, any of them.
    oracle: the factor classes themselves as codes (the same for every convention).
    chance: this convention's codes with their rows permuted by ``seed``.
    """
    oracle = score(
        oracle_codes(factors_train),
        factors_train,
        oracle_codes(factors_test),
        factors_test,
        metrics=metrics,
        seed=seed,
        importances=importances,
    )
    rows = []
    for convention, (train, test, groups) in codes_by_convention.items():
        shuffled = chance_codes(train, seed=seed), chance_codes(test, seed=seed)
        value, chance = (
            score(
                a,
                factors_train,
                b,
                factors_test,
                metrics=metrics,
                groups=groups,
                seed=seed,
                importances=importances,
            )
            for a, b in ((train, test), shuffled)
        )
        rows += [
            {
                "convention": convention,
                "score": name,
                "value": value[name],
                "oracle": oracle[name],
                "chance": chance[name],
            }
            for name in value
        ]
    return ScoreTable(tuple(rows))
