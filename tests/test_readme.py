"""README is short, its code runs, and what it names exists."""

import re
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from test_packaging import ROOT

import wdlib
from wdlib.__main__ import parser
from wdlib.course.notebooks import notebooks
from wdlib.training import FitRequest
from wdlib.training.schedule import PRESETS

README = (ROOT / "README.md").read_text(encoding="utf-8")
CODE = re.findall(r"(?ms)^```python\n(.*?)^```", README)


def test_it_is_short():
    assert len(README.splitlines()) <= 150
    assert len(README.encode()) <= 9000


def test_its_links_and_images_exist():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert "notebooks/results/relations.gif" in links
    assert [link for link in links if not (ROOT / link).exists()] == []
    assert re.findall(r"!\[\]", README) == [], "an image without alternative text"


def test_it_has_a_line_for_every_notebook():
    lines = re.findall(r"(?m)^- \[(\w+)\]\(notebooks/(\w+)\.ipynb\): .+\.$", README)
    assert lines == [(path.stem, path.stem) for path in notebooks()]


def test_it_has_a_line_for_every_verb():
    (verbs,) = (action for action in parser()._actions if action.dest == "command")
    told = re.findall(r"(?m)^    python -m wdlib (\w+) (?!--).* {2,}\S", README)
    assert told == list(verbs.choices)


def test_the_generated_table_is_marked():
    assert README.index("<!-- results -->") < README.index("<!-- /results -->")


def test_files_that_it_names_exist():
    inside = re.findall(r"`((?:\w+/)*\w+\.py|\w+/)`", README)
    assert len(inside) > 15
    folders = [ROOT / "wdlib", ROOT / "wdlib" / "training"]
    assert [f for f in inside if not any((one / f).exists() for one in folders)] == []


@pytest.mark.slow
def test_its_code_runs(tmp_path, monkeypatch, capsys):
    """In its order and in one session, with fewer steps and samples."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(wdlib, "COURSE", wdlib.COURSE.cut(30))
    judge = partial(wdlib.train_judge, steps=30)
    monkeypatch.setattr(wdlib, "train_judge", judge)
    monkeypatch.setattr("wdlib.simple.train_judge", judge)
    quick = {"importances": "hist_gradient_boosting", "samples": 100, "most": 300}
    monkeypatch.setattr(wdlib, "evaluate", partial(wdlib.evaluate, **quick))
    random = np.random.default_rng(0)
    files = [f"{number}.png" for number in range(60)]
    Path("photos").mkdir()
    for file in files:
        Image.fromarray(random.integers(0, 256, (40, 30, 3), np.uint8)).save(f"photos/{file}")
    labels = {"file": files, "object": ["cup", "jar", None] * 20, "angle": [0, 30, 60] * 20}
    pd.DataFrame(labels).to_csv("labels.csv", index=False)
    monkeypatch.setitem(PRESETS, "FEW", wdlib.COURSE)
    session: dict = {}
    first, world, method = CODE
    exec(first, session)
    assert "dSprites.v2" in capsys.readouterr().out and (tmp_path / "right.png").exists()
    one, parts, images, judge = (session[name] for name in ("task", "split", "images", "judge"))
    exec(world, session)
    assert session["model"].task.sizes == (2, 3) and session["moved"].shape == (5, 3, 40, 30)
    assert wdlib.load_model("model").task.factor_names == ("object", "angle")
    exec(method, session)
    system = session["methods"]["linear"].fit(FitRequest(parts, images, steps=1))
    report = wdlib.evaluate(system, parts, images, judge)
    assert report["encoder_position"] > report["chance_encoder_position"] and one is parts.task
