"""The notebooks notice when the library is wrong.

Each fault is planted in a copy of the package, which hides the installed one from the kernel; then
nbval runs the cheapest notebook that should notice, up to its first failing cell. That cell must be
the one that makes the claim: a notebook that fails for another reason has noticed nothing.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from wdlib.course.notebooks import ROOT


@dataclass(frozen=True)
class Fault:
    """``old`` becomes ``new`` in a file of the package; a cell of ``notebook`` that holds ``claim``
    must fail."""

    file: str
    old: str
    new: str
    notebook: str
    claim: str


FAULTS = {
    "labels off by one": Fault(
        "tasks.py",
        "bin_of[list(members)] = place",
        "bin_of[list(members)] = (place + 1) % len(bins)",
        "01_worlds",
        "rows that differ, of",
    ),
    "sprites turned the wrong way": Fault(
        "data/dsprites_draw.py",
        "cos, sin = np.cos(theta)[:, None], np.sin(theta)[:, None]",
        "cos, sin = np.cos(theta)[:, None], -np.sin(theta)[:, None]",
        "01_worlds",
        "pixels that differ, of 300 squares",
    ),
    "the critic's loss with a wrong sign": Fault(
        "training/method.py",
        "F.softplus(-prior_logits).mean()",
        "F.softplus(prior_logits).mean()",
        "02_warmup",
        "method.critic(prior_logit",
    ),
    "components of the wrong value": Fault(
        "model/prior.py",
        "mean[i, k] = m.mean(0)",
        "mean[i, k] = members[k - 1].mean(0)",
        "03_priors",
        "mean of heart",
    ),
    "a relation with a wrong sign": Fault(
        "relations.py",
        '_one("right", "position", +1, axis=1)',
        '_one("right", "position", -1, axis=1)',
        "04_relations",
        "cells 0 to 8 go to:",
    ),
    "a score computed on the wrong axis": Fault(
        "metrics/mig.py",
        "np.sort(matrix, axis=0)",
        "np.sort(matrix, axis=1)",
        "06_evaluation",
        'np.isclose(row["my_mig"], row["mig"])',
    ),
    "partitions swapped": Fault(
        "model/modular.py",
        "return self.autoencoder.encode(as_input(x, self.task).to(self.device))",
        "return self.autoencoder.encode(as_input(x, self.task).to(self.device)).flip(1)",
        "08_navigator",
        'assert accuracy["prior"] >= 0.99',
    ),
    "a decoder that transposes the picture": Fault(
        "model/modular.py",
        "decode(z.to(self.device)).sigmoid()",
        "decode(z.to(self.device)).sigmoid().mT",
        "08_navigator",
        "assert reached(surface) == 9",
    ),
}


def plant(fault: Fault, folder: Path) -> None:
    """A copy of the package, with the fault, in ``folder``; the weights are the same."""
    package = folder / "wdlib"
    skip = shutil.ignore_patterns("weights", "*.pyc")
    shutil.copytree(ROOT / "wdlib", package, ignore=skip)
    (package / "weights").symlink_to(ROOT / "wdlib" / "weights", target_is_directory=True)
    path = package / fault.file
    text = path.read_text(encoding="utf-8")
    assert text.count(fault.old) == 1, f"{fault.file} has changed: plant the fault elsewhere"
    path.write_text(text.replace(fault.old, fault.new), encoding="utf-8")


def first_failure(notebook: str, folder: Path) -> tuple[int, str]:
    """How many cells of the notebook passed, and what nbval says of the first that did not."""
    command = [
        *(sys.executable, "-m", "pytest", "-x", "--nbval-lax", "--nbval-current-env"),
        *("-p", "no:cacheprovider", "--rootdir", ROOT, ROOT / "notebooks" / f"{notebook}.ipynb"),
    ]
    env = os.environ | {"PYTHONPATH": str(folder)}
    run = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    passed = re.search(r"(\d+) passed", run.stdout)
    return int(passed[1]) if passed else 0, run.stdout if run.returncode else ""


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_a_notebook_notices(name, tmp_path):
    fault = FAULTS[name]
    plant(fault, tmp_path)
    passed, said = first_failure(fault.notebook, tmp_path)
    assert said, f"{fault.notebook} passes with: {name}"
    assert passed >= 1, said  # with the copy, imports still work
    assert fault.claim in said, said


def test_the_faults_are_many_and_spread():
    assert len(FAULTS) >= 5
    assert len({fault.file for fault in FAULTS.values()}) >= 5
    assert len({fault.notebook for fault in FAULTS.values()}) >= 5
