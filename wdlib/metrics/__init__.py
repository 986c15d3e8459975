"""Scores of a representation: arrays in, numbers out, and nothing here needs torch.

Every score takes codes ``[n, d]`` and factors ``[n, k]`` (numpy arrays, or tensors on any device)
and returns a ``Score``. Read in this order: ``arrays`` (what may come in), ``codes`` (raw, grouped,
converted), ``result``, then a score a file, and ``table`` for all of them with oracle and chance.
Relation accuracy and the judge do need a model; they load torch when they are first asked for.
"""

from importlib import import_module

from wdlib.metrics.codes import convert, group
from wdlib.metrics.dci import dci
from wdlib.metrics.explicitness import explicitness
from wdlib.metrics.interventional import beta_vae, factor_vae, irs
from wdlib.metrics.mig import mig
from wdlib.metrics.modularity import modularity
from wdlib.metrics.oracle import ceilings, chance_codes, oracle_codes
from wdlib.metrics.result import Score
from wdlib.metrics.sap import sap
from wdlib.metrics.table import score, score_table

__all__ = [
    "Score",
    "beta_vae",
    "ceilings",
    "chance_codes",
    "convert",
    "dci",
    "explicitness",
    "factor_vae",
    "group",
    "irs",
    "mig",
    "modularity",
    "oracle_codes",
    "sap",
    "score",
    "score_table",
]

_WITH_TORCH = {
    "Judge": "wdlib.metrics.judge",
    "train_judge": "wdlib.metrics.judge",
    "relation_accuracy": "wdlib.metrics.relational",
}


def __getattr__(name: str):
    """The names that need torch, imported when first asked for (PEP 562)."""
    if name not in _WITH_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(_WITH_TORCH[name]), name)
    globals()[name] = found  # the function, where importing left the module of the same name
    return found
