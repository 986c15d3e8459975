"""Studies as data: which cells each table is made of.

``cells_of(NAME)`` gives the cells of a table for ``grid.run``; ``python -m wdlib table NAME`` runs
them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from wdlib.data.split import most_images, whole_seed
from wdlib.experiments.ablations import ABLATIONS
from wdlib.experiments.cells import Cell
from wdlib.experiments.recipes import KNOWN
from wdlib.experiments.tables import read_results, result_file
from wdlib.methods import METHODS, method
from wdlib.tasks import task
from wdlib.training import COURSE, FEW

TASKS_OF_TABLE_1 = (
    "dSprites.v2", "dSprites.v3", "dSprites.v4", "Shapes3D.v2", "Shapes3D.v3", "Shapes3D.v5"
)  # fmt: skip
TASKS_OF_TABLE_2 = ("dSprites.v3", "Shapes3D.v3")
COUNTS = (50, 100, 250, 500, 1000)  # labels
BUDGET = 480.0  # seconds of one core that a cell of table 2 is worth; two run side by side


@dataclass(frozen=True)
class Runs:
    """Cells of a table: every method on every task, with every number of labels.

    Args:
        tasks: task -> how many seeds it gets. ``open``: other tasks may be chosen instead.
        unseen: share of the combinations of values that are left out of training.
        steps, seconds: the budget; without them, a method takes the steps of its preset.
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
        return self.paced or self.seconds is not None or self.steps is not None


_SIX, _TWO = dict.fromkeys(TASKS_OF_TABLE_1, 3), dict.fromkeys(TASKS_OF_TABLE_2, 3)
_THREE = {"dSprites.v2": 3, "dSprites.v4": 1, "Shapes3D.v5": 1}
_NO_ROAMING = {**_SIX, "dSprites.v2": 10}
del _NO_ROAMING["dSprites.v4"]
_ELSEWHERE = ("alone", "no-pseudo-labels", "no-roaming", "few")  # in the other studies
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
    # Accuracy by the number of labels.
    "labels": (
        Runs(_THREE, ["modular", "alone", "no-pseudo-labels"], COUNTS),
        Runs(_THREE, ["few"], COUNTS[:3]),
    ),
    # A fifth of the combinations never seen. On dSprites.v2 a combination is a pair of shape and
    # place, so runs differ much more there. Roaming images would show what was left out.
    "unseen": (
        Runs(_NO_ROAMING, ["modular"], unseen=0.2, open=False),
        Runs({"dSprites.v4": 3}, ["no-roaming"], unseen=0.2, open=False),
    ),
    # Modular without one part at a time, and the paper's losses.
    "ablations": (
        Runs(
            {"dSprites.v2": 3, "dSprites.v4": 1, "Shapes3D.v3": 1},
            [name for name in ABLATIONS if name not in _ELSEWHERE],
        ),
    ),  # fmt: skip
    # Three baselines as published: 300,000 steps for the two by Locatello et al.; for ZeroDIM 300
    # epochs of our 28,000 images in batches of 128.
    "published": (
        Runs({"dSprites.all": 1}, ["beta_tcvae-published"], steps=300_000, open=False),
        Runs({"dSprites.all": 1}, ["few_label-published"], steps=300_000, open=False),
        Runs({"Shapes3D.hues": 1}, ["zerodim-published"], steps=65_625, open=False),
    ),
}


def cells_of(
    study: str,
    *,
    seeds: Sequence[int] | None = None,
    tasks: Sequence[str] | None = None,
    methods: Sequence[str] | None = None,
    seconds: float | None = None,
    **how,
) -> list[Cell]:
    """The cells of a study, ordered so that the first ones need different judges.

    A seed whose labels miss a value of a factor is replaced by the next one whose labels have all.

    Args:
        study: a name in STUDIES.
        seeds, tasks, methods: other ones than the study's. A task takes the first of the seeds, as
            many as the study gives it.
        seconds: a budget in place of the study's.
        how: ``threads`` and ``device`` of the cells.

    Raises ValueError for an unknown name, for seconds if the study is of steps, and if no cell is
    left.
    """
    names = {name: KNOWN[name] for runs in STUDIES[study] for name in runs.methods}
    for name in methods or ():
        method(name, names)  # raises before the first cell runs
    if seconds is not None and not any(runs.timed for runs in STUDIES[study]):
        raise ValueError(f"table {study} has its budget in steps, so it takes no seconds")
    cells = [
        _cell(runs, where, name, seed, count, seconds, how)
        for runs in STUDIES[study]
        for at, seed in enumerate(range(max(runs.tasks.values())) if seeds is None else seeds)
        for name in runs.methods
        if methods is None or name in methods
        for where, most in _tasks(runs, tasks).items()
        if at < most
        for count in runs.labels
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


def _cell(runs, where, name, seed, labels, seconds, how) -> Cell:
    recipe = KNOWN[name].recipe(where)
    if runs.timed and seconds is not None:
        budget = {"seconds": seconds}
    elif runs.paced and (rate := paces().get((where, name, recipe))):
        budget = {"steps": round(BUDGET * rate)}
    elif runs.paced or runs.seconds:
        budget = {"seconds": runs.seconds or BUDGET}
    else:
        preset = FEW if name == "few" else COURSE
        budget = {"steps": runs.steps or preset.for_task(where).steps}
    seed = _whole(where, int(seed), labels)
    return Cell(where, name, seed, labels, runs.unseen, recipe=recipe, **budget, **how)


@cache
def _whole(where: str, seed: int, labels: int) -> int:
    wanted = task(where)
    return whole_seed(wanted, seed=seed, labels=labels, limit=most_images(wanted))


@cache
def paces() -> dict[tuple[str, str, str], float]:
    """(task, method, recipe) -> steps in a second of one core, measured once (pace.csv); empty if
    the file is missing. A cell with steps is the same on any machine."""
    path = result_file("pace")
    if path is None:
        return {}
    frame = read_results(path).query("score == 'fit_steps'")
    seconds = frame.budget.str.removesuffix(" s").astype(float)
    return dict(zip(zip(frame.dataset, frame.method, frame.recipe), frame.value / seconds))
