"""The house stays small: its lines, modules, floors and functions are counted."""

import ast
from pathlib import Path
from statistics import median

import pytest
from test_floors import PACKAGE, imports_of, modules_of

LINES = 15_620  # as many as there are; the house should come to 11,500
TOP_MODULES = 12
FLOORS = 9
LONGEST_FUNCTION, MEDIAN_FUNCTION = 60, 8
FIELDS = 12

SOURCES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")}
NODES = [(path, node) for path, tree in SOURCES.items() for node in ast.walk(tree)]
FUNCTIONS = [
    (path, node) for path, node in NODES if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
]


def length(node: ast.AST) -> int:
    """Lines of a definition, its docstring included."""
    return node.end_lineno - node.lineno + 1


def room_of(path: Path) -> str:
    """The first part of a file's path in the package: a folder, or the file itself."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def depths() -> dict[str, int]:
    """Room -> its floor: one above the highest room that it imports. The package's own __init__,
    which names modules of every floor, is left out."""
    known = modules_of(PACKAGE)
    below: dict[str, set[str]] = {}
    for path in known.values():
        if (room := room_of(path)) != "__init__":
            used = {use.module for use in imports_of(path, PACKAGE) if use.module in known}
            rooms = {room_of(known[module]) for module in used} - {room, "__init__"}
            below.setdefault(room, set()).update(rooms)

    def floor(room: str) -> int:
        return 1 + max(map(floor, below[room]), default=0)

    return {room: floor(room) for room in below}


def test_the_package_has_few_lines():
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES)
    assert lines <= LINES


def test_the_top_level_has_few_modules():
    assert len(list(PACKAGE.glob("*.py"))) <= TOP_MODULES


def test_the_house_has_few_floors():
    found = depths()
    assert max(found.values()) <= FLOORS, found


def test_functions_are_short():
    assert [(path.name, f.name) for path, f in FUNCTIONS if length(f) > LONGEST_FUNCTION] == []
    assert median(length(function) for _, function in FUNCTIONS) <= MEDIAN_FUNCTION


def test_dataclasses_have_few_fields():
    many = {
        node.name
        for _, node in NODES
        if isinstance(node, ast.ClassDef)
        and any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list)
        and sum(isinstance(line, ast.AnnAssign) for line in node.body) > FIELDS
    }
    assert many == set()


def test_no_module_or_class_is_found_by_its_string():
    """Only an __init__ imports by name: it lists public names with their modules, so that they are
    imported when they are first used."""
    found = {
        path.name
        for path, node in NODES
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).split(".")[-1] in {"import_module", "__import__"}
        or isinstance(node, ast.Attribute)
        and ast.unparse(node) in {"sys.modules"}
    }
    assert found <= {"__init__.py", "progress.py"}


def public(tree: ast.Module):
    """Every public class, function and method of a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.Module):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    hidden = isinstance(node, ast.ClassDef) and node.name.startswith("_")
                    if not inner.name.startswith("_") and not hidden:
                        yield inner


@pytest.mark.parametrize("path", sorted(SOURCES), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_what_is_public_is_documented(path):
    assert ast.get_docstring(SOURCES[path]), "the file says what it holds"
    bare = [node.name for node in public(SOURCES[path]) if not ast.get_docstring(node)]
    assert bare == []
