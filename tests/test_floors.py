"""Imports point down: a file uses the floors below it, and earlier files of its own floor."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "wdlib"


def room(name: str, files: str) -> list[str]:
    """The files of a room in reading order; its __init__ comes last, and shows what it holds."""
    return [f"{name}/{file}" for file in [*files.split(), "__init__"]]


# The reading order. A planned file may stand here before it is written; a file that does not stand
# here is an error.
FLOORS = {
    "any floor": ["files"],
    "F0": "factors tasks relations".split(),
    "F1": room(
        "data",
        "device arrays originals dsprites dsprites_draw shapes3d shapes3d_scene shapes3d_draw "
        "images own table split",
    ),
    "F2": room("model", "networks prior saved modular deploy system loading"),
    "F3": room(
        "training",
        "schedule method ours progress loop checkpoint trainer",
    ),
    "F4": room(
        "metrics",
        "result factors arrays codes oracle information mig mig_sup dcimig rmig jemmig modularity "
        "sap fast_trees dci dci_es infomec wsepin explicitness interventional table judge "
        "relational",
    ),
    "F5": room(
        "baselines",
        "system readout vae beta_vae annealed_vae factor_vae beta_tcvae info_vae "
        "ada_gvae pairwise few_label previous zerodim fader",
    ),
    "F6": ["methods", "evaluation", "pretrained", "simple"],
    "F7": [
        *room("plots", "figure names images islands curves scores"),
        *room("navigator", "walk maps film panels controls view"),
    ],
    "F8": [
        *room(
            "experiments",
            "ablations recipes cells tables studies grid report",
        ),
        *room(
            "course/exercises",
            "exercise tour worlds warmup priors relations training evaluation "
            "baselines navigator tables",
        ),
        *room("course", "worlds notebooks address pages student slides"),
        "__init__",
        "course/site",
        "__main__",
    ],
}

NO_TORCH = {"F0"}
DRAWING = {"matplotlib", "seaborn"}
SEE_PEOPLE = ("F7", "F8")  # the floors that print and draw
PRINTS = {"training/progress"}
TORCH_IN_METRICS = {"metrics/judge", "metrics/relational"}
NOT_A_SUBJECT = {"utils", "util", "helpers", "helper", "common", "misc"}


@dataclass(frozen=True)
class Import:
    """One imported module, by its full dotted name."""

    module: str
    line: int
    at_import_time: bool


def modules_of(package: Path) -> dict[str, Path]:
    """Dotted name -> file, for every .py file of the package (an __init__ is the room itself)."""
    names = {}
    for path in sorted(package.rglob("*.py")):
        parts = [package.name, *path.relative_to(package).with_suffix("").parts]
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def imports_of(path: Path, package: Path) -> Iterator[Import]:
    """Every import of a file, in all forms: absolute, relative, lazy, by name as a string."""
    known = modules_of(package)
    here = [package.name, *path.relative_to(package).parts[:-1]]

    def visit(node: ast.AST, lazy: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, not lazy)
        elif isinstance(node, ast.ImportFrom):
            above = here[: len(here) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                # `from room import file` imports the file, `from room import name` the room.
                inner = f"{base}.{alias.name}"
                yield Import(inner if inner in known else base, node.lineno, not lazy)
        elif isinstance(node, ast.Call) and called(node) in {"import_module", "__import__"}:
            match node.args:
                case [ast.Constant(value=str(name)), *_]:
                    dots = len(name) - len(name.lstrip("."))
                    above = here[: len(here) - dots + 1] if dots else []
                    yield Import(".".join([*above, name.lstrip(".")]), node.lineno, not lazy)
        inside = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            inside = True  # such a branch never runs
        for child in ast.iter_child_nodes(node):
            yield from visit(child, inside)

    yield from visit(ast.parse(path.read_text(encoding="utf-8"), str(path)), lazy=False)


def called(node: ast.Call) -> str:
    """The last name of what is called: `print`, or `import_module` of `importlib.import_module`."""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def faults(package: Path, floors: dict[str, list[str]]) -> list[str]:
    """What is wrong with the package's imports, one sentence a fault; empty when all is well."""
    floor_of = {name: floor for floor, names in floors.items() for name in names}
    order = {name: rank for rank, name in enumerate(floor_of)}
    known = modules_of(package)
    short = {m: str(p.relative_to(package).with_suffix("").as_posix()) for m, p in known.items()}
    found = []
    for module, path in known.items():
        name = short[module]
        if NOT_A_SUBJECT & {word for part in name.split("/") for word in part.split("_")}:
            found.append(f"{name}: a file is named by its subject")
        if name not in order:
            found.append(f"{name}: not listed in FLOORS")
            continue
        floor = floor_of[name]
        for use in imports_of(path, package):
            at, top = f"{name}:{use.line}", use.module.split(".")[0]
            if top == package.name and use.module not in known:
                found.append(f"{at}: imports {use.module}, which does not exist")
            elif top == package.name:
                target = short[use.module]
                if order.get(target, -1) >= order[name]:
                    found.append(
                        f"{at}: imports {target} ({floor_of[target]}), which does not lie below it"
                    )
            elif top == "torch" and floor in NO_TORCH:
                found.append(f"{at}: imports torch on {floor}, which holds integers only")
            elif top == "torch" and name.startswith("metrics/") and use.at_import_time:
                if name not in TORCH_IN_METRICS:
                    found.append(f"{at}: a metric takes arrays, and imports no torch")
            elif top in DRAWING and floor not in SEE_PEOPLE:
                found.append(f"{at}: imports {top}; only {', '.join(SEE_PEOPLE)} draws")
        if floor not in SEE_PEOPLE and name not in PRINTS:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                prints = isinstance(node, ast.Call) and called(node) == "print"
                if prints or getattr(node, "attr", "") in {"stdout", "stderr"}:
                    found.append(f"{name}:{node.lineno}: only {', '.join(SEE_PEOPLE)} prints")
    return list(dict.fromkeys(found))


def test_imports_point_down():
    assert faults(PACKAGE, FLOORS) == []


def test_no_file_stands_on_two_floors():
    names = [name for floor in FLOORS.values() for name in floor]
    assert len(names) == len(set(names))


def test_metrics_run_without_torch():
    """Also through what they import: no torch once all of them are in memory."""
    exempt = {PACKAGE / f"{name}.py" for name in TORCH_IN_METRICS}
    names = [m for m, path in modules_of(PACKAGE).items() if path not in exempt]
    metrics = [m for m in names if m.startswith("wdlib.metrics")]
    program = "import importlib, sys\n" + "\n".join(
        f"importlib.import_module({m!r}); assert 'torch' not in sys.modules, {m!r}" for m in metrics
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


# A small house of which each fault below breaks one wall.
HOUSE = {
    "__init__": "from toy.plots import show",
    "factors": "import numpy as np",
    "tasks": "from toy.factors import Space\nfrom . import factors",
    "model/networks": "import torch\nfrom ..tasks import Task\nimport toy.factors as f",
    "model/__init__": "from toy.model.networks import Encoder",
    "metrics/mig": "def mig():\n    import torch",
    "metrics/judge": "import torch\nfrom ..model import networks",
    "metrics/result": "import numpy as np",
    "metrics/__init__": "from .mig import mig",
    "plots": "import matplotlib\nfrom toy.model import Encoder\nprint('drawn')",
}
TOY_FLOORS = {
    "F0": ["factors", "tasks"],
    "F2": room("model", "networks"),
    "F4": room("metrics", "mig judge result"),
    "F7": ["plots", "__init__"],
}


def build(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / "toy" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root / "toy"


def test_a_sound_house_has_no_faults(tmp_path):
    assert faults(build(tmp_path, HOUSE), TOY_FLOORS) == []


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("factors", "from toy.tasks import Task", "imports tasks (F0)"),
        ("factors", "import toy.model.networks", "imports model/networks (F2)"),
        ("factors", "from toy import tasks", "imports tasks (F0)"),
        ("factors", "from .model import networks", "imports model/networks (F2)"),
        ("factors", "from . import anything", "imports __init__ (F7)"),
        ("factors", "import toy", "imports __init__ (F7)"),
        ("factors", "def late():\n    from .tasks import Task", "imports tasks (F0)"),
        ("factors", "if True:\n    from .tasks import *", "imports tasks (F0)"),
        ("factors", "import importlib\nimportlib.import_module('toy.plots')", "imports plots"),
        ("factors", "m = __import__('toy.plots')", "imports plots"),
        ("factors", "class A:\n    from toy.plots import show", "imports plots"),
        ("model/networks", "from . import Encoder", "imports model/__init__ (F2)"),
        ("model/networks", "from ..metrics.mig import mig", "imports metrics/mig (F4)"),
        ("model/networks", "import toy.nowhere", "toy.nowhere, which does not exist"),
        ("factors", "import torch", "integers only"),
        ("factors", "def f():\n    from torch import nn", "integers only"),
        ("metrics/mig", "from torch import nn", "no torch"),
        ("metrics/mig", "try:\n    import torch\nexcept ImportError:\n    pass", "no torch"),
        ("metrics/result", "import matplotlib.pyplot", "draws"),
        ("metrics/mig", "def f():\n    import matplotlib", "draws"),
        ("model/networks", "def f():\n    print(1)", "prints"),
        ("model/networks", "import sys\nsys.stdout.write('1')", "prints"),
        ("model/utils", "", "named by its subject"),
        ("model/layer_helpers", "", "named by its subject"),
        ("common/layers", "", "named by its subject"),
        ("model/decoder", "", "not listed"),
    ],
)
def test_a_broken_wall_is_reported(tmp_path, name, text, said):
    found = faults(build(tmp_path, HOUSE | {name: text}), TOY_FLOORS)
    assert any(fault.startswith(name) and said in fault for fault in found), found
