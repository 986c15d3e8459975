"""The repository's address: it stands in pyproject.toml, and all else is written from there.

`python -m wdlib.course.address` (`make badges`) writes the badges of README and of every notebook,
and what the notebooks install on Colab: run it when the address changes, or for a new notebook.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import jupytext
import nbformat
from jupytext.config import load_jupytext_config
from nbformat import NotebookNode

from wdlib.course.notebooks import ROOT, notebooks
from wdlib.files import whole

BRANCH = "main"
FIRST = "00_tour"  # where README's badges lead
# An account on GitHub has letters, digits and hyphens, so this is nobody's, and will be nobody's.
PLACEHOLDER = "_OWNER_"


def address() -> str:
    """Where the repository is: https://host/owner/name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["urls"]["Repository"]


def repository() -> str:
    """owner/name."""
    return urlsplit(address()).path.strip("/")


def badges(name: str = FIRST) -> str:
    """The line of badges that opens the notebook ``name`` on Colab and on Binder."""
    place = f"notebooks/{name}.ipynb"
    colab, binder = "https://colab.research.google.com", "https://mybinder.org"
    shown = {
        "Colab": (
            f"{colab}/assets/colab-badge.svg",
            f"{colab}/github/{repository()}/blob/{BRANCH}/{place}",
        ),
        "Binder": (
            f"{binder}/badge_logo.svg",
            f"{binder}/v2/gh/{repository()}/{BRANCH}?urlpath=lab/tree/{place}",
        ),
    }
    return " ".join(
        f"[![Open in {where}]({badge})]({link})" for where, (badge, link) in shown.items()
    )


def requirement(extras: str = "") -> str:
    """What Colab installs: the package of this repository, and no package of the same name."""
    return f"wdlib{extras} @ git+{address()}"


def with_badges(markdown: str, name: str = FIRST) -> str:
    """The text with its line of badges below its first heading, in place of an older one."""
    line, text = badges(name), without_badges(markdown)
    text = re.sub(r"(?m)^(# .+)\n*", lambda title: f"{title[1]}\n\n{line}\n\n", text, count=1)
    return text.rstrip("\n") + "\n" * markdown.endswith("\n")


def without_badges(markdown: str) -> str:
    """The text without its line of badges."""
    return re.sub(r"(?m)^\[!\[Open in .*\n*", "", markdown)


def with_requirement(code: str) -> str:
    """The Colab cell with the requirement of this repository; the extras it asks for stay."""
    return re.sub(
        r'(%pip install -q )"wdlib(\[[a-z,]+\])?[^"\n]*"',
        lambda found: f'{found[1]}"{requirement(found[2] or "")}"',
        code,
    )


def addressed(notebook: NotebookNode, name: str) -> NotebookNode:
    """The notebook with its badges and its Colab cell as the address wants them, in place."""
    title = next(cell for cell in notebook.cells if cell.cell_type == "markdown")
    title.source = with_badges(title.source, name)
    start = next(cell for cell in notebook.cells if cell.cell_type == "code")
    start.source = with_requirement(start.source)
    return notebook


def write_notebook(path: Path) -> None:
    """The notebook and its pair; outputs stay."""
    before = path.read_text(encoding="utf-8")
    notebook = addressed(nbformat.reads(before, as_version=4), path.stem)
    after = nbformat.writes(notebook) + "\n"
    if after == before:
        return
    pair = jupytext.writes(notebook, fmt="py:percent", config=load_jupytext_config(str(path)))
    write(path, after)
    write(path.with_suffix(".py"), pair)
    print(f"notebooks/{path.name}: badges and Colab cell written")


def write_page(path: Path) -> None:
    """The page of Markdown."""
    write(path, with_badges(path.read_text(encoding="utf-8")))


def write(path: Path, text: str) -> None:
    """The text in place of what was there, whole or not at all."""
    with whole(path) as file:
        file.write(text.encode())


def main() -> None:
    write_page(ROOT / "README.md")
    for path in notebooks():
        write_notebook(path)
    print("the address is", address())


if __name__ == "__main__":
    main()
