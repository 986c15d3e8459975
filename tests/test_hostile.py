"""Files damaged by the thousand: refused in one sentence that names them, or read right."""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import hostile
import pytest
import watched
from damage import npy
from hostile import CODES
from hypothesis import given
from hypothesis import strategies as st
from watched import Kind, try_all

from wdlib.data.arrays import read_npy
from wdlib.experiments import cells, tables
from wdlib.model.loading import load_model

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@needs_fork
def test_damaged_files_are_refused_or_read_right():
    """Prints the table with pytest -s; more files with `make hostile`."""
    command = [sys.executable, str(Path(__file__).with_name("hostile.py")), "--files", "1900"]
    run = subprocess.run(command, capture_output=True, text=True)
    print(run.stdout)
    assert run.returncode == 0, run.stdout + run.stderr
    *_, said = run.stdout.splitlines()
    tried, faults = int(said.split()[0]), int(said.split()[3])
    assert tried >= 1900 and faults == 0


def crash(path):
    os.abort()


def hang(path):
    time.sleep(60)


def burst(path):
    return bytearray(1 << 40)


def lose(path):
    raise KeyError("a")


def mumble(path):
    raise ValueError("something is wrong")


@needs_fork
@pytest.mark.parametrize(
    ("read", "said"),
    [
        (crash, "crashed with signal 6"),
        (hang, "took more than"),
        (burst, "MemoryError"),
        (lose, "KeyError: 'a'"),
        (mumble, "does not name the file"),
        (Path.read_bytes, "read wrongly"),
    ],
)
def test_the_watch_sees_every_fault_and_goes_on(monkeypatch, read, said):
    """The second of three files is fatal; the two others are read."""
    monkeypatch.setattr(watched, "SECONDS", 0.5 if read is hang else 30)

    def make(folder):
        (folder / "file").write_bytes(b"honest")
        return folder / "file"

    def second(data, rng):
        return b"fatal" if rng.random() == random.Random(1).random() else data

    def read_one(path):
        return read(path) if path.read_bytes() == b"fatal" else path.read_bytes()

    kind = Kind(make, read_one, lambda found: found == b"honest", second)
    tried = try_all(kind, range(3))
    assert tried.outcomes == {"loaded": 2}
    assert list(tried.faults) == [1] and said in tried.faults[1]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda some: st.lists(some) | st.dictionaries(st.text(), some),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["format", "weights", "sha256", "rows"]), ANYTHING))
def test_no_json_is_a_record_by_chance(record):
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "model.json").write_text(json.dumps(record))
        with pytest.raises(ValueError, match="model.json"):
            load_model(folder)
        path = cells.path_of(folder, hostile.CELL)
        path.parent.mkdir()
        path.write_text(json.dumps(record))
        assert cells.read(folder, hostile.CELL) is None


@given(st.binary(max_size=60), ANYTHING, st.lists(st.integers(-2, 1 << 70), max_size=5))
def test_any_npy_header_is_numbers_or_refused(junk, dtype, shape):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.npy"
        for content in (npy(tuple(shape), dtype), npy(shape, "<f8"), b"\x93NUMPY\x01\x00" + junk):
            path.write_bytes(content + CODES.tobytes())
            try:
                assert read_npy(path).dtype.kind in "biuf"
            except ValueError as error:
                assert "a.npy" in str(error)


@given(st.lists(st.lists(st.text(max_size=5), max_size=16), max_size=4))
def test_any_csv_is_a_table_or_refused(lines):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        text = "\n".join(",".join(line) for line in [list(tables.COLUMNS), *lines])
        path.write_bytes(text.encode(errors="surrogatepass"))
        try:
            assert isinstance(str(tables.read_results(path)), str)
        except ValueError as error:
            assert "a.csv" in str(error)
