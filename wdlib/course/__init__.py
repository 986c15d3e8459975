"""What only the notebooks need: exercises, small worlds, the student edition and slides.

A notebook imports from ``wdlib`` and from here, so its set-up is short. The names of other rooms
are listed here, too; each is imported when it is first used.
"""

from importlib import import_module

_ROOMS = {
    "wdlib.course.exercises": "check",
    "wdlib.course.worlds": "examples hearts little_sprites perceptron shipped_judge",
    "wdlib.files": "provenance",
    "wdlib.data": "device_images to_float",
    "wdlib.model": "AdaptivePrior FitConfig NetworkConfig RelationalLearner saved",
    "wdlib.model.prior": "simple_prior",
    "wdlib.training": "method ours Finish FitRequest Labels Phase Preset Rates Relations Views",
    "wdlib.training.progress": "Silence suited",
    "wdlib.training.method": "Moves adversarial critic reconstruction relational step",
    "wdlib.metrics": "chance_codes dci mig oracle_codes relation_accuracy sap score_table",
    "wdlib.baselines.vae": "kl",
    "wdlib.baselines.annealed_vae": "capacity",
    "wdlib.baselines.beta_tcvae": "total_correlation",
    "wdlib.baselines.info_vae": "mmd",
    "wdlib.methods": "METHODS Method",
    "wdlib.navigator": "Walk film",
    "wdlib.navigator.maps": "PartitionMap",
    "wdlib.navigator.walk": "log_density",
    "wdlib.experiments.grid": "Cell Processes run",
    "wdlib.experiments.results": "result_file",
    "wdlib.experiments.studies": "TASKS_OF_TABLE_1 table1_cells table2_cells",
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names.split()}
__all__ = list(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'wdlib.course' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__():
    return sorted([*globals(), *_HOME])
