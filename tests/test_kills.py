"""Killed at 30 random moments, training, the grid, the caches and four savers lose nothing."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="victims are forks")
TESTS = Path(__file__).parent


def python(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, *arguments], cwd=TESTS, capture_output=True, text=True)


def test_nothing_is_lost_by_30_kills_of_each():
    """What is checked after every kill stands in kills.py; here, that it was killed in earnest."""
    run = python("kills.py", "--kills", "30")
    assert run.returncode == 0, run.stderr
    heading, training, *others = run.stdout.splitlines()
    assert heading.startswith("commit ") and heading.endswith("seed 0")
    assert [line.split(",")[0] for line in others] == ["grid", "cache", "checkpoint"]
    for line in (training, *others):
        kills, inside = map(int, re.search(r"(\d+) kills survived \((\d+) of", line).groups())
        assert kills >= 30 and inside >= 3, line
    stages = dict(re.findall(r"(warm-up|full|finish) (\d+)", training))
    assert len(stages) == 3 and all(int(count) >= 3 for count in stages.values()), training


NAIVE = """
from contextlib import contextmanager, nullcontext
from pathlib import Path
import random, sys, tempfile
import kills
from wdlib import files
from wdlib.data import dsprites
from wdlib.model import saved

@contextmanager
def naive(path):
    with open(path, "wb") as file:
        yield file
        file.flush()
        kills.os.fsync(file.fileno())

def in_a_write(cls, rng, *_, **__):
    return cls("act", 0, 0, rng.randint(1, 8), rng.random())

for place in sys.argv[1].split():
    if place == "alone":
        saved.alone = lambda folder: nullcontext()
    else:
        globals()[place].whole = naive
        kills.Death.drawn = classmethod(in_a_write)
four = {
    "files": (kills.do_grid, kills.finished),
    "dsprites": (kills.do_cache, kills.whole_caches),
    "alone": (kills.do_checkpoint, kills.loaded),
}
with tempfile.TemporaryDirectory() as home:
    if sys.argv[1] == "saved":
        kills.kill_training(30, random.Random(0), Path(home))
    else:
        work, whole = four[sys.argv[1]]
        kills.publish(Path(home))
        kills.kill_four(work, whole, 0.1, 100, random.Random(0), Path(home))
"""


@pytest.mark.parametrize("writers", ["saved", "files", "dsprites", "alone"])
def test_a_writer_that_writes_in_place_or_beside_others_is_found_out(writers):
    run = python("-c", NAIVE, writers)
    assert run.returncode == 1
    found = "is half a file|cut or altered|is no record|JSONDecodeError|which is missing"
    assert re.search(f"{found}|assert all|failed by itself", run.stderr), run.stderr
