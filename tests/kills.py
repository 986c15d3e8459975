"""Kills training, grids, caches and savers at random moments, and checks that nothing is lost.

    python tests/kills.py --kills 100

A victim is a fork of this process, which has torch in memory and one thread, so that a death costs
a fraction of a second. It dies by SIGKILL in one of three ways, drawn from a seed: by the clock;
when the n-th new file appears; or by its own hand at its n-th act on a file (opened, written to a
part of its length, renamed, removed), a moment that a clock would hardly ever meet.
"""

import argparse
import dataclasses
import hashlib
import itertools
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

import numpy as np
import pooch
import torch
from measured import heading

from wdlib.data import dsprites, load
from wdlib.data.originals import Original
from wdlib.data.split import split
from wdlib.experiments import cells, grid
from wdlib.factors import FactorSpace
from wdlib.files import provenance
from wdlib.metrics import judge
from wdlib.model import NetworkConfig, saved
from wdlib.model.loading import load_model
from wdlib.tasks import task
from wdlib.training import COURSE, Silence, Trainer

torch.set_num_threads(1)  # a fork has no other thread of its parent, and would wait for them
AT_ONCE = 4  # victims that write to one folder


@dataclasses.dataclass(frozen=True)
class Death:
    """How a victim dies: by the clock, at the n-th new file, or at its own n-th act on a file."""

    kind: str
    seconds: float
    files: int
    acts: int
    share: float  # of a file's length that is there when its writing is cut

    @classmethod
    def drawn(cls, rng: random.Random, seconds: float, acts: int) -> "Death":
        kind = rng.choice(("clock", "file", "act"))
        return cls(kind, rng.uniform(0, seconds), rng.randint(1, 6), rng.randint(1, acts),
                   rng.random())  # fmt: skip

    def arm(self, folder: Path) -> None:
        """In the victim: die at the n-th act on a file in ``folder``."""
        left, through = itertools.count(self.acts - 1, -1), os.fsync

        def hook(event, args):
            acts = event in ("os.rename", "os.remove") or event == "open" and args[1] == "wb"
            if acts and str(args[0]).startswith(str(folder)) and next(left) == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        def torn(file):
            if next(left) == 0:
                os.ftruncate(file, int(self.share * os.fstat(file).st_size))
                os.kill(os.getpid(), signal.SIGKILL)
            through(file)

        sys.addaudithook(hook)
        os.fsync = torn


def victims(work, deaths: list, folder: Path, after=None) -> tuple[int, list[int]]:
    """Run ``work(folder, say)`` in one fork a death (None: it is spared), and see each to its end.

    Returns how many were killed (some are done before), and what they said. ``after(folder)`` is
    called after each kill, while the others go on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    known, start = files(folder), time.monotonic()
    ear, mouth = os.pipe()
    alive, killed = {}, 0
    for death in deaths:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                if death is not None and death.kind == "act":
                    death.arm(folder)
                work(folder, lambda number: os.write(mouth, number.to_bytes(4, "big")))
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        alive[pid] = death
    os.close(mouth)
    while alive:
        time.sleep(0.001)
        new = len(files(folder) - known)
        for pid, death in list(alive.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del alive[pid]
                if os.WIFSIGNALED(status):
                    killed += 1
                    if after is not None:
                        after(folder)
                elif os.WEXITSTATUS(status):
                    raise RuntimeError(f"a victim of {work.__name__} failed by itself")
            elif death is not None and (
                death.kind == "clock" and time.monotonic() - start >= death.seconds
                or death.kind == "file" and new >= death.files
            ):  # fmt: skip
                os.kill(pid, signal.SIGKILL)
    with os.fdopen(ear, "rb") as said:
        words = said.read()
    return killed, [int.from_bytes(words[i : i + 4], "big") for i in range(0, len(words), 4)]


def files(folder: Path) -> set[Path]:
    """All that lie in a folder where files and folders come and go."""
    return {Path(place) / name for place, _, names in os.walk(folder) for name in names}


def check_files(folder: Path) -> set[Path]:
    """What stands under a final name is whole; returns what killed writers left."""
    left = set()
    for path in files(folder):
        if path.suffix == ".safetensors":
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            assert digest.startswith(path.stem.rpartition("-")[2]), f"{path} is half a file"
        elif path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix == ".part":
            left.add(path)
    return left


# --- training: one victim after the other, each goes on where the last one was killed -------------

EVERY = 2  # steps between two checkpoints
TINY = dataclasses.replace(
    COURSE,
    networks=NetworkConfig(dim=4, encoder_widths=(8, 8, 8), hidden=32, rank=4, width=32),
    phases=tuple(
        p.changed(steps=12, batch=16, refit_every=r, labels={"batch": 16}, relations={"batch": 8})
        for p, r in zip(COURSE.phases, (0, 4, 0))
    ),
)
SPLIT = split(task("dSprites.v2"), seed=0, labels=200, limit=400)
IMAGES = dataclasses.replace(load("dsprites"), threads=1)


class Telling(Silence):
    """Says every step."""

    every = 1

    def __init__(self, say):
        self.say = say

    def __call__(self, step, *_):
        self.say(step)


def train(folder: Path, say) -> None:
    trainer = Trainer(SPLIT, IMAGES, TINY, seed=3)
    if saved.exists(folder, saved.CHECKPOINT):
        trainer.resume(folder)
    trainer.run(progress=Telling(say), folder=folder, save_every=EVERY)
    trainer.save_model(folder)


def kill_training(kills: int, rng: random.Random, home: Path) -> str:
    """Kill until every stage had its share; each run ends with the weights of one never killed."""
    victims(train, [None], home / "spared")
    wanted = load_model(home / "spared").state_dict()
    deaths, inside, again, ended = Counter(), 0, 0, 0
    while True:
        folder, at, left, done = home / f"run{ended}", 0, set(), False
        while not done:
            enough = deaths.total() >= kills
            enough = enough and all(deaths[p.name] >= kills // 10 for p in TINY.phases)
            death = None if enough else Death.drawn(rng, seconds=0.8, acts=30)
            killed, said = victims(train, [death], folder)
            reached, before = max(said, default=at), at
            if saved.exists(folder, saved.CHECKPOINT):
                at = saved.load(folder, saved.CHECKPOINT)[1]["done"]
            assert before <= at and reached - EVERY <= at <= reached, (
                f"killed after step {reached}, the checkpoint is of step {at}"
            )
            again = max(again, reached - at)
            if killed:
                phases = [p.name for p in TINY.phases for _ in range(p.steps)]
                deaths[phases[min(reached, TINY.steps - 1)]] += 1
            inside, left = inside + bool(check_files(folder) - left), check_files(folder)
            done = not killed
        found, ended = load_model(folder).state_dict(), ended + 1
        assert all(torch.equal(found[name], tensor) for name, tensor in wanted.items())
        history = saved.load(folder, saved.CHECKPOINT)[1]["history"]
        assert [entry["step"] for entry in history] == list(range(1, TINY.steps + 1))
        if enough:
            where = ", ".join(f"{name} {count}" for name, count in sorted(deaths.items()))
            return (f"training: {deaths.total()} kills survived ({inside} of them inside a write; "
                    f"{where}); {ended} runs ended with the weights of one that was never killed, "
                    f"bit for bit; at most {again} steps were done twice")  # fmt: skip


# --- the grid, the caches and one checkpoint: four victims at once -------------------------------

CELLS = [grid.Cell("dSprites.v2", "toy", seed, steps=1) for seed in range(6)]


def toy(cell: grid.Cell, folder: Path) -> list[dict]:
    """A cell that measures nothing, with the judge that real ones share."""
    cells.shared_judge(folder, SPLIT, IMAGES)
    return [{"convention": "raw", "score": "mig", "value": cell.seed / 7}]


def untrained(*_, **__) -> judge.Judge:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return judge.Judge(SPLIT.task)


def do_grid(folder: Path, say) -> None:
    judge.train_judge = untrained
    table = grid.run(CELLS, folder=folder, work=toy)
    assert [*table.frame.value] == [cell.seed / 7 for cell in CELLS], table.failed


def finished(folder: Path) -> set:
    """Cells that are there; whatever bears a cell's name must be one."""
    there = {cell for cell in CELLS if cells.path_of(folder, cell).exists()}
    assert all(cells.read(folder, cell) is not None for cell in there)
    return there


SPACE = FactorSpace(("color", "shape", "x"), ((1.0,), ("square", "heart"), tuple(range(200))))
PIXELS = (np.random.default_rng(0).random((len(SPACE), 64, 64)) < 0.3).astype(np.uint8)
PUBLISHED: dict[str, bytes] = {}  # the file behind the address, once it is made


def publish(home: Path) -> None:
    """A dataset's file in miniature, behind its address."""
    path = home / "published.npz"
    np.savez_compressed(path, imgs=PIXELS, latents_classes=SPACE.classes(np.arange(len(SPACE))))
    PUBLISHED["https://localhost/d.npz"] = path.read_bytes()


def download(url: str, path: str, _) -> None:
    """What a server does, in pieces."""
    content = PUBLISHED[url]
    with open(path, "wb") as file:
        for start in range(0, len(content), 1 << 16):
            file.write(content[start : start + (1 << 16)])
            file.flush()
            time.sleep(0.001)


def do_cache(folder: Path, say) -> None:
    pooch.HTTPDownloader = lambda **_: download
    pooch.get_logger().setLevel("ERROR")
    dsprites.BLOCK = 40  # so that the cache is written in ten pieces,
    blocks = dsprites.read_blocks

    def slowly(*about):  # slowly, because all processes share one cache: it is written once
        for block in blocks(*about):
            time.sleep(0.01)
            yield block

    dsprites.read_blocks = slowly
    ((url, content),) = PUBLISHED.items()
    original = Original(("d.npz",), url, hashlib.md5(content).hexdigest())
    read = dsprites.reader(original.fetch(folder), folder, SPACE)
    assert (read(SPACE.classes(np.arange(len(SPACE)))) == PIXELS).all()


def whole_caches(folder: Path) -> set:
    """Downloads and caches that are there; each must be whole."""
    ((_, content),) = PUBLISHED.items()
    bits = np.packbits(PIXELS.reshape(len(PIXELS), -1), axis=1).tobytes()
    kinds = {".npz": content, ".bits": bits + hashlib.sha256(bits).digest()}
    there = {path for path in folder.iterdir() if path.suffix in kinds}
    assert all(path.read_bytes() == kinds[path.suffix] for path in there)
    return there


SAVES, NAME = 8, saved.CHECKPOINT


def do_checkpoint(folder: Path, say) -> None:
    """Save again and again; tensors and record say which save they are of."""
    for number in range(SAVES):
        mine = os.getpid() * SAVES + number
        saved.save(folder, NAME, {"mine": torch.full((2000,), mine)}, {"mine": mine})


def loaded(folder: Path) -> set:
    """The checkpoint, once there is one: it must load, tensors and record of one save."""
    if not saved.exists(folder, NAME):
        return set()
    tensors, record = saved.load(folder, NAME)
    assert (tensors["mine"] == record["mine"]).all()
    return {NAME}


def kill_four(
    work, whole, seconds: float, kills: int, rng: random.Random, home: Path, after=None
) -> str:
    """Kill among four that write to one folder: what was whole stays, and a fifth can finish."""
    count = inside = ended = 0
    while count < kills:
        folder, there = home / f"{work.__name__}{ended}", set()
        for _ in range(3):
            left = check_files(folder)
            deaths = [Death.drawn(rng, seconds, acts=12) for _ in range(AT_ONCE)]
            count += victims(work, deaths, folder, after)[0]
            inside += len(check_files(folder) - left)
            before, there = there, whole(folder)
            assert before <= there
        victims(work, [None], folder)
        assert there <= whole(folder)
        ended += 1
    name = work.__name__.removeprefix("do_")
    return (f"{name}, {AT_ONCE} processes on one folder: {count} kills survived ({inside} of them "
            f"inside a write); {ended} folders were finished later, whole and right")  # fmt: skip


def main(kills: int, seed: int) -> None:
    """Print a line for each of the four."""
    print(heading(seed), flush=True)
    provenance()  # known from here on, it costs a victim nothing
    with tempfile.TemporaryDirectory() as home:
        publish(Path(home))
        rng = random.Random(seed)
        print(kill_training(kills, rng, Path(home) / "training"), flush=True)
        print(kill_four(do_grid, finished, 0.3, kills, rng, Path(home)), flush=True)
        print(kill_four(do_cache, whole_caches, 0.3, kills, rng, Path(home)), flush=True)
        four = kill_four(do_checkpoint, loaded, 0.1, kills, rng, Path(home), after=loaded)
        print(four, flush=True)
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--kills", type=int, default=30, help="of each of the four, at least")
    arguments.add_argument("--seed", type=int, default=0)
    main(**vars(arguments.parse_args()))
