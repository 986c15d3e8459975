"""What repo2docker, which builds Binder's images, finds in this repository.

It prints the Dockerfile that it would build; no Docker is needed for that. What the environment
holds, and that it is all that the notebooks need: test_packaging.py.
"""

import os
import shutil
import subprocess

import pytest
import yaml

from wdlib.course.notebooks import ROOT

# A path in the variable serves where repo2docker lives in an environment of its own.
REPO2DOCKER = shutil.which(os.environ.get("REPO2DOCKER", "repo2docker"))


@pytest.fixture(scope="module")
def dockerfile(tmp_path_factory):
    if REPO2DOCKER is None:
        pytest.skip("needs repo2docker: pip install jupyter-repo2docker, or its path: REPO2DOCKER=")
    run = subprocess.run(
        [REPO2DOCKER, "--debug", "--no-build", ROOT],
        cwd=tmp_path_factory.mktemp("elsewhere"), capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stdout + run.stderr


def test_it_builds_the_conda_environment_of_binder(dockerfile):
    wanted = yaml.safe_load((ROOT / "binder" / "environment.yml").read_text(encoding="utf-8"))
    python = next(line for line in wanted["dependencies"] if line.startswith("python="))
    assert f"Building conda environment for {python}" in dockerfile
    assert 'env update -p ${NB_PYTHON_PREFIX} --file "binder/environment.yml"' in dockerfile
    assert "src/environment.yml" not in dockerfile, "the root's environment holds the tests, too"


def test_it_installs_wdlib_once_the_repository_is_there(dockerfile):
    steps = [line for line in dockerfile.splitlines() if line.startswith(("RUN", "COPY"))]
    copied = next(i for i, step in enumerate(steps) if step.endswith("src/ ${REPO_DIR}/"))
    assert steps.index("RUN ./binder/postBuild") > copied
    assert not any("requirements.txt" in step or "setup.py" in step for step in steps)
