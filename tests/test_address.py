"""The repository's address stands in pyproject.toml alone, and all that is made of it agrees; what
Colab installs comes from there, and leaves torch and numpy as they are.
"""

import json
import re
import subprocess
import sys
import venv
from importlib.metadata import distribution
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from test_packaging import closure

from wdlib.course import address
from wdlib.course.notebooks import ROOT, notebooks

NOTEBOOKS = notebooks()
HOW = "run: make badges"
# Every way in which a file could spell an address of this repository.
SPELLINGS = r"(?:github\.com|githubusercontent\.com|/github|/v2/gh)/([^/\s\"')]+)/wdlib\b"
TEXTS = {".py", ".ipynb", ".md", ".toml", ".yml", ".txt", ""}


def install_line(path: Path) -> Requirement:
    """What a notebook's Colab cell installs."""
    cells = nbformat.read(path, as_version=4).cells
    start = next(cell.source for cell in cells if cell.cell_type == "code")
    return Requirement(re.search(r'%pip install -q "([^"\n]+)"', start)[1])


def test_the_address_is_that_of_a_repository():
    assert re.fullmatch(r"https://[a-z.]+/[A-Za-z0-9_-]+/wdlib", address.address())
    assert address.repository().count("/") == 1


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_the_badges_of_the_address(path):
    before = nbformat.read(path, as_version=4)
    after = address.addressed(nbformat.read(path, as_version=4), path.stem)
    assert [cell.source for cell in before.cells] == [cell.source for cell in after.cells], HOW
    assert address.badges(path.stem) in before.cells[0].source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_colab_installs_this_repository_and_no_stranger_s_package(path):
    asked = install_line(path)
    assert (asked.name, asked.url) == ("wdlib", f"git+{address.address()}"), HOW


def test_readme_has_the_badges_of_the_address():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert address.with_badges(text) == text, HOW


def test_readme_says_so_where_the_address_is_a_placeholder():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert (address.PLACEHOLDER in address.address()) == ("`_OWNER_` is a placeholder" in readme)


def test_no_file_spells_another_address():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no git checkout, so nothing tells the repository's own files")
    found = {}
    for name in listed.stdout.splitlines():
        if Path(name).suffix in TEXTS and (ROOT / name).is_file() and name != "pyproject.toml":
            text = (ROOT / name).read_text(encoding="utf-8", errors="ignore")
            found |= {f"{name}: {owner}": owner for owner in re.findall(SPELLINGS, text)}
    owner = address.repository().split("/")[0]
    assert {told for told, found_owner in found.items() if found_owner != owner} == set()
    assert any(told.startswith("README.md") for told in found)  # else nothing was looked at


def test_a_changed_address_is_written_everywhere(monkeypatch):
    colab = 'if "google.colab" in sys.modules:\n    %pip install -q "wdlib[navigator]"\n'
    notebook = new_notebook(cells=[new_markdown_cell("# A\n\nWhy."), new_code_cell(colab)])
    seen = []
    for owner in ("ada", "grace", "grace"):
        where = "/".join(("https://github.com", owner, "wdlib"))
        monkeypatch.setattr(address, "address", lambda where=where: where)
        title, start = address.addressed(notebook, "04_x").cells
        assert title.source.startswith("# A\n\n[![Open in Colab](")
        assert title.source.endswith(")\n\nWhy.")
        assert title.source.count(f"/{owner}/wdlib/") == title.source.count("/wdlib/") == 2
        assert f'"wdlib[navigator] @ git+{where}"' in start.source
        seen.append((title.source, start.source))
    assert seen[1] == seen[2] != seen[0]
    assert address.without_badges(seen[2][0]) == "# A\n\nWhy."


@pytest.mark.slow
def test_installing_leaves_torch_and_numpy_as_they_are(tmp_path):
    """A fresh environment that holds torch and numpy, and pip's own plan for it, with all extras
    that a notebook asks for; this checkout stands in for the address."""
    fresh, plan = tmp_path / "fresh", tmp_path / "plan.json"
    venv.create(fresh, with_pip=False)
    pip = [sys.executable, "-m", "pip", f"--python={fresh}", "--disable-pip-version-check"]
    held = closure([Requirement("torch"), Requirement("numpy")]) - {"pip", "setuptools"}
    site = next(path for path in fresh.rglob("site-packages") if path.is_dir())
    for name in held:  # for pip, the record of a package is the package
        record = Path(distribution(name)._path)
        (site / record.name).mkdir()
        (site / record.name / "METADATA").write_bytes((record / "METADATA").read_bytes())
    listed = subprocess.run([*pip, "list", "--format=json"], capture_output=True, text=True)
    assert {canonicalize_name(one["name"]) for one in json.loads(listed.stdout)} == held
    extras = ",".join(sorted({extra for path in NOTEBOOKS for extra in install_line(path).extras}))
    what = [*pip, "install", "-q", "--dry-run", "--report", str(plan), f"{ROOT}[{extras}]"]
    run = subprocess.run(what, capture_output=True, text=True)
    if run.returncode and re.search("(?i)connection|name resolution", run.stderr):
        pytest.skip("needs a package index, and none answers")
    assert run.returncode == 0, run.stderr
    installed = {
        canonicalize_name(one["metadata"]["name"])
        for one in json.loads(plan.read_text(encoding="utf-8"))["install"]
    }
    assert {"wdlib", "anywidget", "matplotlib", "scikit-learn"} <= installed
    assert installed & held == set()
