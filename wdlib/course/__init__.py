"""What only the notebooks need: exercises, small worlds, the student edition and slides.

A notebook imports from ``wdlib`` and from here, so its set-up is short. The names of other rooms
are listed here, too; each is imported when it is first used.
"""

from importlib import import_module

_ROOMS = {
    "wdlib.course.exercises": "check",
    "wdlib.course.worlds": "examples hearts little_sprites perceptron shipped_judge",
    "wdlib.files": "provenance",
    "wdlib.data": "as_input device_images to_float",
    "wdlib.model": "AdaptivePrior FitConfig NetworkConfig RelationalLearner saved",
    "wdlib.model.prior": "simple_prior",
    "wdlib.training.loop": "update",
    "wdlib.training": "Finish FitRequest Labels Phase Preset Rates Relations Views method ours",
    "wdlib.training.progress": "Silence suited",
    "wdlib.training.method": "Moves",
    "wdlib.metrics": "chance_codes dci mig oracle_codes relation_accuracy sap score_table",
    "wdlib.baselines.vae": "kl",
    "wdlib.baselines.annealed_vae": "capacity",
    "wdlib.baselines.beta_tcvae": "total_correlation",
    "wdlib.baselines.info_vae": "mmd",
    "wdlib.methods": "METHODS Method modular",
    "wdlib.navigator": "Walk film",
    "wdlib.navigator.maps": "PartitionMap",
    "wdlib.navigator.walk": "log_density",
    "wdlib.experiments": "tables",
    "wdlib.experiments.cells": "Cell path_of rows_of threads",
    "wdlib.experiments.grid": "Processes run",
    "wdlib.experiments.studies": "TASKS_OF_TABLE_1 cells_of",
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names.split()}
__all__ = list(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'wdlib.course' has no attribute {name!r}")
    room = import_module(_HOME[name])
    return getattr(room, name) if hasattr(room, name) else import_module(f"{_HOME[name]}.{name}")


def __dir__():
    return sorted([*globals(), *_HOME])
