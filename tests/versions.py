"""Tries the lowest and the newest versions that pyproject.toml allows, each in its own environment.

    python tests/versions.py --pythons 3.11 3.12 3.13

For each Python that is here, an environment is made, wdlib is used in it for a minute, and it is
deleted: once with the newest release of every dependency, extras included, and on the oldest Python
once with the lowest. Used means: the smoke below, damaged files (tests/hostile.py), and the test
files named in TESTS. Prints which versions were tried, and what became of them; exit code 1 unless
every set ran, and every Python was here (or --missing-python-ok).

The environments are made by uv, which pip installs beside them. PyPI's torch for Linux brings CUDA
along, several GB; UV_TORCH_BACKEND=cpu takes the CPU build where PyTorch's own index is reached.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from measured import heading

ROOT = Path(__file__).parents[1]
HOME = ROOT / "build" / "versions"
MISSING = "no such Python here"
RESOLUTIONS = {"lowest": "lowest-direct", "newest": "highest"}
TESTS = (
    "test_factors", "test_relations", "test_checkpoint", "test_claims", "test_data_originals",
    "test_site",
)  # fmt: skip


def smoke() -> None:
    """Import everything, draw, train 20 steps, keep, load, score, make a table and a figure."""
    import dataclasses
    import importlib
    import tempfile

    import numpy as np

    import wdlib
    from wdlib.data import device_images
    from wdlib.experiments import grid
    from wdlib.metrics import score
    from wdlib.model.loading import load_model

    for name in wdlib.__all__:
        getattr(wdlib, name)
    for name in ("anywidget", "distributed", "jupytext", "nbconvert", "seaborn", "wdlib.navigator"):
        importlib.import_module(name)
    assert wdlib.load("shapes3d")[[0, 479_999]].shape == (2, 64, 64, 3)
    images, task = wdlib.load("dsprites"), wdlib.task("dSprites.v2")
    parts = wdlib.split(task, seed=0, labels=100, limit=600)
    phases = wdlib.COURSE.phases
    short = tuple(dataclasses.replace(p, steps=-(-20 // len(phases)), batch=16) for p in phases)
    trainer = wdlib.Trainer(parts, images, dataclasses.replace(wdlib.COURSE, phases=short))
    with tempfile.TemporaryDirectory() as folder:
        trainer.run(20, folder=folder)
        trainer.resume(folder)
        trainer.save_model(folder)
        model = load_model(folder)
        pixels = device_images(images, task.classes(parts.test), "cpu")
        codes = model.encode(pixels).flatten(1).numpy()
        values = task.labels(parts.test)
        half = len(codes) // 2
        found = score(codes[:half], values[:half], codes[half:], values[half:],
                      metrics=["mig", "sap_r2", "dci"], seed=0)  # fmt: skip
        assert np.isfinite(list(found.values())).all()
        cell = grid.Cell("dSprites.v2", "modular", steps=20)
        with grid.Processes(1) as executor:
            table = grid.run([cell], executor, folder=folder, work=tiny_cell)
        assert {*table.frame.method} == {"modular"}, table.failed
    shipped = wdlib.load_pretrained("dSprites.v2")
    wdlib.plots.image_grid(images[:8]).savefig(os.devnull, format="png")
    wdlib.Navigator(shipped, parts, images, points=20)


def tiny_cell(cell, folder) -> list[dict]:
    """A row, made by another process."""
    return [{"convention": "raw", "score": "mig", "value": 0.5}]


def uv(*command, **options) -> subprocess.CompletedProcess:
    """Run uv, which is installed first where it is not there yet."""
    tool = HOME / "uv" / "bin" / "uv"
    if not tool.exists():
        subprocess.run([sys.executable, "-m", "venv", HOME / "uv"], check=True)
        subprocess.run([HOME / "uv/bin/python", "-m", "pip", "install", "-qq", "uv"], check=True)
    env = {"UV_CACHE_DIR": str(HOME / "cache")} | os.environ | {"UV_PYTHON_DOWNLOADS": "never"}
    return subprocess.run([tool, *command], cwd=ROOT, env=env, text=True, **options)


def label(python: str) -> str:
    """Its version, where it is a path: a record names no folder of this machine."""
    if os.sep not in python:
        return python
    try:
        tell = [python, "-c", "import platform; print(platform.python_version())"]
        return subprocess.check_output(tell, text=True).strip()
    except OSError:
        return Path(python).name


def attempt(python: str, which: str) -> dict[str, str]:
    """Make the environment, use it, delete it. Package -> version, and "result"."""
    place = HOME / f"{which}-{Path(python).name}"
    inside = place / "bin" / "python"
    quiet = {"capture_output": True}
    if uv("venv", "-q", "--clear", "--python", python, place, **quiet).returncode:
        return {"result": MISSING}
    try:
        what = ["--resolution", RESOLUTIONS[which], "--only-binary", ":all:", "--all-extras"]
        made = uv(
            "pip", "install", "-q", "--python", inside, *what, "-r", "pyproject.toml", **quiet
        )
        if made.returncode:
            return {"result": "cannot be installed: " + made.stderr.strip()[-2000:]}
        found = uv("pip", "list", "--python", inside, "--format", "json", **quiet)
        about = {p["name"].lower(): p["version"] for p in json.loads(found.stdout)}
        about["python"] = label(str(inside))
        return about | {"result": use(inside)}
    finally:
        shutil.rmtree(place)


def use(python: Path) -> str:
    """ "ok", or which of the uses failed and its last lines."""
    env = {k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV"}
    env |= {"PYTHONPATH": str(ROOT), "MPLBACKEND": "agg"}
    tests = [f"tests/{name}.py" for name in TESTS]
    uses = {
        "smoke": [__file__, "--smoke"],
        "damaged files": ["tests/hostile.py", "--files", "850"],
        "tests": ["-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
    }
    said = []
    for name, command in uses.items():
        start = time.perf_counter()
        run = subprocess.run([python, *command], cwd=ROOT, env=env, text=True, capture_output=True)
        if run.returncode:
            said.append(f"{name} FAILED:\n{(run.stdout + run.stderr)[-3000:]}")
        print(f"    {name}: {'failed' if run.returncode else 'ok'}, "
              f"{time.perf_counter() - start:.0f} s", flush=True)  # fmt: skip
    return "\n".join(said) or "ok"


def main(argv: list[str] | None = None) -> int:
    """Print a table of what was tried; exit 1 where anything but "ok" came of it."""
    parser = argparse.ArgumentParser(prog="python tests/versions.py", description=__doc__)
    parser.add_argument("--pythons", nargs="+", default=["3.11", "3.12", "3.13"],
                        help="versions or paths, the oldest first")  # fmt: skip
    parser.add_argument("--sets", nargs="+", choices=RESOLUTIONS, default=list(RESOLUTIONS))
    parser.add_argument("--missing-python-ok", action="store_true",
                        help="a Python that is not here is no failure")  # fmt: skip
    parser.add_argument("--smoke", action="store_true", help="use wdlib in this environment, here")
    args = parser.parse_args(argv)
    if args.smoke:
        smoke()
        return 0
    print(heading(), flush=True)
    HOME.mkdir(parents=True, exist_ok=True)
    tried = {}
    for which in args.sets:
        for python in args.pythons[:1] if which == "lowest" else args.pythons:
            print(f"{which} on {label(python)}", flush=True)
            tried[which, python] = attempt(python, which)
    shutil.rmtree(HOME)
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    names = ["python", *dict.fromkeys(re.findall(r'^    "([\w-]+)>=', text, flags=re.MULTILINE))]
    print("".join(f"{word:18s}" for word in ["", *(which for which, _ in tried)]))
    for name in names:
        versions = [about.get(name, "-") for about in tried.values()]
        print("".join(f"{word:18s}" for word in [name, *versions]))
    results = [about["result"] for about in tried.values()]
    print("".join(f"{word:18s}" for word in ["", *(r.split(":")[0][:16] for r in results)]))
    for (which, python), about in tried.items():
        if about["result"] != "ok":
            said = about["result"].replace(str(ROOT), ".").replace(str(Path.home()), "~")
            print(f"\n{which} on {label(python)}: {said}")
    ran = results.count("ok")
    print(f"{ran} of {len(tried)} sets of versions run")
    allowed = {"ok", MISSING} if args.missing_python_ok else {"ok"}
    return 0 if ran and allowed.issuperset(results) else 1


if __name__ == "__main__":
    sys.exit(main())
