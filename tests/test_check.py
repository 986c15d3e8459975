"""check: known mistakes are named, nothing that an answer does gets out, and every notebook's
exercises stand in it as a stub, a check and a solution that is right.

`tests/answers/` holds, for every exercise, right answers and plausible wrong ones.
"""

import ast
import importlib.util
import re
import sys
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from wdlib import course
from wdlib.course import check
from wdlib.course.exercises import EXERCISES, Exercise, verdict
from wdlib.course.exercises.exercise import fault

HERE = Path(__file__).parent
NOTEBOOKS = sorted((HERE.parent / "notebooks").glob("*.ipynb"))
MATRIX = np.array([[1.0, 2.0, 4.0], [3.0, -5.0, 6.0]])
TABLE = {"file": ["a.jpg", "b.jpg"], "side": [None, "left"]}


# --- what is wrong with a value ---


@pytest.mark.parametrize(
    ("wanted", "answer"),
    [
        (27, 27),
        (27, 27.0),
        (27, np.int64(27)),
        (27, torch.tensor(27)),
        (0.5, 0.5004),
        (0.5, torch.tensor(0.5, dtype=torch.bfloat16)),
        (1000.0, 1000.9),
        ("heart", " Heart "),
        ([1, 2], (1, 2)),
        ([1, 2], range(1, 3)),
        (MATRIX, torch.from_numpy(MATRIX).float().requires_grad_()),
        (MATRIX, MATRIX.tolist()),
        (MATRIX, [list(torch.from_numpy(row).requires_grad_()) for row in MATRIX]),
        ([0.0, -np.inf], [0.0, -np.inf]),
        ([1.0, 2.0], [torch.tensor(1.0), torch.tensor(2.0)]),
        (frozenset({"x", "y"}), {"X", "y"}),
        (frozenset({"x", "y"}), ["y", "x"]),
        ((1, MATRIX), [1, MATRIX]),
        ((3, 3), (3, 3)),
        ((3, 3), np.array([3, 3])),
        (TABLE, pd.DataFrame(TABLE | {"side": [np.nan, " Left"]}, index=[1, 0])),
        (TABLE, {"file": ("a.jpg", "b.jpg"), "side": np.array(["", "left"])}),
    ],
)
def test_a_right_value(wanted, answer):
    assert fault(wanted, answer) is None


@pytest.mark.parametrize(
    ("wanted", "answer", "said"),
    [
        (27, ..., "no answer yet"),
        (27, None, "no answer yet"),
        (27, "27", "should be a number, but it is a word"),
        (27, True, "should be a number, but it is True or False"),
        (27, [27], "should be one number, but its shape is (1,)"),
        (27, 26, "too small, by less than 10 %"),
        (27, 40, "too large, by less than a factor of 2"),
        (27, 270, "too large, by more than 10 times"),
        (27, 9, "too small, by a factor of 2 to 10"),
        (27, -27, "the sign is wrong"),
        (27, -3, "too small, and its sign is wrong"),
        (0, 3, "too large"),
        (27, float("nan"), "it is NaN; look for a division by 0"),
        (27, float("inf"), "it is infinite"),
        (27, 27j, "it is a complex"),
        (27, object(), "it is an object"),
        (737280, 737281, "too large"),
        (0.5, 0.502, "too large"),
        ("heart", 2, "should be a word, but it is an int"),
        ("heart", "square", "'square' is wrong"),
        ([1, 2, 3], [[1], [2, 3]], "check that all rows have the same length"),
        ([1, 2, 3], [], "should be numbers, but it is a list with nothing in it"),
        ([1, 2, 3], ["a", "b", "c"], "it is a list with a word in it"),
        ([1, 2, 3], [True, False, True], "it is a list with True or False in it"),
        ([1, 2, 4], [4, 2, 1], "their order is wrong"),
        ([1, 2, 4], [2, 4, 8], "every entry is 2 times the right one"),
        ([1, 2, 4], [2, 3, 5], "every entry is too large by 1"),
        ([1, 2, 4], [-1, -2, -4], "the sign is wrong"),
        (
            [1, 2, 4],
            [1, 2, 9],
            "1 of 3 entries (the first at [2]) is wrong; the largest error is 5",
        ),
        ([1, 2, 4], [[1, 2, 4]], "remove an axis of length 1"),
        (MATRIX, MATRIX.T, "transpose it"),
        (MATRIX, MATRIX[:, :2], "the shape is (2, 2), but it should be (2, 3)"),
        (MATRIX, MATRIX.ravel(), "the shape is (6,), but it should be (2, 3)"),
        (MATRIX[:, :2], MATRIX[:, :2].T, "their order is wrong"),
        (MATRIX, np.abs(MATRIX), "1 of 6 entries (the first at [1, 1]) is wrong"),
        (MATRIX, np.where(MATRIX > 5, np.nan, MATRIX), "1 of 6 entries (the first at [1, 2]) is N"),
        (MATRIX, MATRIX + np.eye(2, 3), "2 of 6 entries (the first at [0, 0]) are wrong"),
        (
            frozenset("abc"),
            ["a", "e"],
            "2 of 3 entries are missing, and 1 should not be in the list",
        ),
        (frozenset("ab"), [1, 2], "2 of 2 entries are missing"),
        (frozenset("ab"), 1, "should be a list, but it is an int"),
        (frozenset("x"), "x", "should be a list, but it is a word"),
        ((1, 2), 1, "should have 2 parts (part 1, part 2), but it is an int"),
        ((1, 2), (1, 2, 3), "should have 2 parts (part 1, part 2), but it has 3"),
        ((1, MATRIX), (1, -MATRIX), "part 2: the sign"),
        (TABLE, [["a.jpg", None], ["b.jpg", "left"]], "should be a dict of columns, but it is a l"),
        (TABLE, {"file": ["a.jpg"]}, "the columns are file, but they should be file, side"),
        (TABLE, TABLE | {"side": ["left"]}, "check that all have the same length"),
        (TABLE, {"file": ["a.jpg"], "side": [None]}, "there are 1 rows, but there should be 2"),
        (TABLE, TABLE | {"side": ["left", "left"]}, "column 'side': 1 of 2 entries (the first at"),
    ],
)
def test_a_fault_is_named(wanted, answer, said):
    assert said in (fault(wanted, answer) or "")


def test_the_parts_of_a_tuple_have_names():
    spread = Exercise((1, 2), parts=("mean", "variance"), slips=(("you forgot a root", (1, 4)),))
    assert spread.fault((1, 3)).startswith("variance: the number is too large")
    assert spread.fault((1, 4)) == "it looks as if you forgot a root"


def test_a_message_keeps_the_answer_back():
    for wrong in (0, 1, 12000, 54320, 54322, -54321, 5432.1):
        assert "54321" not in fault(54321, wrong).replace("-54321", "")


# --- functions of a student ---


def mean_of(x):
    return sum(x) / len(x)


MEAN = Exercise(
    mean_of,
    inputs=(([1.0, 2.0, 6.0],), ([4.0, 4.0],), ([-1.0, 0.0, 2.0, 3.0],)),
    slips=(
        ("you did not divide the sum", sum),
        ("you left one out", lambda x: sum(x) / (len(x) - 1)),
    ),
)
WORD = Exercise("mixture", choices=("normal", "uniform", "mixture"))


def calls_itself(x):
    return calls_itself(x)


def leaves(x):
    sys.exit("bye")


def clears(x):
    mean = mean_of(x)
    x.clear()
    return mean


class Hostile:
    def __array__(self, *_, **__):
        raise RuntimeError("no")

    def __repr__(self):
        raise RuntimeError("no")

    def __eq__(self, other):
        raise RuntimeError("no")

    __hash__ = None


@pytest.fixture(autouse=True)
def our_exercises(monkeypatch):
    monkeypatch.setitem(EXERCISES, "99.1", MEAN)
    monkeypatch.setitem(EXERCISES, "99.2", WORD)


@pytest.mark.parametrize("answer", [mean_of, np.mean, lambda x: torch.tensor(x).mean(), clears])
def test_a_right_function(answer):
    assert verdict("99.1", answer) == "99.1: right"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (..., "no answer yet"),
        (lambda x: ..., "no answer yet"),
        (3.0, "should be a function, but it is a float"),
        (lambda x: None, "your function returns None"),
        (lambda x: float("nan"), "it is NaN"),
        (lambda x: x, "should be one number, but its shape is (3,)"),
        (lambda x: "3", "should be a number, but it is a word"),
        (lambda x: x[2], "for ([4.0, 4.0]) your function raises IndexError: list index out of"),
        (lambda: 3, "your function raises TypeError"),
        (lambda x: 1 / 0, "your function raises ZeroDivisionError: division by zero"),
        (lambda x: -mean_of(x), "the sign is wrong"),
        (lambda x: x[0], "too small, by a factor of 2 to 10 (right for 1 of 3 inputs)"),
        (sum, "it looks as if you did not divide the sum"),
        (lambda x: sum(x) / (len(x) - 1), "it looks as if you left one out"),
        (lambda x: Hostile(), "is no array of numbers"),
        (calls_itself, "raises RecursionError"),
        (leaves, "raises SystemExit: bye"),
        (Hostile, "raises TypeError"),
    ],
)
def test_what_a_function_does_wrong(answer, said):
    assert said in verdict("99.1", answer)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("normal", "'normal' is wrong"),
        ("mixtures", "'mixtures' is not one of the words: normal, uniform, mixture"),
        (lambda: "mixture", "should be a value, but it is a function; call the function"),
        (3, "should be a word"),
        (Hostile(), "should be a word"),
    ],
)
def test_what_a_word_does_wrong(answer, said):
    assert said in verdict("99.2", answer)


@pytest.mark.parametrize("name", ["99.3", "", None, 3, [1], np.zeros(2), Hostile()])
def test_a_name_that_is_none(name):
    assert "no exercise" in verdict(name, 1)


def test_check_prints_one_line_and_returns_nothing(capsys):
    assert check("99.2", "Mixture") is None
    check("99.1")
    check("99.1", lambda x: 1 / 0)
    assert [line[:13] for line in capsys.readouterr().out.splitlines()] == [
        "99.2: right", "99.1: not yet", "99.1: not yet",
    ]  # fmt: skip


@pytest.mark.parametrize("name", course.__all__)
def test_every_name_for_the_notebooks_has_a_home(name):
    assert getattr(course, name) is not None and name in dir(course)


def test_another_name_is_refused():
    with pytest.raises(AttributeError, match="has no attribute 'solutions'"):
        course.solutions  # noqa: B018


# --- the exercises of the notebooks ---


def answers() -> dict[str, tuple[list, list]]:
    """Exercise -> (right answers, [(wrong answer, what is said of it)]), from tests/answers."""
    found = {}
    for path in sorted((HERE / "answers").glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"answers_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found |= module.ANSWERS
    return found


ANSWERS = answers()
NAMES = sorted(EXERCISES)


def test_every_exercise_has_answers():
    assert sorted(ANSWERS) == NAMES
    few = {name: len(wrong) for name, (_, wrong) in ANSWERS.items() if len(wrong) < 5}
    assert few == {}
    assert all(right for right, _ in ANSWERS.values())


@pytest.mark.parametrize(
    ("name", "number"), [(n, i) for n in ANSWERS for i in range(len(ANSWERS[n][0]))]
)
def test_a_right_answer_is_accepted(name, number):
    assert verdict(name, ANSWERS[name][0][number]) == f"{name}: right"


@pytest.mark.parametrize(
    ("name", "number"), [(n, i) for n in ANSWERS for i in range(len(ANSWERS[n][1]))]
)
def test_a_wrong_answer_is_rejected_and_its_fault_named(name, number):
    wrong, said = ANSWERS[name][1][number]
    line = verdict(name, wrong)
    assert line.startswith(f"{name}: not yet, ") and "\n" not in line
    assert said in line


def tagged(notebook, tag: str) -> list:
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def exercise_of(cell) -> str:
    """The exercise that a check or solution cell belongs to."""
    return "".join(re.findall(r'check\("([^"]+)"', cell.source)[:1])


def lesson_faults(notebook) -> list[str]:
    """What is wrong with the exercises of a notebook; empty when all is well."""
    stubs, checks, solutions = (tagged(notebook, t) for t in ("exercise", "check", "solution"))
    found = []
    if [exercise_of(c) for c in checks] != [exercise_of(c) for c in solutions]:
        found.append("checks and solutions are not of the same exercises, in the same order")
    if len(stubs) != len(checks):
        found.append(f"{len(stubs)} stubs for {len(checks)} checks")
    found += [f"no ... in the stub {c.source[:40]!r}" for c in stubs if "..." not in c.source]
    outputs = {exercise_of(c): "".join(o.get("text", "") for o in c.outputs) for c in checks}
    for name, text in outputs.items():
        if text != f"{name}: not yet, there is no answer yet\n":
            found.append(f"the stub of {name} is no stub: check says {text!r}")
    for cell in solutions:
        if cell.cell_type != "markdown" or not re.match(r"<details>\s*<summary>", cell.source):
            found.append(f"the solution of {exercise_of(cell)} is not collapsed in <details>")
    return found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_keeps_the_form_of_exercises(path):
    notebook = nbformat.read(path, as_version=4)
    assert lesson_faults(notebook) == []
    names = [exercise_of(cell) for cell in tagged(notebook, "check")]
    assert names == [n for n in NAMES if n[:2] == path.stem[:2]]
    assert 2 <= len(names) <= 4


def imports_of(notebook) -> str:
    """The import statements of all code cells."""
    sources = [
        re.sub(r"(?m)^(\s*)%.*$", r"\1pass", c.source)
        for c in notebook.cells
        if c.cell_type == "code"
    ]
    nodes = [node for source in sources for node in ast.parse(source).body]
    return "\n".join(ast.unparse(n) for n in nodes if isinstance(n, ast.Import | ast.ImportFrom))


SOLUTIONS = [
    pytest.param(path, cell, id=exercise_of(cell))
    for path in NOTEBOOKS
    for cell in tagged(nbformat.read(path, as_version=4), "solution")
]


@pytest.mark.parametrize(("path", "cell"), SOLUTIONS)
def test_a_solution_runs_by_itself_and_is_right(path, cell, capsys):
    blocks = re.findall(r"(?ms)^```python\n(.*?)^```", cell.source)
    assert len(blocks) == 1, "one fenced block of Python"
    program = imports_of(nbformat.read(path, as_version=4)) + "\n" + blocks[0]
    exec(compile(program, f"{path.stem}, solution", "exec"), {"__name__": "solution"})
    assert capsys.readouterr().out == f"{exercise_of(cell)}: right\n"


# --- names: an exercise keeps its answer until the end of the notebook ---


def names_bound(source: str) -> set[str]:
    """Names that a cell binds for the whole notebook, not those inside its functions."""
    local = (ast.FunctionDef, ast.ClassDef, ast.Lambda)
    loops = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    found, waiting = set(), [ast.parse(re.sub(r"(?m)^(\s*)%.*$", r"\1pass", source))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, local):
            found |= {getattr(node, "name", None)} - {None}
        elif not isinstance(node, loops):
            waiting += ast.iter_child_nodes(node)
    return found


def reused_names(notebook) -> set[str]:
    """Names of exercises that another cell binds too, and names of solutions that do the same."""
    stubs = [cell.source for cell in tagged(notebook, "exercise")]
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    others = set().union(*(names_bound(source) for source in cells if source not in stubs))
    answers = [name for source in stubs for name in names_bound(source)]
    solutions = [
        names_bound(re.search(r"(?ms)^```python\n(.*?)^```", cell.source)[1])
        for cell in tagged(notebook, "solution")
    ]
    twice = {name for name in answers if answers.count(name) > 1}
    return twice | others & set().union(answers, *solutions)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_cell_reuses_the_name_of_an_answer(path):
    """Then a check can be run again after the notebook has gone on."""
    assert reused_names(nbformat.read(path, as_version=4)) == set()


def test_a_reused_name_is_found():
    stub, solution = ({"tags": [tag]} for tag in ("exercise", "solution"))
    for later, found in (
        ("labels = 3", {"labels"}),
        ("for labels in 3, 4:\n    pass", {"labels"}),
        ("import b as labels", {"labels"}),
        ("start = 1", {"start"}),
        ("def f(labels):\n    start = [labels for labels in 3]\n    return labels, start", set()),
        ("print(labels, start)", set()),
    ):
        cells = [
            new_code_cell("def labels(sizes):\n    return ...", metadata=stub),
            new_markdown_cell("```python\nstart = 2\nlabels = start\n```", metadata=solution),
            new_code_cell(later),
        ]
        assert reused_names(new_notebook(cells=cells)) == found, later
