"""The guide for lecturers names every notebook and exercise, and its minutes add up."""

import re

import nbformat
import pytest
from test_packaging import targets

from wdlib.course.exercises import EXERCISES
from wdlib.course.notebooks import ROOT, notebooks

GUIDE = (ROOT / "notebooks" / "README.md").read_text(encoding="utf-8")
NOTEBOOKS = {path.stem: path for path in notebooks()}
PLAN = re.findall(r"(?m)^\| (\d) \| (.+?) \| (.+?) \| ?(.*?) ?\|$", GUIDE)


def test_it_is_short():
    assert len(GUIDE.encode()) <= 8000


def test_every_notebook_and_exercise_is_planned_once():
    planned = [name for row in PLAN for name in re.findall(r"\[(\w+)\]\(\1\.ipynb\)", row[1])]
    assert set(planned) == set(NOTEBOOKS)
    exercises = [e for row in PLAN for e in re.findall(r"\d\d\.\d", row[2] + row[3])]
    assert sorted(exercises) == sorted(EXERCISES)
    for _, which, *lists in PLAN:
        taught = {name[:2] for name in re.findall(r"\[(\w+)\]", which)}
        assert {e[:2] for e in re.findall(r"\d\d\.\d", "".join(lists))} <= taught


def test_every_session_has_110_minutes_and_what_students_get_wrong():
    assert [row[0] for row in PLAN] == list("123456")
    for number, which, *_ in PLAN:
        assert sum(int(m) for m in re.findall(r"(?<=[) a-z]) (\d+)(?=,|$)", which)) == 110, number
    wrong = re.split(r"(?m)^Session \d$", GUIDE)[1:]
    assert len(wrong) == 6 and all(part.count('- *"') >= 3 for part in wrong)


def test_its_links_and_commands_lead_somewhere():
    for link in re.findall(r"\]\(([^)#]+)\)", GUIDE):
        assert (ROOT / "notebooks" / link).exists(), link
    named = set(re.findall(r"(?:^    |`)make ([a-z0-9]+)", GUIDE, flags=re.MULTILINE))
    assert {"notebooks", "student", "slides", "site", "address", "lab"} <= named <= targets()
    folders = set(re.findall(r"`build/([a-z]+)/", GUIDE))
    assert folders == {"student", "slides", "site"}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_links_between_notebooks_resolve(name):
    for cell in nbformat.read(NOTEBOOKS[name], as_version=4).cells:
        if cell.cell_type == "markdown":
            for link in re.findall(r"\]\((?!https?:|#)([^)#]+)\)", cell.source):
                assert (ROOT / "notebooks" / link).exists(), link
