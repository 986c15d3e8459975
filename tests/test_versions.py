"""make versions: its exit code, and that its record is of what pyproject.toml allows."""

import tomllib
from pathlib import Path

import pytest
import versions

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FINE = {"python": "3.11.7", "torch": "2.4.0", "result": "ok"}
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
