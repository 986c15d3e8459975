"""Notebooks as pages that need no network: every equation becomes MathML, which browsers draw.

`make tour` runs `python -m wdlib.course.pages build/tour.ipynb build/tour.html`; the course site
(site.py) uses `offline`, too.
"""

import re
import sys
from html import escape
from pathlib import Path

import nbformat
from docutils.utils.math.latex2mathml import tex2mathml
from nbconvert import HTMLExporter
from nbformat import NotebookNode

# $$...$$ and $...$, but code first: fenced and inline code stays as it is.
EQUATION = re.compile(
    r"(?s)```.*?```|`[^`]+`|\$\$(?P<block>.+?)\$\$|(?<!\\)\$(?P<inline>[^$]+?)(?<!\\)\$"
)
BADGES = re.compile(r"(?m)^\[!\[.*\]\(https?:.*\n?")
# What TeX allows, in the words that docutils knows.
SPELLINGS = (
    (r"([A-Za-z])'", r"\1^{\\prime}"),
    (r"\\big(?=[(\[])", r"\\bigl"),
    (r"\\big(?=[)\]])", r"\\bigr"),
    (r"\\(t?)frac(\d)(\d)", r"\\\1frac{\2}{\3}"),
    (r"\\begin\{array\}\{[lcr]*\}", r"\\begin{matrix}"),
    (r"\\end\{array\}", r"\\end{matrix}"),
)
# A browser puts no space between "log" and its argument.
AFTER_FUNCTION = re.compile(r"<mo>&ApplyFunction;</mo>(?!<mo[^>]*>\()")
# Also on the course site. Only a font for mathematics has braces that grow.
MATH_STYLE = """
math { font-family: "Latin Modern Math", "STIX Two Math", "TeX Gyre Termes Math",
  "Cambria Math", math; }
mtable.cases mtd { text-align: left; }
"""
STYLE = """
body { font: 17px/1.5 sans-serif; max-width: 52em; margin: 2em auto; padding: 0 1em; }
pre { font-size: 14px; overflow-x: auto; }
.input pre { background: #f5f5f5; padding: .6em; }
.prompt, .anchor-link { display: none; }
img { max-width: 100%; }
table { border-collapse: collapse; }
td, th { padding: .2em .6em; text-align: left; border-bottom: 1px solid #ddd; }
.dataframe :is(td, th) { text-align: right; }
"""


def mathml(tex: str, *, block: bool = False) -> str:
    """An equation in TeX as one line of MathML; the number of a `\\tag` is put behind it.

    Raises ValueError for TeX that docutils can't convert.
    """
    number = re.search(r"\\tag\{(.+?)\}", tex)
    plain = tex.replace(number[0], "") if number else tex
    for found, written in SPELLINGS:
        plain = re.sub(found, written, plain)
    try:
        lines = tex2mathml(plain, as_block=block)
    except Exception as error:
        raise ValueError(f"cannot convert the equation {tex.strip()!r}: {error}") from error
    converted = AFTER_FUNCTION.sub('<mspace width="0.17em"></mspace>', re.sub(r"\n\s*", "", lines))
    if number:
        label = f'<mspace width="2em"></mspace><mtext>({number[1]})</mtext></math>'
        converted = converted.replace("</math>", label)
    converted = converted.replace("<mo>‖", '<mo stretchy="false">‖')
    return converted.replace("|", "&#124;")  # a bar would end the cell of a Markdown table


def offline(markdown: str) -> str:
    """The text with equations as inline MathML, and without badges (images of other sites)."""

    def convert(found: re.Match) -> str:
        if tex := found["block"]:
            return mathml(tex, block=True)
        return mathml(found["inline"]) if found["inline"] else found[0]

    return EQUATION.sub(convert, BADGES.sub("", markdown))


def page(notebook: NotebookNode, title: str, folder: str = "../notebooks") -> str:
    """The notebook, with its outputs, as one HTML file without scripts or links to styles.

    Links to other notebooks lead to ``folder``, as seen from the page.
    """
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = offline(re.sub(r"\]\((?=\w+\.ipynb)", rf"]({folder}/", cell.source))
    body, resources = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    style = "\n".join([*resources["inlining"]["css"], MATH_STYLE, STYLE])
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title>\n<style>{style}</style></head>\n"
        f"<body><main>{body}</main></body></html>\n"
    )


def main(source: str, out: str) -> None:
    """Write the page of the notebook file `source` to `out`."""
    made = page(nbformat.read(source, as_version=4), Path(source).stem)
    Path(out).write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
