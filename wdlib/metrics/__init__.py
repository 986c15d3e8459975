"""Scores of a representation: functions of arrays, without torch.

Each score takes codes ``[n, d]`` and factors ``[n, k]`` (numpy arrays, or tensors on any device)
and returns a ``Score``. Read first ``arrays`` and ``factors`` (what a score accepts), ``codes``
(raw, grouped, converted), ``information`` and ``result``, then a score, and at last ``table``: all
scores, with oracle and chance.
Relation accuracy and the judge need a model. They load torch at their first use.
"""

from importlib import import_module

from wdlib.metrics.codes import group
from wdlib.metrics.dci import dci
from wdlib.metrics.dci_es import dci_es
from wdlib.metrics.dcimig import dcimig
from wdlib.metrics.explicitness import explicitness
from wdlib.metrics.infomec import infomec
from wdlib.metrics.interventional import beta_vae, factor_vae, irs
from wdlib.metrics.jemmig import jemmig
from wdlib.metrics.mig import mig
from wdlib.metrics.mig_sup import mig_sup
from wdlib.metrics.modularity import modularity
from wdlib.metrics.oracle import ceilings, chance_codes, oracle_codes
from wdlib.metrics.result import Score
from wdlib.metrics.rmig import rmig
from wdlib.metrics.sap import sap
from wdlib.metrics.table import score, score_table
from wdlib.metrics.wsepin import wsepin

__all__ = [
    "Score", "beta_vae", "ceilings", "chance_codes", "dci", "dci_es", "dcimig", "explicitness",
    "factor_vae", "group", "infomec", "irs", "jemmig", "mig", "mig_sup", "modularity",
    "oracle_codes", "rmig", "sap", "score", "score_table", "wsepin",
]  # fmt: skip

_WITH_TORCH = {
    "Judge": "wdlib.metrics.judge",
    "train_judge": "wdlib.metrics.judge",
    "relation_accuracy": "wdlib.metrics.relational",
}


def __getattr__(name: str):
    """The names that need torch, imported at their first use (PEP 562)."""
    if name not in _WITH_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(_WITH_TORCH[name]), name)
    globals()[name] = found  # the function, where importing left the module of the same name
    return found
