"""The memory of a notebook's kernel is measured, and a notebook that takes too much fails."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from notebooks.course import ROOT, memory

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


@needs_proc
def test_a_notebook_that_takes_too_much_fails_the_run(tmp_path):
    """With a limit of 300 MB; a bare kernel takes about 60."""
    for name, megabytes in (("big", 400), ("small", 10)):
        cells = [new_code_cell(f"a = b'x' * {megabytes}_000_000; del a"), new_code_cell("1 + 1")]
        nbformat.write(new_notebook(cells=cells), tmp_path / f"{name}.ipynb")
    (tmp_path / "limited.py").write_text(
        "from notebooks.course.memory import Memory\n"
        "def pytest_configure(config):\n    config.pluginmanager.register(Memory(300), 'm')\n"
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", "-p", "limited",
         "-p", "no:cacheprovider", "--rootdir", tmp_path, tmp_path],
        cwd=tmp_path, env=env, capture_output=True, text=True,
    )  # fmt: skip
    assert "4 passed" in run.stdout, run.stdout + run.stderr
    big, small = (line for line in run.stdout.splitlines() if line.startswith(("big ", "small ")))
    assert 400 < float(big.split()[1]) < 550 and big.endswith("more than the limit")
    assert 10 < float(small.split()[1]) < 300 and "more" not in small
    assert run.returncode == 1  # though every cell passed
