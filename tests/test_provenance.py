"""Where results come from: every file says it, and a bug report says where wdlib ran."""

import dataclasses
import getpass
import json
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import wdlib
from wdlib import files
from wdlib.__main__ import main
from wdlib.data import load
from wdlib.data.split import split
from wdlib.experiments import cells, grid, tables
from wdlib.metrics import judge
from wdlib.model import saved
from wdlib.tasks import task
from wdlib.training import COURSE, Trainer

ROOT = Path(__file__).parents[1]


def test_provenance_is_this_code_and_these_libraries():
    found = files.provenance()
    assert found["python"] == platform.python_version() and found["torch"] == version("torch")
    assert found["wdlib"] == version("wdlib") and found["numpy"] == version("numpy")
    git = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True)
    if git.returncode or Path(wdlib.__file__).parents[1] != ROOT:  # no checkout, or not this one
        assert found["commit"] == ""
    else:
        assert git.stdout.startswith(found["commit"].removesuffix("-dirty")) and found["commit"]


def test_what_is_not_installed_has_no_version():
    assert files.installed("no-such-package-at-all") == ""


def test_the_repository_around_an_installed_package_is_not_its_own(tmp_path, monkeypatch):
    home = tmp_path / "site-packages" / "wdlib"
    home.mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    monkeypatch.setattr(files, "__file__", str(home / "files.py"))
    assert files.commit.__wrapped__() == ""


def test_the_environment_names_versions_threads_and_device():
    found = wdlib.report_environment()
    assert found.items() >= (files.provenance() | {"machine": platform.platform()}).items()
    assert found["threads"].startswith(f"{torch.get_num_threads()} of torch")
    assert found["device"] == "cpu" or "CUDA" in found["device"]
    for name in ("h5py", "scipy", "safetensors", "joblib", "pytest"):
        assert re.match(r"\d+\.|not installed$", found[name]), name
    assert found["h5py"] == version("h5py")


def test_the_environment_prints_a_line_each_and_is_json():
    found = wdlib.report_environment()
    assert len(str(found).splitlines()) == len(found)
    assert re.search(rf"^torch +{re.escape(version('torch'))}$", repr(found), flags=re.MULTILINE)
    assert json.loads(json.dumps(found)) == found


def test_the_environment_names_no_person_and_no_folder():
    said = str(wdlib.report_environment())
    for private in (str(ROOT), str(Path.home()), getpass.getuser(), platform.node()):
        assert not re.search(rf"(?<!\w){re.escape(private)}(?!\w)", said), private


def test_a_package_that_was_never_installed_has_no_dependencies(monkeypatch):
    def nowhere(name):
        raise files.PackageNotFoundError(name)

    monkeypatch.setattr(files, "requires", nowhere)
    assert "h5py" not in files.report_environment()


@pytest.fixture(scope="module")
def trainer():
    parts = split(task("dSprites.v2"), seed=0, labels=200, limit=400)
    return Trainer(parts, load("dsprites"), COURSE, seed=5)


def test_models_and_checkpoints_say_where_they_come_from(tmp_path, trainer):
    trainer.save(tmp_path)
    trainer.save_model(tmp_path)
    for name in (saved.CHECKPOINT, saved.MODEL):
        record = json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))
        assert record["source"] == files.provenance() and record["seed"] == 5
        assert record["preset"] == saved.plain(dataclasses.asdict(COURSE))


def test_a_checkpoint_of_other_versions_is_still_resumed(tmp_path, trainer, monkeypatch):
    monkeypatch.setattr("wdlib.training.trainer.provenance", lambda: {"torch": "0.1"})
    trainer.save(tmp_path)
    monkeypatch.undo()
    trainer.resume(tmp_path)


def test_a_kept_judge_says_where_it_comes_from(tmp_path, trainer, monkeypatch):
    made = judge.Judge(trainer.split.task)
    monkeypatch.setattr(judge, "train_judge", lambda *_, **__: made)
    judge.kept_judge(tmp_path, trainer.split, load("dsprites"))
    record = json.loads((tmp_path / "judge.json").read_text(encoding="utf-8"))
    assert record["source"] == files.provenance() and record["seed"] == 0


def test_every_row_of_a_csv_says_where_it_comes_from(tmp_path):
    cell = cells.Cell("dSprites.v2", "toy", seed=3, steps=1)
    row = {"convention": "raw", "score": "mig", "value": 0.5}
    cells.write(tmp_path, cell, cells.attempt(lambda *_: [row], cell, tmp_path))
    tables.write_results(grid.frame_of({cell: cells.read(tmp_path, cell)}), tmp_path / "t.csv")
    (back,) = tables.read_results(tmp_path / "t.csv").to_dict("records")
    assert (back["method"], back["seed"], back["labels"]) == ("toy", 3, 1000)
    source = files.provenance()
    assert {name: back[name] for name in source if name != "machine"} == {
        name: said for name, said in source.items() if name != "machine"
    }


def test_a_report_as_json_says_where_model_and_figures_come_from(
    tmp_path, trainer, monkeypatch, capsys
):
    monkeypatch.setattr("wdlib.metrics.judge.kept_judge", lambda *_, **__: None)
    report = SimpleNamespace(to_dict=lambda: {"mig": 0.25})
    monkeypatch.setattr("wdlib.evaluation.evaluate", lambda *_, **__: report)
    trainer.save_model(tmp_path)
    assert main(["evaluate", str(tmp_path), "--json", "--seed", "8", "--device", "cpu"]) == 0
    printed = json.loads(capsys.readouterr().out)
    about = printed["about"]
    assert printed["mig"] == 0.25 and (about["task"], about["seed"]) == ("dSprites.v2", 5)
    assert about["preset"]["name"] == "COURSE" and about["labels"] == 200
    assert about["trained"] == files.provenance()
    how = {"seed": 8, "importances": "gradient_boosting"}
    assert about["measured"] == files.provenance() | how
