"""The address stands in pyproject.toml, and `make address` writes it everywhere: tried in a copy.

As long as it is a placeholder, no page shows a badge or a link that leads nowhere. What Colab
installs comes from the address, and leaves torch and numpy as they are.
"""

import json
import re
import shutil
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

# Every way in which a file could spell an address of this repository.
SPELLINGS = r"(?:github\.com|githubusercontent\.com|/github|/v2/gh)[/:]([^/\s\"')]+)/wdlib\b"
TEXTS = {".py", ".ipynb", ".md", ".toml", ".yml", ".txt", ".cff", ""}
ADA, GRACE = ("https://github.com/" + f"{owner}/wdlib" for owner in ("ada", "grace"))


def first_code(path: Path) -> str:
    cells = nbformat.read(path, as_version=4).cells
    return next(cell.source for cell in cells if cell.cell_type == "code")


def test_no_file_is_behind_the_address():
    """`make address` without an URL has nothing to write."""
    found = address.texts(ROOT, address.address())
    behind = [p.name for p, text in found.items() if text != p.read_text(encoding="utf-8")]
    assert behind == [], "run: make address"
    assert {*notebooks(), ROOT / "README.md", ROOT / "pyproject.toml"} <= set(found)


def test_a_placeholder_makes_no_dead_link():
    if address.address() != address.PLACEHOLDER:
        pytest.skip("the repository has an address")
    for path in (ROOT / "README.md", ROOT / "notebooks" / "README.md", *notebooks()):
        text = path.read_text(encoding="utf-8")
        assert "[![Open in" not in text and "_OWNER_" not in text, path.name
    for path in notebooks():
        assert first_code(path).startswith("# On Colab, wdlib") and "%pip" not in first_code(path)


def test_no_file_spells_another_address():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no git checkout, so nothing tells the repository's own files")
    allowed = {address.address().split("/")[-2], "me"}  # and the example in the instructions
    found = {}
    for name in listed.stdout.splitlines():
        if Path(name).suffix in TEXTS and (ROOT / name).is_file() and name != "pyproject.toml":
            text = (ROOT / name).read_text(encoding="utf-8", errors="ignore")
            found |= {f"{name}: {owner}": owner for owner in re.findall(SPELLINGS, text)}
    assert {told for told, owner in found.items() if owner not in allowed} == set()
    assert "Makefile: me" in found  # else nothing was looked at


@pytest.fixture
def copy(tmp_path):
    """What `make address` writes, with a citation, and a clone's `origin`."""
    for path in (ROOT / "README.md", ROOT / "pyproject.toml"):
        shutil.copy(path, tmp_path)
    (tmp_path / "notebooks").mkdir()
    for path in notebooks()[::8]:  # the tour and the navigator, which needs an extra on Colab
        shutil.copy(path, tmp_path / "notebooks")
        shutil.copy(path.with_suffix(".py"), tmp_path / "notebooks")
    shutil.copy(ROOT / "CITATION.cff", tmp_path)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    return tmp_path


def contents(folder: Path) -> dict[str, str]:
    files = [*folder.glob("[!.]*.*"), *(folder / "notebooks").iterdir()]
    return {path.name: path.read_text(encoding="utf-8") for path in files}


def test_an_address_is_written_everywhere_and_taken_back(copy):
    address.main(address.PLACEHOLDER, copy)
    before = contents(copy)
    address.main(GRACE, copy)
    address.main(ADA + ".git", copy)
    after = contents(copy)
    assert address.address(copy) == ADA
    assert not any("grace" in text or "_OWNER_" in text for text in after.values())
    assert re.match(r"# .+\n\n\[!\[Open in Colab\]\(", after["README.md"])
    assert f"\nrepository-code: {ADA}\n" in after["CITATION.cff"]
    for path in notebooks(copy):
        old, new = (nbformat.reads(text[path.name], as_version=4) for text in (before, after))
        changed = [n for n, cell in enumerate(new.cells) if cell != old.cells[n]]
        assert [new.cells[n].cell_type for n in changed] == ["markdown", "code"]
        assert f"/ada/wdlib/blob/main/notebooks/{path.name})" in new.cells[0].source
        extras = "[navigator]" if path.stem.startswith("08") else ""
        assert f'    %pip install -q "wdlib{extras} @ git+{ADA}"\n' in new.cells[changed[1]].source
        assert "ada/wdlib" in after[f"{path.stem}.py"]
    address.main("", copy)  # without a URL and an `origin`: nothing to do
    assert contents(copy) == after
    address.main(address.PLACEHOLDER, copy)
    assert contents(copy) == before


@pytest.mark.parametrize("form", [ADA, ADA + ".git", "git@github.com:" + "ada/wdlib.git"])
def test_without_a_url_the_origin_on_github_counts(copy, form, capsys):
    subprocess.run(["git", "remote", "add", "origin", form], cwd=copy, check=True)
    address.main("", copy)
    assert address.address(copy) == ADA and "README.md" in capsys.readouterr().out


def test_an_origin_elsewhere_does_not_count(copy):
    subprocess.run(["git", "remote", "add", "origin", "/srv/wdlib.git"], cwd=copy, check=True)
    before = address.address(copy)
    address.main("", copy)
    assert address.address(copy) == before


@pytest.mark.parametrize("url", ["github.com", "https://gitlab.com/ada/repo", "ada/repo"])
def test_an_address_elsewhere_is_refused(url):
    with pytest.raises(ValueError, match="is no address on GitHub; write: make address URL="):
        address.on_github(url)


def test_a_notebook_without_colab_lines_gets_them():
    notebook = new_notebook(
        cells=[new_markdown_cell("# A"), new_code_cell("import math\n\nmath.pi")]
    )
    title, start = address.addressed(notebook, ADA, "04_x").cells
    assert title.source.startswith("# A\n\n[![Open in Colab](")
    assert start.source.endswith(f'git+{ADA}"\n\nimport math\n\nmath.pi')
    assert address.without_badges(title.source) == "# A\n\n"


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
    named = [re.search(r"wdlib\[(\w+)\]", first_code(path)) for path in notebooks()]
    extras = ",".join(sorted({found[1] for found in named if found}))
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
