"""Worker processes that are replaced when they die, so that a death costs one task.

When a worker of a ``ProcessPoolExecutor`` is killed, the pool ends its other workers too, with all
that they were doing. Here every worker is a pool of its own: its death is the exception of the task
that it had, the next task gets a new process, and nobody else notices.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from queue import Empty, SimpleQueue


class Processes(Executor):
    """An executor on ``workers`` spawned processes.

    Tasks start in the order in which they were submitted. A function defined in a notebook is sent
    whole; one from a module, by its name. The future of a task whose process died raises
    ``concurrent.futures.BrokenExecutor``. Workers end when the process that made them ends, however
    it ends. Raises ValueError for less than one worker.
    """

    def __init__(self, workers: int):
        if workers < 1:
            raise ValueError(f"a grid needs at least 1 worker process, got {workers}")
        self._tasks: SimpleQueue = SimpleQueue()
        self._closed = False
        self._lanes = [threading.Thread(target=self._serve, daemon=True) for _ in range(workers)]
        for lane in self._lanes:
            lane.start()

    def submit(self, fn, /, *args, **kwargs) -> Future:
        """As in ``concurrent.futures``. Raises RuntimeError after ``shutdown``."""
        if self._closed:
            raise RuntimeError("these processes were shut down")
        future: Future = Future()
        self._tasks.put((future, fn, args, kwargs))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As in ``concurrent.futures``."""
        self._closed = True
        if cancel_futures:
            try:
                while True:
                    if task := self._tasks.get_nowait():
                        task[0].cancel()
            except Empty:
                pass
        for _ in self._lanes:
            self._tasks.put(None)
        if wait:
            for lane in self._lanes:
                lane.join()

    def _serve(self) -> None:
        from joblib import wrap_non_picklable_objects

        pool = None
        while (task := self._tasks.get()) is not None:
            future, fn, args, kwargs = task
            if not future.set_running_or_notify_cancel():
                continue
            pool = pool or _one_process()
            try:
                whole = wrap_non_picklable_objects(_Call(fn, args, kwargs))
                future.set_result(pool.submit(whole).result())
            except BaseException as error:  # also what a worker's SystemExit comes back as
                if isinstance(error, BrokenExecutor):
                    pool.shutdown(wait=False)
                    pool = None
                future.set_exception(error)
            del future, fn, args, kwargs, task  # nothing is kept while waiting for the next
        if pool is not None:
            pool.shutdown()


class _Call:
    def __init__(self, fn, args, kwargs):
        self.fn, self.args, self.kwargs = fn, args, kwargs

    def __call__(self):
        return self.fn(*self.args, **self.kwargs)


def _one_process() -> ProcessPoolExecutor:
    # Spawned: a fork of a process whose threads hold locks (torch has many) may hang.
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=spawn, initializer=end_with_parent)


def end_with_parent() -> None:
    """End this process as soon as the one that spawned it has ended; killed, it tells nobody."""

    def watch() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
