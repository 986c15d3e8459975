"""One cell of a table: what it asks for, how it is measured, and how it is kept on disk.

A cell is a task, a method, a seed, a number of labels and a budget. Measuring one trains the method
and judges what came out. A finished cell is one JSON file that appears whole, with a checksum, or
not at all; a file that is damaged counts as one that is missing.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import re
import shutil
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from wdlib.files import STALE, provenance, read_record, whole

FORMAT = 1
MOST = 40_000  # images of a task that take part in a run, if in colour: half a gigabyte


def most_images(task) -> int:
    """How many images of ``task`` take part in a run at most: of grey ones three times MOST."""
    return MOST * 3 // task.channels


@dataclass(frozen=True)
class Cell:
    """What one run is asked for.

    Args:
        task: such as "dSprites.v3".
        method: a name in the table of methods.
        seed: of the split, the weights and training.
        labels: number of labelled images.
        unseen: share of the combinations of values that training never sees.
        seconds, steps: the budget of training; exactly one is given. Seconds are of computing.
        threads: of torch and of every other library, whatever the machine has.
        device: "cpu", "cuda", ...
        recipe: digest of the method's configuration, "" where it has none (``Method.recipe``); a
            finished cell of another recipe is another cell.

    Raises ValueError for a budget that is none.
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

    def __post_init__(self):
        if (self.seconds is None) == (self.steps is None):
            raise ValueError(
                f"{self.task}, {self.method}: a cell has a budget in seconds or in steps; got "
                f"seconds={self.seconds} and steps={self.steps}"
            )
        if not 0 < (self.steps or self.seconds or 0) < math.inf:
            raise ValueError(f"{self.task}, {self.method}: {self.budget} is no budget")
        if self.seconds is not None:  # 240 and 240.0 are one cell, and one file
            object.__setattr__(self, "seconds", float(self.seconds))

    @property
    def budget(self) -> str:
        """The budget as a reader says it."""
        return f"{self.steps} steps" if self.seconds is None else f"{self.seconds:g} s"

    @property
    def key(self) -> str:
        """The cell's file name, readable, and its own."""
        words = re.sub(r"[^\w.-]+", "_", f"{self.task}-{self.method}-{self.seed}-{self.labels}")
        return f"{words}-{_digest(dataclasses.asdict(self))[:8]}"


ONE_A_PROCESS = threading.Lock()


def evaluate_cell(
    cell: Cell,
    folder: Path | str,
    *,
    methods: Mapping | None = None,
    limit: int | None = None,
    importances: str = "hist_gradient_boosting",
    most: int = 5000,
    samples: int = 4000,
) -> list[dict]:
    """Train the cell's method and measure the system: rows of convention, score and value.

    Scores of codes name their convention (raw, grouped, converted); every other figure has "-".
    Each figure is followed by its oracle_ and chance_ twins. Then what training took: fit_seconds
    (of computing, drawing images included), fit_steps, and fit_labels, the labelled images used.
    Training whose codes collapse is a finding, too: its rows are a 1 of "collapsed", and
    fit_seconds.

    Cells in one process take turns: torch's threads, its global random numbers and the processor
    time that a budget counts belong to the whole process.

    Args:
        folder: keeps one judge a task and seed, shared by all its cells (those with combinations
            left out have another, which knows those), and the trained models of this package's own
            method.
        methods: the table of methods; default ``wdlib.methods.METHODS``.
        limit: images of train, validation and test together; default ``most_images``.
        importances, most, samples: see ``wdlib.evaluation.evaluate``. A table has many cells, so
            the trees behind DCI are binned and see half as many images as a single report's.
    """
    import numpy as np

    from wdlib.data import load
    from wdlib.data.split import split
    from wdlib.evaluation import evaluate
    from wdlib.methods import METHODS, method
    from wdlib.model import saved
    from wdlib.model.prior import Collapsed
    from wdlib.tasks import task
    from wdlib.training.loop import FitRequest, computed

    chosen, wanted = method(cell.method, methods or METHODS), task(cell.task)
    with ONE_A_PROCESS, threads(cell.threads):
        limit = most_images(wanted) if limit is None else limit
        asked = {"seed": cell.seed, "labels": cell.labels, "limit": limit}
        parts = split(wanted, unseen=cell.unseen, **asked)
        images = replace(load(wanted.dataset), threads=cell.threads)
        seen = split(wanted, **asked)  # the judge has to know the combinations left out, too
        seen = replace(seen, train=seen.train[~np.isin(seen.train, parts.test)])
        judge = shared_judge(folder, seen, images, device=cell.device)
        budget = {"steps": cell.steps, "seconds": cell.seconds}
        start = computed(cell.device)
        try:
            about = {"labels": cell.labels, "seed": cell.seed, "device": cell.device}
            system = chosen.fit(FitRequest(parts, images, **about, **budget))
        except Collapsed:
            return _named({"collapsed": 1, "fit_seconds": computed(cell.device) - start})
        taken = computed(cell.device) - start
        if hasattr(system, "record"):  # a model that ``evaluate`` and ``ship`` can read
            home, record = Path(folder) / "models" / cell.key, system.record
            tensors = system.state_dict()
            saved.save(home, saved.MODEL, tensors, record | {"source": provenance()})
        settings = {"importances": importances, "most": most, "samples": samples}
        settings |= dict(chosen.report)
        report = evaluate(
            system, parts, images, judge, seed=cell.seed, converted=chosen.converts, **settings
        )
    rows = []
    figures = [("-", row.key, row.value, row.oracle, row.chance) for row in report.rows]
    for row in report.scores:
        figures.append(tuple(row[c] for c in ("convention", "score", "value", "oracle", "chance")))
    for convention, score, value, oracle, chance in figures:
        for name, number in {
            score: value, f"oracle_{score}": oracle, f"chance_{score}": chance
        }.items():  # fmt: skip
            rows.append({"convention": convention, "score": name, "value": float(number)})
    history = getattr(system, "history", ())
    spent = {"fit_seconds": taken, "fit_labels": getattr(system, "labels", cell.labels)}
    spent |= {"fit_steps": history[-1]["step"]} if history else {}
    return rows + _named(spent)


def _named(figures: Mapping[str, float]) -> list[dict]:
    return [{"convention": "-", "score": k, "value": float(v)} for k, v in figures.items()]


@dataclass(frozen=True)
class Outcome:
    """What became of one attempt at a cell: a record for ``write``, or the traceback as text."""

    rows: list[dict] | None = None
    source: dict | None = None
    traceback: str = ""


def attempt(work: Callable[[Cell, Path], list[dict]], cell: Cell, folder: Path) -> Outcome:
    """Run ``work(cell, folder)`` here, wherever here is; whatever it raises comes back as text.

    An exception itself need not survive the way from another process. Its text does.
    """
    source = provenance()  # of the code that was imported: a repository may move on meanwhile
    start = time.perf_counter()
    try:
        rows = json.loads(json.dumps(work(cell, folder)))
        return Outcome(rows, source | {"seconds": round(time.perf_counter() - start, 1)})
    except (Exception, SystemExit):
        return Outcome(traceback=traceback.format_exc())


def shared_judge(folder: Path | str, split, images, *, device="cpu"):
    """The judge of this train that ``folder`` keeps; trained where there is none yet.

    Two processes that need it at the same time train one each, and both use the one that was ready
    first. What a killed one left goes with the next that is trained. Raises ValueError where the
    kept one is broken.
    """
    from wdlib.data.split import digest
    from wdlib.metrics.judge import kept_judge
    from wdlib.model import saved

    home = Path(folder) / "judges" / f"{split.task.name}-{split.seed}-{digest(split.train)}"
    home.parent.mkdir(parents=True, exist_ok=True)
    if not saved.exists(home, "judge"):
        for part in home.parent.glob(f"{home.name}.*.part"):
            with suppress(FileNotFoundError):  # somebody else removed it
                if time.time() - part.stat().st_mtime > STALE:
                    shutil.rmtree(part)
        names = {"prefix": f"{home.name}.", "suffix": ".part", "dir": home.parent}
        with tempfile.TemporaryDirectory(**names) as mine:
            judge = kept_judge(Path(mine) / "judge", split, images, device=device)
            try:
                os.rename(Path(mine) / "judge", home)
            except OSError:  # a folder with something in it stands there: another was first
                if not saved.exists(home, "judge"):
                    raise
            else:
                return judge
    return kept_judge(home, split, images, device=device)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Torch, BLAS and OpenMP on ``count`` threads inside; as they were afterwards."""
    import sklearn.ensemble  # noqa: F401  a library's threads can be limited once it is loaded
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpool_limits(count):
            yield
    finally:
        torch.set_num_threads(before)


def path_of(folder: Path | str, cell: Cell) -> Path:
    """Where the finished cell lies."""
    return Path(folder) / "cells" / f"{cell.key}.json"


def write(folder: Path | str, cell: Cell, rows: list[dict], source: dict) -> None:
    """Keep a finished cell: its rows, and ``source``, where they come from."""
    record = {"format": FORMAT, "cell": dataclasses.asdict(cell), "rows": rows, "source": source}
    text = json.dumps(record | {"sha256": _digest(record)}, indent=1)
    replace_text(path_of(folder, cell), text)


def read(folder: Path | str, cell: Cell) -> dict | None:
    """The record of a finished cell; None where there is none, or a damaged one."""
    try:
        record = read_record(path_of(folder, cell))
        sound = record.pop("sha256", None) == _digest(record)
    except (OSError, ValueError, RecursionError):
        return None
    sound = sound and record.get("format") == FORMAT
    sound = sound and record.get("cell") == dataclasses.asdict(cell)
    return record if sound and _has_rows(record) else None


def _has_rows(record: Mapping) -> bool:
    rows, source = record.get("rows"), record.get("source")
    try:
        for row in rows:
            float(row["value"])  # an integer can be too large for a float
            if (str, str) != (type(row["convention"]), type(row["score"])):
                return False
    except (KeyError, TypeError, ValueError, OverflowError):
        return False
    return type(rows) is list and type(source) is dict


def replace_text(path: Path, text: str) -> None:
    """Write a file whole or not at all; an earlier one stays until then."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as file:
        file.write(text.encode())


def _digest(record) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
