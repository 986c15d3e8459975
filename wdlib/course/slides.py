"""Slides of each notebook, by one rule: a heading starts a slide, what does not fit goes below.

`python -m wdlib.course.slides` (`make slides`) writes build/slides/*.html. A title or a section
starts a slide to the right, a subsection one below; each is filled, in the order of the notebook,
with paragraphs, code and outputs for as long as they fit, and goes on below. A paragraph that ends
with a colon stays with what it announces. Imports and calls of `check` are left out; a solution
becomes a note for the speaker (press S).  Figures, code and styles are inside the file. reveal.js,
RequireJS, jQuery and MathJax come from the network when the slides are shown, or from
build/slides/node_modules where npm has put them:      npm install --prefix build/slides
reveal.js@4 requirejs@2 jquery@3 mathjax@2
"""

from __future__ import annotations

import base64
import copy
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbconvert import SlidesExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from traitlets.config import Config

from wdlib.course.address import without_badges
from wdlib.course.notebooks import ROOT, notebooks

OUT = ROOT / "build" / "slides"
WIDTH, HEIGHT = 1280, 720  # pixels of a slide, which the browser fits to its window
ROOM = 650  # pixels of it that are filled
FIGURE = 460  # pixels that a figure is high at most
LARGER = 1.4  # than in the notebook, where there is room
TEXT, CODE, ROW = 33, 23, 30  # pixels of a line of text, of code, and of a table
SMALL_CODE = 18  # of a line of code in small print, where the code would not fit otherwise
LINES = 26  # of printed text on a slide
COLUMNS = 92  # letters of a line of text
OUTPUT_ONLY, SMALL = "output-only", "small-print"  # tags of pieces

STYLE = """<style>
.reveal .slides section { font-size: 24px; line-height: 1.3; padding: 0; }
.reveal .slides section section { top: 20px !important; }
.reveal .slides section h1 { font-size: 44px; margin: 0 0 12px; text-transform: none; }
.reveal .slides section h2 { font-size: 36px; margin: 0 0 10px; text-transform: none; }
.reveal .slides section h3 { font-size: 30px; margin: 0 0 10px; text-transform: none; }
.reveal .jp-RenderedHTMLCommon { font-size: 24px; line-height: 1.3; padding: 0; }
.reveal .jp-RenderedHTMLCommon p { margin: 0 0 12px; }
.reveal .jp-RenderedHTMLCommon :is(ul, ol) { margin: 0 0 12px 1em; }
.reveal .slides pre, .reveal .slides pre code { font-size: 17px; line-height: 1.3; }
.reveal .slides .celltag_small-print pre { font-size: 13px; }
.reveal .jp-RenderedHTMLCommon :not(pre) > code { font-size: 21px; }
.reveal .jp-Cell { padding: 2px 0; }
.reveal .jp-OutputArea-output { overflow: visible; }
.reveal .jp-OutputArea-output img { margin: 0 auto; display: block; }
.reveal .slides table { font-size: 17px; margin: 0; }
.reveal .slides table :is(td, th) { padding: 2px 10px; }
</style>
"""


def deck(notebook: NotebookNode) -> NotebookNode:
    """The notebook in the pieces of its slides, each with the `slide_type` that nbconvert reads."""
    cells: list[NotebookNode] = []
    left = 0  # pixels of the slide that are still free
    found = list(pieces(notebook))
    for (kind, piece), (_, following) in zip(found, [*found[1:], found[-1]]):
        tall, needed = height(piece), height(piece)
        if piece.source.endswith(":") and tall + height(following) <= ROOM:
            needed += height(following)
        if kind == "-" and needed > left:
            kind = "subslide"
        if kind in ("slide", "subslide"):
            left = ROOM
        if kind != "notes":
            left -= tall
        piece.metadata["slideshow"] = {"slide_type": kind}
        cells.append(piece)
    return nbformat.from_dict({**notebook, "cells": cells})


def pieces(notebook: NotebookNode) -> Iterator[tuple[str, NotebookNode]]:
    """What fills the slides, and what each piece starts: a slide, a subslide, notes, or nothing."""
    code_seen = solved = False
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if "solution" in tags:
            yield "notes", new_markdown_cell(re.sub(r"</?(details|summary)>", "", cell.source))
            solved = True
        elif cell.cell_type == "markdown":
            for paragraph in paragraphs(without_badges(cell.source)):
                marks = re.match(r"#+(?= )", paragraph)
                kind = "-" if not marks else "slide" if len(marks[0]) < 3 else "subslide"
                # What follows an exercise is not part of it.
                yield "subslide" if solved and kind == "-" else kind, new_markdown_cell(paragraph)
                solved = False
        elif code_seen and "check" not in tags:
            outputs = [sized(part) for output in cell.outputs for part in parts(output)]
            whole = new_code_cell(cell.source, outputs=outputs)
            if height(whole) <= ROOM:
                yield "-", whole
            else:
                code = new_code_cell(cell.source)
                yield "-", code if height(code) <= ROOM else small(code)
                for output in outputs:
                    hidden = {"tags": [OUTPUT_ONLY]}
                    yield "-", new_code_cell(cell.source, outputs=[output], metadata=hidden)
        code_seen |= cell.cell_type == "code"  # the first one prepares Colab, and imports


def parts(output: NotebookNode) -> list[NotebookNode]:
    """The output itself; where it is too high, what stands between its blank lines, and where that
    is, as many lines as a slide takes."""
    if output.output_type != "stream" or output_height(output) <= ROOM:
        return [output]
    blocks = []
    for block in re.split(r"\n\s*\n", output.text.strip("\n")):
        lines = block.splitlines(keepends=True)
        blocks += ["".join(lines[i : i + LINES]) for i in range(0, len(lines), LINES)]
    return [nbformat.from_dict({**output, "text": block.rstrip("\n") + "\n"}) for block in blocks]


def paragraphs(markdown: str) -> list[str]:
    """Blocks between blank lines; a fence, a displayed equation and a list stay whole."""
    blocks = [""]
    for block in re.split(r"\n\s*\n", markdown.strip()):
        inside = blocks[-1].count("```") % 2 or blocks[-1].count("$$") % 2
        blocks[-1:] = [f"{blocks[-1]}\n\n{block}"] if inside else [blocks[-1], block]
    return blocks[1:]


def height(cell: NotebookNode) -> float:
    """About how many pixels the piece is high."""
    if cell.cell_type == "markdown":
        return text_height(cell.source)
    tags = cell.metadata.get("tags", [])
    lines = 0 if OUTPUT_ONLY in tags else cell.source.count("\n") + 2
    line = SMALL_CODE if SMALL in tags else CODE
    return line * lines + sum(map(output_height, cell.outputs))


def small(cell: NotebookNode) -> NotebookNode:
    cell.metadata["tags"] = [SMALL]
    return cell


def text_height(markdown: str) -> float:
    if markdown.startswith("#"):
        return 66
    text, equations = re.subn(r"(?s)\$\$.*?\$\$", "", markdown)
    rows = equations and markdown.count(r"\\")
    # A command of an equation is one sign, however long its name.
    lines = [re.sub(r"\\[a-zA-Z]+|[{}$]", "", one) for one in re.split(r"\n(?=- |\d\. |```)", text)]
    if text.startswith("```"):
        return CODE * (markdown.count("\n") + 1)
    full = sum(-(-len(line) // COLUMNS) for line in lines if line.strip())
    return TEXT * full + 12 + 90 * equations + 40 * rows


def output_height(output: NotebookNode) -> float:
    data = output.get("data", {})
    for size in output.get("metadata", {}).values():
        if "height" in size:
            return size["height"] + 10
    if "text/html" in data:
        return min(ROOM, table_height(data["text/html"]))
    told = output.get("text") or data.get("text/plain", "")
    return CODE * (told.strip("\n").count("\n") + 1.5)


def table_height(html: str) -> float:
    return ROW * (html.count("<tr") + 1)


def sized(output: NotebookNode) -> NotebookNode:
    """The output, its figure or table as large as a slide takes it."""
    output = copy.deepcopy(output)
    html = output.get("data", {}).get("text/html", "")
    if table_height(html) > ROOM:
        smaller = f'<div style="zoom: {ROOM / table_height(html):.2f}">'
        output.data["text/html"] = f"{smaller}{html}</div>"
    for kind, layout, start in (("image/png", ">II", 16), ("image/gif", "<HH", 6)):
        if kind in output.get("data", {}):
            picture = base64.b64decode(output["data"][kind])
            wide, high = struct.unpack_from(layout, picture, start)
            scale = min(LARGER, FIGURE / high, (WIDTH - 40) / wide)
            size = {"width": round(scale * wide), "height": round(scale * high)}
            output.metadata.setdefault(kind, {}).update(size)
    return output


def exporter() -> SlidesExporter:
    settings = Config()
    settings.TagRemovePreprocessor.enabled = True
    settings.TagRemovePreprocessor.remove_input_tags = {OUTPUT_ONLY}
    slides = settings.SlidesExporter
    slides.exclude_input_prompt = slides.exclude_output_prompt = True
    slides.reveal_width, slides.reveal_height = str(WIDTH), str(HEIGHT)
    slides.reveal_theme, slides.reveal_transition, slides.reveal_number = "white", "none", "c/t"
    if (OUT / "node_modules" / "reveal.js").is_dir():
        slides.reveal_url_prefix = "node_modules/reveal.js"
        slides.require_js_url = "node_modules/requirejs/require.js"
        slides.jquery_url = "node_modules/jquery/dist/jquery.min.js"
        slides.mathjax_url = "node_modules/mathjax/MathJax.js?config=TeX-AMS_CHTML-full,Safe"
    found = SlidesExporter(config=settings)
    # No notebook draws with Mermaid, so nothing needs to be fetched for it.
    found.mermaid_js_url = "data:text/javascript,export default {initialize() {}}"
    return found


def write(path: Path) -> Path:
    """The slides of one notebook."""
    page, _ = exporter().from_notebook_node(
        deck(nbformat.read(path, as_version=4)), {"metadata": {"name": path.stem}}
    )
    OUT.mkdir(parents=True, exist_ok=True)
    slides = OUT / f"{path.stem}.html"
    slides.write_text(page.replace("</head>", f"{STYLE}</head>", 1), encoding="utf-8")
    return slides


def main() -> None:
    for path in notebooks():
        print(write(path).relative_to(ROOT))


if __name__ == "__main__":
    main()
