"""Studies as data: which cells each table is made of.

``cells_of(NAME)`` gives the cells of a table for ``grid.run``; ``python -m wdlib table NAME`` runs
them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from wdlib.data.split import whole_seed
from wdlib.experiments.ablations import ABLATIONS, NO_VIEWS, applies, steps_of
from wdlib.experiments.cells import Cell, most_images
from wdlib.experiments.recipes import KNOWN
from wdlib.experiments.replications import RUNS
from wdlib.experiments.tables import read_results, result_file
from wdlib.methods import METHODS, Method, method
from wdlib.tasks import task

TASKS_OF_TABLE_1 = (
    "dSprites.v2", "dSprites.v3", "dSprites.v4", "Shapes3D.v2", "Shapes3D.v3", "Shapes3D.v5"
)  # fmt: skip
TASKS_OF_TABLE_2 = ("dSprites.v3", "Shapes3D.v3")
COUNTS = (50, 100, 250, 500, 1000)  # labels
BUDGET = 480.0  # seconds of one core that a cell of table 2 is worth; two run side by side
NO_ROAMING = "no-roaming"


@dataclass(frozen=True)
class Runs:
    """Cells of a table: every method on every task, with every number of labels.

    Args:
        tasks: task -> how many seeds it gets. ``open``: other tasks may be chosen instead.
        unseen: share of the combinations of values that are left out of training.
        steps, seconds: the budget; without them, a method takes ``steps_of`` the task.
        paced: the budget is the number of steps that BUDGET seconds of one core buy the method; for
            a recipe whose pace hasn't been measured it is BUDGET seconds.
    """

    tasks: Mapping[str, int]
    methods: Sequence[str]
    labels: Sequence[int] = (1000,)
    unseen: float = 0.0
    steps: int | None = None
    seconds: float | None = None
    paced: bool = False
    open: bool = True

    @property
    def timed(self) -> bool:
        """Whether seconds may take the place of the budget."""
        return self.paced or self.seconds is not None or not self.open


_SIX, _TWO = dict.fromkeys(TASKS_OF_TABLE_1, 3), dict.fromkeys(TASKS_OF_TABLE_2, 3)
_LARGE = {"dSprites.v4": 1, "Shapes3D.v5": 1}
_FEW_LABELS = (
    *("few-no-pseudo-labels", "few-no-early-cycle", "few-no-balance", "longer"),
    *("prior-pseudo-labels", "no-shifts", NO_VIEWS, "no-cycle"),
)
STUDIES: dict[str, tuple[Runs, ...]] = {
    # Modular on the paper's six tasks; the published schedule for an hour, far from its end.
    "1": (
        Runs(_SIX, ["modular"]),
        Runs({"dSprites.v2": 1}, ["modular-paper"], seconds=3600, open=False),
    ),
    # Modular where more steps still help.
    "long": (Runs({"dSprites.v4": 3}, ["modular"], steps=28_000, open=False),),
    # Every system on two tasks with one budget.
    "2": (Runs(_TWO, [*METHODS], paced=True),),
    # What ``paces`` come from: table 2 with seconds of one core, and one seed.
    "pace": (Runs(dict.fromkeys(_TWO, 1), [*METHODS], seconds=240),),
    # Accuracy by the number of labels. dSprites.v4, the longest, has the main recipes alone.
    "labels": (
        Runs(
            {"dSprites.v2": 3, **_LARGE},
            ["modular", "alone", "no-early-pseudo-labels", "no-pseudo-labels"],
            COUNTS,
        ),
        Runs({"dSprites.v2": 3, **_LARGE}, ["few"], COUNTS[:3]),
        Runs({"dSprites.v2": 3, "Shapes3D.v5": 1}, _FEW_LABELS, COUNTS[:2]),
    ),
    # A fifth of the combinations never seen. On dSprites.v2 a combination is a pair of shape and
    # place, so runs differ much more there. Roaming images would show what was left out.
    "unseen": (
        Runs({**_SIX, "dSprites.v2": 10}, ["modular"], unseen=0.2),
        Runs(_SIX, [NO_ROAMING], unseen=0.2),
    ),
    # Modular without one part at a time, and the paper's losses with one part.
    "ablations": (Runs({"dSprites.v2": 3, "dSprites.v4": 1, "Shapes3D.v3": 1}, [*ABLATIONS]),),
    # Three baselines in the settings of their publications.
    "published": tuple(Runs({name: 1}, [run], steps=n, open=False) for name, run, n in RUNS),
}


def cells_of(
    study: str,
    *,
    seeds: Sequence[int] | None = None,
    tasks: Sequence[str] | None = None,
    methods: Sequence[str] | None = None,
    seconds: float | None = None,
    labels: int | None = None,
    known: Mapping[str, Method] = KNOWN,
    **how,
) -> list[Cell]:
    """The cells of a study, ordered so that the first ones need different judges.

    A seed whose labels miss a value of a factor is replaced by the next one whose labels have all.

    Args:
        study: a name in STUDIES.
        seeds, tasks, methods, labels: other ones than the study's. A task takes the first of the
            seeds, as many as the study gives it.
        seconds: a budget in place of the study's.
        known: a table with methods of your own, of which ``methods`` names those to run.
        how: ``threads`` and ``device`` of the cells.

    Raises ValueError for an unknown name, for seconds if the study is of steps, and if no cell is
    left.
    """
    of_study = STUDIES[study]
    names = {name: known[name] for runs in of_study for name in runs.methods if name in known}
    for name in methods or ():
        method(name, names if known is KNOWN else known)  # raises before the first cell runs
    if seconds is not None and not any(runs.timed for runs in of_study):
        raise ValueError(f"table {study} has its budget in steps, so it takes no seconds")
    pace = paces() if seconds is None and any(runs.paced for runs in of_study) else {}
    cells = []
    for runs in of_study:
        chosen = _tasks(runs, tasks)
        own = [m for m in methods or runs.methods if known is not KNOWN or m in runs.methods]
        cells += [
            _cell(runs, where, name, seed, count, seconds, pace, known, how)
            for at, seed in enumerate(range(max(runs.tasks.values())) if seeds is None else seeds)
            for name in own
            for where, most in chosen.items()
            if at < most and _fits(runs, name, where)
            for count in ([labels] if labels else runs.labels)
        ]
    if not cells:
        raise ValueError(f"table {study} has no cells of tasks {tasks} and methods {methods}")
    return cells


def _tasks(runs: Runs, tasks: Sequence[str] | None) -> dict[str, int]:
    """Task -> number of seeds."""
    if tasks is None:
        return dict(runs.tasks)
    most = max(runs.tasks.values())
    names = [task(name).name for name in tasks]
    return {n: runs.tasks.get(n, most) for n in names if runs.open or n in runs.tasks}


def _fits(runs: Runs, name: str, where: str) -> bool:
    """Whether a method has cells on a task: an ablation must change something there, and with
    unseen combinations nothing may roam."""
    if runs.unseen:
        return applies(NO_ROAMING, where) == (name == NO_ROAMING)
    return name not in ABLATIONS or applies(name, where)


def _cell(runs, where, name, seed, labels, seconds, pace, known, how) -> Cell:
    recipe = known[name].recipe(where)
    budget = {"steps": runs.steps}
    if runs.timed and seconds is not None:
        budget = {"seconds": seconds}
    elif (rate := pace.get((where, name, recipe))) and runs.paced:
        budget = {"steps": round(BUDGET * rate)}
    elif runs.paced or runs.seconds:
        budget = {"seconds": runs.seconds or BUDGET}
    elif runs.steps is None:
        budget = {"steps": steps_of(name, where)}
    seed = _whole(where, int(seed), labels)
    return Cell(where, name, seed, labels, runs.unseen, recipe=recipe, **budget, **how)


@cache
def _whole(where: str, seed: int, labels: int) -> int:
    wanted = task(where)
    return whole_seed(wanted, seed=seed, labels=labels, limit=most_images(wanted))


def paces() -> dict[tuple[str, str, str], float]:
    """(task, method, recipe) -> steps in a second of one core, measured once (pace.csv); empty if
    the file is missing. A cell with steps is the same on any machine."""
    path = result_file("pace")
    if path is None:
        return {}
    frame = read_results(path).query("score == 'fit_steps'")
    seconds = frame.budget.str.removesuffix(" s").astype(float)
    return dict(zip(zip(frame.dataset, frame.method, frame.recipe), frame.value / seconds))
