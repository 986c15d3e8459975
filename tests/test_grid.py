"""The grid: the same table on every executor, whatever is killed, broken or run twice."""

import concurrent.futures
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from test_table import blobs

import wdlib
from wdlib.experiments import cells as on_disk
from wdlib.experiments import grid, tables
from wdlib.experiments.grid import Cell, Processes, run
from wdlib.experiments.recipes import title
from wdlib.methods import Method
from wdlib.training.progress import Bar, suited

CELLS = [Cell("dSprites.v2", "toy", seed, steps=1) for seed in range(6)]


def log(cell: Cell, folder: Path) -> int:
    """Leave a trace of this call, with the process's number; how many there are of this cell."""
    (folder / "log").mkdir(parents=True, exist_ok=True)
    (folder / "log" / f"{cell.seed}.{os.getpid()}.{uuid.uuid4().hex}").touch()
    return calls(folder).count(cell.seed)


def calls(folder: Path) -> list[int]:
    """The seeds of all calls so far."""
    return sorted(int(path.name.split(".")[0]) for path in (folder / "log").iterdir())


def workers(folder: Path) -> set[int]:
    """The processes that calls came from."""
    return {int(path.name.split(".")[1]) for path in (folder / "log").iterdir()}


def toy(cell: Cell, folder: Path, seconds: float = 0.0) -> list[dict]:
    log(cell, folder)
    time.sleep(seconds)
    return [
        {"convention": "raw", "score": "mig", "value": cell.seed / 7},
        {"convention": "-", "score": "judged_encoded", "value": 1 - cell.seed / 7},
    ]


def deadly(cell: Cell, folder: Path) -> list[dict]:
    """Seed 1 kills its process the first time; the others take their time."""
    if log(cell, folder) == 1 and cell.seed == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.2)
    return [{"convention": "raw", "score": "mig", "value": cell.seed / 7}]


def faulty(cell: Cell, folder: Path) -> list[dict]:
    if cell.seed == 2 and not (folder / "mended").exists():
        raise LookupError("seed 2 lost its way")
    return toy(cell, folder)


def figures(table) -> list[tuple]:
    """What two runs of a grid must agree on: not how long it took."""
    return [*table.frame[[*tables.FIGURE]].itertuples(index=False, name=None)]


WANTED = [
    ("dSprites.v2", "toy", seed, 1000, 0.0, *rest)
    for seed in range(6)
    for rest in (("raw", "mig", seed / 7), ("-", "judged_encoded", 1 - seed / 7))
]


def test_serial_gives_the_table_in_the_order_of_the_cells(tmp_path):
    table = run(CELLS, folder=tmp_path, work=toy)
    assert figures(table) == WANTED and table.failed == {}
    assert set(table.frame.budget) == {"1 steps"}
    assert len({*table.frame.torch} - {""}) == 1


def test_two_processes_give_the_same_table(tmp_path):
    with Processes(2) as executor:
        table = run(CELLS, executor, folder=tmp_path, work=partial(toy, seconds=0.2))
    assert figures(table) == WANTED and table.failed == {}
    assert len(workers(tmp_path)) == 2 and os.getpid() not in workers(tmp_path)


def test_a_dask_cluster_gives_the_same_table(tmp_path):
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        executor = client.get_executor(pure=False)
        table = run(CELLS, executor, folder=tmp_path, work=partial(toy, seconds=0.2))
    assert figures(table) == WANTED and table.failed == {}
    assert len(workers(tmp_path)) == 2


class Ticket:
    """A future of a class of its own, as the clients of some clusters have."""

    def __init__(self, future):
        self.result, self.cancel, self.inner = future.result, future.cancel, future

    def add_done_callback(self, function) -> None:
        self.inner.add_done_callback(lambda _: function(self))


class Wrapping:
    """An executor that returns tickets."""

    def __init__(self, executor):
        self.executor, self.tickets = executor, []

    def submit(self, fn, /, *args) -> Ticket:
        self.tickets.append(Ticket(self.executor.submit(fn, *args)))
        return self.tickets[-1]


def test_futures_of_any_class_give_the_same_table(tmp_path):
    with ThreadPoolExecutor(2) as executor:
        table = run(CELLS, Wrapping(executor), folder=tmp_path, work=partial(toy, seconds=0.1))
    assert figures(table) == WANTED and table.failed == {}
    with Processes(1) as executor:
        table = run(CELLS, Wrapping(executor), folder=tmp_path / "lost", work=deadly)
    assert set(table.failed) == {CELLS[1]}
    assert "worker process was lost" in table.failed[CELLS[1]]


def test_a_client_of_dask_may_stand_for_its_executor(tmp_path):
    from distributed import Client

    with Client(n_workers=1, threads_per_worker=1, dashboard_address=":0") as client:
        table = run(CELLS, client, folder=tmp_path, work=toy)
    assert figures(table) == WANTED and table.failed == {}


def test_an_interrupt_cancels_what_has_not_started(tmp_path):
    def progress(done, *_):
        if done == 1:
            raise KeyboardInterrupt

    with ThreadPoolExecutor(1) as executor:
        wrapping = Wrapping(executor)
        with pytest.raises(KeyboardInterrupt):
            work = partial(toy, seconds=0.3)
            run(CELLS, wrapping, folder=tmp_path, work=work, progress=progress)
    assert wrapping.tickets[-1].inner.cancelled() and len(calls(tmp_path)) < len(CELLS)


def photos(seed: int = 0):
    """A table of your own, as a cell makes it in its own process."""
    frame, pixels = blobs(120, seed, side=24)
    frame.loc[:20, "light"] = None
    return wdlib.table(frame, pixels, name="photos")


def test_tables_of_your_own_run_in_two_processes(tmp_path):
    cells = [Cell("photos", "modular", labels=n, steps=9) for n in (50, 60)]
    work = partial(grid.evaluate_cell, samples=50, most=60)
    with Processes(2) as executor:
        how = {"folder": tmp_path, "work": work, "worlds": {"photos": photos}}
        table = run(cells, executor, **how)
        again = run(cells, executor, **how)
    assert table.failed == {} and figures(again) == figures(table)
    found = table.frame[table.frame.score == "encoder_corner"]
    assert found.labels.tolist() == [50, 60] and {*found.dataset} == {"photos"}
    task, images = photos()
    for path in (tmp_path / "cells").iterdir():
        record = json.loads(path.read_text(encoding="utf-8"))
        assert record["task"] == json.loads(json.dumps(task.record))
        assert record["images"] == images.identity
        model = wdlib.load_model(tmp_path / "models" / path.stem)
        assert model.task.record == task.record and len(model.read(images[:3])) == 3
    assert len([*(tmp_path / "judges").glob("*/kept/judge.json")]) == 1


def test_a_world_with_other_labels_or_images_is_another_one(tmp_path):
    def world(shift: int = 0, name: str = "spots"):
        def draw(classes):
            images = np.zeros((len(classes), 16, 16), np.uint8)
            images[np.arange(len(classes)), classes[:, 0] + shift, classes[:, 1]] = 200
            return images

        return wdlib.world(name, {"y": range(9), "x": range(9)}, draw, relevant=["x"])

    def work(cell, folder, worlds):
        worlds[cell.task]()
        return toy(cell, folder)

    cells, how = [Cell("spots", "toy", steps=1)], {"folder": tmp_path, "work": work}
    for make in (photos, partial(photos, 1), world, partial(world, 1), partial(world, 1, "dots")):
        for _ in range(2):
            assert not run(cells, **how, worlds={"spots": make}).failed
    files = [*(tmp_path / "cells").iterdir()]
    assert len(files) == len(calls(tmp_path)) == 5
    contents = {json.loads(file.read_text(encoding="utf-8"))["cell"]["content"] for file in files}
    assert len(contents) == 5
    cell = replace(cells[0], method="modular", content=contents.pop())
    lost = on_disk.attempt(
        partial(grid.evaluate_cell, worlds={"spots": partial(world, 7)}), cell, tmp_path
    )
    assert "has other images, than when run began" in lost
    with pytest.raises(ValueError, match=r"dSprites.v2 is a task of the package"):
        run(CELLS, **how, worlds={"dSprites.v2": world})


def test_cells_of_the_package_keep_their_names():
    assert "content" not in CELLS[0].record and CELLS[0].key == "dSprites.v2-toy-0-1000-2e83a1c1"


def test_a_finished_cell_is_not_done_again(tmp_path):
    run(CELLS[:4], folder=tmp_path, work=toy)
    assert figures(run(CELLS, folder=tmp_path, work=toy)) == WANTED
    assert calls(tmp_path) == list(range(6))


def test_a_cell_that_is_asked_for_twice_is_done_once(tmp_path):
    assert figures(run(CELLS + CELLS, folder=tmp_path, work=toy)) == WANTED
    assert calls(tmp_path) == list(range(6))


def test_a_killed_worker_costs_its_cell_only(tmp_path):
    with Processes(2) as executor:
        table = run(CELLS, executor, folder=tmp_path, work=deadly)
        (trace,) = table.failed.values()
        assert "worker process was lost" in trace and set(table.failed) == {CELLS[1]}
        assert [*table.frame.seed] == [0, 2, 3, 4, 5]
        again = run(CELLS, executor, folder=tmp_path, work=deadly)
    assert again.failed == {} and [*again.frame.seed] == list(range(6))
    assert calls(tmp_path) == [0, 1, 1, 2, 3, 4, 5]  # nobody else lost anything


def test_dask_tries_the_cell_of_a_killed_worker_again(tmp_path):
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        table = run(CELLS, client.get_executor(pure=False), folder=tmp_path, work=deadly)
    assert table.failed == {} and [*table.frame.seed] == list(range(6))


def test_a_cell_that_leaves_python_is_a_failed_cell(tmp_path):
    def leaves(cell, folder):
        return sys.exit(3) if cell.seed == 1 else toy(cell, folder)

    table = run(CELLS, folder=tmp_path, work=leaves)
    assert "SystemExit: 3" in table.failed[CELLS[1]] and len({*table.frame.seed}) == 5


def test_cells_in_threads_take_turns(tmp_path, monkeypatch):
    inside, most = [], []

    def fit(request):
        inside.append(1)
        time.sleep(0.05)
        most.append(len(inside))
        inside.pop()
        raise LookupError("far enough")

    monkeypatch.setattr(on_disk, "shared_judge", lambda *args, **settings: None)
    wanted = [Cell("dSprites.v2", "mine", seed, steps=1) for seed in range(4)]
    methods = {"mine": Method(fit, "nothing", "a test")}
    with ThreadPoolExecutor(4) as executor:
        table = run(wanted, executor, folder=tmp_path, methods=methods)
    assert len(table.failed) == 4 and most == [1] * 4


def test_the_judge_of_a_cell_knows_what_is_left_out_and_no_test_image(tmp_path, monkeypatch):
    from wdlib.data.split import split
    from wdlib.tasks import task

    judged, fitted = [], []

    def judge(folder, parts, images, *, device):
        judged.append(parts)

    def fit(request):
        fitted.append(request.split)
        raise LookupError("far enough")

    monkeypatch.setattr(on_disk, "shared_judge", judge)
    wanted = [Cell("dSprites.v2", "mine", unseen=share, steps=1) for share in (0, 0.2)]
    run(wanted, folder=tmp_path, methods={"mine": Method(fit, "nothing", "a test")})
    assert (judged[0].train == split(task("dSprites.v2"), seed=0).train).all()
    assert np.isin(judged[1].train, fitted[1].unseen).sum() > 1000
    for theirs, ours in zip(judged, fitted, strict=True):
        assert not np.isin(theirs.train, ours.test).any() and len(theirs.train) > 4000


def test_a_pool_that_does_not_survive_says_so_and_the_next_run_goes_on(tmp_path):
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        table = run(CELLS, pool, folder=tmp_path, work=deadly)
    assert [*table.frame.seed] == [0]
    assert set(table.failed) == set(CELLS[1:])
    assert all("worker process was lost" in trace for trace in table.failed.values())
    table = run(CELLS, folder=tmp_path, work=toy)
    assert table.failed == {} and {*table.frame.seed} == set(range(6))


def test_a_failing_cell_is_reported_and_stops_nobody(tmp_path):
    table = run(CELLS, folder=tmp_path, work=faulty)
    (trace,) = table.failed.values()
    assert set(table.failed) == {CELLS[2]}
    assert "LookupError: seed 2 lost its way" in trace and "in faulty" in trace
    assert figures(table) == [row for row in WANTED if row[2] != 2]
    (file,) = (tmp_path / "cells").glob("*.failed.txt")
    assert file.read_text(encoding="utf-8") == trace and CELLS[2].key in file.name


def test_a_failed_cell_is_tried_again(tmp_path):
    run(CELLS, folder=tmp_path, work=faulty)
    (tmp_path / "mended").touch()
    table = run(CELLS, folder=tmp_path, work=faulty)
    assert figures(table) == WANTED and table.failed == {}
    assert calls(tmp_path) == list(range(6))
    assert list((tmp_path / "cells").glob("*.failed.txt")) == []


def test_a_failure_in_another_process_keeps_its_traceback(tmp_path):
    with Processes(1) as executor:
        table = run(CELLS[2:4], executor, folder=tmp_path, work=faulty)
    assert "in faulty" in table.failed[CELLS[2]] and len(table.frame) == 2


def test_rows_that_cannot_be_kept_fail_their_cell(tmp_path):
    table = run(CELLS[:1], folder=tmp_path, work=lambda cell, folder: [{"value": object()}])
    assert "KeyError: 'convention'" in table.failed[CELLS[0]]


def cut_short(text: str) -> str:
    return text[: len(text) // 2]


def altered(text: str) -> str:
    return text.replace('"value": 0.0', '"value": 0.9')


def emptied(text: str) -> str:
    return ""


def not_a_record(text: str) -> str:
    return "[1]"


@pytest.mark.parametrize("damage", [cut_short, altered, emptied, not_a_record])
def test_a_damaged_file_is_done_again_not_read(tmp_path, damage):
    run(CELLS[:2], folder=tmp_path, work=toy)
    path = on_disk.path_of(tmp_path, CELLS[0])
    whole = path.read_text(encoding="utf-8")
    assert damage(whole) != whole
    path.write_text(damage(whole), encoding="utf-8")
    assert figures(run(CELLS[:2], folder=tmp_path, work=toy)) == WANTED[:4]
    assert calls(tmp_path) == [0, 0, 1]


def test_the_file_of_another_cell_is_not_read(tmp_path):
    run(CELLS[:2], folder=tmp_path, work=toy)
    on_disk.path_of(tmp_path, CELLS[0]).replace(on_disk.path_of(tmp_path, CELLS[1]))
    assert figures(run(CELLS[:2], folder=tmp_path, work=toy)) == WANTED[:4]


def test_two_runs_on_one_folder_leave_each_other_whole(tmp_path):
    many = [Cell("dSprites.v2", "toy", seed, steps=1) for seed in range(30)]
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(run, many, folder=tmp_path, work=toy) for _ in range(2)]
        one, other = (figures(r.result()) for r in runs)
    assert one == other and len(one) == 60
    assert all(on_disk.read(tmp_path, cell) is not None for cell in many)
    assert list((tmp_path / "cells").glob("*.part")) == []


PROGRAM = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_grid import CELLS, toy
from wdlib.experiments.grid import Processes, run

def work(cell, folder):  # of the program itself, as a notebook's would be
    return toy(cell, folder, 0.5)

if __name__ == "__main__":
    with Processes(2) as executor:
        run(CELLS, executor, folder=Path({folder!r}), work=work)
"""


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def until(what, seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:
        time.sleep(0.02)
    return what()


def test_a_killed_run_goes_on_where_it_stood(tmp_path):
    program = PROGRAM.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    victim = subprocess.Popen([sys.executable, "-c", program])
    try:
        assert until(lambda: len(list(tmp_path.glob("cells/*.json"))) >= 2)
    finally:
        victim.kill()
        victim.wait()
    assert until(lambda: not any(map(running, workers(tmp_path)))), "a worker outlived its parent"
    finished = [c.seed for c in CELLS if on_disk.read(tmp_path, c) is not None]
    assert 2 <= len(finished) < 6
    assert figures(run(CELLS, folder=tmp_path, work=toy)) == WANTED
    assert all(calls(tmp_path).count(seed) == 1 for seed in finished)


def test_an_interrupted_run_keeps_what_is_finished(tmp_path):
    def interrupted(cell, folder):
        if cell.seed == 3:
            raise KeyboardInterrupt
        return toy(cell, folder)

    with pytest.raises(KeyboardInterrupt):
        run(CELLS, folder=tmp_path, work=interrupted)
    assert figures(run(CELLS, folder=tmp_path, work=toy)) == WANTED
    assert calls(tmp_path) == list(range(6))


def test_progress_counts_cells_and_estimates_the_time_left(tmp_path, monkeypatch):
    run(CELLS[:2], folder=tmp_path, work=toy)
    now, said = [0.0], []

    def ten_minutes(cell, folder):
        now[0] += 600
        return faulty(cell, folder)

    monkeypatch.setattr(grid.time, "monotonic", lambda: now[0])
    run(CELLS, folder=tmp_path, work=ten_minutes, progress=lambda *told: said.append(told))
    assert [told[:3] for told in said] == [
        (2, 6, "0 failed"), (3, 6, "1 failed, 30 min left"), (4, 6, "1 failed, 20 min left"),
        (5, 6, "1 failed, 10 min left"), (6, 6, "1 failed, 0 min left")
    ]  # fmt: skip


def test_the_grid_shares_the_progress_of_training(capsys):
    suited(every=0, unit="cell")(4, 84, "1 failed, 67 min left", {}, None)
    assert re.fullmatch(r" +0 s  cell 4/84  1 failed, 67 min left\n", capsys.readouterr().err)
    bar = Bar(every=0, unit="cell")
    bar(1, 2, "0 failed", {}, None)
    bar(2, 2, "1 failed, 0 min left", {}, None)
    assert "2/2" in (err := capsys.readouterr().err) and "1 failed, 0 min left" in err


def test_processes_refuse_none_at_all_and_work_after_the_end():
    with pytest.raises(ValueError, match="at least 1 worker process, got 0"):
        Processes(0)
    executor = Processes(1)
    executor.shutdown()
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(print)


def test_what_waits_can_be_cancelled():
    executor = Processes(1)
    first, *others = [executor.submit(time.sleep, 0.5) for _ in range(3)]
    until(first.running)
    executor.shutdown(cancel_futures=True)
    assert first.result() is None and all(future.cancelled() for future in others)


@pytest.mark.parametrize("budget", [{}, {"seconds": 1, "steps": 1}])
def test_a_cell_has_one_budget(budget):
    with pytest.raises(ValueError, match="give one, positive and finite"):
        Cell("dSprites.v2", "modular", **budget)


@pytest.mark.parametrize(
    "budget", [{"steps": 0}, {"steps": -1}, {"seconds": 0}, {"seconds": -5}, {"seconds": math.nan},
               {"seconds": math.inf}]
)  # fmt: skip
def test_a_budget_that_is_none_is_refused_before_anything_is_trained(budget):
    with pytest.raises(ValueError, match="invalid budget"):
        Cell("dSprites.v2", "modular", **budget)


def test_every_cell_has_a_file_name_of_its_own():
    one = Cell("dSprites.v2", "a/b c", seconds=240)
    assert one == Cell("dSprites.v2", "a/b c", seconds=240.0)
    assert one.key == Cell("dSprites.v2", "a/b c", seconds=240.0).key
    others = [Cell("dSprites.v2", "a_b_c", seconds=240), Cell("dSprites.v2", "a/b c", steps=240)]
    others.append(Cell("dSprites.v2", "a/b c", seconds=240, threads=2))
    assert len({one.key, *(cell.key for cell in others)}) == 4
    assert set(one.key) <= set("abcdefghijklmnopqrstuvwxyzS0123456789-_.")


def test_threads_are_limited_inside_and_as_before_outside():
    import torch
    from threadpoolctl import threadpool_info

    before = torch.get_num_threads(), threadpool_info()
    for count in (1, 2):
        with on_disk.threads(count):
            assert torch.get_num_threads() == count
            assert max(library["num_threads"] for library in threadpool_info()) <= count
    assert torch.get_num_threads() == before[0]
    after = {library["filepath"]: library for library in threadpool_info()}  # in no certain order
    assert {library["filepath"]: library for library in before[1]}.items() <= after.items()


def test_provenance_names_code_and_libraries(tmp_path):
    run(CELLS[:1], folder=tmp_path, work=toy)
    record = json.loads(on_disk.path_of(tmp_path, CELLS[0]).read_text(encoding="utf-8"))
    assert record["cell"]["seed"] == 0 and record["source"]["seconds"] >= 0
    assert {"commit", "python", "torch", "numpy", "wdlib"} <= record["source"].keys()


def test_the_judge_is_trained_once_for_all_who_need_it(tmp_path, monkeypatch):
    from wdlib.data import load
    from wdlib.data.split import digest, split
    from wdlib.metrics import judge
    from wdlib.model import saved
    from wdlib.tasks import task

    parts, trained = split(task("dSprites.v2"), seed=4, labels=10, limit=100), []
    home = tmp_path / "judges" / f"dSprites.v2-4-{digest(parts.train)}" / "kept"

    def training(*_, **__):
        time.sleep(0.2)  # long enough for the others to come
        trained.append(judge.Judge(parts.task))
        return trained[-1]

    monkeypatch.setattr(judge, "train_judge", training)
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(on_disk.shared_judge, tmp_path, parts, load("dsprites"))
                 for _ in range(3)]  # fmt: skip
        judges = [one.result() for one in asked]
    assert len(trained) == 1 and saved.exists(home, "judge")
    for name, weights in trained[0].state_dict().items():
        assert all(one.state_dict()[name].equal(weights) for one in judges)


@pytest.mark.slow
def test_real_cells_of_every_kind_of_system(tmp_path):
    """A few steps each, in a process of their own: every figure in its range, beside its twins."""
    from wdlib.data import load
    from wdlib.data.split import digest, split
    from wdlib.methods import METHODS
    from wdlib.metrics.judge import train_judge
    from wdlib.model import saved
    from wdlib.tasks import task

    parts = split(task("dSprites.v2"), seed=0, labels=300, limit=1500)
    judge = train_judge(parts, load("dsprites"), steps=20)
    about = {"task": "dSprites.v2", "seed": 0}
    home = tmp_path / "judges" / f"dSprites.v2-0-{digest(parts.train)}" / "kept"
    saved.save(home, "judge", judge.state_dict(), about)
    names = ("modular", "previous", "zerodim", "fader", "few_label", "ada_gvae")
    cells = [Cell("dSprites.v2", name, labels=300, steps=8) for name in names]
    with Processes(1) as executor:
        work = partial(grid.evaluate_cell, limit=1500, most=300, samples=200)
        table = run(cells, executor, folder=tmp_path, work=work)
    assert table.failed == {}
    for name in names:
        mine = table.frame[table.frame.method == name]
        found = dict(zip(zip(mine.convention, mine.score), mine.value))
        conventions = {convention for convention, _ in found}
        assert ("converted" in conventions) == METHODS[name].converts
        assert ("grouped" in conventions) == (name != "previous")
        assert (("-", "judged_prior") in found) == (name in ("modular", "previous"))
        assert {("raw", "mig"), ("-", "judged_encoded"), ("-", "fit_seconds")} <= found.keys()
        assert found["-", "fit_steps"] == 8, name
        assert found["-", "fit_labels"] == (270 if name == "previous" else 300)
        for (convention, score), value in found.items():
            if not score.startswith(("oracle_", "chance_", "fit_")):
                assert 0 <= value <= 1, (name, convention, score)
                assert {(convention, f"{t}_{score}") for t in ("oracle", "chance")} <= found.keys()
    relations = tables.compare(table.frame, [("-", "judged_encoded")])
    assert [*relations.index] == [*(title(name) for name in names), "oracle", "chance"]


def test_cells_whose_rows_are_in_a_file_are_not_lacking(tmp_path):
    first = run(CELLS[:4], folder=tmp_path / "a", work=toy).frame
    tables.write_results(first, tmp_path / "a.csv")
    earlier = tables.read_results(tmp_path / "a.csv")
    assert grid.lacking(CELLS[1:], earlier) == CELLS[4:]
    second = run(CELLS[4:], folder=tmp_path / "b", work=toy)
    both = grid.joined(earlier, second.frame)
    assert [*both.seed] == [seed for seed in range(6) for _ in range(2)]
    pd.testing.assert_frame_equal(both[: len(earlier)], earlier)
    longer = [replace(cell, steps=cell.steps + 1) for cell in CELLS]  # another cell
    assert grid.lacking(longer, first) == longer


def test_steps_are_the_same_steps_on_any_device_and_seconds_are_not(tmp_path):
    there = [replace(CELLS[0], device="cuda", threads=4)]
    first = run(there, folder=tmp_path / "a", work=toy).frame
    assert grid.lacking(CELLS[:1], first) == []
    here = run(CELLS[:1], folder=tmp_path / "c", work=toy).frame
    assert {*grid.joined(first, here).device} == {"cpu"}

    timed = replace(CELLS[0], steps=None, seconds=9)
    first = run([replace(timed, device="cuda")], folder=tmp_path / "d", work=toy).frame
    assert grid.lacking([timed], first) == [timed]
    here = run([timed], folder=tmp_path / "e", work=toy).frame
    assert len(grid.joined(first, here)) == 2 * len(first)


def test_codes_that_collapse_are_a_finding_and_other_errors_are_not(tmp_path, monkeypatch):
    from wdlib.metrics import judge
    from wdlib.model.prior import Collapsed

    def fit(request):
        raise (Collapsed if request.seed else ValueError)("all alike")

    monkeypatch.setattr(judge, "train_judge", partial(judge.train_judge, steps=2))
    methods = {"flat": Method(fit, "nothing", "nobody")}
    cells = [Cell("dSprites.v2", "flat", seed, labels=300, steps=1) for seed in (0, 1, 2)]
    work = partial(grid.evaluate_cell, limit=900)
    table = run(cells, folder=tmp_path, work=work, methods=methods)
    assert [cell.seed for cell in table.failed] == [0]
    lost = table.frame[table.frame.score == "collapsed"]
    assert [*lost.seed] == [1, 2] and {*lost.value} == {1}
    assert tables.by_task(table.frame).loc["flat", "dSprites.v2"] == "collapsed"
    one = lost[:1].assign(score="judged_encoded", value=0.5, seed=3)
    mixed = tables.by_task(pd.concat([table.frame, one]))
    assert mixed.loc["flat", "dSprites.v2"] == "0.500, 2 of 3 collapsed"
    assert "2 of 3 collapsed" in tables.summary(pd.concat([table.frame, one])).to_markdown()


def test_a_cell_of_another_recipe_is_done_again_and_replaces_the_earlier_one(tmp_path):
    old = [replace(cell, recipe="old") for cell in CELLS[:3]]
    first = run(old, folder=tmp_path, work=toy).frame
    new = [replace(old[0], recipe="new"), old[1]]
    assert grid.lacking(new, first) == new[:1]
    both = grid.joined(first, run(new[:1], folder=tmp_path, work=toy).frame)
    assert {*zip(both.seed, both.recipe)} == {(0, "new"), (1, "old"), (2, "old")}
    assert {*zip(first.seed, first.recipe)} == {(seed, "old") for seed in range(3)}


def test_workers_elsewhere_write_where_they_were_told(tmp_path, monkeypatch):
    class Elsewhere(concurrent.futures.Executor):
        def submit(self, fn, /, *args, **kwargs):
            monkeypatch.chdir(tmp_path / "worker")
            future = concurrent.futures.Future()
            future.set_result(fn(*args, **kwargs))
            monkeypatch.chdir(tmp_path)
            return future

    (tmp_path / "worker").mkdir()
    monkeypatch.chdir(tmp_path)
    run(CELLS[:2], Elsewhere(), folder="runs", work=toy)
    assert calls(tmp_path / "runs") == [0, 1] and not list((tmp_path / "worker").iterdir())


def test_what_is_no_row_fails_its_cell_alone(tmp_path):
    def work(cell, folder):
        return [{"score": "a", "value": 1.0}] if cell == CELLS[1] else toy(cell, folder)

    table = run(CELLS[:3], folder=tmp_path, work=work)
    assert [*table.failed] == [CELLS[1]] and "KeyError" in table.failed[CELLS[1]]
    assert {*table.frame.seed} == {CELLS[0].seed, CELLS[2].seed}


def test_numpy_scalars_are_numbers_and_nothing_else_is_accepted(tmp_path):
    plain = Cell("dSprites.v2", "toy", 3, 50, 0.25, seconds=9.0)
    scalars = Cell(np.str_("dSprites.v2"), "toy", np.int64(3), np.int32(50), np.float32(0.25),
                   seconds=np.float64(9))  # fmt: skip
    assert scalars == plain and scalars.key == plain.key
    assert Cell("dSprites.v2", "toy", steps=np.int64(7)).budget == "7 steps"
    with pytest.raises(TypeError, match="a cell holds text and numbers only"):
        Cell("dSprites.v2", "toy", steps=7, device=object())

    def work(cell, folder):
        return [{"convention": "-", "score": "a", "value": np.float32(0.5)}]

    assert [*run([scalars], folder=tmp_path, work=work).frame.value] == [0.5]


UNGUARDED = """
import sys
sys.path.insert(0, {tests!r})
from test_grid import CELLS, toy
from wdlib.experiments.grid import Processes, run

with Processes(2) as executor:
    table = run(CELLS[:1], executor, folder={folder!r}, work=toy)
print("cells", len(table.frame), *table.failed.values())
"""


@pytest.mark.parametrize("source", ["script", "standard input"])
def test_an_unguarded_script_learns_what_to_add(tmp_path, source):
    program = UNGUARDED.format(tests=str(Path(__file__).parent), folder=str(tmp_path / "runs"))
    (tmp_path / "script.py").write_text(program)
    command = [sys.executable, "script.py" if source == "script" else "-"]
    ended = subprocess.run(command, input=program, capture_output=True, text=True, cwd=tmp_path)
    assert ended.returncode == 0 and ended.stdout.startswith("cells 0 ")
    assert ended.stdout.strip().endswith(grid.GUARD) and '__name__ == "__main__"' in grid.GUARD
