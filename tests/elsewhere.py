"""Colab and Binder, made here: an environment each, in which every notebook's first cell runs.

    python tests/elsewhere.py

Colab's holds torch, numpy and what else comes with Colab before wdlib is installed from this
checkout, with the extras that the notebooks' first cells name; that must not replace what was
there. Binder's holds what binder/environment.yml lists, by the names that pip knows, and then
binder/postBuild runs in it. Prints what was installed and which notebooks begin in it.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import yaml
from measured import heading

ROOT = Path(__file__).parents[1]
HOME = ROOT / "build" / "elsewhere"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PIP_NAMES = {"pytorch-cpu": "torch", "matplotlib-base": "matplotlib"}
COLAB = ("torch", "numpy", "matplotlib", "ipython", "ipywidgets", "ipykernel")
EXTRAS = re.compile(r"wdlib(\[\w+\])")  # in the Colab lines of a first cell


def first_cell(path: Path) -> str:
    """The notebook's first cell of code."""
    cells = nbformat.read(path, as_version=4).cells
    return next(cell.source for cell in cells if cell.cell_type == "code")


class Place:
    """An environment of its own, made anew."""

    def __init__(self, name: str):
        self.folder = HOME / name
        shutil.rmtree(self.folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", self.folder], check=True)
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        self.env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
        self.env |= {"PATH": path, "MPLBACKEND": "agg"}

    def run(self, *command, **options) -> subprocess.CompletedProcess:
        return subprocess.run(command, env=self.env, text=True, capture_output=True, **options)

    def install(self, *what: str) -> None:
        done = self.run("python", "-m", "pip", "install", "-q", *what)
        if done.returncode:
            raise SystemExit(f"{self.folder.name}: pip failed:\n{done.stderr[-3000:]}")

    def versions(self, names) -> dict[str, str]:
        code = (
            "import sys; from importlib.metadata import version as v; print(*map(v, sys.argv[1:]))"
        )
        return dict(zip(names, self.run("python", "-c", code, *names).stdout.split()))

    def begins(self) -> list[str]:
        """The notebooks whose first cell runs here; what the others say is printed."""
        good = []
        for path in NOTEBOOKS:
            source = re.sub(r"^(\s+)%pip .*$", r"\1pass", first_cell(path), flags=re.MULTILINE)
            done = self.run("python", "-c", source, cwd=path.parent)
            if done.returncode:
                print(f"{path.stem}: {done.stderr.strip().splitlines()[-1]}")
            else:
                good.append(path.stem)
        return good


def colab() -> bool:
    place = Place("colab")
    place.install("-c", str(ROOT / "constraints.txt"), *COLAB)
    before = place.versions(COLAB)
    extras = {(EXTRAS.search(first_cell(path)) or ["", ""])[1] for path in NOTEBOOKS}
    for extra in sorted(extras):
        place.install(f"wdlib{extra} @ {ROOT.as_uri()}")
    after = place.versions(COLAB)
    print("Colab:", ", ".join(f"{name} {version}" for name, version in before.items()))
    print("Colab: all as they were" if after == before else f"Colab: now {after}")
    good = place.begins()
    print(f"Colab: {len(good)} of {len(NOTEBOOKS)} notebooks begin")
    return after == before and len(good) == len(NOTEBOOKS)


def binder() -> bool:
    wanted = yaml.safe_load((ROOT / "binder/environment.yml").read_text(encoding="utf-8"))
    names = []
    for line in wanted["dependencies"]:
        name, rest = re.fullmatch(r"([\w-]+)(.*)", line).groups()
        if name not in ("python", "pip"):
            names.append(PIP_NAMES.get(name, name) + rest)
    place = Place("binder")
    place.install("-c", str(ROOT / "constraints.txt"), *names)
    done = place.run("bash", "binder/postBuild", cwd=ROOT)
    print(f"Binder: {len(names)} packages of binder/environment.yml, then postBuild: "
          f"{'ok' if done.returncode == 0 else done.stderr.strip()[-1000:]}")  # fmt: skip
    good = place.begins()
    print(f"Binder: {len(good)} of {len(NOTEBOOKS)} notebooks begin")
    return done.returncode == 0 and len(good) == len(NOTEBOOKS)


def main() -> int:
    print(heading(), flush=True)
    good = [colab(), binder()]
    shutil.rmtree(HOME)
    print("both can be had" if all(good) else "NOT both can be had")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
