"""The student edition: the notebooks without solutions and without outputs.

`python -m wdlib.course.student` (`make student`) writes it to build/student/. Everything else
stays: exercises with their stubs, checks, tags, the pairing, and the results that notebooks read.
The badges go, since they open the edition with the solutions.
"""

from __future__ import annotations

import copy
import shutil

import nbformat
from nbformat import NotebookNode

from wdlib.course.address import without_badges
from wdlib.course.notebooks import ROOT, notebooks

OUT = ROOT / "build" / "student"


def student(notebook: NotebookNode) -> NotebookNode:
    """A copy without solutions (cells tagged `solution`), outputs and badges."""
    edition = copy.deepcopy(notebook)
    edition.cells = [c for c in edition.cells if "solution" not in c.metadata.get("tags", [])]
    for cell in edition.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            cell.metadata.pop("execution", None)  # when it ran
        elif "[![Open in" in cell.source:
            cell.source = without_badges(cell.source)
    return edition


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    for stale in OUT.glob("*.ipynb"):
        stale.unlink()
    shutil.copytree(ROOT / "notebooks" / "results", OUT / "results", dirs_exist_ok=True)
    for path in notebooks():
        edition = student(nbformat.read(path, as_version=4))
        nbformat.validate(edition)
        (OUT / path.name).write_text(nbformat.writes(edition) + "\n", encoding="utf-8")
        exercises = sum("exercise" in c.metadata.get("tags", []) for c in edition.cells)
        print(f"{(OUT / path.name).relative_to(ROOT)}: {exercises} exercises")


if __name__ == "__main__":
    main()
