"""Write the repository's address into every file that shows it.

`make address URL=https://github.com/me/wdlib` writes it into pyproject.toml, badges, the cell that
installs wdlib on Colab, and the citation. Without URL it takes the clone's own `origin`. As long as
pyproject.toml holds a placeholder, there are no badges, and the Colab cell explains what to do.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import jupytext
import nbformat
from jupytext.config import load_jupytext_config
from nbformat import NotebookNode

from wdlib.course.notebooks import ROOT, notebooks
from wdlib.files import write_text

FIRST = "00_tour"  # the notebook that README's badges open
# An account on GitHub has letters, digits and hyphens only, so this is nobody's.
PLACEHOLDER = "https://github.com/_OWNER_/wdlib"
COLAB = """import sys

if "google.colab" in sys.modules:
    %pip install -q "wdlib{extras} @ git+{url}"
"""
NOT_YET = """# On Colab, wdlib{extras} must be installed here first. As soon as your copy of the
# repository is on GitHub, `make address URL=...` writes the command into this cell.
"""


def address(root: Path = ROOT) -> str:
    """The address in pyproject.toml: https://github.com/owner/name."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return settings["project"]["urls"]["Repository"]


def on_github(url: str) -> str:
    """https://github.com/owner/name, for an address in any of git's forms.

    Raises ValueError for another host: the badges of Colab and Binder need GitHub.
    """
    found = re.search(r"github\.com[/:]([\w-]+)/([\w.-]+?)(\.git)?/?$", url)
    if not found:
        raise ValueError(
            f"{url!r} is no address on GitHub; write: make address URL=https://github.com/me/wdlib"
        )
    return f"https://github.com/{found[1]}/{found[2]}"


def badges(url: str, name: str = FIRST) -> str:
    """The line of badges that opens the notebook ``name`` on Colab and on Binder."""
    path = url.removeprefix("https://github.com/")
    colab, binder = "https://colab.research.google.com", "https://mybinder.org"
    return (
        f"[![Open in Colab]({colab}/assets/colab-badge.svg)]"
        f"({colab}/github/{path}/blob/main/notebooks/{name}.ipynb) "
        f"[![Open in Binder]({binder}/badge_logo.svg)]"
        f"({binder}/v2/gh/{path}/main?urlpath=lab/tree/notebooks/{name}.ipynb)"
    )


def without_badges(markdown: str) -> str:
    """The text without its line of badges."""
    return re.sub(r"(?m)^\[!\[Open in .*\n*", "", markdown)


def with_badges(markdown: str, url: str, name: str = FIRST) -> str:
    """The text with badges below its first heading; without them for the placeholder."""
    text = without_badges(markdown)
    if url == PLACEHOLDER:
        return text
    return re.sub(r"(?m)^(# .+)\n+", rf"\1\n\n{badges(url, name)}\n\n", f"{text}\n", count=1)[:-1]


def with_colab(code: str, url: str) -> str:
    """The first cell of code, which begins with the Colab lines of this address."""
    old = re.match(r"(# On Colab.*\n(#.*\n)*|import sys\n+if .*\n +%pip .*(\n|$))?\n*", code)[0]
    extras = re.search(r"wdlib(\[[a-z,]+\])?", f"{old} wdlib")[1] or ""
    lines = (NOT_YET if url == PLACEHOLDER else COLAB).format(extras=extras, url=url)
    return f"{lines}\n{code[len(old) :]}".rstrip("\n")


def addressed(notebook: NotebookNode, url: str, name: str) -> NotebookNode:
    """The notebook with the badges and Colab lines of this address, changed in place."""
    title = next(cell for cell in notebook.cells if cell.cell_type == "markdown")
    title.source = with_badges(title.source, url, name)
    start = next(cell for cell in notebook.cells if cell.cell_type == "code")
    start.source = with_colab(start.source, url)
    return notebook


def texts(root: Path, url: str) -> dict[Path, str]:
    """Every file that shows the address -> its text with this address."""
    readme = root / "README.md"
    found = {readme: with_badges(readme.read_text(encoding="utf-8"), url)}
    hidden = "# " * (url == PLACEHOLDER)
    for file, pattern, line in (
        ("pyproject.toml", "Repository =.*", f'Repository = "{url}"'),
        ("CITATION.cff", "(# )?repository-code:.*", f"{hidden}repository-code: {url}"),
    ):
        if (path := root / file).exists():
            found[path] = re.sub(rf"(?m)^{pattern}$", line, path.read_text(encoding="utf-8"))
    for path in notebooks(root):
        notebook = addressed(nbformat.read(path, as_version=4), url, path.stem)
        found[path] = nbformat.writes(notebook) + "\n"
        config = load_jupytext_config(str(path))
        found[path.with_suffix(".py")] = jupytext.writes(notebook, fmt="py:percent", config=config)
    return found


def main(url: str = "", root: Path = ROOT) -> None:
    """Write ``url``, or else the address of `origin` on GitHub, or else the present one again."""
    here = subprocess.run(
        ["git", "-C", root, "remote", "get-url", "origin"], capture_output=True, text=True
    ).stdout.strip()
    url = on_github(url or (here if "github.com" in here else address(root)))
    for path, text in texts(root, url).items():
        if text != path.read_text(encoding="utf-8"):
            write_text(path, text)
            print(path.relative_to(root))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except ValueError as error:
        sys.exit(str(error))
