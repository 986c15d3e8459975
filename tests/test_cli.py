"""The command line: what it writes, and that bad input ends with one sentence and exit code 2."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest

from wdlib.__main__ import main
from wdlib.cells import write as write_cell
from wdlib.data import load
from wdlib.metrics import score
from wdlib.training import COURSE, presets

CLASSES = np.array([[0, 0, 5, 0, 0, 0], [0, 2, 0, 7, 31, 16]])


@pytest.fixture
def short(monkeypatch):
    """COURSE cut to a few steps."""
    phases = tuple(dataclasses.replace(p, steps=3) for p in COURSE.phases)
    monkeypatch.setitem(presets.PRESETS, "COURSE", dataclasses.replace(COURSE, phases=phases))


def arrays(**change):
    rng = np.random.default_rng(0)
    factors = {p: np.stack([rng.integers(3, size=300), rng.integers(4, size=300)], 1) for p in "ab"}
    whole = {
        "codes_train": factors["a"] + rng.normal(0, 0.1, (300, 2)),
        "factors_train": factors["a"],
        "codes_test": factors["b"] + rng.normal(0, 0.1, (300, 2)),
        "factors_test": factors["b"],
    }
    return {k: v for k, v in (whole | change).items() if v is not None}


def refused(capsys, *argv):
    """The one sentence on standard error; fails unless the exit code is 2."""
    assert main([str(a) for a in argv]) == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.strip().splitlines()) == 1
    return err


def test_draw_writes_what_load_draws(tmp_path):
    np.save(tmp_path / "classes.npy", CLASSES)
    assert main(["draw", "dsprites", str(tmp_path / "classes.npy"), str(tmp_path / "out.npy")]) == 0
    images = np.load(tmp_path / "out.npy")
    assert images.shape == (2, 64, 64) and images.dtype == np.uint8
    np.testing.assert_array_equal(images, load("dsprites").draw(CLASSES))


@pytest.mark.parametrize(
    "classes, said",
    [
        (CLASSES.astype(float), "must be integers, got float64"),
        (CLASSES[:, :5], "5 columns"),
        (CLASSES + [0, 1, 0, 0, 0, 0], "shape has classes 0 to 2, got 1 to 3"),
        (CLASSES - 1, "got -1 to -1"),
        (
            np.array([None]),
            "classes.npy: the content holds object, but only plain numbers are read",
        ),
    ],
)
def test_draw_refuses_bad_classes_and_keeps_what_is_there(tmp_path, capsys, classes, said):
    np.save(tmp_path / "classes.npy", classes, allow_pickle=True)
    (tmp_path / "out.npy").write_text("mine")
    err = refused(capsys, "draw", "dsprites", tmp_path / "classes.npy", tmp_path / "out.npy")
    assert said in err
    assert (tmp_path / "out.npy").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 2


def test_draw_refuses_unknown_datasets_and_missing_files(tmp_path, capsys):
    np.save(tmp_path / "classes.npy", CLASSES)
    out = tmp_path / "out.npy"
    assert "did you mean dsprites" in refused(
        capsys, "draw", "dsprite", tmp_path / "classes.npy", out
    )
    assert "none.npy" in refused(capsys, "draw", "dsprites", tmp_path / "none.npy", out)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "classes.npy").read_bytes()[:90])
    assert "cut.npy: the content is no numpy array" in refused(
        capsys, "draw", "dsprites", tmp_path / "cut.npy", out
    )


def test_score_prints_the_librarys_numbers(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", **arrays())
    assert main(["score", str(tmp_path / "a.npz"), "--metrics", "mig,sap_r2,sap", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    given = arrays()
    names = ("codes_train", "factors_train", "codes_test", "factors_test")
    assert printed == score(*(given[n] for n in names), metrics=["mig", "sap_r2", "sap"])
    assert printed["mig"] > 0.8
    assert main(["score", str(tmp_path / "a.npz"), "--metrics", "mig"]) == 0
    assert capsys.readouterr().out.split() == ["mig", f"{printed['mig']:.4f}"]


@pytest.mark.parametrize(
    "change, metrics, said",
    [
        ({"codes_test": None}, "mig", "lacks 'codes_test'"),
        ({}, "mug", "did you mean 'mig'"),
        ({"codes_train": np.full((300, 2), np.nan)}, "mig", "holds nan"),
        ({"factors_train": np.full((300, 2), 0.5)}, "mig", "integer"),
        ({"codes_train": np.array([{}], dtype=object)}, "mig", "codes_train holds object"),
    ],
)
def test_score_refuses_bad_arrays(tmp_path, capsys, change, metrics, said):
    np.savez(tmp_path / "a.npz", **arrays(**change))
    assert said in refused(capsys, "score", tmp_path / "a.npz", "--metrics", metrics)


def test_score_refuses_a_cut_archive(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", **arrays())
    data = (tmp_path / "a.npz").read_bytes()
    for keep in (0, 10, len(data) // 2):
        (tmp_path / "a.npz").write_bytes(data[:keep])
        assert "a.npz" in refused(capsys, "score", tmp_path / "a.npz")


def test_train_evaluate_and_resume(tmp_path, capsys, short):
    out = tmp_path / "run"
    train = ["train", "dsprites.V2", "--labels", "400", "--out", str(out), "--device", "cpu"]
    assert main(train) == 0
    assert "the model is in" in capsys.readouterr().out
    assert "checkpoint already: add --resume" in refused(capsys, *train)
    weights = {f.name for f in out.glob("model*")}
    assert main([*train, "--resume"]) == 0
    assert {f.name for f in out.glob("model*")} == weights, "nothing was left to train"
    capsys.readouterr()
    assert "labels 400, not 500" in refused(
        capsys, "train", "dSprites.v2", "--labels", 500, "--out", out, "--resume"
    )
    assert "task dSprites.v2, not dSprites.v3" in refused(
        capsys, "train", "dSprites.v3", "--labels", 400, "--out", out, "--resume"
    )
    (cut,) = out.glob("checkpoint-*.safetensors")
    cut.write_bytes(cut.read_bytes()[:1000])
    assert "cut or altered" in refused(capsys, *train, "--resume")


@pytest.mark.parametrize(
    "argv, said",
    [
        (["train", "dSprites.v22"], "did you mean dSprites.v2"),
        (["train", "dSprites.v2", "--preset", "FAST"], "there are PAPER, COURSE"),
        (["train", "dSprites.v2", "--device", "gpu"], "device 'gpu' cannot be used"),
        (["train", "dSprites.v2", "--data", "nowhere.npz"], "nowhere.npz"),
        (["train", "dSprites.v2", "--labels", "9000000"], "9000000 labels"),
        (["train", "dSprites.v2", "--labels", "4"], "none of the 4 labelled images has"),
        (["train", "dSprites.v2", "--resume"], "no checkpoint in"),
        (["evaluate", "nowhere"], "no model in nowhere"),
    ],
)
def test_bad_input_ends_with_one_sentence(tmp_path, capsys, monkeypatch, argv, said):
    monkeypatch.chdir(tmp_path)
    assert said in refused(capsys, *argv)
    assert list(tmp_path.iterdir()) == []


def test_table_runs_what_is_missing_and_writes_every_row(tmp_path, capsys):
    from wdlib import grid

    csv = tmp_path / "t.csv"
    argv = ["table", "1", "--seeds", "0,1", "--tasks", "dsprites.v2", "--csv", csv]
    argv += ["--folder", tmp_path / "cells"]
    for number, cell in enumerate(grid.table1_cells([0, 1], tasks=["dSprites.v2"])):  # and PAPER
        rows = [{"convention": "-", "score": "judged_prior", "value": 0.5 + number / 4}]
        write_cell(tmp_path / "cells", cell, rows, {"commit": "c", "torch": "t", "seconds": 1.0})
    assert main([str(a) for a in argv]) == 0
    printed = capsys.readouterr().out
    assert "0.625 (0.500 to 0.750)" in printed and "0.724" in printed  # ours, and the published
    lines = csv.read_text(encoding="utf-8").splitlines()
    column = lines[0].split(",").index("judged_prior")
    assert [line.split(",")[column] for line in lines[1:]] == ["0.5", "0.75", "1"]
    assert "dSprites.v2, modular-paper cut short at 3600 s | 1000 |" in printed
    assert "takes no --methods" in refused(capsys, "table", "unseen", "--methods", "modular")
    assert "not of 'fader'" in refused(capsys, "table", "1", "--methods", "modular,fader")


def test_film_shows_every_step_and_counts_the_right_ones(tmp_path, capsys):
    from PIL import Image

    out = tmp_path / "walk.gif"
    assert main(["film", "dSprites.v2", "right", "down", "next-shape", "--out", str(out)]) == 0
    assert "3 of 3 steps lead where they should" in capsys.readouterr().out
    assert Image.open(out).n_frames == 4
    assert main(["film", "dSprites.v2", "right", "--out", str(tmp_path / "walk.png")]) == 0
    capsys.readouterr()
    for wrong, said in (
        (["bigger", "--out", str(out)], "has no relation 'bigger'"),
        (["right", "--out", str(tmp_path / "walk.mp4")], "a .gif or a .png"),
        (["right", "--image", "-1", "--out", str(out)], "the test images are 0 to"),
    ):
        assert said in refused(capsys, "film", "dSprites.v2", *wrong)


def test_table_refuses_seeds_and_tasks_that_are_none(tmp_path, capsys):
    assert "--seeds takes integers" in refused(capsys, "table", "1", "--seeds", "0,x")
    said = refused(capsys, "table", "1", "--tasks", "dSprites.v9", "--folder", tmp_path)
    assert "did you mean" in said
    said = refused(capsys, "table", "2", "--methods", "beta-vea", "--folder", tmp_path)
    assert "did you mean beta_vae" in said


@pytest.mark.parametrize(
    "command", [[], ["draw"], ["train"], ["evaluate"], ["film"], ["ship"], ["score"], ["table"]]
)
def test_every_command_has_help(capsys, command):
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help"])
    assert stop.value.code == 0
    assert "usage: python -m wdlib" in capsys.readouterr().out


def test_as_a_process_usage_errors_exit_with_two():
    run = subprocess.run([sys.executable, "-m", "wdlib", "teach"], capture_output=True, text=True)
    assert run.returncode == 2 and "invalid choice" in run.stderr
