"""Which cells an experiment is made of: the paper's two tables, and the questions that they leave.

Each function returns cells for ``grid.run``; ``python -m wdlib table NAME`` runs them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from wdlib.experiments.cells import Cell, most_images
from wdlib.experiments.pace import BUDGET, paces

TASKS_OF_TABLE_1 = (
    "dSprites.v2",
    "dSprites.v3",
    "dSprites.v4",
    "Shapes3D.v2",
    "Shapes3D.v3",
    "Shapes3D.v5",
)
TASKS_OF_TABLE_2 = ("dSprites.v3", "Shapes3D.v3")
PAPER_HOUR = 3600.0  # seconds that the published schedule gets beside ours, far from its end
LONG = {"dSprites.v4": 28_000}  # steps, of what gains by more of them: half an hour of two cores


def table1_cells(
    seeds: Sequence[int] = (0, 1, 2),
    *,
    tasks: Sequence[str] = TASKS_OF_TABLE_1,
    methods: Sequence[str] = ("modular", "modular-paper"),
    seconds: float = PAPER_HOUR,
    labels: int = 1000,
    threads: int = 1,
    device: str = "cpu",
) -> list[Cell]:
    """The cells of the paper's Table 1, ours: the COURSE preset at its own length on every task.

    "modular-paper", the PAPER preset, runs on dSprites.v2 alone, for ``seconds``, an hour, with the
    first seed. Raises ValueError for an unknown task, and for a method that is neither.
    """
    from wdlib.methods import METHODS
    from wdlib.tasks import task

    if unknown := set(methods) - {"modular", "modular-paper"}:
        raise ValueError(f"table 1 is of modular and modular-paper, not of {min(unknown)!r}")
    how = {"threads": threads, "device": device}
    names = [task(name).name for name in tasks]
    cells = [
        Cell(name, "modular", seed, labels, steps=_length(name), **how)
        for seed in seeds
        for name in names
        if "modular" in methods
    ]
    if "modular-paper" in methods and "dSprites.v2" in names:
        cells.append(Cell("dSprites.v2", "modular-paper", seeds[0], labels, seconds=seconds, **how))
    return _with_recipes(cells, METHODS)


def long_cells(
    seeds: Sequence[int] = (0, 1, 2), *, threads: int = 1, device: str = "cpu"
) -> list[Cell]:
    """Ours with the steps of LONG: what it comes to where ten minutes are not all there is."""
    from wdlib.methods import METHODS

    how = {"threads": threads, "device": device}
    cells = [Cell(n, "modular", seed, steps=s, **how) for seed in seeds for n, s in LONG.items()]
    return _with_recipes(cells, METHODS)


def table2_cells(
    seconds: float | None = None,
    seeds: Sequence[int] = (0, 1, 2),
    *,
    tasks: Sequence[str] = TASKS_OF_TABLE_2,
    methods: Iterable[str] | None = None,
    known: Mapping[str, object] | None = None,
    labels: int = 1000,
    threads: int = 1,
    device: str = "cpu",
) -> list[Cell]:
    """The cells of the paper's Table 2 and of Table 1's left half, one budget for all of them.

    ``seconds``: of computing, for every cell. None: as many steps as BUDGET seconds of one core buy
    the method on the task, so that a cell is the same on any machine (see ``pace``); a recipe
    whose pace nobody has measured, such as your own, gets BUDGET seconds. ``methods``: names in
    ``known``, a table of methods (default METHODS); default all of them. Tasks alternate, so that
    the first cells to run need different judges. Raises ValueError for an unknown name.
    """
    from wdlib.methods import METHODS, method  # with it torch, which a table on disk needs not
    from wdlib.tasks import task

    known = METHODS if known is None else known
    names = list(known if methods is None else methods)
    for name in names:
        method(name, known)  # a wrong name is said before the first cell runs
    tasks = [task(name).name for name in tasks]
    budget = BUDGET if seconds is None else seconds
    cells = [
        Cell(name, method, seed, labels, seconds=budget, threads=threads, device=device)
        for seed in seeds
        for method in names
        for name in tasks
    ]
    cells = _with_recipes(cells, known)
    pace = paces() if seconds is None else {}
    bought = [pace.get((cell.task, cell.method, cell.recipe)) for cell in cells]
    return [
        replace(cell, seconds=None, steps=round(BUDGET * rate)) if rate else cell
        for cell, rate in zip(cells, bought)
    ]


def pace_cells(
    seconds: float = 240,
    seeds: Sequence[int] = (0,),
    *,
    tasks: Sequence[str] = TASKS_OF_TABLE_2,
    methods: Iterable[str] | None = None,
) -> list[Cell]:
    """Table 2 with a budget of time on one core, and one seed: what ``paces`` are taken from."""
    return table2_cells(seconds, seeds, tasks=tasks, methods=methods)


COUNTS = (50, 100, 250, 500, 1000)  # labels
ALONE, LONGER = "ours - unlabelled images", "ours + the steps of few"
NO_VIEWS = "ours - pseudo-labels - label shifts"  # what each of the two is worth alone
LABELS = {  # recipe -> labels; what leaves something out of them where they are fewest
    "modular": COUNTS,
    ALONE: COUNTS,
    "few": COUNTS[:3],
    **dict.fromkeys(("few - pseudo-labels", "few - early cycle", "few - balance"), COUNTS[:2]),
    LONGER: COUNTS[:2],
    "ours - early pseudo-labels": COUNTS,
    "ours - pseudo-labels": COUNTS,
    "ours + pseudo-labels by the prior": COUNTS[:2],
    "ours - label shifts": COUNTS[:2],
    NO_VIEWS: COUNTS[:2],
    "ours - cycle": COUNTS[:2],
}
NO_ROAMING = "ours - roaming labels"


def label_cells(
    seeds: Sequence[int] = (0, 1, 2),
    *,
    tasks: Sequence[str] | None = None,
    methods: Iterable[str] = tuple(LABELS),
    threads: int = 1,
    device: str = "cpu",
) -> list[Cell]:
    """Labels against accuracy: dSprites.v2 with every seed, two large tasks with the first.

    By COURSE and by FEW, and without parts of them: see LABELS, of which those of two counts are
    left out on dSprites.v4, the longest. A seed whose labels leave a value out, which is refused,
    makes way for the next one whose labels do not.

    ``tasks``: others, each with every seed. Raises ValueError for a method that is not in LABELS.
    """
    from wdlib.data.split import whole_seed
    from wdlib.experiments.ablations import ABLATIONS, FEWER
    from wdlib.methods import METHODS
    from wdlib.tasks import task

    methods = list(methods)
    if unknown := set(methods) - set(LABELS):
        raise ValueError(f"labels is of {', '.join(LABELS)}, not of {min(unknown)!r}")
    runs = [(n, m, seed) for m in methods for n in tasks or ("dSprites.v2",) for seed in seeds]
    if tasks is None:
        runs += [("dSprites.v4", m, seeds[0]) for m in methods if len(LABELS[m]) > 2]
        runs += [("Shapes3D.v5", m, seeds[0]) for m in methods]
    how = {"threads": threads, "device": device}

    def whole(name: str, **asked) -> int:
        return whole_seed(task(name), **asked, limit=most_images(task(name)))

    cells = [
        Cell(name, m, whole(name, seed=seed, labels=n), n, steps=_length(name, m), **how)
        for name, m, seed in runs
        for n in LABELS[m]
    ]
    return _with_recipes(cells, METHODS | ABLATIONS | FEWER)


def unseen_cells(
    seeds: Sequence[int] | None = None,
    *,
    tasks: Sequence[str] = TASKS_OF_TABLE_1,
    share: float = 0.2,
    threads: int = 1,
    device: str = "cpu",
) -> list[Cell]:
    """Training without ``share`` of the combinations of values, images and labels; ours.

    ``seeds``: default three, and ten on dSprites.v2. There a combination is a pair of shape and
    place, so a shape that was left out of a place has never been there at all, in any size; runs
    differ by much more than elsewhere. Where labelled images roam they would show what was left
    out, so there ours does without.
    """
    from wdlib.experiments.ablations import ABLATIONS, applies
    from wdlib.methods import METHODS

    how = {"threads": threads, "device": device}
    ours = {name: NO_ROAMING if applies(NO_ROAMING, name) else "modular" for name in tasks}
    usual = {name: range(10 if name == "dSprites.v2" else 3) for name in tasks}
    cells = [
        Cell(name, ours[name], seed, unseen=share, steps=_length(name), **how)
        for name in tasks
        for seed in (usual[name] if seeds is None else seeds)
    ]
    return _with_recipes(cells, METHODS | ABLATIONS)


def ablation_cells(
    seeds: Sequence[int] = (0, 1, 2),
    *,
    tasks: Sequence[str] | None = None,
    methods: Iterable[str] | None = None,
    threads: int = 1,
    device: str = "cpu",
) -> list[Cell]:
    """What each part buys: dSprites.v2 with every seed, two harder tasks with the first; not where
    a task has no such part. Every recipe takes the steps that ours takes on the task, but for the
    one whose batches are twice as large: half of them. NO_VIEWS, without two parts, is of few
    labels alone.

    ``tasks``: others, each with every seed. Raises ValueError for a method that is no ablation.
    """
    from wdlib.experiments.ablations import ABLATIONS, HALVED, applies
    from wdlib.methods import method

    known = {name: one for name, one in ABLATIONS.items() if name != NO_VIEWS}
    names = list(known if methods is None else methods)
    for name in names:
        method(name, known)
    runs = [(task, seed) for task in tasks or ("dSprites.v2",) for seed in seeds]
    if tasks is None:
        runs += [(task, seeds[0]) for task in ("dSprites.v4", "Shapes3D.v3")]
    how = {"threads": threads, "device": device}
    cells = [
        Cell(task, name, seed, steps=_length(task) // (2 if name == HALVED else 1), **how)
        for task, seed in runs
        for name in names
        if applies(name, task)
    ]
    return _with_recipes(cells, known)


def published_cells(
    seconds: float | None = None,
    seeds: Sequence[int] = (0,),
    *,
    methods: Iterable[str] | None = None,
    threads: int = 1,
    device: str = "cpu",
) -> list[Cell]:
    """Three baselines in the settings of their publications, for as many steps as those took.

    ``seconds``: a time instead of the steps. ``methods``: some of them. Raises ValueError for
    another name.
    """
    from wdlib.experiments.replications import REPLICATIONS, RUNS
    from wdlib.methods import method

    wanted = list(REPLICATIONS if methods is None else methods)
    for name in wanted:
        method(name, REPLICATIONS)
    how = {"threads": threads, "device": device}
    cells = [
        Cell(name, run, seed, seconds=seconds, steps=steps if seconds is None else None, **how)
        for seed in seeds
        for name, run, steps in RUNS
        if run in wanted
    ]
    return _with_recipes(cells, REPLICATIONS)


def _with_recipes(cells: Iterable[Cell], known: Mapping) -> list[Cell]:
    """Each cell with the digest of what its method is configured with on its task."""
    return [replace(cell, recipe=known[cell.method].recipe(cell.task)) for cell in cells]


def _length(name: str, method: str = "modular") -> int:
    from wdlib.experiments.ablations import FEWER
    from wdlib.methods import METHODS
    from wdlib.tasks import task

    return FEWER.get(method, METHODS["modular"]).settings(task(name).name).steps


EXPERIMENTS = {
    "1": table1_cells,
    "long": long_cells,
    "2": table2_cells,
    "pace": pace_cells,
    "labels": label_cells,
    "unseen": unseen_cells,
    "ablations": ablation_cells,
    "published": published_cells,
}
