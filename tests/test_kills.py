"""Killed at 30 random moments, training, the grid and the caches lose nothing."""

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
    training, *others = run.stdout.splitlines()
    assert [line.split(",")[0] for line in others] == ["grid", "cache"]
    for line in (training, *others):
        kills, inside = map(int, re.search(r"(\d+) kills survived \((\d+) of", line).groups())
        assert kills >= 30 and inside >= 3, line
    stages = dict(re.findall(r"(warm-up|full|finish) (\d+)", training))
    assert len(stages) == 3 and all(int(count) >= 3 for count in stages.values()), training


NAIVE = """
from contextlib import contextmanager
from pathlib import Path
import random, tempfile
import kills
from wdlib.training import checkpoint

@contextmanager
def naive(path):
    with open(path, "wb") as file:
        yield file
        file.flush()
        kills.os.fsync(file.fileno())

def in_a_write(cls, rng, **_):
    return cls("act", 0, 0, rng.randint(1, 8), rng.random())

checkpoint.whole = naive
kills.Death.drawn = classmethod(in_a_write)
with tempfile.TemporaryDirectory() as home:
    kills.kill_training(30, random.Random(0), Path(home))
"""


def test_a_writer_that_writes_in_place_is_found_out():
    run = python("-c", NAIVE)
    assert run.returncode == 1
    assert re.search("is half a file|cut or altered|is no record|JSONDecodeError", run.stderr)
