"""Records of make kills, hostile, versions and so on: what they begin with, and when they stay."""

import os
import re
import subprocess
from functools import partial
from pathlib import Path

import drawing
import nbformat
import onecore
import pytest
import scaling
from measured import heading
from nbformat.v4 import new_code_cell, new_notebook

from wdlib.metrics import judge

ROOT = Path(__file__).parents[1]
RECORDS = ("kills", "hostile", "versions", "onecore", "elsewhere", "scaling", "drawing")


def test_a_record_begins_with_where_it_comes_from():
    pattern = r"commit \w+(-dirty)?, Python 3\.\d+\.\d+, .+, \d+ cores, \d{4}-\d\d-\d\d"
    assert re.fullmatch(pattern, heading())
    assert heading(7) == heading() + ", seed 7"


@pytest.mark.parametrize("target", RECORDS)
@pytest.mark.parametrize("code", [0, 3])
def test_make_keeps_what_was_printed_and_the_exit_code(tmp_path, target, code):
    tool = tmp_path / "tool"
    tool.write_text(f"#!/bin/sh\necho said $1; echo warned >&2; exit {code}\n")
    tool.chmod(0o755)
    make = ["make", "-C", tmp_path, "-f", ROOT / "Makefile", "-o", ".venv/.installed", target]
    run = subprocess.run(
        [*make, f"PY={tool}", f"PYTHON={tool}", "ONECORE=env"], capture_output=True, text=True
    )
    kept = (tmp_path / f"notebooks/results/{target}.txt").read_text().splitlines()
    assert kept == [f"said tests/{target}.py", "warned"] and kept[0] in run.stdout
    assert bool(run.returncode) == bool(code) and ("Error 3" in run.stderr) == bool(code)


def test_a_run_that_is_stopped_leaves_the_earlier_record(tmp_path):
    tool, record = tmp_path / "tool", tmp_path / "notebooks/results/kills.txt"
    record.parent.mkdir(parents=True)
    record.write_text("earlier")
    tool.write_text("#!/bin/sh\necho half; kill -9 $PPID; sleep 1\n")
    tool.chmod(0o755)
    make = ["make", "-C", tmp_path, "-f", ROOT / "Makefile", "-o", ".venv/.installed", "kills"]
    run = subprocess.run([*make, f"PY={tool}"], capture_output=True, text=True)
    assert run.returncode and record.read_text() == "earlier"


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc")
def test_a_notebook_is_timed_and_its_kernel_weighed(tmp_path, capfd):
    cells = [new_code_cell("import time; a = b'x' * 200_000_000; del a; time.sleep(1)")]
    nbformat.write(new_notebook(cells=cells), tmp_path / "big.ipynb")
    seconds, peak = onecore.measure(tmp_path / "big.ipynb")
    assert "WARNING" not in "".join(capfd.readouterr())  # a record would keep it
    assert 1 < seconds < 60 and 200 < peak < 350
    for seconds, peak, code in ((10, 900, 0), (601, 900, 1), (10, 1001, 1), (10, None, 1)):
        onecore.measure = lambda _, said=(seconds, peak): said
        assert onecore.main([]) == code
        assert capfd.readouterr().out.startswith("commit ")


def test_two_workers_are_timed_against_one(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(judge, "train_judge", partial(judge.train_judge, steps=3))
    scaling.keep_judge(tmp_path, limit=1500)
    tiny = {"limit": 1500, "most": 300, "samples": 200}
    assert scaling.measure(2, cells=2, steps=3, judges=tmp_path, **tiny) > 0
    monkeypatch.setattr(scaling, "keep_judge", lambda folder: None)
    monkeypatch.setattr(scaling, "by_rows", lambda rows: True)
    for seconds, code in (({1: 17.0, 2: 10.0}, 0), ({1: 16.9, 2: 10.0}, 1)):
        monkeypatch.setattr(scaling, "measure", lambda workers, *_, s=seconds: s[workers])
        assert scaling.main([]) == code
        assert ("NOT" in capsys.readouterr().out) == bool(code)


def test_tables_are_timed_and_weighed_by_rows(capsys, monkeypatch):
    found = scaling.weigh(300, steps=3)
    assert [*found] == ["table", "train", "measure", "read", "peak"]
    assert min(found.values()) > 0 and 200 < found["peak"] < 4000
    for seconds, peak, good in (
        ({1: 10.0, 2: 11.0, 4: 13.0}, 4000, True),
        ({1: 10.0, 2: 11.0, 4: 14.1}, 4000, False),  # 1.55 s a row, not 1
        ({1: 10.0, 2: 11.0, 4: 13.0}, 4001, False),
    ):
        monkeypatch.setattr(
            scaling, "weigh", lambda n, s=seconds, p=peak: {"read": s[n], "peak": p}
        )
        assert scaling.by_rows([1, 2, 4]) == good
        assert ("NOT" in capsys.readouterr().out) != good


def test_drawing_is_timed_warm_on_one_and_two_threads(capsys, monkeypatch):
    assert drawing.measure("Shapes3D.v2", 2, count=64, repeats=1) > 0
    for rate, code in ((20_000.4, 0), (9_999.0, 1)):  # images/s of a thread
        monkeypatch.setattr(drawing, "measure", lambda name, threads, r=rate: r * threads)
        assert drawing.main(["dSprites.v2", "Shapes3D.v5"]) == code
        said = capsys.readouterr().out
        assert ("NOT" in said) == bool(code) and f"{rate:,.0f} images/s with one thread" in said


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_was_made_from_a_clean_checkout(name):
    record = (ROOT / "notebooks/results" / f"{name}.txt").read_text(encoding="utf-8")
    assert re.match(r"commit [0-9a-f]{7,40}, ", record)
