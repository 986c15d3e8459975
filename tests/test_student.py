"""The student edition keeps what students work on, and gives no solution away."""

import re

import jupytext
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from wdlib.course import address, student
from wdlib.course.notebooks import notebooks

NOTEBOOKS = notebooks()


def tagged(cells, tag):
    return [cell for cell in cells if tag in cell.metadata.get("tags", [])]


def lines(cells) -> set[str]:
    """Lines of the cells that say something: three words or signs, or more."""
    told = {line.strip() for cell in cells for line in cell.source.splitlines()}
    return {line for line in told if len(re.findall(r"\w+|[^\w\s]", line)) >= 3}


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def editions(request):
    """A notebook with badges, and its student edition as it is written."""
    whole = nbformat.read(request.param, as_version=4)
    address.addressed(whole, "https://github.com/" + "me/wdlib", request.param.stem)
    return whole, nbformat.reads(nbformat.writes(student.student(whole)), as_version=4)


def test_no_line_of_a_solution_survives(editions):
    whole, edition = editions
    solutions = tagged(whole.cells, "solution")
    others = [cell for cell in whole.cells if cell not in solutions]
    given_away = lines(solutions) - lines(others)
    assert len(given_away) >= len(solutions)
    text = nbformat.writes(edition)
    assert [line for line in given_away if line in {*lines(edition.cells)}] == []
    assert "<summary>Solution" not in text and '"solution"' not in text


def test_exercises_are_the_untouched_stubs(editions):
    whole, edition = editions
    stubs = tagged(edition.cells, "exercise")
    assert [c.source for c in stubs] == [c.source for c in tagged(whole.cells, "exercise")]
    assert all("..." in cell.source for cell in stubs)
    checks = [cell.source for cell in tagged(edition.cells, "check")]
    assert checks == [cell.source for cell in tagged(whole.cells, "check")]
    assert len(checks) == len(stubs) == len(tagged(whole.cells, "solution"))


def test_all_else_stays_in_its_order(editions):
    whole, edition = editions
    kept = [cell for cell in whole.cells if cell not in tagged(whole.cells, "solution")]
    assert [(c.id, c.cell_type) for c in edition.cells] == [(c.id, c.cell_type) for c in kept]
    changed = [c for c, before in zip(edition.cells, kept) if c.source != before.source]
    assert [cell.id for cell in changed] == [edition.cells[0].id]  # the badges of the title
    assert changed[0].source.startswith("# ") and "[![" not in changed[0].source


def test_it_is_a_valid_notebook_without_outputs_that_is_still_paired(editions):
    whole, edition = editions
    nbformat.validate(edition)
    code = [cell for cell in edition.cells if cell.cell_type == "code"]
    assert all(c.outputs == [] and c.execution_count is None for c in code)
    assert edition.metadata == whole.metadata
    assert edition.metadata.jupytext.formats == "ipynb,py:percent"
    again = jupytext.reads(jupytext.writes(edition, fmt="py:percent"), fmt="py:percent")
    assert [c.source for c in again.cells] == [c.source for c in edition.cells]


def test_the_notebook_itself_is_left_alone():
    told = [new_output("stream", text="42\n")]
    whole = new_notebook(
        cells=[
            new_markdown_cell("# A"),
            new_code_cell("print(6 * 7)", outputs=told, execution_count=1),
            new_markdown_cell("the answer is 6 * 7", metadata={"tags": ["solution"]}),
        ]
    )
    before = nbformat.writes(whole)
    edition = student.student(whole)
    assert nbformat.writes(whole) == before
    assert [cell.source for cell in edition.cells] == ["# A", "print(6 * 7)"]


def test_make_student_writes_every_notebook_and_nothing_stale(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(student, "OUT", tmp_path / "student")
    monkeypatch.setattr(student, "ROOT", tmp_path)
    (tmp_path / "student").mkdir()
    (tmp_path / "notebooks" / "results").mkdir(parents=True)
    (tmp_path / "notebooks" / "results" / "table1.csv").write_text("a\n")
    (tmp_path / "student" / "99_old.ipynb").write_text("{}")
    student.main()
    written = sorted(path.name for path in (tmp_path / "student").iterdir())
    assert written == [*(path.name for path in NOTEBOOKS), "results"]
    assert (tmp_path / "student" / "results" / "table1.csv").read_text() == "a\n"
    assert capsys.readouterr().out.count("exercises") == len(NOTEBOOKS)
