"""The grid: runs many cells on any executor and keeps each finished one, so a killed run goes on.

``run(cells, folder=...)`` does the cells one after the other. With ``Processes(2)``, or any other
executor, they run side by side, and the table is the same. An executor has ``submit``; its futures
may be of any class that has ``add_done_callback``, ``result`` and ``cancel``, as those of
``concurrent.futures``. For more than one machine there is dask.distributed::

    with Client("tcp://...") as client:
        run(cells, client.get_executor(pure=False), folder="runs/table2")

A task of your own is a function that makes it, under the name that its cells have::

    def photos():
        return wdlib.table("labels.csv", "photos", ["object", "angle"])

    cells = [Cell("photos", "modular", seed, labels=200, steps=2000) for seed in range(3)]
    run(cells, Processes(2), folder="runs/photos", worlds={"photos": photos})

Each finished cell is one file in ``folder``. A second run of the same cells in the same folder does
only what is missing; if you delete a file, its cell is measured again.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from queue import SimpleQueue

import pandas as pd
from joblib import wrap_non_picklable_objects
from pandas import DataFrame

from wdlib.experiments.cells import (
    Cell,
    World,
    attempt,
    content_of,
    evaluate_cell,
    path_of,
    read,
    write,
)
from wdlib.experiments.tables import COLUMNS, FIGURE, SOURCE
from wdlib.files import write_text
from wdlib.tasks import ELSEWHERE, TASKS
from wdlib.training.progress import Progress

Work = Callable[[Cell, Path], list[dict]]
GUARD = (
    "a worker process ended while it was starting. Keep the script in a file (not in standard "
    'input), and put the lines that use Processes under `if __name__ == "__main__":`'
)


@dataclass(frozen=True)
class Table:
    """A frame of COLUMNS, in the order of the cells, and the traceback of every failed cell."""

    frame: DataFrame
    failed: Mapping[Cell, str] = field(default_factory=dict)


def run(
    cells: Iterable[Cell],
    executor: Executor | None = None,
    *,
    folder: Path | str,
    work: Work = evaluate_cell,
    methods: Mapping | None = None,
    worlds: Mapping[str, World] | None = None,
    progress: Progress | None = None,
) -> Table:
    """Do the cells that ``folder`` doesn't hold yet; return the table of all of them.

    Args:
        executor: where to run; None is this process, one cell after the other. It isn't shut down.
        work: (cell, folder) -> rows, dicts of convention, score and value. To run in another
            process it must be a function of a module or a notebook.
        methods: a table of methods of your own, for ``evaluate_cell``.
        worlds: your own tasks, for ``evaluate_cell``: the name in the cells -> a function that
            returns task and images, as ``wdlib.table`` and ``wdlib.world`` do. Each cell calls it
            in its own process. A finished cell of other images or labels is another cell.
        progress: called after every cell (a bar: ``progress.suited(every=0, unit="cell")``).

    If a cell raises, the others go on: its traceback is in ``Table.failed`` and in a text file
    beside the cells, and the next run tries it again. The same holds for a cell whose worker
    process dies. ``Processes`` and dask survive such a death (dask tries the cell again by itself);
    ``ProcessPoolExecutor`` doesn't, so all its remaining cells fail. Cells that share a process
    take turns. Raises ValueError for a world with the name of a task of the package.
    """
    about, contents = _worlds(worlds or {})
    cells = [replace(cell, content=contents.get(cell.task, "")) for cell in cells]
    cells, folder = list(dict.fromkeys(cells)), Path(folder).absolute()  # workers may be elsewhere
    work = work if methods is None else partial(work, methods=methods)
    work = work if worlds is None else partial(work, worlds=worlds)
    grid = _Grid(cells, folder, progress, about)
    missing = [cell for cell in cells if cell not in grid.done]
    futures: dict[Cell, Future] = {}
    ended: SimpleQueue[Cell] = SimpleQueue()
    try:
        for cell in missing:
            if executor is None:
                grid.end(cell, attempt(work, cell, folder))
                continue
            try:
                futures[cell] = executor.submit(attempt, work, cell, folder)
            except (BrokenExecutor, RuntimeError) as error:  # it takes no more work
                grid.end(cell, f"never started: {_text(error)}")
        for cell, future in futures.items():
            future.add_done_callback(lambda _, cell=cell: ended.put(cell))
        for _ in futures:
            cell = ended.get()
            grid.end(cell, _outcome(futures[cell]))
    finally:  # after an interrupt, what hasn't started never will
        for future in futures.values():
            future.cancel()
    finished = {cell: grid.done[cell] for cell in cells if cell in grid.done}
    return Table(frame_of(finished), grid.failed)


def _worlds(worlds: Mapping[str, World]) -> tuple[dict[str, dict], dict[str, str]]:
    """Of each task of your own, what the records of its cells say about it, and its content."""
    about, contents = {}, {}
    for name, make in worlds.items():
        if name in TASKS | ELSEWHERE:
            raise ValueError(f"{name} is a task of the package: give your own another name")
        task, images = make()
        about[name] = {"task": task.record, "images": images.identity}
        contents[name] = content_of(task, images)
    return about, contents


def _outcome(future: Future) -> dict | str:
    """What ``attempt`` returned, or the traceback where its process was lost."""
    try:
        return future.result()
    except Exception as error:
        return _text(error)


class _Grid:
    """The cells of a run that are done or failed, on disk and for the progress."""

    def __init__(self, cells: list[Cell], folder: Path, progress: Progress | None, about: dict):
        self.total, self.folder, self.progress, self.about = len(cells), folder, progress, about
        self.done = {cell: kept for cell in cells if (kept := read(folder, cell)) is not None}
        self.failed: dict[Cell, str] = {}
        self.start, self.kept = time.monotonic(), len(self.done)
        self.tell()

    def end(self, cell: Cell, outcome: dict | str) -> None:
        trace = path_of(self.folder, cell).with_suffix(".failed.txt")
        if isinstance(outcome, str):
            self.failed[cell] = outcome
            write_text(trace, outcome)
        else:
            write(self.folder, cell, outcome | self.about.get(cell.task, {}))
            self.done[cell] = outcome
            trace.unlink(missing_ok=True)
        self.tell()

    def tell(self) -> None:
        if self.progress is not None:
            ended = len(self.done) + len(self.failed)
            words = f"{len(self.failed)} failed"
            if ended > self.kept:
                pace = (time.monotonic() - self.start) / (ended - self.kept)
                words += f", {pace * (self.total - ended) / 60:.0f} min left"
            self.progress(ended, self.total, words, {}, None)


def frame_of(records: Mapping[Cell, Mapping]) -> DataFrame:
    """Finished cells as a frame of COLUMNS. Threads and device are those of the measurement, if its
    record says so, and otherwise those of the cell."""
    rows = []
    for cell, record in records.items():
        about = {"dataset": cell.task, "method": cell.method, "seed": cell.seed}
        about |= {"labels": cell.labels, "unseen": cell.unseen, "budget": cell.budget}
        about |= {"threads": cell.threads, "device": cell.device, "recipe": cell.recipe}
        source = {name: record["source"].get(name, about.get(name, "")) for name in SOURCE}
        rows += [about | source | row for row in record["rows"]]
    return DataFrame(rows, columns=[*COLUMNS])


def lacking(cells: Iterable[Cell], frame: DataFrame) -> list[Cell]:
    """The cells of which a frame of COLUMNS has no rows.

    Rows are of a cell if task, method, seed, labels, unseen share, budget and recipe agree; with a
    budget in seconds also threads and device, which decide what a second buys. To measure a cell
    again, delete its rows.
    """
    cells = list(cells)
    asked = frame_of({cell: {"rows": [{}], "source": {}} for cell in cells})
    known = {*zip(_keys(frame), frame.recipe)}
    return [cell for cell, *key in zip(cells, _keys(asked), asked.recipe) if (*key,) not in known]


def joined(earlier: DataFrame, frame: DataFrame) -> DataFrame:
    """Both, without earlier rows of cells that are in ``frame``, too (perhaps of a new recipe)."""
    return pd.concat([earlier[~_keys(earlier).isin(_keys(frame))], frame], ignore_index=True)


def _keys(frame: DataFrame) -> pd.Series:
    """The cell of each row as text, without its recipe. Steps are the same on any device."""
    timed = frame.budget.str.endswith(" s")
    where = (frame.threads.astype(str) + frame.device).where(timed, "")
    parts = [frame[name].astype(str) for name in (*FIGURE[1:5], "budget")]
    return frame.dataset.str.cat([*parts, where], sep="|")


class Processes(ThreadPoolExecutor):
    """An executor on ``workers`` spawned processes; if one dies, only its own task is lost.

    ``ProcessPoolExecutor`` ends all its workers when one of them is killed. Here a thread for each
    worker has a pool of one process, and makes a new one after a death. The future of a task whose
    process died raises ``concurrent.futures.BrokenExecutor``. A function of a notebook is sent as a
    whole; a function of a module by its name. Workers end when the process that made them ends.

    Raises ValueError for less than one worker, and RuntimeError in a worker that is starting, which
    means that a script isn't guarded (see GUARD).
    """

    def __init__(self, workers: int):
        if workers < 1:
            raise ValueError(f"a grid needs at least 1 worker process, got {workers}")
        if getattr(multiprocessing.current_process(), "_inheriting", False):
            raise RuntimeError(GUARD)
        super().__init__(workers)
        self._mine = threading.local()

    def submit(self, fn, /, *args, **kwargs) -> Future:
        """As in ``concurrent.futures``. Raises RuntimeError after ``shutdown``."""
        return super().submit(self._elsewhere, partial(fn, *args, **kwargs))

    def _elsewhere(self, task: Callable):
        self._mine.pool = pool = getattr(self._mine, "pool", None) or _one_process()
        try:
            return pool.submit(wrap_non_picklable_objects(task)).result()
        except BrokenExecutor:
            self._mine.pool = None
            raise


def _one_process() -> ProcessPoolExecutor:
    # Spawned: a fork of a process whose threads hold locks (torch has many) may hang.
    spawn = multiprocessing.get_context("spawn")
    try:
        pool = ProcessPoolExecutor(1, mp_context=spawn, initializer=_end_with_parent)
        pool.submit(int).result()
        return pool
    except BrokenExecutor:
        raise RuntimeError(GUARD) from None


def _end_with_parent() -> None:
    """End this process as soon as its parent has ended; a killed parent tells nobody."""

    def watch() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _text(error: BaseException) -> str:
    """The traceback; before it, what to do if the worker process died (KilledWorker is dask's)."""
    text = "".join(traceback.format_exception(error))
    if isinstance(error, BrokenExecutor) or type(error).__name__ == "KilledWorker":
        return f"The cell's worker process was lost (killed, or out of memory); run again.\n{text}"
    return text
