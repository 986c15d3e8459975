"""Nothing that is read can run, or lead out of its folder: pickles, paths, and the code itself."""

import ast
import json
import os
import pickle
import re
import zipfile
from hashlib import sha256
from pathlib import Path

import hostile
import numpy as np
import pytest
import safetensors.torch
import torch
from damage import npy, npz
from hostile import ROOMS, SPRITES, everything

from wdlib.__main__ import main
from wdlib.data import dsprites, shapes3d
from wdlib.data.arrays import read_npy, read_npz
from wdlib.experiments import tables
from wdlib.model import saved

ROOT = Path(__file__).parents[1]


class Exploding:
    """Unpickled, it makes a folder."""

    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return os.mkdir, (self.mark,)


@pytest.fixture
def mark(tmp_path):
    """The folder that an explosion makes; there is none at the end."""
    pickle.loads(pickle.dumps(Exploding(tmp_path / "proof")))
    assert (tmp_path / "proof").is_dir()
    yield tmp_path / "exploded"
    assert not (tmp_path / "exploded").exists()


def test_no_pickle_explodes_in_arrays(tmp_path, mark, capsys):
    objects = np.array([Exploding(mark)], dtype=object)
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    names = ("codes_train", "factors_train", "codes_test", "factors_test")
    np.savez(tmp_path / "a.npz", **dict.fromkeys(names, objects))
    assert main(["draw", "dsprites", str(tmp_path / "a.npy"), str(tmp_path / "b.npy")]) == 2
    assert main(["score", str(tmp_path / "a.npz")]) == 2
    assert capsys.readouterr().err.count("only numbers are read") == 2
    np.savez(tmp_path / "sprites.npz", imgs=objects, latents_classes=everything(SPRITES))
    with pytest.raises(ValueError, match="imgs holds object"):
        dsprites.reader(tmp_path / "sprites.npz", tmp_path / "cache", SPRITES)


@pytest.mark.parametrize("suffix", ["npy", "npz", "h5", "hdf5", "csv", "json"])
def test_no_pickle_explodes_under_another_name(tmp_path, mark, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(pickle.dumps(Exploding(mark)))
    read = {
        "npy": read_npy,
        "npz": lambda path: read_npz(path, ["a"]),
        "h5": lambda path: shapes3d.reader(path, ROOMS),
        "hdf5": lambda path: dsprites.reader(path, tmp_path, SPRITES),
        "csv": tables.read_results,
        "json": lambda path: saved.load(tmp_path, "a"),
    }[suffix]
    with pytest.raises(ValueError, match=path.name):
        read(path)


@pytest.mark.parametrize("by", ["pickle", "torch"])
def test_no_pickle_explodes_as_weights(tmp_path, mark, by):
    record = saved.save(tmp_path, "x", {"a": torch.zeros(2)}, {})
    (weights,) = tmp_path.glob("*.safetensors")
    if by == "pickle":
        weights.write_bytes(pickle.dumps(Exploding(mark)))
    else:
        torch.save({"a": Exploding(mark)}, weights)
    hostile.put_weights(weights, weights.read_bytes())
    assert json.loads(record.read_text())["sha256"] == sha256(weights.read_bytes()).hexdigest()
    with pytest.raises(ValueError, match="is not a safetensors file"):
        saved.load(tmp_path, "x")


def test_paths_in_an_archive_lead_nowhere(tmp_path):
    (tmp_path / "home").mkdir()
    path = hostile.sprites_npz(tmp_path / "home")
    with zipfile.ZipFile(path, "a") as archive:
        for name in ("../evil.npy", "/evil.npy", "..\\evil.npy", "../../evil.npy"):
            archive.writestr(name, npy((1,), data=bytes(8)))
    dsprites.reader(path, tmp_path / "home/cache", SPRITES)
    with pytest.raises(ValueError, match="b.npz is damaged or cut short"):
        read_npz(npz(tmp_path / "b.npz", **{"../evil": npy((1,))}), ["../evil"])
    assert not list(tmp_path.rglob("evil*")) and not Path("/evil.npy").exists()
    assert {p.name for p in tmp_path.iterdir()} == {"home", "b.npz"}


@pytest.mark.parametrize("pointer", ["../outside", "..", ".", "", "in/side", "{outside}", "a\0b"])
def test_a_record_points_to_nothing_outside_its_folder(tmp_path, pointer):
    """What it points to would load, were it in the folder."""
    data = safetensors.torch.save({"a": torch.zeros(2)})
    (tmp_path / "home/in").mkdir(parents=True)
    for place in (tmp_path / "outside", tmp_path / "home/in/side"):
        place.write_bytes(data)
    record = {"format": 1, "sha256": sha256(data).hexdigest()}
    record["weights"] = pointer.format(outside=tmp_path / "outside")
    (tmp_path / "home/x.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match="points outside its folder|which is missing"):
        saved.load(tmp_path / "home", "x")
    (tmp_path / "home/side").write_bytes(data)
    (tmp_path / "home/x.json").write_text(json.dumps(record | {"weights": "side"}))
    assert "a" in saved.load(tmp_path / "home", "x")[0]


BANNED = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "jsonpickle", "yaml"}
# Between our own processes:
OF_JOBLIB = {"Parallel", "cpu_count", "delayed", "wrap_non_picklable_objects"}
RUNS = {"eval", "exec", "compile", "__import__"}
# Whose ``load`` reads no program: JSON, this package's own, and safetensors.
LOADERS = {
    *("json", "wdlib", "wdlib.data", "saved", "wdlib.model.saved", "wdlib.course.saved"),
    "safetensors.torch",
}


def full_names(tree: ast.AST) -> dict[str, str]:
    """What a module's imported names stand for: {"np": "numpy", "load": "torch.load"}."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {a.asname: a.name for a in node.names if a.asname}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return names


def dangers(source: str) -> list[str]:
    """Every place of a module where data could become a program."""
    found, tree = [], ast.parse(source)
    stand_for = full_names(tree)
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for node in ast.walk(tree):
        said = ast.unparse(node) if isinstance(node, ast.Call | ast.Import | ast.ImportFrom) else ""
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {a.name for a in node.names}
            tops = {m.split(".")[0] for m in [getattr(node, "module", None) or ""] if m} or names
            tops = {top.split(".")[0] for top in tops}
            if tops & BANNED or ("joblib" in tops and not names <= OF_JOBLIB):
                found.append(said)
        elif isinstance(node, ast.Call):
            first, dot, rest = ast.unparse(node.func).partition(".")
            called = (stand_for.get(first, first) + dot + rest).removeprefix("builtins.")
            owner, _, last = called.rpartition(".")
            options = {k.arg: ast.unparse(k.value) for k in node.keywords}
            if called in RUNS or called in ("os.system", "os.popen") or "pickle" in last:
                found.append(said)
            elif owner == "subprocess" and not isinstance(node.args[0], ast.List):
                found.append(said)
            elif last == "load" and called not in own and owner not in LOADERS | {"np", "numpy"}:
                found.append(said)
            elif called.endswith(("np.load", "numpy.load", "read_array", "np.fromfile")):
                found += [] if options.get("allow_pickle") == "False" else [said]
            elif options.get("allow_pickle", "False") != "False" or "shell" in options:
                found.append(said)
            elif called.endswith(("extractall", "extract", "unpack_archive")):
                found.append(said)
    return found


PROGRAMS = sorted(p for room in ("wdlib",) for p in (ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_program_runs_what_a_file_says(path):
    assert dangers(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda p: p.name)
def test_no_notebook_unpickles(path):
    text = path.with_suffix(".py").read_text(encoding="utf-8")  # magics are comments there
    assert dangers(re.sub(r"^( +)# %", r"\1pass  # %", text, flags=re.MULTILINE)) == []


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from pickle import loads",
        "import joblib",
        "from joblib import load",
        "import dill as json",
        "torch.load(path)",
        "torch.load(path, weights_only=True)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "numpy.load(path)",
        "eval(text)",
        "exec(open(path).read())",
        "os.system(text)",
        "subprocess.run(text, shell=True)",
        "archive.extractall(folder)",
        "np.save(path, a, allow_pickle=True)",
        "from torch import load; load(path)",
        "from torch import load as read; read(path)",
        "import torch as t; t.load(path)",
        "torch.jit.load(path)",
        "torch.hub.load(path, name)",
        "pandas.read_pickle(path)",
        "import builtins; builtins.eval(text)",
        "subprocess.run(text)",
    ],
)
def test_a_danger_is_seen(line):
    assert dangers(line) != []


def test_what_is_no_danger_is_left_alone():
    fine = "model.eval()\nnp.load(path, allow_pickle=False)\nencoder.compile()\nre.compile(a)"
    assert dangers(fine) == []
