"""wdlib: modular representations for weak disentanglement.

Read it in the order of the data: factors, tasks, relations; data; model; training; metrics;
evaluation; what people see. The names below are what most people need; each is imported when it is
first asked for, so that the scores alone need no torch.
"""

import os
from importlib import import_module

# Threads that wait should sleep. By default they spin, and where another process wants a core (a
# second notebook, a shared machine) two spinning threads train several times slower than one.
# It counts only where torch has not been imported yet; the environment's own setting wins.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"

_HOME = {
    "TASKS": "wdlib.tasks",
    "task": "wdlib.tasks",
    "relation": "wdlib.relations",
    "relations_of": "wdlib.relations",
    "load": "wdlib.data",
    "split": "wdlib.data.split",
    "world": "wdlib.data.own",
    "ModularModel": "wdlib.model",
    "COURSE": "wdlib.training",
    "FEW": "wdlib.training",
    "PAPER": "wdlib.training",
    "Trainer": "wdlib.training",
    "train_judge": "wdlib.metrics.judge",
    "evaluate": "wdlib.evaluation",
    "load_pretrained": "wdlib.pretrained",
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
