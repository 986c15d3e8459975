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
from wdlib.metrics.dci_es import dci_es
from wdlib.metrics.dcimig import dcimig
from wdlib.metrics.explicitness import explicitness
from wdlib.metrics.factors import Factors, read_factors
from wdlib.metrics.infomec import infomec
from wdlib.metrics.interventional import beta_vae, factor_vae, irs
from wdlib.metrics.jemmig import jemmig
from wdlib.metrics.mig import mig
from wdlib.metrics.mig_sup import mig_sup
from wdlib.metrics.modularity import modularity
from wdlib.metrics.oracle import chance_codes, oracle_codes
from wdlib.metrics.result import Score
from wdlib.metrics.rmig import rmig
from wdlib.metrics.sap import sap
from wdlib.metrics.wsepin import wsepin

if TYPE_CHECKING:
    from pandas import DataFrame

STANDARD = "mig", "sap", "sap_r2", "dci", "mig_sup", "dcimig", "jemmig", "rmig"


@dataclass(frozen=True)
class _Given:
    """What scores are computed from.

    arrays: codes_train, factors_train, codes_test, factors_test. one_set: "train" or "test", the
    set for scores that need only one. fitted: DCI and DCI-ES of raw codes by their arrays; raw and
    grouped codes share them, since fitting takes most of the time.
    """

    arrays: tuple
    groups: Sequence[int] | None
    one_set: str
    seed: int
    importances: str
    jobs: int
    fitted: dict
    deviations: tuple = (None, None)

    @property
    def one(self) -> tuple:
        return self.arrays[:2] if self.one_set == "train" else self.arrays[2:]

    def once(self, function: Callable[..., Score], **settings) -> Score:
        """The score of the raw codes, fitted once for all groups."""
        key = function, id(self.arrays[0]), id(self.arrays[2])
        if key not in self.fitted:
            self.fitted[key] = function(*self.arrays, seed=self.seed, jobs=self.jobs, **settings)
        return self.fitted[key]

    def dci(self) -> dict[str, float]:
        score = regroup(self.once(dci, importances=self.importances), self.groups)
        names = ("disentanglement", "completeness", "informativeness")
        return {f"dci_{name}": score[name] for name in names}

    def dci_es(self) -> dict[str, float]:
        score = self.once(dci_es)
        return {name: score[name] for name in ("dci_explicitness", "dci_size")}

    def wsepin(self) -> Score:
        one = self.one_set != "train"
        return wsepin(self.one[0], self.deviations[one], groups=self.groups, seed=self.seed)


METRICS: dict[str, Callable[[_Given], Score | dict]] = {
    "mig": lambda g: dict(mig(*g.one, groups=g.groups).values),
    "sap": lambda g: sap(*g.arrays, groups=g.groups, jobs=g.jobs),
    "sap_r2": lambda g: {"sap_r2": sap(*g.one, kind="r2", groups=g.groups).value},
    "dci": _Given.dci,
    "modularity": lambda g: modularity(*g.one, groups=g.groups),
    "explicitness": lambda g: explicitness(*g.arrays),
    "irs": lambda g: irs(*g.one, groups=g.groups),
    "factor_vae": lambda g: factor_vae(*g.arrays, groups=g.groups, seed=g.seed),
    "beta_vae": lambda g: beta_vae(*g.arrays, groups=g.groups, seed=g.seed),
    "infomec": lambda g: dict(infomec(*g.one, groups=g.groups).values),
    "mig_sup": lambda g: mig_sup(*g.one, groups=g.groups),
    "dcimig": lambda g: dcimig(*g.one, groups=g.groups),
    "jemmig": lambda g: jemmig(*g.one, groups=g.groups),
    "rmig": lambda g: rmig(*g.one, groups=g.groups),
    "dci_es": _Given.dci_es,
    "wsepin": _Given.wsepin,
}
FOR_REAL = {"mig", "sap_r2", "dci", "infomec", "dci_es", "wsepin"}  # the others need classes


def score(
    codes_train,
    factors_train,
    codes_test,
    factors_test,
    *,
    metrics: Sequence[str] = STANDARD,
    groups=None,
    continuous=None,
    deviations=None,
    seed: int = 0,
    importances: str = "gradient_boosting",
    jobs: int = 1,
    one_set: str = "train",
) -> dict[str, float]:
    """Several scores of one representation as a flat dict, ready for JSON.

    Args:
        codes_train, codes_test: ``[n, d]`` and ``[m, d]``.
        factors_train, factors_test: ``[n, k]`` and ``[m, k]``: classes (integers, names,
            categories) or real values, as in ``read_factors``.
        metrics: any of mig, sap, sap_r2, dci, modularity, explicitness, irs, factor_vae, beta_vae,
            infomec, mig_sup, dcimig, jemmig, rmig, dci_es, wsepin. If a factor is real-valued, the
            default leaves out those that need classes; a metric that is asked for by name refuses.
        groups: the partition of each code (see ``codes.group``).
        continuous: names or numbers of real-valued factors that hold whole numbers.
        deviations: for wsepin: the standard deviations of the codes, those of train and of test.
        importances: the classifier for DCI (see ``dci``).
        jobs: number of processes for DCI and SAP (-1: one per core).
        one_set: "train" (as in disentanglement_lib) or "test", the set that all scores are measured
            on that hold nothing out: all but SAP, DCI, DCI-ES, explicitness, and the scores of
            beta-VAE and FactorVAE.

    Returns the numbers by name. "dci" has three: dci_disentanglement, dci_completeness and
    dci_informativeness (on test samples); "infomec" has infom, infoc and infoe; "dci_es" has
    dci_explicitness and dci_size; "mig" has mig_nats, too, if a factor is real-valued.

    Raises ValueError for an unknown metric or one_set, and as the scores do.
    """
    factors = _both(factors_train, factors_test, continuous)
    arrays = codes_train, factors[0], codes_test, factors[1]
    how = groups, one_set, seed, importances, jobs, {}, deviations or (None, None)
    return _scores(_Given(arrays, *how), _chosen(metrics, factors[0]))


def _both(factors_train, factors_test, continuous) -> list[Factors]:
    """The factors of train and of test, with the same classes."""
    return read_factors({"factors_train": factors_train, "factors_test": factors_test}, continuous)


def _chosen(metrics, factors: Factors) -> list[str]:
    """The names of the metrics, checked; the default depends on the factors."""
    if metrics is STANDARD and factors.real.any():
        return [name for name in STANDARD if name in FOR_REAL]
    metrics = [metrics] if isinstance(metrics, str) else list(metrics)
    for name in metrics:
        if name not in METRICS:
            near = get_close_matches(str(name), METRICS, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise ValueError(f"no metric {name!r}{hint}; there are {', '.join(METRICS)}")
    return metrics


def _scores(given: _Given, metrics: Sequence[str]) -> dict[str, float]:
    if given.one_set not in ("train", "test"):
        raise ValueError(f"one_set must be 'train' or 'test', got {given.one_set!r}")
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
    continuous=None,
    deviations: Mapping[str, tuple] | None = None,
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
        deviations: for wsepin: the standard deviations (of train, of test) of the codes, by
            convention. Other conventions have no such row.
        the rest: as in ``score``.

    Returns a frame with the columns value, oracle and chance, indexed by convention and score.
    oracle: the scores of the factors themselves as codes. chance: the scores of the convention's
    codes after a permutation of their rows. WSEPIN knows no factors: its oracle and chance are NaN.

    Raises ValueError as ``score`` does.
    """
    from pandas import DataFrame

    fitted: dict = {}
    shuffled: dict = {}
    factors = _both(factors_train, factors_test, continuous)
    metrics, noise = _chosen(metrics, factors[0]), deviations or {}
    of_factors = [name for name in metrics if name != "wsepin"]

    def scores(train, test, groups=None, names=of_factors, spread=(None, None)) -> dict[str, float]:
        how = groups, one_set, seed, importances, jobs, fitted, spread
        return _scores(_Given((train, factors[0], test, factors[1]), *how), names)

    perfect = oracle_codes(factors[0]), oracle_codes(factors[1])  # kept: ids are keys
    oracle = scores(*perfect)
    rows = []
    for convention, (train, test, groups) in codes_by_convention.items():
        key = id(train), id(test)
        if key not in shuffled:
            shuffled[key] = chance_codes(train, seed=seed), chance_codes(test, seed=seed)
        names = metrics if convention in noise or not noise else of_factors
        value = scores(train, test, groups, names, noise.get(convention, (None, None)))
        chance = scores(*shuffled[key], groups)
        for name in value:
            twins = (each.get(name, float("nan")) for each in (oracle, chance))
            rows.append((convention, name, value[name], *twins))
    columns = ["convention", "score", "value", "oracle", "chance"]
    return DataFrame(rows, columns=columns).set_index(columns[:2])
