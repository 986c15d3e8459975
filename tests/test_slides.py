"""Slides hold all of a notebook, in its order."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from wdlib.course import slides
from wdlib.course.address import without_badges
from wdlib.course.notebooks import notebooks

NOTEBOOKS = notebooks()


def kinds(notebook) -> list[tuple[str, str]]:
    """Every piece's kind and its first line."""
    cells = slides.deck(notebook).cells
    return [(c.metadata.slideshow.slide_type, c.source.split("\n")[0]) for c in cells]


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def whole(request):
    return nbformat.read(request.param, as_version=4)


def test_nothing_is_lost_but_setup_checks_claims_and_badges(whole):
    setup = next(cell for cell in whole.cells if cell.cell_type == "code")
    kept = [
        cell
        for cell in whole.cells
        if cell != setup and not slides.HIDDEN & set(cell.metadata.get("tags", []))
    ]
    told = "".join(re.sub(r"\s|</?(details|summary)>", "", without_badges(c.source)) for c in kept)
    shown = slides.deck(whole).cells
    assert "".join(re.sub(r"\s", "", cell.source) for cell in shown) == told
    outputs = [output for cell in kept for output in cell.get("outputs", [])]
    assert [output for cell in shown for output in cell.get("outputs", [])] == outputs


def test_headings_start_slides_and_solutions_are_notes(whole):
    for cell in slides.deck(whole).cells:
        kind = cell.metadata.slideshow.slide_type
        if cell.cell_type == "markdown" and re.match("#{1,3} ", cell.source):
            assert kind == ("subslide" if cell.source.startswith("###") else "slide")
        assert (kind == "notes") == cell.source.startswith("\nSolution of")


def test_a_small_notebook_becomes_these_slides():
    check, solution = ({"tags": [tag]} for tag in ("check", "solution"))
    figure = new_output("display_data", data={"image/png": "", "text/plain": "<Figure>"})
    cells = [
        new_markdown_cell("# Title\n\nWhy.\n\n- one\n- two"),
        new_code_cell("import wdlib"),
        new_markdown_cell("So it is.\n\n## Part\n\nLook:"),
        new_code_cell("x = 0"),
        new_code_cell("draw()", outputs=[figure]),
        new_markdown_cell("### Exercise"),
        new_code_cell("answer = ..."),
        new_code_cell("check('1', answer)", metadata=check),
        new_markdown_cell("<details>\n<summary>Solution of 1</summary>\n42", metadata=solution),
        new_markdown_cell("#1 after."),
    ]
    assert kinds(new_notebook(cells=cells)) == [
        ("slide", "# Title"), ("-", "So it is."), ("slide", "## Part"), ("-", "x = 0"),
        ("-", "draw()"), ("subslide", "### Exercise"), ("-", "answer = ..."), ("notes", ""),
        ("subslide", "#1 after."),
    ]  # fmt: skip


def test_the_page_holds_figures_and_keeps_solutions_to_the_speaker(tmp_path, monkeypatch):
    monkeypatch.setattr(slides, "OUT", tmp_path)
    path = next(path for path in NOTEBOOKS if path.stem.startswith("04"))
    page = slides.write(path).read_text(encoding="utf-8")
    outputs = [o for c in nbformat.read(path, as_version=4).cells for o in c.get("outputs", [])]
    count = sum("image/png" in output.get("data", {}) for output in outputs)
    assert len(re.findall(r'<img alt="[^"]{20,}"[^>]*src="data:image/png', page)) == count
    aside = re.sub(r"(?s)<aside class=\"notes\">.*?</aside>", "", page)
    assert page.count("Solution of 04.") == 3 and "Solution of" not in aside
    fetched = set(re.findall(r'(?:src|href)="(https?://[^"/]+)', page))
    assert fetched <= {"https://cdnjs.cloudflare.com", "https://unpkg.com"}
