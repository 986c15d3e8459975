"""Slides of every notebook, by nbconvert's own export: build/slides/*.html (`make slides`).

A section starts a slide to the right. A subsection starts one below, and so does text after code. A
slide that is too high scrolls. Set-up, checks and claims are left out; a solution becomes a
note for the speaker (press S). The pages load reveal.js and MathJax from the network.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbconvert import SlidesExporter
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from traitlets.config import Config

from wdlib.course.address import without_badges
from wdlib.course.notebooks import ROOT, notebooks

OUT = ROOT / "build" / "slides"
KINDS = {"#": "slide", "##": "slide", "###": "subslide"}
HIDDEN = {"check", "claims"}
LOOKS = {
    "exclude_input_prompt": True, "exclude_output_prompt": True, "reveal_scroll": True,
    "reveal_width": "1280", "reveal_height": "720", "reveal_number": "c/t",
    "reveal_theme": "white", "reveal_transition": "none",
}  # fmt: skip
STYLE = """<style>
.reveal .slides :is(section, .jp-RenderedHTMLCommon) { font-size: 24px; line-height: 1.3; }
.reveal .slides section :is(h1, h2, h3) { font-size: 36px; margin: 0 0 10px; text-transform: none; }
.reveal .jp-RenderedHTMLCommon :is(p, ul, ol) { margin-bottom: 12px; }
.reveal .slides :is(pre, pre code, table) { font-size: 16px; line-height: 1.3; }
.reveal .jp-OutputArea-output img { max-height: 400px; width: auto; margin: auto; display: block; }
</style>
"""


def deck(notebook: NotebookNode) -> NotebookNode:
    """The notebook in pieces, each with the `slide_type` that nbconvert reads."""
    cells = []
    for kind, piece in pieces(notebook):
        piece.metadata["slideshow"] = {"slide_type": kind}
        cells.append(piece)
    return nbformat.from_dict({**notebook, "cells": cells})


def pieces(notebook: NotebookNode) -> Iterator[tuple[str, NotebookNode]]:
    """What is shown, and whether it starts a slide, a subslide, notes, or nothing ("-")."""
    setup = next(cell for cell in notebook.cells if cell.cell_type == "code")
    below = "-"  # what text starts: a slide below if it follows code
    for cell in notebook.cells:
        tags = set(cell.metadata.get("tags", []))
        if "solution" in tags:
            yield "notes", new_markdown_cell(re.sub("</?(details|summary)>", "", cell.source))
        elif cell.cell_type == "markdown":
            for text in re.split(r"\n\n(?=#{1,3} )", without_badges(cell.source)):
                marks = re.match("(#+ )?", text)[0].strip()
                yield KINDS.get(marks, below), new_markdown_cell(text)
            below = "-"
        elif cell is not setup and not tags & HIDDEN:
            yield "-", cell
            below = "subslide"


def write(path: Path) -> Path:
    """Write the slides of one notebook; returns their path."""
    notebook = deck(nbformat.read(path, as_version=4))
    about = {"metadata": {"name": path.stem}}
    page, _ = SlidesExporter(config=Config(SlidesExporter=LOOKS)).from_notebook_node(
        notebook, about
    )
    OUT.mkdir(parents=True, exist_ok=True)
    slides = OUT / f"{path.stem}.html"
    slides.write_text(page.replace("</head>", f"{STYLE}</head>", 1), encoding="utf-8")
    return slides


if __name__ == "__main__":
    for path in notebooks():
        print(write(path).relative_to(ROOT))
