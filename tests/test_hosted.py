"""The checks that run on GitHub are the commands of the Makefile, on the Pythons that we name."""

import re

import pytest
import yaml
from test_packaging import PROJECT, ROOT, targets

FOLDER = ROOT / ".github" / "workflows"
FLOWS = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in FOLDER.glob("*.yml")}
PYTHONS = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))


def job(name: str) -> dict:
    (only,) = FLOWS[name]["jobs"].values()
    return only


def test_tests_run_on_the_oldest_and_the_newest_python():
    assert job("tests")["strategy"]["matrix"] == {"python": [PYTHONS[0], PYTHONS[-1]]}
    assert PROJECT["requires-python"] == f">={PYTHONS[0]}"
    steps = {step.get("run"): step for step in job("tests")["steps"]}
    assert "make test" in steps and "if" not in steps["make test"]


def test_the_site_is_built_and_published():
    steps = job("pages")["steps"]
    what = [step.get("run") or step["uses"].split("@")[0] for step in steps]
    built = what.index("make site")
    assert what[built + 1 :] == ["actions/upload-pages-artifact", "actions/deploy-pages"]
    assert steps[built + 1]["with"] == {"path": "build/site"}
    assert {"pages": "write", "id-token": "write"}.items() <= FLOWS["pages"]["permissions"].items()
    assert FLOWS["pages"][True]["push"] == {"branches": ["main"]}  # YAML reads "on" as True


@pytest.mark.parametrize("name", FLOWS)
def test_its_commands_and_pythons_exist(name):
    steps = job(name)["steps"]
    commands = [step["run"] for step in steps if "run" in step]
    assert commands and all(re.fullmatch(r"make [a-z]+", command) for command in commands)
    assert {command.split()[1] for command in commands} <= targets()
    (python,) = [step["with"]["python-version"] for step in steps if "setup-python" in str(step)]
    assert python in (*PYTHONS, "${{ matrix.python }}")
    assert job(name)["runs-on"] == "ubuntu-latest" and job(name)["timeout-minutes"] <= 60
    for step in steps:
        assert "uses" not in step or re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"])
