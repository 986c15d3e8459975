"""The student edition: notebooks without solutions, outputs and badges in build/student/.

`make student` writes it. Everything else stays. The badges open the notebooks with solutions.
"""

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
        if cell.cell_type == "markdown":
            cell.source = without_badges(cell.source)
        else:
            cell.outputs, cell.execution_count = [], None
            cell.metadata.pop("execution", None)  # when it ran
    return edition


def main() -> None:
    """Write every notebook and the results; notebooks of an earlier edition go."""
    shutil.rmtree(OUT, ignore_errors=True)
    shutil.copytree(ROOT / "notebooks" / "results", OUT / "results")
    for path in notebooks():
        edition = student(nbformat.read(path, as_version=4))
        (OUT / path.name).write_text(nbformat.writes(edition) + "\n", encoding="utf-8")
        exercises = sum("exercise" in c.metadata.get("tags", []) for c in edition.cells)
        print(f"{(OUT / path.name).relative_to(ROOT)}: {exercises} exercises")


if __name__ == "__main__":
    main()
