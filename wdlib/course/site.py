"""The course site: notebooks, the lecturers' guide, results and the API, all with search.

`make site` runs `python -m wdlib.course.site build`: it writes texts to build/site-source, and
Sphinx makes pages in build/site from them. Notebooks are not executed. No page needs a network.
"""

import re
import shutil
import sys
from collections.abc import Iterable
from html import escape
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from sphinx.application import Sphinx

import wdlib
from wdlib.course.notebooks import ROOT, notebooks
from wdlib.course.pages import MATH_STYLE, offline

SETTINGS = {
    "project": "wdlib",
    "copyright": "the wdlib authors",
    "release": wdlib.__version__,
    "extensions": [
        "myst_parser",
        "sphinx.ext.apidoc",
        "sphinx.ext.autodoc",
        "sphinx.ext.autosummary",
        "sphinx.ext.napoleon",
    ],
    "apidoc_modules": [{"path": str(ROOT / "wdlib"), "destination": "api"}],
    "apidoc_automodule_options": {"members"},
    "apidoc_module_first": True,
    "apidoc_exclude_patterns": [str(ROOT / "wdlib/__main__.py")],
    "exclude_patterns": ["*/results/*.txt", "api/modules.rst"],
    "myst_heading_anchors": 4,
    "suppress_warnings": ["myst.header"],
    "default_role": "code",
    # matplotlib gives its figures another "set" for each class.
    "autodoc_default_options": {"exclude-members": "set", "ignore-module-all": True},
    "html_theme": "furo",
    "html_title": "wdlib",
    "smartquotes": False,
    "html_static_path": ["static"],
    "html_css_files": ["site.css"],
    "html_copy_source": False,
    "html_show_search_summary": False,  # a page from a disk may not fetch it
    "html_show_sphinx": False,
}
# What `import wdlib` offers, and behind it a page for each room.
API = "API\n===\n\n.. toctree::\n   :maxdepth: 1\n\n   api/wdlib\n\n.. autosummary::\n\n"
API += "".join(f"   wdlib.{name}\n" for name in wdlib.__all__)
STYLE = """
.content { width: 54em; }
.output pre { background: none; border-left: 3px solid var(--color-background-border); }
.output table { font-size: 85%; }
.output :is(td, th) { padding: .2em .6em; text-align: right; }
"""


def notebook_page(notebook: NotebookNode) -> str:
    """The notebook as Markdown for Sphinx: code in fences, outputs as HTML."""
    blocks = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            blocks.append(offline(cell.source))
            continue
        shown = [fenced("python", cell.source), *map(output, cell.outputs)]
        if "claims" in cell.metadata.get("tags", []):
            shown = ["<details>\n<summary>Claims, checked</summary>", *shown, "</details>"]
        blocks += shown
    return "\n\n".join(blocks) + "\n"


def fenced(kind: str, text: str) -> str:
    """The text in a fence of this kind."""
    return f"~~~~{kind}\n{text}\n~~~~"


def output(one: NotebookNode) -> str:
    """What a cell printed or showed. A figure keeps its alternative text."""
    data = one.get("data", {})
    html = f"<pre>{escape(one.get('text') or data.get('text/plain', ''))}</pre>"
    for kind in {"image/gif", "image/png"} & set(data):
        alt = escape(one.metadata.get(kind, {}).get("alt", ""))
        html = f'<img alt="{alt}" src="data:{kind};base64,{"".join(data[kind].split())}">'
    html = data.get("text/html", html)
    return fenced("{raw} html", f'<div class="output">{html}</div>')


def linked(markdown: str) -> str:
    """The text with its links to notebooks and to README as links to their pages."""
    pages = re.sub(r"(\]\([^)\s]*\d\d_\w+)\.ipynb", r"\1.md", markdown)
    return re.sub(r"\]\(((?:\.\./)+)README\.md", r"](\1index.md", pages)


def escaped(text: str) -> str:
    """Plain text, but for what stands in backticks, as reStructuredText."""
    return re.sub(r"(``.*?``|`[^`]*`)|([*|_])", lambda m: m[1] or "\\" + m[2], text)


def plain(app, what, name, one, options, lines: list[str]) -> None:
    """Docstrings are plain text. Their lines of the form "name: what it is" become paragraphs."""
    for i in reversed(range(len(lines))):
        lines[i] = escaped(lines[i])
        if i and re.match(r"[\w, ]+:\s", lines[i]) and lines[i - 1]:
            lines.insert(i, "")


def contents(caption: str, pages: Iterable[str]) -> str:
    """A part of the list of pages beside every page."""
    return "\n".join(
        ["", "```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""]
    )


def write_source(source: Path) -> None:
    """Write all that Sphinx reads into the folder."""
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(ROOT / "notebooks" / "results", source / "notebooks" / "results")
    read = {path.stem: nbformat.read(path, as_version=4) for path in notebooks()}
    texts = {f"notebooks/{name}": linked(notebook_page(read[name])) for name in read}
    parts = contents("Notebooks", texts)
    for path in sorted((ROOT / "notebooks").rglob("README.md")):
        page = path.relative_to(ROOT).with_suffix("").as_posix()
        texts[page] = linked(offline(path.read_text("utf-8")))
    parts += contents("More", [*(page for page in texts if "README" in page), "api"])
    texts["index"] = linked(offline((ROOT / "README.md").read_text("utf-8"))) + parts
    files = {f"{page}.md": text for page, text in texts.items()}
    files["api.rst"] = API
    files["static/site.css"] = MATH_STYLE + STYLE
    for name, text in files.items():
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text(text, encoding="utf-8")


def main(folder: str) -> int:
    """Make the pages in `folder`/site anew; returns the exit code of Sphinx."""
    build = Path(folder).resolve()
    source, out, cache = build / "site-source", build / "site", build / "site-cache"
    write_source(source)
    shutil.rmtree(out, ignore_errors=True)
    app = Sphinx(source, None, out, cache, "html", SETTINGS, status=None, freshenv=True)
    app.connect("autodoc-process-docstring", plain, priority=1)  # before napoleon
    app.build()
    print(f"The course site: {folder}/site/index.html")
    return app.statuscode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
