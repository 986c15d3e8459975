"""One cell of a table: its settings, how it is measured, and how it is kept on disk.

A cell is a task, a method, a seed, a number of labels and a budget. Measuring a cell trains the
method and evaluates the result. A finished cell is one JSON file with a checksum, written as a
whole; a damaged file counts as a missing one.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import sklearn.ensemble  # noqa: F401  the threads of a library can be limited once it is loaded
import torch
from threadpoolctl import threadpool_limits

from wdlib.data import Images, device_of, load
from wdlib.data.split import digest, most_images, split
from wdlib.evaluation import evaluate
from wdlib.files import alone, provenance, read_record, recordable, write_text
from wdlib.methods import METHODS, method
from wdlib.metrics.judge import kept_judge
from wdlib.model.prior import Collapsed
from wdlib.tasks import Task, task
from wdlib.training.loop import FitRequest, check_budget, computed

FORMAT = 1
World = Callable[[], tuple[Task, Images]]


@dataclass(frozen=True)
class Cell:
    """The settings of one run. Numbers may be numpy scalars.

    Args:
        task: such as "dSprites.v3", or the name of your own (see ``grid.run``).
        method: a name in the table of methods.
        seed: of the split, the weights and training.
        labels: number of labelled images.
        unseen: share of the combinations of values that are left out of training.
        seconds, steps: the budget of training, exactly one of them; seconds of computing.
        threads: of torch and all other libraries.
        device: "cpu", "cuda", ...; "auto" becomes "cuda" if there is a GPU here, else "cpu".
        recipe: digest of the method's configuration, "" if it has none. A finished cell
            with another recipe is another cell.
        content: digest of your own task and its images (``content_of``), which ``grid.run`` sets.

    Raises ValueError for an invalid budget, and TypeError for what JSON can't hold.
    """

    task: str
    method: str
    seed: int = 0
    labels: int = 1000
    unseen: float = 0.0
    seconds: float | None = None
    steps: int | None = None
    threads: int = 1
    device: str = "cpu"
    recipe: str = ""
    content: str = ""

    def __post_init__(self):
        try:
            for name, value in vars(self).copy().items():
                object.__setattr__(self, name, recordable(value))
        except TypeError as error:
            raise TypeError(f"a cell holds text and numbers only: {error}: {self}") from None
        if self.device == "auto":  # the record says which device it was
            object.__setattr__(self, "device", str(device_of("auto")))
        if self.seconds is not None:  # 240 and 240.0 are the same cell, with the same file
            object.__setattr__(self, "seconds", float(self.seconds))
        check_budget(self.steps, self.seconds)

    @property
    def budget(self) -> str:
        """The budget in words: "2800 steps" or "480 s"."""
        return f"{self.steps} steps" if self.seconds is None else f"{self.seconds:g} s"

    @property
    def key(self) -> str:
        """The name of the cell's file: readable, and different for every cell."""
        words = re.sub(r"[^\w.-]+", "_", f"{self.task}-{self.method}-{self.seed}-{self.labels}")
        return f"{words}-{_digest(self.record)[:8]}"

    @property
    def record(self) -> dict:
        """All settings, ready for JSON; ``content`` only where there is one."""
        return {name: value for name, value in asdict(self).items() if name != "content" or value}


ONE_A_PROCESS = threading.Lock()


def evaluate_cell(
    cell: Cell,
    folder: Path | str,
    *,
    methods: Mapping | None = None,
    worlds: Mapping[str, World] | None = None,
    limit: int | None = None,
    importances: str = "hist_gradient_boosting",
    most: int = 5000,
    samples: int = 4000,
) -> list[dict]:
    """Train the cell's method and evaluate the system: rows of convention, score and value.

    Scores of codes have a convention (raw, grouped, converted), other figures have "-". Oracle and
    chance follow each figure, then fit_seconds (of computing), fit_steps, and fit_labels, the
    number of labels used. If the codes collapse, the rows are collapsed (1) and fit_seconds.

    Cells in one process take turns: torch's threads, its global random numbers and the processor
    time of a budget belong to the whole process.

    Args:
        folder: keeps one judge for each task and seed, shared by all cells (it knows the unseen
            combinations, too), and the trained models of Modular.
        methods: the table of methods; default ``wdlib.methods.METHODS``.
        worlds: your own tasks, as in ``grid.run``.
        limit: images of train, validation and test together; default ``most_images``.
        importances, most, samples: see ``wdlib.evaluation.evaluate``. A table has many cells, so
            the trees for DCI are binned, and use half as many images as in a single report.
    """
    chosen = method(cell.method, methods or METHODS)
    with ONE_A_PROCESS, threads(cell.threads):
        parts, images, judge = _data(cell, folder, limit, worlds or {})
        asked = {"seed": cell.seed, "labels": cell.labels, "device": cell.device}
        start = computed(cell.device)
        try:
            budget = {"steps": cell.steps, "seconds": cell.seconds}
            system = chosen.fit(FitRequest(parts, images, **asked, **budget))
        except Collapsed:
            return _rows("-", {"collapsed": 1, "fit_seconds": computed(cell.device) - start})
        spent = {"fit_seconds": computed(cell.device) - start}
        _keep(system, Path(folder) / "models" / cell.key)
        settings = {"importances": importances, "most": most, "samples": samples}
        settings |= {"seed": cell.seed, "converted": chosen.converts} | dict(chosen.report)
        report = evaluate(system, parts, images, judge, **settings)
    spent |= {"fit_labels": getattr(system, "labels", cell.labels)}
    if history := getattr(system, "history", ()):
        spent |= {"fit_steps": history[-1]["step"]}
    return rows_of(report) + _rows("-", spent)


def rows_of(report) -> list[dict]:
    """The figures of a ``Report`` as rows of convention, score and value, each with its twins."""
    rows = []
    for (convention, score), value, oracle, chance in report.frame().itertuples():
        twins = {score: value, f"oracle_{score}": oracle, f"chance_{score}": chance}
        rows += _rows(convention, twins)
    return rows


def _data(cell: Cell, folder: Path | str, limit: int | None, worlds: Mapping[str, World]):
    """(split, images, judge) of a cell. The judge is trained on the unseen combinations, too."""
    wanted, images = _world(cell, worlds)
    limit = most_images(wanted) if limit is None else limit
    asked = {"seed": cell.seed, "labels": cell.labels, "limit": limit}
    parts, whole_train = split(wanted, unseen=cell.unseen, **asked), split(wanted, **asked)
    images, named = replace(images, threads=cell.threads), {}
    train = whole_train.train[~np.isin(whole_train.train, parts.test)]
    if cell.content:
        named = {"name": cell.content}
    whole_train = replace(whole_train, train=train)
    return parts, images, shared_judge(folder, whole_train, images, device=cell.device, **named)


def _world(cell: Cell, worlds: Mapping[str, World]) -> tuple[Task, Images]:
    """Task and images of a cell."""
    if cell.task not in worlds:
        wanted = task(cell.task)
        return wanted, load(wanted.dataset)
    wanted, images = worlds[cell.task]()
    if cell.content not in ("", content_of(wanted, images)):
        raise ValueError(f"{cell.task} is another task, or has other images, than when run began")
    return wanted, images


def content_of(task: Task, images: Images) -> str:
    """Sixteen letters that identify a task with its images, of which 64 are looked at."""
    some = np.random.default_rng(0).integers(len(task), size=64)
    about = json.dumps([task.record, images.identity]).encode()
    return hashlib.sha256(about + images.draw(task.classes(some)).tobytes()).hexdigest()[:16]


def _rows(convention: str, figures: Mapping[str, float]) -> list[dict]:
    return [
        {"convention": convention, "score": score, "value": float(value)}
        for score, value in figures.items()
    ]


def _keep(system, home: Path) -> None:
    """Save a model that ``evaluate`` and ``ship`` can read; other systems aren't kept."""
    if hasattr(system, "record"):
        system.record |= {"source": provenance()}
        system.save(home)


def shared_judge(folder: Path | str, split, images, *, device="cpu", name: str | None = None):
    """The judge for this training set that ``folder`` keeps; trained if there is none yet.
    ``name`` tells tasks apart; by default it is that of the task.

    If two processes need it at once, one trains it and the other waits. Raises ValueError if the
    kept one is damaged.
    """
    words = f"{name or split.task.name}-{split.seed}-{digest(split.train)}"
    home = Path(folder) / "judges" / words
    home.mkdir(parents=True, exist_ok=True)
    with alone(home):
        return kept_judge(home / "kept", split, images, device=device)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Limit torch, BLAS and OpenMP to ``count`` threads inside the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpool_limits(count):
            yield
    finally:
        torch.set_num_threads(before)


def attempt(work: Callable[[Cell, Path], list[dict]], cell: Cell, folder: Path) -> dict | str:
    """Run ``work(cell, folder)`` in this process: its rows and their source, or the traceback as
    text, because the exception itself might not survive the way from another process."""
    source = provenance()  # of the code that was imported: the repository may change meanwhile
    start = time.perf_counter()
    try:
        rows = [
            {"convention": row["convention"], "score": row["score"], "value": float(row["value"])}
            for row in work(cell, folder)
        ]
    except (Exception, SystemExit):
        return traceback.format_exc()
    return {"rows": rows, "source": source | {"seconds": round(time.perf_counter() - start, 1)}}


def path_of(folder: Path | str, cell: Cell) -> Path:
    """Where the finished cell is kept."""
    return Path(folder) / "cells" / f"{cell.key}.json"


def write(folder: Path | str, cell: Cell, record: Mapping) -> None:
    """Keep a finished cell: a record of its rows and their source."""
    record = {"format": FORMAT, "cell": cell.record, **record}
    write_text(path_of(folder, cell), json.dumps(record | {"sha256": _digest(record)}, indent=1))


def read(folder: Path | str, cell: Cell) -> dict | None:
    """The record of a finished cell; None if there is none, or if its file is damaged."""
    try:
        record = read_record(path_of(folder, cell))
    except (OSError, ValueError):
        return None
    sound = record.pop("sha256", None) == _digest(record)
    same = record.get("format") == FORMAT and record.get("cell") == cell.record
    return record if sound and same else None


def _digest(record) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
