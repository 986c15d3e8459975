"""Notebooks as files: paired, committed with outputs, small, and readable from top to bottom.

That they run, and still say what they said, is nbval's part: `make test` collects notebooks/ in the
same pytest run as tests/, each cell a test, each notebook once.
"""

import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import jupytext
import nbformat
import pytest
from jupytext.config import load_jupytext_config
from nbconvert.preprocessors import ExecutePreprocessor
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from wdlib.experiments import tables

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MAX_BYTES = 500_000


def pair_of(path: Path) -> str:
    """The py:percent text of a notebook, by the settings in pyproject.toml."""
    config = load_jupytext_config(str(ROOT / "notebooks" / path.name))
    return jupytext.writes(jupytext.read(path), fmt="py:percent", config=config)


def without_version(text: str) -> str:
    return re.sub(r"(?m)^#\s+jupytext_version: .*\n", "", text)


def headings(markdown: str) -> list[int]:
    """Levels of the headings, fenced code left out."""
    text = re.sub(r"(?ms)^(```|~~~).*?^\1", "", markdown)
    return [len(marks) for marks in re.findall(r"(?m)^(#{1,6}) +\S", text)]


def printed(cell: NotebookNode) -> str:
    """What a reader sees as text under a code cell."""
    return "".join(
        output.get("text", "") or output.get("data", {}).get("text/plain", "")
        for output in cell.outputs
    )


def pair_faults(path: Path) -> list[str]:
    pair = path.with_suffix(".py")
    how = f"run: python -m jupytext --to py:percent notebooks/{path.name}"
    if not pair.exists():
        return [f"has no .py pair; {how}"]
    if without_version(pair.read_text(encoding="utf-8")) != without_version(pair_of(path)):
        return [f"differs from its .py pair; {how}"]
    return []


def outline_faults(notebook: NotebookNode) -> list[str]:
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    levels = headings(text)
    found = []
    if levels[:1] != [1] or levels.count(1) != 1:
        found.append("needs one H1, as its first heading")
    if any(below > above + 1 for above, below in zip(levels, levels[1:])):
        found.append("skips a level of headings")
    if re.search(r"!\[\s*\]\(", text) or re.search(r"<img(?![^>]*\balt=)", text):
        found.append("shows a picture without alt text")
    return found


def output_faults(notebook: NotebookNode) -> list[str]:
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs]
    tags = [cell.metadata.get("tags", []) for cell in cells]
    found = []
    if [cell.execution_count for cell in cells] != list(range(1, len(cells) + 1)):
        found.append("was not run from top to bottom in a fresh kernel before the commit")
    if any(output.output_type == "error" for output in outputs):
        found.append("has an error among its outputs")
    checked = [c for c, tag in zip(cells, tags) if "nbval-check-output" in tag]
    if not any(printed(cell).strip() for cell in checked):
        found.append("has no printed output that nbval checks (tag nbval-check-output)")
    if re.search(r"/(home|root|Users|tmp|work)/", "\n".join(map(printed, cells))):
        found.append("prints a path of the machine it ran on")
    return found


def size_faults(path: Path, notebook: NotebookNode) -> list[str]:
    found = []
    if path.stat().st_size >= MAX_BYTES:
        found.append(f"is {path.stat().st_size} bytes, {MAX_BYTES} or more")
    if "widgets" in notebook.metadata:
        found.append("holds widget state")
    markdown = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    if any("base64," in cell.source or cell.get("attachments") for cell in markdown):
        found.append("holds a picture in markdown")
    return found


def start_faults(notebook: NotebookNode) -> list[str]:
    """The Colab cell, and the kernel's name."""
    found = []
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        found.append("names another kernel than python3")
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    installs = [
        (number, line.strip())
        for number, source in enumerate(sources)
        for line in source.splitlines()
        if re.match(r"\s*[%!]\s*(pip|conda|mamba|uv)\b", line)
    ]
    if not installs and sources[0].startswith("# On Colab"):
        return found  # the repository has no address yet
    if [number for number, _ in installs] != [0]:
        return [*found, "needs one %pip line, in its first code cell"]
    if not re.search(r'if "google\.colab" in sys\.modules:\n\s+%pip', sources[0]):
        found.append("installs outside Colab too")
    line = installs[0][1]
    if not re.fullmatch(r"%pip install( -q| --quiet)*( \"[^\"]+\"| '[^']+')", line):
        found.append("the %pip line takes one quoted requirement, and no option but -q")
    if re.search(r"torch|numpy", line):
        found.append("the %pip line names torch or numpy, which Colab has")
    return found


def faults(path: Path) -> list[str]:
    """What a reader or a reviewer would stumble over; empty when all is well."""
    notebook = nbformat.read(path, as_version=4)
    return [
        *pair_faults(path),
        *outline_faults(notebook),
        *output_faults(notebook),
        *size_faults(path, notebook),
        *start_faults(notebook),
    ]


def test_there_is_a_tour():
    assert "00_tour.ipynb" in [path.name for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_keeps_the_rules(path):
    assert faults(path) == []


def test_every_pair_has_its_notebook():
    pairs = {path.stem for path in (ROOT / "notebooks").glob("[0-9]*.py")}
    assert pairs == {path.stem for path in NOTEBOOKS}


def test_a_notebook_runs_in_this_environment():
    """`python3` is the interpreter of the tests, not another Python or kernel of the machine."""
    notebook = new_notebook(cells=[new_code_cell("import sys; print(sys.executable)")])
    ExecutePreprocessor(kernel_name="python3", timeout=60).preprocess(notebook)
    assert printed(notebook.cells[0]).strip() == sys.executable


COLAB = 'import sys\n\nif "google.colab" in sys.modules:\n    %pip install -q "wdlib"'


def sound() -> NotebookNode:
    """A notebook without faults."""
    told = [new_output("stream", name="stdout", text="accuracy 1.00\n")]
    return new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        cells=[
            new_markdown_cell(
                "# Title\n\n```\n# not a heading\n```\n\n## Part\n\n![a map](map.png)"
            ),
            new_code_cell(COLAB, execution_count=1),
            new_code_cell(
                "print(accuracy)",
                execution_count=2,
                outputs=told,
                metadata={"tags": ["nbval-check-output"]},
            ),
            new_markdown_cell("### Detail\n\n## Part"),
        ],
    )


def save(folder: Path, notebook: NotebookNode) -> Path:
    path = folder / "sound.ipynb"
    nbformat.write(notebook, path)
    path.with_suffix(".py").write_text(pair_of(path), encoding="utf-8")
    return path


def test_a_sound_notebook_has_no_faults(tmp_path):
    assert faults(save(tmp_path, sound())) == []


def source(cell: int, text: str) -> Callable[[NotebookNode], None]:
    return lambda notebook: notebook.cells[cell].update(source=text)


BREAKAGES = {
    "one H1": source(0, "## Title"),
    "as its first heading": source(3, "# Another title"),
    "skips a level": source(3, "#### Detail"),
    "without alt text": source(3, "![](map.png)"),
    "picture in markdown": source(3, "![a map](data:image/png;base64,iVBORw0KGgo=)"),
    "names another kernel": lambda n: n.metadata.kernelspec.update(name="conda-env"),
    "holds widget state": lambda n: n.metadata.update(widgets={"state": {}}),
    "500000 or more": lambda n: n.metadata.update(padding="x" * MAX_BYTES),
    "fresh kernel": lambda n: n.cells[2].update(execution_count=7),
    "top to bottom": lambda n: n.cells[2].update(execution_count=None, outputs=[]),
    "an error among": lambda n: n.cells[1].outputs.append(new_output("error")),
    "that nbval checks": lambda n: n.cells[2].metadata.update(tags=[]),
    "printed output": lambda n: n.cells[2].update(outputs=[]),
    "path of the machine": lambda n: n.cells[2].outputs[0].update(text="/home/ada/x.py: 1\n"),
    "in its first code cell": source(1, "import wdlib"),
    "one %pip line": source(2, '%pip install "wdlib"'),
    "outside Colab": source(1, '%pip install "wdlib"'),
    "one quoted requirement": source(1, COLAB.replace('"wdlib"', "wdlib")),
    "no option but -q": source(1, COLAB.replace("-q", "-U")),
    "names torch or numpy": source(1, COLAB.replace('"wdlib"', '"torch"')),
}


@pytest.mark.parametrize("said", BREAKAGES)
def test_a_broken_rule_is_reported(tmp_path, said):
    notebook = sound()
    BREAKAGES[said](notebook)
    found = faults(save(tmp_path, notebook))
    assert any(said in fault for fault in found), found


def test_a_pair_that_differs_is_reported(tmp_path):
    path = save(tmp_path, sound())
    pair = path.with_suffix(".py")
    pair.write_text(pair.read_text(encoding="utf-8").replace("accuracy", "loss"), encoding="utf-8")
    assert [fault.split(";")[0] for fault in faults(path)] == ["differs from its .py pair"]
    pair.unlink()
    assert [fault.split(";")[0] for fault in faults(path)] == ["has no .py pair"]


# --- the results that notebooks show ---


def test_a_wheel_carries_every_result_that_a_notebook_shows():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    carried = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    shown = set()
    for path in NOTEBOOKS:
        text = path.with_suffix(".py").read_text(encoding="utf-8")
        assert 'Path("results' not in text, f"{path.name}: result_file finds it on Colab, too"
        shown |= set(re.findall(r'\b(?:result_file|results)\("(\w+)"\)', text))
    assert {"table1", "table2", "ablations"} <= shown
    read = shown | {"pace"}  # whose steps are those of table 2's cells
    assert carried == {f"notebooks/results/{n}.csv": f"wdlib/experiments/csv/{n}.csv" for n in read}
    assert all((ROOT / path).is_file() for path in carried)


def test_a_result_beside_the_notebook_comes_before_the_package_s(tmp_path, monkeypatch):
    package, beside = tmp_path / "package" / "csv", tmp_path / "results"
    monkeypatch.setattr(tables, "__file__", str(package.parent / "tables.py"))
    monkeypatch.chdir(tmp_path)
    assert tables.result_file("table1") is None
    with pytest.raises(FileNotFoundError, match="no result file table1.csv: make it"):
        tables.results("table1")
    package.mkdir(parents=True)
    (package / "table1.csv").touch()
    assert tables.result_file("table1") == package / "table1.csv"
    beside.mkdir()
    (beside / "table1.csv").touch()
    assert tables.result_file("table1").resolve() == beside / "table1.csv"
