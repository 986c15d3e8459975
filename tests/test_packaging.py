"""What is installed is what pyproject.toml says, and README's commands are the ones that exist."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distributions, metadata, requires, version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version
from test_floors import FLOORS, PACKAGE, SEE_PEOPLE, imports_of, modules_of

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]

# What conda-forge calls a thing that pip knows by another name.
CONDA_NAMES = {
    "torch": {"pytorch", "pytorch-cpu"},
    "matplotlib": {"matplotlib-base"},
    "playwright": {"playwright-python"},
}
# What an import is called where the distribution has another name.
IMPORT_NAMES = {"sklearn": "scikit-learn", "PIL": "pillow", "yaml": "pyyaml", "IPython": "ipython"}


def declared(*extras: str) -> dict[str, Requirement]:
    """Name -> requirement, for the core and the named extras."""
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in EXTRAS[extra])]
    return {(r := Requirement(line)).name: r for line in lines}


def pinned() -> dict[str, Version]:
    """Name -> tested version, from constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): Version(text) for name, text in pairs}


def installed_pins() -> set[str]:
    """The pins that concern this Python: a newer one needs fewer backports."""
    return set(pinned()) & {canonicalize_name(found.name) for found in distributions()}


def closure(requirements: list[Requirement]) -> set[str]:
    """Everything that installing these brings here, extras included, by canonical name."""
    found: set[tuple[str, str]] = set()
    waiting = list(requirements)
    while waiting:
        wanted = waiting.pop()
        for extra in {"", *wanted.extras}:
            if (key := (canonicalize_name(wanted.name), extra)) not in found:
                found.add(key)
                needs = [Requirement(line) for line in requires(wanted.name) or []]
                here = {"extra": extra}
                waiting += [n for n in needs if n.marker is None or n.marker.evaluate(here)]
    return {name for name, _ in found}


@pytest.mark.parametrize("name", declared("notebooks", "site", "tests"))
def test_a_dependency_is_bounded_pinned_and_installed(name):
    requirement = declared("notebooks", "site", "tests")[name]
    assert any(bound.operator == ">=" for bound in requirement.specifier), "no lower bound"
    assert requirement.specifier.contains(pinned()[canonicalize_name(name)])
    assert requirement.specifier.contains(Version(version(name)), prereleases=True)


def test_constraints_are_plain_versions():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if not line.startswith("#")]
    odd = [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", line)]
    assert odd == []
    names = [canonicalize_name(line.split("==")[0]) for line in lines]
    assert len(names) == len(set(names))
    # Which CUDA packages torch wants depends on the machine, so nothing is said about them.
    assert [name for name in names if name.startswith(("nvidia", "cuda", "triton"))] == []


def test_constraints_install_on_the_oldest_python():
    """requires-python, to the patch: Debian 12 has 3.11.2, and a pin may want 3.11.5."""
    oldest = PROJECT["requires-python"].removeprefix(">=") + ".0"
    asked = {name: metadata(name).get("Requires-Python") or "" for name in installed_pins()}
    assert [name for name, text in asked.items() if oldest not in SpecifierSet(text)] == []


def test_colab_installs_what_the_navigator_needs_and_no_jupyter():
    """Colab has ipywidgets 7 and a Jupyter of its own, which the notebooks' extra would replace."""
    small, whole = EXTRAS["navigator"], EXTRAS["notebooks"]
    assert set(small) < set(whole)
    assert not any("jupyter" in line or "ipywidgets" in line for line in small)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems need a few packages more")
def test_constraints_cover_all_that_is_installed():
    """Two machines that install today and in a year get the same versions, torch's CUDA aside."""
    free = ("nvidia", "cuda", "triton", "setuptools")
    needed = closure(list(declared("notebooks", "site", "tests").values()))
    assert sorted(n for n in needed - set(pinned()) if not n.startswith(free)) == []


@pytest.mark.skipif(
    not (Path(sys.prefix) / ".installed").exists(), reason="this environment is not make's"
)
def test_make_installed_the_tested_versions():
    found = {name: Version(version(name)).public for name in installed_pins()}
    assert found == {name: str(pinned()[name]) for name in found}


@pytest.mark.parametrize(
    ("file", "extras"),
    [
        ("environment.yml", ["notebooks", "site", "tests"]),
        ("binder/environment.yml", ["notebooks"]),
    ],
)
def test_conda_environment_agrees(file, extras):
    text = yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))
    assert text["channels"] == ["conda-forge"]
    lines = [line for line in text["dependencies"] if isinstance(line, str)]
    pattern = r"([a-z0-9-]+)\s*(.*)"
    listed = dict(re.fullmatch(pattern, line).groups() for line in lines)
    assert len(listed) == len(lines)
    python = listed.pop("python").removeprefix(">=").removeprefix("=")
    assert Version(python) in Requirement(f"python{PROJECT['requires-python']}").specifier
    assert listed.pop("pip") == ""
    for name, requirement in declared(*extras).items():
        (conda_name,) = CONDA_NAMES.get(name, {name}) & set(listed)
        assert listed.pop(conda_name) == str(requirement.specifier), name
    assert listed == {}, "not in pyproject.toml"


def test_each_conda_environment_installs_wdlib():
    root = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert root["dependencies"][-1] == {"pip": ["-e .[notebooks,site,tests]"]}
    script = ROOT / "binder/postBuild"
    assert script.stat().st_mode & 0o111, "postBuild is not executable"
    first, *lines = script.read_text(encoding="utf-8").splitlines()
    assert first.startswith("#!")
    assert lines == ["set -e", "python -m pip install --no-deps -e ."]


def test_binder_takes_the_cpu_build():
    assert "pytorch-cpu" in (ROOT / "binder/environment.yml").read_text(encoding="utf-8")


def test_what_wdlib_imports_is_declared():
    """The core anywhere; the notebooks' extra only where people look."""
    rooms = {name for floor in SEE_PEOPLE for name in FLOORS[floor]}
    for path in modules_of(PACKAGE).values():
        name = path.relative_to(PACKAGE).with_suffix("").as_posix()
        allowed = set(declared("notebooks", "site") if name in rooms else declared())
        for use in imports_of(path, PACKAGE):
            top = use.module.split(".")[0]
            if top != "wdlib" and top not in sys.stdlib_module_names:
                assert IMPORT_NAMES.get(top, top) in allowed, f"{name}:{use.line} imports {top}"


def test_importing_wdlib_is_quick():
    """Under half a second beyond torch, the best of three."""
    program = (
        "import torch, time; start = time.perf_counter()\n"
        "import wdlib; print(time.perf_counter() - start)"
    )
    times = []
    for _ in range(3):
        run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        times.append(float(run.stdout))
    assert min(times) < 0.5, times


def test_version_is_installed():
    try:
        assert version("wdlib") == PROJECT["version"]
    except PackageNotFoundError:
        pytest.fail("wdlib is not installed in this environment: run make install")


def test_licence_is_mit():
    assert PROJECT["license"] == "MIT"
    title, _, holder, *rest = (ROOT / "LICENSE").read_text(encoding="utf-8").splitlines()
    assert title == "MIT License"
    assert re.fullmatch(r"Copyright \(c\) \d{4} The wdlib authors", holder)
    words = " ".join(rest)
    assert "without restriction" in words and "WITHOUT WARRANTY OF ANY KIND" in words


def commands(file: str, prefix: str) -> list[str]:
    """Lines of a file that are commands: those that start with the prefix and `make`."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return [line.removeprefix(prefix) for line in lines if line.startswith(f"{prefix}make ")]


def targets() -> set[str]:
    text = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", "")
    records = re.search(r"^RECORDS := (.*)$", text, flags=re.MULTILINE)[1]
    text = text.replace("$(RECORDS)", records)
    return set(re.search(r"^\.PHONY: (.*)$", text, flags=re.MULTILINE).group(1).split())


def test_ci_runs_the_test_command_of_readme():
    assert "make test" in commands("README.md", prefix="    ")
    assert commands(".ci/run", prefix="") == ["make --version | sed -n 1p", "make test"]
    assert (ROOT / ".ci/run").stat().st_mode & 0o111, ".ci/run is not executable"


def test_readme_names_no_command_that_is_missing():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^    |`)make ([a-z0-9]+)", text, flags=re.MULTILINE))
    assert {"tour", "test", "lab", "help"} <= named <= targets()


def make(*arguments: str) -> str:
    """What make prints; the make that may be running these tests has no say in it."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    run = subprocess.run(["make", *arguments], cwd=ROOT, env=env, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_make_alone_lists_every_command():
    help = make()
    listed = re.findall(r"^  make ([a-z0-9]+)  ", help, flags=re.MULTILINE)
    singles = re.search(r"^Single records: make (.*)$", help, flags=re.MULTILINE)[1].split()
    assert {*listed, *singles} == targets()


def test_make_test_runs_the_notebooks_in_this_environment():
    lines = [line.split() for line in make("-n", "test").splitlines() if " -m pytest " in line]
    for command, what in zip(lines, ("notebooks", "tests;"), strict=True):
        assert command[:3] == [".venv/bin/python", "-m", "pytest"]
        assert {"--nbval-lax", "--nbval-current-env", what} <= set(command)


@pytest.mark.parametrize("failing", ["notebooks", "tests", None])
def test_make_test_fails_where_either_half_does(tmp_path, failing):
    stub = tmp_path / "python"
    stub.write_text(f'#!/bin/sh\nfor last; do :; done\n[ "$last" != "{failing}" ]\n')
    stub.chmod(0o755)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "-f", ROOT / "Makefile", "-o", "install", f"PY={stub}", "test"]
    run = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert (run.returncode != 0) == (failing is not None), run.stderr
