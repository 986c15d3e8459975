"""The grid: many cells on any executor, each finished one kept, so that a killed run goes on.

``run(cells, folder=...)`` works through the cells one after the other. With ``Processes(2)``, or
any other ``concurrent.futures`` executor, the same cells run side by side and give the same table;
for more than one machine there is dask.distributed::

    with Client("tcp://...") as client:
        run(cells, client.get_executor(pure=False), folder="runs/table2")

Each finished cell is one file in ``folder``. Whoever runs the same cells on the same folder again
does only what is missing; delete a file, and its cell is measured again.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from functools import partial
from pathlib import Path
from typing import Protocol

from wdlib.experiments.cells import (
    Cell,
    Outcome,
    attempt,
    evaluate_cell,
    path_of,
    read,
    replace_text,
    write,
)
from wdlib.experiments.processes import Processes
from wdlib.experiments.studies import table1_cells, table2_cells
from wdlib.experiments.table_files import read_csv, write_csv
from wdlib.experiments.tables import FIGURE, SOURCE, Table, format_table, rows_of

__all__ = [
    "Cell",
    "Processes",
    "Table",
    "evaluate_cell",
    "format_table",
    "read_csv",
    "run",
    "suited",
    "table1_cells",
    "table2_cells",
    "write_csv",
]

Work = Callable[[Cell, Path], list[dict]]
TRIES = 2  # how often a cell may lose its worker before it is left alone


class Progress(Protocol):
    """Told after every cell: done, failed, in all, and the seconds left (None: unknown)."""

    def __call__(self, done: int, failed: int, total: int, left: float | None) -> None: ...


def run(
    cells: Iterable[Cell],
    executor: Executor | None = None,
    *,
    folder: Path | str,
    work: Work = evaluate_cell,
    methods: Mapping | None = None,
    progress: Progress | None = None,
) -> Table:
    """Do the cells that ``folder`` does not hold yet; return the table of all of them.

    Args:
        executor: where to run; None is here, one after the other. It is not shut down.
        work: (cell, folder) -> rows, dicts of convention, score and value. For another process it
            must pickle, as functions of a module do.
        methods: a table of methods of your own, for ``evaluate_cell``.
        progress: told after every cell.

    A cell that raises does not stop the others: its traceback stands in ``Table.failed`` and in a
    text file beside the cells, and the next run tries it again. A cell that was lost with its
    worker process is tried once more, by itself after all others, so that a cell which kills its
    worker takes nothing else along. Where the executor itself does not survive that
    (``ProcessPoolExecutor``), what it had left counts as failed; ``Processes`` and dask survive.
    (dask tries a lost task three times more of its own accord: its setting
    ``distributed.scheduler.allowed-failures``.) Cells that share a process take turns.
    """
    cells, folder = list(dict.fromkeys(cells)), Path(folder).absolute()  # workers may be elsewhere
    if methods is not None:
        work = partial(work, methods=methods)
    done = {cell: record for cell in cells if (record := read(folder, cell)) is not None}
    waiting = [cell for cell in cells if cell not in done]
    again: list[Cell] = []  # lost with their worker
    failed: dict[Cell, str] = {}
    lost: Counter[Cell] = Counter()
    running: dict[Future, Cell] = {}
    where = _Here() if executor is None else executor
    start, kept = time.monotonic(), len(done)

    def submit(cell: Cell) -> None:
        try:
            running[where.submit(attempt, work, cell, folder)] = cell
        except (BrokenExecutor, RuntimeError) as error:  # it takes no more work
            end(cell, Outcome(traceback=f"never started: {_said(error)}"))

    def end(cell: Cell, outcome: Outcome) -> None:
        trace, record, why = path_of(folder, cell).with_suffix(".failed.txt"), None, ""
        if outcome.rows is None:
            why = outcome.traceback
        else:
            write(folder, cell, outcome.rows, outcome.source)
            record = read(folder, cell)
            why = f"ValueError: its rows are none of a table: {outcome.rows!r:.300}"
        if record is None:
            failed[cell] = why
            replace_text(trace, why)
        else:
            done[cell] = record
            trace.unlink(missing_ok=True)
        if progress is not None:
            finished, left = len(done) - kept + len(failed), len(cells) - len(done) - len(failed)
            pace = (time.monotonic() - start) / finished
            progress(len(done), len(failed), len(cells), pace * left)

    if progress is not None:
        progress(len(done), 0, len(cells), None if waiting else 0.0)
    try:
        while waiting or running or again:
            while waiting and (executor is not None or not running):
                submit(waiting.pop(0))
            if again and not running:
                submit(again.pop(0))
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                cell = running.pop(future)
                try:
                    outcome = future.result()
                except Exception as error:
                    lost[cell] += _lost_worker(error)
                    if 0 < lost[cell] < TRIES:
                        again.append(cell)
                        continue
                    outcome = Outcome(traceback=_said(error))
                end(cell, outcome)
    finally:  # interrupted: what has not started yet never will
        for future in running:
            future.cancel()
    rows = [row for cell in cells if cell in done for row in rows_of(cell, done[cell])]
    return Table(tuple(rows), failed)


def restore(cells: Iterable[Cell], table: Iterable[Mapping], folder: Path | str) -> list[Mapping]:
    """Put into ``folder`` the finished cells whose figures a table holds, where it lacks them.

    A table that was read from a file is thus as good as the folder that it came from, on any
    machine. A cell counts where task, method, seed, labels, unseen share, budget and recipe agree,
    and with a budget in seconds threads and device, which say what seconds buy; to measure it
    again, delete its rows. Returns the rows of all other cells.
    """
    found: dict[tuple, list[Mapping]] = {}
    for row in table:
        found.setdefault((_asked(row), row["recipe"]), []).append(row)
    for cell in dict.fromkeys(cells):
        own = rows_of(cell, {"rows": [{}], "source": {}})[0]
        rows = found.pop((_asked(own), own["recipe"]), None)
        if rows and read(folder, cell) is None:
            figures = [{k: row[k] for k in ("convention", "score", "value")} for row in rows]
            write(folder, cell, figures, {k: rows[0][k] for k in SOURCE})
    return [row for rows in found.values() for row in rows]


def joined(earlier: Iterable[Mapping], table: Iterable[Mapping]) -> list[Mapping]:
    """The rows of ``table``, after those ``earlier`` ones that it does not replace: of other cells,
    and not of the same cell by another recipe."""
    table = list(table)
    new = {_asked(row) for row in table}
    return [row for row in earlier if _asked(row) not in new] + table


def _asked(row: Mapping) -> tuple:
    """Which cell a row is of, apart from the recipe. Steps are the same steps on any device."""
    where = (row["threads"], row["device"]) if row["budget"].endswith(" s") else ()
    return (*(row[name] for name in FIGURE[:5]), row["budget"], *where)


class _Here(Executor):
    """Runs a task when it is submitted."""

    def submit(self, fn, /, *args, **kwargs) -> Future:
        future: Future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def _lost_worker(error: BaseException) -> bool:
    """Whether the worker process died, in the words of the standard library or of dask."""
    return isinstance(error, BrokenExecutor) or type(error).__name__ == "KilledWorker"


def _said(error: BaseException) -> str:
    why = ""
    if _lost_worker(error):
        why = "The cell's worker process was lost (killed, or out of memory); run again to go on.\n"
    return why + "".join(traceback.format_exception(error))


class Lines:
    """One line a cell, to standard error."""

    def __call__(self, done, failed, total, left):
        print(f"{done} of {total} cells done, {failed} failed, {clock(left)} left",
              file=sys.stderr, flush=True)  # fmt: skip


class Bar:
    """A tqdm bar, which is a widget in a notebook."""

    def __init__(self):
        self.bar = None

    def __call__(self, done, failed, total, left):
        from tqdm.auto import tqdm

        if self.bar is None:
            self.bar = tqdm(total=total, unit="cell", bar_format="{l_bar}{bar}| {n}/{total} {desc}")
        self.bar.set_description_str(f"cells done, {failed} failed, {clock(left)} left", False)
        self.bar.update(done + failed - self.bar.n)
        if done + failed == total:
            self.bar.close()


def suited() -> Progress:
    """A bar in a notebook and in a terminal, lines where a file is written to."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return Bar() if hasattr(shell, "kernel") or sys.stderr.isatty() else Lines()


def clock(seconds: float | None) -> str:
    """Seconds as a reader says them: "1 h 05 min", "12 min", "40 s", "unknown time"."""
    if seconds is None:
        return "unknown time"
    minutes = round(seconds / 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes} min" if seconds >= 90 else f"{seconds:.0f} s"
