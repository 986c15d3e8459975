"""The command line: what it writes, and that bad input ends with one sentence and exit code 2."""

import dataclasses
import errno
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from wdlib import __main__ as commands
from wdlib import evaluation, pretrained
from wdlib.__main__ import main
from wdlib.data import Images, load
from wdlib.experiments.cells import write as write_cell
from wdlib.files import provenance
from wdlib.methods import METHODS
from wdlib.metrics import score
from wdlib.model import saved
from wdlib.training import COURSE, Trainer, schedule

CLASSES = np.array([[0, 0, 5, 0, 0, 0], [0, 2, 0, 7, 31, 16]])


@pytest.fixture
def short(monkeypatch):
    """COURSE cut to a few steps."""
    phases = tuple(dataclasses.replace(p, steps=3) for p in COURSE.phases)
    monkeypatch.setitem(schedule.PRESETS, "COURSE", dataclasses.replace(COURSE, phases=phases))


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


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_draw_writes_through_a_pipe_and_behind_a_link(tmp_path):
    np.save(tmp_path / "classes.npy", CLASSES)
    (tmp_path / "deep").mkdir()
    (tmp_path / "link.npy").symlink_to("deep/out.npy")
    os.mkfifo(tmp_path / "pipe.npy")
    with ThreadPoolExecutor() as pool:
        through = pool.submit((tmp_path / "pipe.npy").read_bytes)
        for out in ("pipe.npy", "link.npy"):
            command = ["draw", "dsprites", str(tmp_path / "classes.npy"), str(tmp_path / out)]
            assert main(command) == 0
        assert through.result() == (tmp_path / "deep/out.npy").read_bytes()
    assert (tmp_path / "link.npy").is_symlink() and (tmp_path / "pipe.npy").is_fifo()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_path_that_cannot_be_printed_is_no_failure(tmp_path, encoding):
    folder = tmp_path / "\u0161koln\u00ed \u4e16"
    folder.mkdir()
    command = ["film", "dSprites.v2", "right", "--out", folder / "a.gif"]
    run = subprocess.run(
        [sys.executable, "-m", "wdlib", *command], capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": encoding},
    )  # fmt: skip
    assert run.returncode == 0 and (folder / "a.gif").exists(), run.stderr
    shown = str(folder).encode(encoding, "backslashreplace")
    assert run.stdout.strip().endswith(shown + b"/a.gif")


@pytest.mark.parametrize("dataset", ["dsprites", "shapes3d"])
@pytest.mark.parametrize("count", [0, 7, 9])
def test_draw_holds_a_block_of_images_at_most(tmp_path, monkeypatch, dataset, count):
    images, drawn = load(dataset), []
    classes = images.space.classes(np.arange(count) * 1000)
    wanted, draw = images.draw(classes), Images.draw
    np.save(tmp_path / "classes.npy", classes)
    np.save(tmp_path / "wanted.npy", wanted)

    def counted(self, classes):
        drawn.append(len(classes))
        return draw(self, classes)

    monkeypatch.setattr(Images, "draw", counted)
    monkeypatch.setattr(commands, "BLOCK", 3)
    assert main(["draw", dataset, str(tmp_path / "classes.npy"), str(tmp_path / "out.npy")]) == 0
    assert sum(drawn) == count and max(drawn, default=0) <= 3
    assert (tmp_path / "out.npy").read_bytes() == (tmp_path / "wanted.npy").read_bytes()


ENFORCE = "[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory: you"
ENDS = {
    "numpy": (MemoryError("Unable to allocate 7.28 TiB for an array"), "allocate 7.28 TiB", 2),
    "python": (MemoryError(), "score needs more memory than there is: something", 2),
    "torch": (RuntimeError(f"{ENFORCE}\ntrace"), "can't allocate memory", 2),
    "cuda": (torch.cuda.OutOfMemoryError("CUDA out of memory. Tried"), "'cpu' failed: CUDA out", 2),
    "driver": (RuntimeError("Found no NVIDIA driver on this CUDA system"), "no NVIDIA", 2),
    "lost": (RuntimeError("Expected all tensors to be on the same device"), "same device", 2),
    "ctrl-c": (KeyboardInterrupt(), "interrupted", 130),
}


@pytest.mark.parametrize("end", ENDS)
def test_what_is_not_the_code_s_fault_ends_with_one_sentence(monkeypatch, capsys, end):
    error, said, code = ENDS[end]

    def fails(*_):
        raise error

    monkeypatch.setattr("wdlib.data.arrays.read_npz", fails)
    assert main(["score", "a.npz"]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("wdlib: ") and said in line


def test_other_errors_of_torch_keep_their_traceback(monkeypatch):
    def fails(*_):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)")

    monkeypatch.setattr("wdlib.data.arrays.read_npz", fails)
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        main(["score", "a.npz"])


def test_an_array_that_fits_in_no_memory(tmp_path, monkeypatch, capsys):
    np.save(tmp_path / "classes.npy", CLASSES)
    monkeypatch.setattr(Images, "draw", lambda self, classes: np.empty((len(classes), 1 << 50)))
    said = refused(capsys, "draw", "dsprites", tmp_path / "classes.npy", tmp_path / "out.npy")
    assert "draw needs more memory than there is: Unable to allocate 16.0 PiB" in said
    assert [path.name for path in tmp_path.iterdir()] == ["classes.npy"]


@pytest.mark.parametrize("command", ["train dSprites.v2", "evaluate dSprites.v2", "score a.npz"])
@pytest.mark.parametrize("seed", [-1, 2**32, 10**30])
def test_a_seed_that_is_none(capsys, command, seed):
    said = refused(capsys, *command.split(), "--seed", seed)
    assert f"--seed must be an integer from 0 to 4294967295, got {seed}" in said


def test_score_wants_a_metric(capsys):
    for none in ("", ",", ",,"):
        assert "--metrics is empty" in refused(capsys, "score", "a.npz", "--metrics", none)


def test_a_place_that_cannot_be_written_is_named_before_the_work(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.save("classes.npy", CLASSES)
    (tmp_path / "file").touch()
    before = sorted(tmp_path.iterdir())
    for command in ("load", "split.split"):
        monkeypatch.setattr(f"wdlib.data.{command}", None)  # nothing begins
    draw, film = ["draw", "dsprites", "classes.npy"], ["film", "dSprites.v2", "right", "--out"]
    assert "wdlib: . is a folder; give" in refused(capsys, *draw, ".")
    assert "there is no folder nowhere" in refused(capsys, *draw, "nowhere/a.npy")
    assert "there is no folder nowhere" in refused(capsys, *film, "nowhere/a.gif")
    (tmp_path / "a.gif").mkdir()
    assert "a.gif is a folder" in refused(capsys, *film, "a.gif")
    (tmp_path / "a.gif").rmdir()
    for out in ("file", "file/deeper/run", "/proc/run"):
        said = refused(capsys, "train", "dSprites.v2", "--out", out)
        assert f"nothing can be written in {out}: " in said
    assert sorted(tmp_path.iterdir()) == before


def test_a_device_that_holds_no_numbers(capsys):
    for command in ("train", "evaluate"):
        said = refused(capsys, command, "dSprites.v2", "--device", "meta")
        assert "the device 'meta' cannot be used" in said


def test_training_that_is_interrupted_says_how_it_goes_on(tmp_path, monkeypatch, capsys, short):
    train = ["train", "dSprites.v2", "--labels", "400", "--device", "cpu", "--out", str(tmp_path)]
    step = Trainer.step

    def interrupted(self, *where):
        if self.done == 2:
            raise KeyboardInterrupt
        return step(self, *where)

    monkeypatch.setattr(Trainer, "step", interrupted)
    assert main(train) == 130
    assert capsys.readouterr().err.splitlines()[-1] == (
        "wdlib: interrupted at step 2; nothing was saved"
    )
    monkeypatch.setattr(
        Trainer.run, "__kwdefaults__", Trainer.run.__kwdefaults__ | {"save_every": 2}
    )
    assert main(train) == 130
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"wdlib: interrupted at step 2; --resume continues from the checkpoint in {tmp_path}"
    )
    assert saved.load(tmp_path, "checkpoint")[1]["done"] == 2


@pytest.mark.parametrize(
    "classes, said",
    [
        (CLASSES.astype(float), "must be integers, got float64"),
        (CLASSES[:, :5], "5 columns"),
        (CLASSES + [0, 1, 0, 0, 0, 0], "classes of shape are 0 to 2, got 1 to 3"),
        (CLASSES - 1, "got -1 to -1"),
        (
            np.array([None]),
            "classes.npy: the array holds object, but only numbers are read",
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
    assert "cut.npy is damaged or cut short" in refused(
        capsys, "draw", "dsprites", tmp_path / "cut.npy", out
    )


def test_score_prints_the_librarys_numbers(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", **arrays())
    assert main(["score", str(tmp_path / "a.npz"), "--metrics", "mig,sap_r2,sap", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    given = arrays()
    names = ("codes_train", "factors_train", "codes_test", "factors_test")
    about = printed.pop("about")
    assert printed == score(*(given[n] for n in names), metrics=["mig", "sap_r2", "sap"])
    assert printed["mig"] > 0.8
    sizes = {name: [300, 2] for name in names}
    asked = {"seed": 0, "metrics": ["mig", "sap_r2", "sap"], "sizes": sizes}
    assert about == provenance() | asked
    assert main(["score", str(tmp_path / "a.npz"), "--metrics", "mig"]) == 0
    assert capsys.readouterr().out.split() == ["mig", f"{printed['mig']:.4f}"]


def test_score_reads_names_of_factors(tmp_path, capsys):
    given = arrays()
    for part in ("factors_train", "factors_test"):
        given[part] = np.array(["heart", "left", "none", "star"])[given[part]]
    np.savez(tmp_path / "a.npz", **given)
    assert main(["score", str(tmp_path / "a.npz"), "--metrics", "mig,jemmig", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["mig"] == pytest.approx(score(*arrays().values(), metrics="mig")["mig"])


@pytest.mark.parametrize(
    "change, metrics, said",
    [
        ({"codes_test": None}, "mig", "lacks the array 'codes_test'"),
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
    train += ["--seed", "3"]
    assert main(train) == 0
    assert "the model is in" in capsys.readouterr().out
    assert "already holds a checkpoint: add --resume" in refused(capsys, *train)
    weights = {f.name for f in out.glob("model*")}
    assert main([*train, "--resume"]) == 0
    assert {f.name for f in out.glob("model*")} == weights, "nothing was left to train"
    few = ["train", "dSprites.v2", "--out", str(out), "--device", "cpu", "--resume"]
    assert main(few) == 0, "the record holds seed, labels and preset"
    assert {f.name for f in out.glob("model*")} == weights
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
        (["train", "dSprites.v2", "--preset", "FAST"], "the presets are PAPER, COURSE"),
        (["train", "dSprites.v2", "--device", "gpu"], "device 'gpu' cannot be used"),
        (["train", "dSprites.v2", "--data", "nowhere.npz"], "nowhere.npz"),
        (["train", "dSprites.v2", "--labels", "9000000"], "cannot label 9000000 images"),
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
    from wdlib.experiments.studies import cells_of

    csv = tmp_path / "t.csv"
    argv = ["table", "1", "--seeds", "0,1", "--tasks", "dsprites.v2", "--csv", csv]
    argv += ["--folder", tmp_path / "cells"]
    for number, cell in enumerate(cells_of("1", seeds=[0, 1], tasks=["dSprites.v2"])):
        rows = [{"convention": "-", "score": "judged_prior", "value": 0.5 + number / 4}]
        source = {"commit": "c", "torch": "t", "seconds": 1.0}
        write_cell(tmp_path / "cells", cell, {"rows": rows, "source": source})
    assert main([str(a) for a in argv]) == 0
    printed = capsys.readouterr().out
    assert "0.625 (0.500 to 0.750)" in printed and "Modular (paper), 3600 s" in printed
    lines = csv.read_text(encoding="utf-8").splitlines()
    column = lines[0].split(",").index("judged_prior")
    assert [line.split(",")[column] for line in lines[1:]] == ["0.5", "0.75", "1"]
    assert "takes no seconds" in refused(capsys, "table", "unseen", "--seconds", "9")
    assert "no method 'fader'" in refused(capsys, "table", "1", "--methods", "modular,fader")


def test_every_cell_of_a_table_may_be_a_job_of_its_own(tmp_path, capsys, monkeypatch):
    from wdlib.experiments import grid
    from wdlib.experiments.studies import cells_of

    def work(cell, folder, methods):
        if cell.seed == 1:
            raise LookupError("seed 1 lost its way")
        return [{"convention": "-", "score": "judged_encoded", "value": cell.seed / 10}]

    monkeypatch.setattr(grid.run, "__kwdefaults__", grid.run.__kwdefaults__ | {"work": work})
    asked = ["--tasks", "dSprites.v2", "--methods", "modular", "--folder", str(tmp_path)]
    assert main(["cell", "table1", *asked]) == 0
    assert capsys.readouterr().out == "3\n" and not list(tmp_path.iterdir())
    for number in (1, 3):
        assert main(["cell", "table1", str(number), *asked]) == 0
        assert f"cell {number} of 3 is in {tmp_path}" in capsys.readouterr().out
    assert main(["cell", "table1", "2", *asked]) == 2
    assert "seed 1 lost its way" in capsys.readouterr().err
    for number in ("0", "4"):
        assert "table 1 has cells 1 to 3, got" in refused(capsys, "cell", "1", number, *asked)
    cells = cells_of("1", tasks=["dSprites.v2"], methods=["modular"])
    kept = grid.run(cells, folder=tmp_path, work=lambda *_: []).frame  # as ``table`` finds them
    assert kept.seed.tolist() == [0, 2] and kept.value.tolist() == [0.0, 0.2]
    course = Path(__file__).parents[1] / "notebooks/09_tables.py"
    assert f"--array=1-{len(cells_of('2'))} " in course.read_text(encoding="utf-8")


@pytest.fixture
def model_to_read(tmp_path, monkeypatch):
    """A folder that holds a model, but no judge, and takes no file (root ignores its mode)."""
    from wdlib.metrics import judge

    def read_only(path):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    folder = tmp_path / "model"
    shutil.copytree(pretrained.folder_of("dSprites.v2"), folder)
    for file in folder.glob("judge*"):
        file.unlink()
    monkeypatch.setattr(judge, "train_judge", partial(judge.train_judge, steps=2))
    monkeypatch.setattr(saved, "whole", read_only)
    return folder


@pytest.mark.parametrize("verb", ["evaluate", "film"])
def test_a_model_in_a_read_only_folder_is_read(model_to_read, verb, capsys, monkeypatch):
    monkeypatch.setattr(evaluation, "evaluate", lambda *_, **__: "the report")
    before = sorted(model_to_read.iterdir())
    film = ["right", "--out", str(model_to_read.parent / "a.gif")]
    assert main([verb, str(model_to_read), *(film if verb == "film" else [])]) == 0
    out, err = capsys.readouterr()
    why = "the new judge cannot be kept in {}, only used: Read-only file system"
    assert err.strip() == f"wdlib: {why.format(model_to_read)}"
    assert out.strip() and sorted(model_to_read.iterdir()) == before


def test_evaluate_says_where_a_model_was_trained_on_other_images(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(evaluation, "evaluate", lambda *_, **__: "the report")
    shutil.copytree(pretrained.folder_of("dSprites.v2"), tmp_path / "model")
    record = json.loads((tmp_path / "model" / "model.json").read_text())
    for images in ("drawn", "original file, SHA-256 0123456789abcdef..."):
        (tmp_path / "model" / "model.json").write_text(json.dumps(record | {"images": images}))
        assert main(["evaluate", str(tmp_path / "model")]) == 0
        said = f"wdlib: the model was trained on other images ({images}) than these (drawn)\n"
        assert capsys.readouterr().err == ("" if images == "drawn" else said)


def test_film_shows_every_step_and_counts_the_right_ones(tmp_path, capsys):
    from PIL import Image

    out = tmp_path / "walk.gif"
    assert main(["film", "dSprites.v2", "right", "down", "next-shape", "--out", str(out)]) == 0
    assert "3 of 3 steps are right" in capsys.readouterr().out
    assert Image.open(out).n_frames == 4
    for wrong, said in (
        (["bigger", "--out", str(out)], "has no relation 'bigger'"),
        (["right", "--out", str(tmp_path / "walk.mp4")], "must end in .gif"),
        (["right", "--image", "-1", "--out", str(out)], "the test images are 0 to"),
    ):
        assert said in refused(capsys, "film", "dSprites.v2", *wrong)


def test_ship_keeps_several_models_measured_at_one_commit(tmp_path, monkeypatch, capsys):
    def scores(model, split, images, judge, *, importances):
        return SimpleNamespace(to_dict=lambda: {"task": model.task.name, "trees": importances})

    monkeypatch.setattr(evaluation, "evaluate", scores)
    names = ("dSprites.v2", "Shapes3D.v3")
    runs = [str(pretrained.folder_of(name)) for name in names]
    trees = ["--importances", "gradient_boosting"]
    assert main(["ship", *runs, "--home", str(tmp_path), *trees]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    records = [json.loads((tmp_path / name / "model.json").read_text()) for name in names]
    assert [r["scores"] for r in records] == [{"task": name, "trees": trees[1]} for name in names]
    assert {r["measured"]["commit"] for r in records} == {provenance()["commit"]}


@pytest.mark.parametrize(
    "asked, trees", [([], ""), (["--importances", "hist_gradient_boosting"], "hist_")]
)
def test_evaluate_takes_the_trees_of_a_record_and_says_which(monkeypatch, capsys, asked, trees):
    monkeypatch.setattr(
        evaluation, "evaluate", lambda *_, **given: SimpleNamespace(to_dict=lambda: given)
    )
    assert main(["evaluate", "dSprites.v2", "--json", "--seed", "3", *asked]) == 0
    said = json.loads(capsys.readouterr().out)
    settings = {"seed": 3, "importances": f"{trees}gradient_boosting"}
    assert (
        said.items() >= settings.items() and said["about"]["measured"].items() >= settings.items()
    )


def test_table_refuses_seeds_and_tasks_that_are_none(tmp_path, capsys):
    assert "--seeds takes integers" in refused(capsys, "table", "1", "--seeds", "0,x")
    said = refused(capsys, "table", "1", "--tasks", "dSprites.v9", "--folder", tmp_path)
    assert "did you mean" in said
    said = refused(capsys, "table", "2", "--methods", "beta-vea", "--folder", tmp_path)
    assert "did you mean beta_vae" in said


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["draw"],
        ["train"],
        ["evaluate"],
        ["film"],
        ["ship"],
        ["score"],
        ["table"],
        ["cell"],
        ["recipe"],
    ],
)
def test_every_command_has_help(capsys, command):
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help"])
    assert stop.value.code == 0
    assert "usage: python -m wdlib" in capsys.readouterr().out


def test_a_recipe_says_every_setting_behind_a_row(capsys):
    digest = METHODS["modular"].recipe("dSprites.v4")
    assert main(["recipe", digest]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["recipe"] == digest and "dSprites.v4" in said["methods"]["modular"]
    want = dataclasses.asdict(COURSE.for_task("dSprites.v4"))
    assert said["settings"] == json.loads(json.dumps(want))
    assert "no method of commit" in refused(capsys, "recipe", "0123456789ab")


def test_as_a_process_usage_errors_exit_with_two():
    run = subprocess.run([sys.executable, "-m", "wdlib", "teach"], capture_output=True, text=True)
    assert run.returncode == 2 and "invalid choice" in run.stderr
