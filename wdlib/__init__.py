"""wdlib: modular representations for weak disentanglement.

Read the package in the order of the data: factors, tasks, relations; data; model; training;
metrics; evaluation; plots and navigator. The names below are the ones that most readers need. Each
is imported when you first use it, so that the scores alone need no torch.
"""

import os
from importlib import import_module

# Waiting threads should sleep. By default they spin, and if another process needs a core (a second
# notebook, a shared machine), two spinning threads train several times slower than one. The setting
# works only before torch is imported; one that is already in the environment stays.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"

_HOME = {
    "TASKS": "wdlib.tasks",
    "task": "wdlib.tasks",
    "relation": "wdlib.relations",
    "relations_of": "wdlib.relations",
    "load": "wdlib.data",
    "split": "wdlib.data.split",
    "table": "wdlib.data.table",
    "Names": "wdlib.factors",
    "world": "wdlib.data.own",
    "ModularModel": "wdlib.model",
    "COURSE": "wdlib.training",
    "FEW": "wdlib.training",
    "PAPER": "wdlib.training",
    "Trainer": "wdlib.training",
    "train_judge": "wdlib.metrics.judge",
    "evaluate": "wdlib.evaluation",
    "fit": "wdlib.simple",
    "load_model": "wdlib.model.loading",
    "load_pretrained": "wdlib.pretrained",
    "split_of": "wdlib.pretrained",
    "plots": "wdlib.plots",
    "Navigator": "wdlib.navigator",
    "report_environment": "wdlib.files",
}
__all__ = list(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'wdlib' has no attribute {name!r}")
    home = import_module(_HOME[name])
    return home if _HOME[name] == f"wdlib.{name}" else getattr(home, name)


def __dir__():
    return sorted([*globals(), *_HOME])
