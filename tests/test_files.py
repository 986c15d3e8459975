"""Files appear whole or not at all: writers that die, writers that meet a full disk."""

import dataclasses
import errno
import os
import resource
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from wdlib.__main__ import main
from wdlib.course import address
from wdlib.data import dsprites, load
from wdlib.data.split import split
from wdlib.experiments import cells
from wdlib.factors import FactorSpace
from wdlib.files import STALE, whole
from wdlib.model import NetworkConfig, saved
from wdlib.tasks import task
from wdlib.training import COURSE, Trainer, schedule

TINY = dataclasses.replace(
    COURSE,
    networks=NetworkConfig(dim=4, encoder_widths=(8, 8, 8), hidden=32, rank=4, width=32),
    phases=tuple(dataclasses.replace(p, steps=2, batch=16) for p in COURSE.phases),
)


def write(path, data: bytes) -> None:
    with whole(path) as file:
        file.write(data)


def test_a_block_that_fails_leaves_the_earlier_file_and_nothing_else(tmp_path):
    path = tmp_path / "a"
    write(path, b"first")
    with pytest.raises(KeyError), whole(path) as file:
        file.write(b"half of the sec")
        raise KeyError
    assert path.read_bytes() == b"first" and list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link_and_the_file_behind_it_is_replaced(tmp_path):
    (tmp_path / "deep").mkdir()
    file, link, chain = tmp_path / "deep/file", tmp_path / "link", tmp_path / "chain"
    link.symlink_to("deep/file")
    chain.symlink_to("link")
    write(link, b"first")  # the link dangles until now
    assert file.read_bytes() == b"first"
    write(chain, b"second")
    assert file.read_bytes() == b"second" and link.is_symlink() and chain.is_symlink()
    assert len(list(tmp_path.iterdir())) == 3 and list((tmp_path / "deep").iterdir()) == [file]


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o444, 0o751])
def test_a_file_keeps_its_mode(tmp_path, mode):
    path = tmp_path / "a"
    write(path, b"first")
    path.chmod(mode)
    write(path, b"second")
    assert path.stat().st_mode & 0o777 == mode and path.read_bytes() == b"second"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_and_a_device_are_written_to_directly(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write(tmp_path / "pipe", b"through")
    assert os.read(reader, 100) == b"through" and (tmp_path / "pipe").is_fifo()
    os.close(reader)
    (tmp_path / "null").symlink_to(os.devnull)
    write(tmp_path / "null", b"away")
    assert Path(os.devnull).is_char_device() and (tmp_path / "null").is_symlink()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no full device")
def test_a_device_that_takes_no_more_is_named(tmp_path):
    (tmp_path / "full").symlink_to("/dev/full")
    with pytest.raises(OSError, match="full could not be written: No space left"):
        write(tmp_path / "full", b"x")


def part(path, mark: str, older: float):
    """A part of ``path``, by a writer that died ``older`` seconds ago."""
    left = path.with_name(f"{path.name}.{mark}.part")
    left.write_bytes(b"half")
    os.utime(left, (os.stat(left).st_atime, os.stat(left).st_mtime - older))
    return left


def test_what_killed_writers_left_is_removed_and_nothing_of_others(tmp_path):
    dead = part(tmp_path / "a", "0" * 32, STALE + 60)
    dead_elsewhere = part(tmp_path / "b", "f" * 32, STALE + 60)
    alive = part(tmp_path / "a", "1" * 32, STALE - 60)
    foreign = part(tmp_path / "film.mp4", "download", 10 * STALE)
    write(tmp_path / "a", b"new")
    assert not dead.exists() and not dead_elsewhere.exists()
    assert alive.exists() and foreign.exists()


@contextmanager
def at_most(size: int):
    """No file may grow past ``size`` bytes: as a quota, "File too large" where a disk says full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_named_with_the_file_and_the_earlier_one_is_kept(tmp_path):
    path = tmp_path / "a"
    write(path, b"first")
    with at_most(1000), pytest.raises(OSError, match="a could not be written: File too large"):
        write(path, bytes(5000))
    assert path.read_bytes() == b"first" and list(tmp_path.iterdir()) == [path]


def test_a_disk_that_is_full_only_when_it_comes_to_writing_through(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="a could not be written: No space left on device"):
        write(tmp_path / "a", b"x")
    assert list(tmp_path.iterdir()) == []


def test_an_error_that_names_its_file_stays_as_it_is(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        write(tmp_path / "nowhere" / "a", b"x")


@pytest.fixture
def trainer():
    parts = split(task("dSprites.v2"), seed=0, labels=200, limit=400)
    return Trainer(parts, load("dsprites"), TINY)


def test_training_on_a_full_disk_ends_with_the_last_checkpoint_whole(tmp_path, trainer):
    trainer.run(2, folder=tmp_path)
    with at_most(100_000), pytest.raises(OSError, match=r"checkpoint-\w+\.safetensors could not"):
        trainer.run(folder=tmp_path, save_every=1)
    _, record = saved.load(tmp_path, saved.CHECKPOINT)
    assert record["done"] == 2
    assert len(list(tmp_path.iterdir())) == 2
    trainer.resume(tmp_path)  # with room again, it goes on
    trainer.run(folder=tmp_path)
    assert saved.load(tmp_path, saved.CHECKPOINT)[1]["done"] == 6


def test_the_command_line_says_it_in_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(schedule.PRESETS, "COURSE", TINY)
    monkeypatch.setattr("wdlib.data.split.MOST", 1000)
    train = ["train", "dSprites.v2", "--device", "cpu", "--labels", "300", "--out", str(tmp_path)]
    with at_most(100_000):
        assert main(train) == 2
    out, err = capsys.readouterr()
    (line,) = err.strip().splitlines()[-1:]
    assert out == "" and line.startswith("wdlib: ") and "could not be written: File too" in line
    assert "Traceback" not in err and list(tmp_path.iterdir()) == []


def test_a_cache_that_finds_no_room_is_named_and_made_later(tmp_path):
    space = FactorSpace(("color", "shape", "x"), ((1.0,), ("square",), tuple(range(50))))
    images = (np.random.default_rng(0).random((50, 64, 64)) < 0.3).astype(np.uint8)
    classes = space.classes(np.arange(50))
    np.savez_compressed(tmp_path / "d.npz", imgs=images, latents_classes=classes)
    with at_most(10_000), pytest.raises(OSError, match=r"\.bits could not be written: File too"):
        dsprites.reader(tmp_path / "d.npz", tmp_path / "cache", space)
    assert list((tmp_path / "cache").iterdir()) == []
    read = dsprites.reader(tmp_path / "d.npz", tmp_path / "cache", space)
    np.testing.assert_array_equal(read(classes), images)


def test_a_cell_that_finds_no_room_is_named_and_the_others_stay(tmp_path):
    one, two = (cells.Cell("dSprites.v2", "toy", seed, steps=1) for seed in (0, 1))
    row = {"convention": "raw", "score": "mig", "value": 0.5}
    cells.write(tmp_path, one, {"rows": [row], "source": {}})
    with at_most(1000), pytest.raises(OSError, match=r"toy-1.*\.json could not be written"):
        cells.write(tmp_path, two, {"rows": [row] * 100, "source": {}})
    assert cells.read(tmp_path, one) is not None and cells.read(tmp_path, two) is None
    assert len(list((tmp_path / "cells").iterdir())) == 1


def test_a_film_is_saved_whole_or_not_at_all(tmp_path, monkeypatch):
    from wdlib.navigator import film
    from wdlib.navigator.view import Navigator

    view = SimpleNamespace(walk=SimpleNamespace(steps=[]), task=None)
    monkeypatch.setattr(film, "gif", lambda *_: bytes(5000))
    write(tmp_path / "a.gif", b"first")
    with at_most(1000), pytest.raises(OSError, match="a.gif could not be written"):
        Navigator.save(view, tmp_path / "a.gif")
    assert (tmp_path / "a.gif").read_bytes() == b"first" and len(list(tmp_path.iterdir())) == 1


def test_a_page_keeps_its_text_where_its_badges_find_no_room(tmp_path):
    before = "# Title\n\n" + "x" * 3000
    (tmp_path / "README.md").write_text(before, encoding="utf-8")
    with at_most(1000), pytest.raises(OSError, match=r"README.md could not be written"):
        address.main("https://github.com/" + "ada/wdlib", tmp_path)
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == before
    assert len(list(tmp_path.iterdir())) == 1


# Trains a step on a file system of its own, fills that, and goes on from the command line.
PROGRAM = """
import shutil, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_files import TINY
from wdlib import __main__ as line
from wdlib.data import load, split as parts
from wdlib.tasks import task
from wdlib.model import saved
from wdlib.training import Trainer, schedule

parts.MOST, schedule.PRESETS["COURSE"] = 1000, TINY
folder = Path({folder!r})
v2 = task("dSprites.v2")
few = parts.split(v2, seed=0, labels=300, limit=parts.most_images(v2))
Trainer(few, load("dsprites"), TINY.for_task("dSprites.v2")).run(1, folder=folder)
ballast = bytes(shutil.disk_usage(folder).free - 100_000)
(folder / "ballast").write_bytes(ballast)
print(line.main(f"train dSprites.v2 --resume --device cpu --labels 300 --out {{folder}}".split()))
print(saved.load(folder, saved.CHECKPOINT)[1]["done"])
print(sorted(path.suffix for path in folder.iterdir()))
"""


def test_a_file_system_that_really_is_full(tmp_path):
    program = PROGRAM.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    mount = 'mount -t tmpfs -o size=4m none "$1"'
    own = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    try:
        allowed = subprocess.run([*own, mount, "sh", tmp_path], capture_output=True).returncode == 0
    except FileNotFoundError:
        allowed = False
    if not allowed:
        pytest.skip("no file system of its own may be mounted here")
    run = subprocess.run(
        [*own, f'{mount} && exec "$2" -c "$3"', "sh", tmp_path, sys.executable, program],
        capture_output=True, text=True,
    )  # fmt: skip
    assert run.stdout.splitlines() == ["2", "1", "['', '.json', '.safetensors']"], run.stderr
    assert "Traceback" not in run.stderr
    said = run.stderr.strip().splitlines()[-1]
    assert said.startswith("wdlib: ") and "could not be written: No space left on device" in said
