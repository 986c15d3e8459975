"""make versions: its exit code, and that its record is of what pyproject.toml allows."""

import re
import tomllib
from pathlib import Path

import pytest
import versions
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FINE = {"python": "3.11.7", "torch": "2.4.0", "result": "ok"}
# Dependencies that are newer than the record: `make versions` has to try them.
NOT_TRIED = {"docutils", "furo", "myst-parser", "nbformat", "pandas", "sphinx", "tabulate"}
NOT_TRIED |= {"onnx", "onnxruntime", "onnxscript"}
ENDS = {
    "all ok": (["ok"] * 4, 0, 0),
    "a set fails": (["ok", "ok", "tests FAILED:\nE", "ok"], 1, 1),
    "a set cannot be installed": (["ok", "cannot be installed: no torch", "ok", "ok"], 1, 1),
    "a Python is missing": (["ok", "ok", "ok", versions.MISSING], 1, 0),
    "all are missing": ([versions.MISSING] * 4, 1, 1),
}


@pytest.mark.parametrize("end", ENDS)
def test_only_what_ran_and_was_ok_ends_with_zero(tmp_path, monkeypatch, capsys, end):
    results, strict, lenient = ENDS[end]
    monkeypatch.setattr(versions, "HOME", tmp_path / "home")
    for arguments, code in (([], strict), (["--missing-python-ok"], lenient)):
        left = [FINE | {"result": result} for result in results]
        monkeypatch.setattr(versions, "attempt", lambda *_, left=left: left.pop(0))
        assert versions.main(arguments) == code
        printed = capsys.readouterr().out
        assert printed.startswith("commit ")
        assert f"{results.count('ok')} of 4 sets of versions run" in printed


def test_a_record_names_no_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(versions, "HOME", tmp_path / "home")
    failed = {"result": f"smoke FAILED:\n{versions.ROOT}/wdlib and {Path.home()}/x"}
    monkeypatch.setattr(versions, "attempt", lambda *_: failed)
    python = str(tmp_path / "3.11" / "python")
    assert versions.main(["--pythons", python, "--sets", "newest"]) == 1
    printed = capsys.readouterr().out
    assert "./wdlib and ~/x" in printed and str(tmp_path) not in printed


RECORD = ROOT / "notebooks" / "results" / "versions.txt"


def columns() -> list[dict[str, str]]:
    """The table of the record: set -> what was tried in it, by name; "" is what became of it."""
    lines = RECORD.read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(" " * 18 + "lowest"))
    table = []
    for line in lines[start:]:
        table.append([line[i : i + 18].strip() for i in range(0, len(line), 18)])
        if len(table) > 1 and table[-1][0] == "":
            break
    sets = [{row[0]: word for row, word in zip(table[1:], words)} for words in zip(*table[1:])]
    return [{"set": which} | found for which, found in list(zip(table[0], sets))[1:]]


def bounds() -> dict[str, str]:
    """Every lower bound in pyproject.toml, extras included."""
    extras = PROJECT["optional-dependencies"].values()
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in extra)]
    asked = (Requirement(line) for line in lines)
    return {r.name: next(iter(r.specifier)).version for r in asked}


def test_the_record_begins_with_where_it_comes_from():
    assert RECORD.read_text(encoding="utf-8").startswith("commit ")


def test_every_lower_bound_was_tried():
    (lowest,) = [column for column in columns() if column["set"] == "lowest"]
    assert lowest[""] == "ok"
    assert set(bounds()) - set(lowest) == NOT_TRIED
    # A bound of two numbers is the first release that can be had: of scipy 1.11 that is 1.11.1.
    assert [
        (name, lowest[name])
        for name, bound in bounds().items()
        if name in lowest and lowest[name] not in SpecifierSet(f"=={bound}.*")
    ] == []


def test_every_python_of_the_classifiers_was_tried():
    pattern = r"Programming Language :: Python :: (3\.\d+)"
    known = re.findall(pattern, "\n".join(PROJECT["classifiers"]))
    newest = [column for column in columns() if column["set"] == "newest"]
    tried = [column["python"].rpartition(".")[0] for column in newest]
    assert tried == known and all(column[""] == "ok" for column in newest)
    assert PROJECT["requires-python"] == f">={known[0]}"
