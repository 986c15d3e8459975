"""Memory and seconds of a notebook are measured, and a notebook that takes too much fails."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import notebook_memory as memory
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from wdlib.course.notebooks import ROOT

needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")


@needs_proc
def test_peak_of_a_process_that_took_and_freed_memory():
    """300 MB, written to and freed again, are still in the peak; who is gone has none."""
    program = (
        "b = bytearray(300_000_000)\nb[::512] = bytes(len(b[::512]))\ndel b\nprint(flush=True)"
    )
    command = [sys.executable, "-c", f"{program}\ninput()"]
    child = subprocess.Popen(command, stdin=-1, stdout=-1, text=True)
    child.stdout.readline()
    assert 300 < memory.peak(child.pid) < 340
    child.communicate("\n")
    assert memory.peak(child.pid) is None
    assert memory.peak(None) is None


def run(folder: Path, notebooks: dict[str, list[str]], plugin: str, **env) -> tuple[int, dict]:
    """Run notebooks of these cells beside the plugin: the exit code, and what it says of each."""
    for name, cells in notebooks.items():
        cells = [new_code_cell(source) for source in cells]
        nbformat.write(new_notebook(cells=cells), folder / f"{name}.ipynb")
    (folder / "limited.py").write_text(
        "from tests.notebook_memory import Memory\n"
        f"def pytest_configure(config):\n    config.pluginmanager.register({plugin}, 'm')\n"
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)])} | env
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", "-p", "limited",
         "-p", "no:cacheprovider", "--rootdir", folder, folder],
        cwd=folder, env=env, capture_output=True, text=True,
    )  # fmt: skip
    assert f"{sum(map(len, notebooks.values()))} passed" in done.stdout, done.stdout + done.stderr
    told = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    return done.returncode, {name: told[name] for name in notebooks}


@needs_proc
def test_a_notebook_that_takes_too_much_fails_the_run(tmp_path):
    """With a limit of 300 MB; a bare kernel takes about 60."""
    cells = {
        name: [f"a = b'x' * {megabytes}_000_000; del a", "1 + 1"]
        for name, megabytes in (("big", 400), ("small", 10))
    }
    code, told = run(tmp_path, cells, "Memory(300)")
    assert 400 < float(told["big"].split()[1]) < 550
    assert told["big"].endswith("more memory than the limit")
    assert 10 < float(told["small"].split()[1]) < 300 and "more" not in told["small"]
    assert code == 1  # though every cell passed


@needs_proc
@pytest.mark.parametrize("limit", ["", "20"])
def test_a_notebook_that_takes_too_long_fails_where_a_limit_is_set(tmp_path, limit):
    """21 s of sleep; a bare kernel starts within a second or two."""
    cells = {"slow": ["import time", "time.sleep(21)"], "quick": ["1 + 1"]}
    code, told = run(tmp_path, cells, "Memory()", WDLIB_SECONDS=limit)
    assert 21 <= float(told["slow"].split()[2]) < 60
    assert told["slow"].endswith("more seconds than the limit") == bool(limit)
    assert "more" not in told["quick"]
    assert code == bool(limit)
