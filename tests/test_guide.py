"""The lecturer's guide names every notebook, section and exercise, and its minutes add up."""

import re
from collections import defaultdict

import nbformat
import pytest
from test_packaging import targets

from wdlib.course.exercises import EXERCISES
from wdlib.course.notebooks import ROOT, notebooks

GUIDE = (ROOT / "notebooks" / "README.md").read_text(encoding="utf-8")
NOTEBOOKS = {path.stem: path for path in notebooks()}
ENDS = {"What to remember", "Where next"}  # no part of a plan
HOW = "notebooks/README.md does not fit the notebook: correct its table"


def sections(name: str) -> list[str]:
    cells = nbformat.read(NOTEBOOKS[name], as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    found = re.findall(r"(?m)^## (.+)", re.sub(r"(?ms)^```.*?^```", "", text))
    return [title for title in found if title not in ENDS]


def planned() -> dict[str, list[tuple[str, int, str]]]:
    """Notebook -> rows of its tables: section, minutes, exercises."""
    found = defaultdict(list)
    for block in re.split(r"(?m)^##+ ", GUIDE)[1:]:
        if name := re.match(r"\[(\w+)\]\(\1\.ipynb\)", block):
            rows = re.findall(r"(?m)^\| (.+?) \| (\d+) \| ?(.*?) ?\|$", block)
            found[name[1]] += [(title, int(minutes), tasks) for title, minutes, tasks in rows]
    return found


PLANNED = planned()


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_notebook_is_planned_section_by_section(name):
    assert f"[{name}]({name}.ipynb)" in GUIDE, f"{name} is not in notebooks/README.md"
    assert [title for title, *_ in PLANNED[name]] == sections(name), HOW


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_exercise_stands_once_in_the_plan_in_its_order(name):
    planned = [e for *_, tasks in PLANNED[name] for e in re.findall(r"\d\d\.\d", tasks)]
    assert planned == sorted(e for e in EXERCISES if e.startswith(name[:2])), HOW


def test_the_minutes_add_up():
    """Of each heading, and of each session: 110."""
    sessions = re.split(r"(?m)^## Session ", GUIDE)[1:]
    assert [session[0] for session in sessions] == list("123456")
    for session in sessions:
        total = 0
        for block in re.split(r"(?m)^### ", session)[1:]:
            said = re.search(r"(\d+) minutes", block.splitlines()[0])
            rows = [int(minutes) for minutes in re.findall(r"(?m)^\| .+? \| (\d+) \|", block)]
            assert not rows or sum(rows) == int(said[1]), block.splitlines()[0]
            total += int(said[1]) if said else 0
        assert total == 110, session.splitlines()[0]
        assert session.count('- *"') >= 5, "misunderstandings"


def test_the_overview_agrees_with_the_sessions():
    for number, listed in re.findall(r"(?m)^\| (\d) \| ([\d, ]+) \|", GUIDE):
        session = re.search(rf"(?ms)^## Session {number}.*?(?=^## |\Z)", GUIDE)[0]
        assert re.findall(r"(?m)^### \[(\d\d)_", session) == listed.split(", ")


def test_its_links_and_commands_lead_somewhere():
    for link in re.findall(r"\]\(([^)#]+)\)", GUIDE):
        assert (ROOT / "notebooks" / link).exists(), link
    named = set(re.findall(r"(?:^    |`)make ([a-z0-9]+)", GUIDE, flags=re.MULTILINE))
    assert (
        {"test", "student", "slides", "memory", "threads", "address", "lab"} <= named <= targets()
    )
    for folder in re.findall(r"`(build/[a-z]+)/", GUIDE):
        modules = (ROOT / "wdlib" / "course").glob("*.py")
        assert any(f'"{folder.split("/")[1]}"' in path.read_text() for path in modules)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_links_between_notebooks_resolve(name):
    for cell in nbformat.read(NOTEBOOKS[name], as_version=4).cells:
        if cell.cell_type == "markdown":
            for link in re.findall(r"\]\((?!https?:|#)([^)#]+)\)", cell.source):
                assert (ROOT / "notebooks" / link).exists(), link
