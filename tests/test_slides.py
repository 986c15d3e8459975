"""Slides hold all of a notebook, in its order, and every slide fits the screen."""

import base64
import re
import shutil
import struct

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from wdlib.course import slides
from wdlib.course.address import without_badges
from wdlib.course.notebooks import notebooks

NOTEBOOKS = notebooks()
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
WEB = slides.OUT / "node_modules" / "reveal.js"


def shown(deck) -> list[list]:
    """The slides, each a list of its pieces; notes left out."""
    found = []
    for cell in deck.cells:
        kind = cell.metadata.slideshow.slide_type
        if kind in ("slide", "subslide"):
            found.append([])
        if kind != "notes":
            found[-1].append(cell)
    return found


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def whole(request):
    return nbformat.read(request.param, as_version=4)


def test_every_slide_fits(whole):
    tall = {
        slide[0].source[:60]: round(sum(map(slides.height, slide)))
        for slide in shown(slides.deck(whole))
        if sum(map(slides.height, slide)) > slides.ROOM
    }
    assert tall == {}, "make the cell shorter"


def test_nothing_is_lost_but_imports_checks_and_badges(whole):
    code = [cell for cell in whole.cells if cell.cell_type == "code"]
    left_out = [code[0], *(c for c in code if "check" in c.metadata.get("tags", []))]
    kept = [cell for cell in whole.cells if cell not in left_out]
    told = "".join(re.sub(r"\s|</?(details|summary)>", "", without_badges(c.source)) for c in kept)
    pieces = [
        cell
        for cell in slides.deck(whole).cells
        if slides.OUTPUT_ONLY not in cell.metadata.get("tags", [])
    ]
    assert "".join(re.sub(r"\s", "", cell.source) for cell in pieces) == told
    figures = [o.data["image/png"] for c in kept for o in c.get("outputs", []) if pictured(o)]
    seen = [o for c in slides.deck(whole).cells for o in c.get("outputs", []) if pictured(o)]
    assert [output.data["image/png"] for output in seen] == figures
    assert all(output.metadata["image/png"]["alt"] for output in seen)


def pictured(output) -> bool:
    return "image/png" in output.get("data", {})


def test_headings_start_slides_and_solutions_are_notes(whole):
    for cell in slides.deck(whole).cells:
        kind = cell.metadata.slideshow.slide_type
        if re.match(r"##? ", cell.source) and cell.cell_type == "markdown":
            assert kind == "slide"
        if re.match(r"### ", cell.source) and cell.cell_type == "markdown":
            assert kind == "subslide"
        assert (kind == "notes") == cell.source.startswith("\nSolution of")


def png(wide: int, high: int):
    """A figure of which only the size is true."""
    data = base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", wide, high))
    return new_output("display_data", data={"image/png": data.decode()})


def test_a_small_notebook_becomes_these_slides():
    check, solution = ({"tags": [tag]} for tag in ("check", "solution"))
    long = "\n".join(f"x = {line}" for line in range(20))
    deck = slides.deck(
        new_notebook(
            cells=[
                new_markdown_cell("# Title\n\nWhy.\n\n- one\n- two"),
                new_code_cell("import wdlib"),
                new_markdown_cell("So it is.\n\n## Part\n\nLook:"),
                new_code_cell(long, outputs=[png(800, 400), png(100, 2000)]),
                new_markdown_cell("### Exercise"),
                new_code_cell("answer = ..."),
                new_code_cell("check('1', answer)", metadata=check),
                new_markdown_cell(
                    "<details>\n<summary>Solution of 1</summary>\n42", metadata=solution
                ),
                new_markdown_cell("After it."),
            ]
        )
    )
    found = [(c.metadata.slideshow.slide_type, c.source.split("\n")[0]) for c in deck.cells]
    assert found == [
        ("slide", "# Title"), ("-", "Why."), ("-", "- one"), ("-", "So it is."),
        ("slide", "## Part"), ("-", "Look:"), ("-", "x = 0"),
        ("subslide", "x = 0"), ("subslide", "x = 0"),
        ("subslide", "### Exercise"), ("-", "answer = ..."), ("notes", ""),
        ("subslide", "After it."),
    ]  # fmt: skip
    code, first, second = deck.cells[6:9]
    assert code.outputs == [] and first.metadata.tags == second.metadata.tags == ["output-only"]
    # 800 x 400 can be 1.15 times as large before it is 460 high; 100 x 2000 must shrink to that.
    assert first.outputs[0].metadata["image/png"] == {"width": 920, "height": 460}
    assert second.outputs[0].metadata["image/png"] == {"width": 23, "height": 460}


def test_a_colon_stays_with_what_it_announces():
    code = "\n".join("x" for _ in range(20))
    cells = [new_markdown_cell("# A"), new_code_cell("import x"), new_markdown_cell("Text. " * 70)]
    for announced, kinds in (("This.", ["-", "subslide"]), ("This:", ["subslide", "-"])):
        end = [new_markdown_cell(announced), new_code_cell(code)]
        deck = slides.deck(new_notebook(cells=[*cells, *end]))
        assert [cell.metadata.slideshow.slide_type for cell in deck.cells[-2:]] == kinds


def test_a_long_text_output_goes_on_below_at_its_blank_lines():
    tables = ["\n".join(f"{name} {row}" for row in range(20)) + "\n" for name in "abc"]
    lines = [f"d {row}\n" for row in range(60)]  # more than a slide takes, and no blank line
    cut = ["".join(lines[i : i + slides.LINES]) for i in range(0, 60, slides.LINES)]
    cases = (("\n".join(tables), tables), (tables[0], tables[:1]), ("".join(lines), cut))
    for text, told in cases:
        cell = new_code_cell("print(text)", outputs=[new_output("stream", text=text)])
        cells = [new_markdown_cell("# A"), new_code_cell("import x"), cell]
        deck = slides.deck(new_notebook(cells=cells))
        assert [out.text for cell in deck.cells for out in cell.get("outputs", [])] == told
        assert all(sum(map(slides.height, slide)) <= slides.ROOM for slide in shown(deck))


def test_fences_and_equations_stay_whole():
    text = "A\n\n```\nx\n\ny\n```\n\n$$a\n\nb$$\n\nB"
    assert slides.paragraphs(text) == ["A", "```\nx\n\ny\n```", "$$a\n\nb$$", "B"]


def test_the_page_holds_figures_and_keeps_solutions_to_the_speaker(tmp_path, monkeypatch):
    monkeypatch.setattr(slides, "OUT", tmp_path)
    path = next(path for path in NOTEBOOKS if path.stem.startswith("04"))
    page = slides.write(path).read_text(encoding="utf-8")
    count = sum(pictured(o) for c in nbformat.read(path, as_version=4).cells
                for o in c.get("outputs", []))  # fmt: skip
    assert len(re.findall(r'<img alt="[^"]{20,}"[^>]*src="data:image/png', page)) == count
    aside = re.sub(r"(?s)<aside class=\"notes\">.*?</aside>", "", page)
    assert page.count("Solution of 04.") == 3 and "Solution of" not in aside
    fetched = set(re.findall(r'(?:src|href)="(https?://[^"/]+)', page))
    assert fetched <= {"https://cdnjs.cloudflare.com", "https://unpkg.com"}
    (tmp_path / "node_modules" / "reveal.js").mkdir(parents=True)
    page = slides.write(path).read_text(encoding="utf-8")
    assert set(re.findall(r'<(?:script|link)[^>]*(?:src|href)="(https?://[^"]+)', page)) == set()


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="needs a browser: chromium")
@pytest.mark.skipif(
    not WEB.is_dir(), reason="needs reveal.js in build/slides (wdlib/course/slides.py)"
)
def test_every_slide_fits_in_a_browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    measure = "() => {const s = Reveal.getCurrentSlide(); return [s.scrollHeight, s.scrollWidth]}"
    load = "() => {window.Reveal = require('node_modules/reveal.js/dist/reveal.js')}"
    with sync_api.sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"]
        browser = playwright.chromium.launch(executable_path=BROWSER, args=options)
        page = browser.new_page(viewport={"width": slides.WIDTH, "height": slides.HEIGHT})
        for path in NOTEBOOKS:
            page.goto(slides.write(path).as_uri())
            page.wait_for_selector(".reveal.ready")
            page.evaluate(load)
            for number in range(page.evaluate("Reveal.getTotalSlides()")):
                page.wait_for_timeout(300)  # equations are set anew on every slide
                high, wide = page.evaluate(measure)
                fits = high <= slides.HEIGHT and wide <= slides.WIDTH
                assert fits, (path.stem, number, high, wide)
                page.evaluate("Reveal.next()")
        browser.close()
