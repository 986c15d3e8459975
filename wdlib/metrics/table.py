"""Several scores in one call, and a table of them next to perfect codes and to chance.

A score alone is hard to read: its maximum depends on the factors, its minimum on how balanced they
are. The table shows all three, and the convention (raw, grouped, converted) of each row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from wdlib.metrics.dci import dci, regroup
from wdlib.metrics.explicitness import explicitness
from wdlib.metrics.interventional import beta_vae, factor_vae, irs
from wdlib.metrics.mig import mig
from wdlib.metrics.modularity import modularity
from wdlib.metrics.oracle import chance_codes, oracle_codes
from wdlib.metrics.result import Score
from wdlib.metrics.sap import sap

if TYPE_CHECKING:
    from pandas import DataFrame

STANDARD = ("mig", "sap", "sap_r2", "dci")


@dataclass(frozen=True)
class _Given:
    """What scores are computed from.

    arrays: codes_train, factors_train, codes_test, factors_test. one_set: "train" or "test", the
    set for scores that need only one. fitted: DCI of raw codes by their arrays; raw and grouped
    codes share it, since fitting takes most of the time.
    """

    arrays: tuple
    groups: Sequence[int] | None
    one_set: str
    seed: int
    importances: str
    jobs: int
    fitted: dict

    @property
    def one(self) -> tuple:
        return self.arrays[:2] if self.one_set == "train" else self.arrays[2:]

    def dci(self) -> dict[str, float]:
        key = id(self.arrays[0]), id(self.arrays[2])
        if key not in self.fitted:
            settings = {"importances": self.importances, "seed": self.seed, "jobs": self.jobs}
            self.fitted[key] = dci(*self.arrays, **settings)
        score = regroup(self.fitted[key], self.groups)
        names = ("disentanglement", "completeness", "informativeness")
        return {f"dci_{name}": score[name] for name in names}


METRICS: dict[str, Callable[[_Given], Score | dict]] = {
    "mig": lambda g: mig(*g.one, groups=g.groups),
    "sap": lambda g: sap(*g.arrays, groups=g.groups, jobs=g.jobs),
    "sap_r2": lambda g: {"sap_r2": sap(*g.one, kind="r2", groups=g.groups).value},
    "dci": _Given.dci,
    "modularity": lambda g: modularity(*g.one, groups=g.groups),
    "explicitness": lambda g: explicitness(*g.arrays),
    "irs": lambda g: irs(*g.one, groups=g.groups),
    "factor_vae": lambda g: factor_vae(*g.arrays, groups=g.groups, seed=g.seed),
    "beta_vae": lambda g: beta_vae(*g.arrays, groups=g.groups, seed=g.seed),
}


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

    Args:
        codes_train, codes_test: ``[n, d]`` and ``[m, d]``.
        factors_train, factors_test: classes, ``[n, k]`` and ``[m, k]``.
        metrics: any of mig, sap, sap_r2, dci, modularity, explicitness, irs, factor_vae, beta_vae.
        groups: the partition of each code (see ``codes.group``).
        importances: the classifier for DCI (see ``dci``).
        jobs: number of processes for DCI and SAP (-1: one per core).
        one_set: "train" (as in disentanglement_lib) or "test", the set that MIG, sap_r2, modularity
            and IRS are measured on.

    Returns the numbers by name; "dci" has three: dci_disentanglement, dci_completeness and
    dci_informativeness (test accuracy).

    Raises ValueError for an unknown metric or one_set, and as the scores do.
    """
    arrays = codes_train, factors_train, codes_test, factors_test
    return _scores(_Given(arrays, groups, one_set, seed, importances, jobs, {}), metrics)


def _scores(given: _Given, metrics: Sequence[str]) -> dict[str, float]:
    if given.one_set not in ("train", "test"):
        raise ValueError(f"one_set must be 'train' or 'test', got {given.one_set!r}")
    metrics = [metrics] if isinstance(metrics, str) else list(metrics)
    for name in metrics:
        if name not in METRICS:
            near = get_close_matches(str(name), METRICS, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise ValueError(f"no metric {name!r}{hint}; there are {', '.join(METRICS)}")
    numbers = {}
    for name in metrics:
        found = METRICS[name](given)
        numbers |= {name: found.value} if isinstance(found, Score) else found
    return numbers


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
) -> DataFrame:
    """Scores under each convention, next to those of perfect codes and of codes without knowledge.

    Args:
        codes_by_convention: any of {"raw": (codes_train, codes_test, None), "grouped":
            (codes_train, codes_test, groups), "converted": (indices_train, indices_test, None)}.
            If raw and grouped codes are the same arrays, DCI is fitted once for both.
        the rest: as in ``score``.

    Returns a frame with the columns value, oracle and chance, indexed by convention and score.
    oracle: the scores of the factor classes themselves as codes. chance: the scores of the
    convention's codes after a permutation of their rows.

    Raises ValueError as ``score`` does.
    """
    from pandas import DataFrame

    fitted: dict = {}
    shuffled: dict = {}

    def scores(train, test, groups=None) -> dict[str, float]:
        arrays = train, factors_train, test, factors_test
        return _scores(_Given(arrays, groups, one_set, seed, importances, jobs, fitted), metrics)

    perfect = oracle_codes(factors_train), oracle_codes(factors_test)  # kept: ids are keys
    oracle = scores(*perfect)
    rows = []
    for convention, (train, test, groups) in codes_by_convention.items():
        key = id(train), id(test)
        if key not in shuffled:
            shuffled[key] = chance_codes(train, seed=seed), chance_codes(test, seed=seed)
        value, chance = scores(train, test, groups), scores(*shuffled[key], groups)
        for name in value:
            rows.append((convention, name, value[name], oracle[name], chance[name]))
    columns = ["convention", "score", "value", "oracle", "chance"]
    return DataFrame(rows, columns=columns).set_index(columns[:2])
