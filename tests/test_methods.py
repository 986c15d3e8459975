"""The table of methods: its entries, how Modular spends a budget, and a method of one's own."""

import itertools
import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
import torch
from test_packaging import ROOT

from wdlib import methods
from wdlib.baselines import few_label, previous
from wdlib.data import load
from wdlib.data.split import split
from wdlib.evaluation import evaluate
from wdlib.experiments.recipes import REPLICATIONS
from wdlib.methods import METHODS, Method, method
from wdlib.metrics.judge import train_judge
from wdlib.model import ModularModel
from wdlib.tasks import task
from wdlib.training import COURSE, PAPER, FitRequest, trainer


@pytest.fixture(scope="module")
def parts():
    return split(task("dSprites.v2"), seed=0, labels=300, limit=1500), load("dsprites")


def test_every_baseline_is_in_the_table():
    room = Path(import_module("wdlib.baselines").__path__[0])
    files = {f"wdlib.baselines.{path.stem}" for path in room.glob("*.py")}
    fits = {
        type(m.fit.keywords["config"]).__module__
        for m in METHODS.values()
        if "config" in m.fit.keywords
    }
    shared = {f"wdlib.baselines.{name}" for name in ("__init__", "system", "readout", "vae")}
    assert files - fits == shared and fits <= files


def test_a_baseline_gets_its_configuration():
    config = METHODS["previous"].fit.keywords["config"]
    assert config == previous.Config() == METHODS["previous"].settings("dSprites.v2")
    selected = METHODS["few_label-selected"].fit.keywords["config"]
    assert selected.candidates == few_label.FAMILY
    published = REPLICATIONS["few_label-published"].fit.keywords["config"]
    assert published is few_label.PUBLISHED


def test_an_unknown_method_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match="no method 'beta-vae'; did you mean beta_vae"):
        method("beta-vae")
    with pytest.raises(ValueError, match="no method ''; choose one of modular, "):
        method("")


def test_cut_keeps_the_shares_of_the_phases():
    steps = [phase.steps for phase in COURSE.cut(COURSE.steps * 2).phases]
    assert steps == [2 * phase.steps for phase in COURSE.phases]
    paper = PAPER.for_images(28_000).cut(600)
    assert [phase.steps for phase in paper.phases] == [100, 500]  # 1000 and 5000 epochs


@pytest.mark.parametrize("steps", [len(COURSE.phases), 7, 100, 2601])
def test_cut_spends_the_budget_and_skips_no_phase(steps):
    phases = COURSE.cut(steps).phases
    assert sum(phase.steps for phase in phases) == steps
    assert min(phase.steps for phase in phases) >= 1
    assert [p.name for p in phases] == [p.name for p in COURSE.phases]


def test_cut_refuses_a_budget_of_less_than_one_step_per_phase():
    with pytest.raises(ValueError, match="1 steps are too few for COURSE"):
        COURSE.cut(1)


def test_shares_follow_from_the_cost_of_each_phase(monkeypatch, parts):
    cheap = replace(COURSE.phases[0], name="cheap", steps=100)
    dear = replace(COURSE.phases[0], name="dear", steps=300)
    preset = replace(COURSE, phases=(cheap, dear))
    costs = {"cheap": (0.0, 0.1), "dear": (0.0, 0.3)}  # seconds to begin, and per step
    monkeypatch.setattr(trainer, "_pilot", lambda made, phase: costs[phase.name])
    assert trainer.shares_of(*parts, preset) == pytest.approx([0.1, 0.9])

    # A phase that begins by encoding all images: the pilot encodes a part of them.
    costs["cheap"] = (2.0, 0.1)
    monkeypatch.setattr(trainer, "PILOT", 500)
    preset = replace(preset, phases=(cheap.changed(losses={"teacher": 1.0}), dear))
    begin = 2 * len(parts[0].train) / 500
    wanted = [(begin + 10) / (begin + 100), 90 / (begin + 100)]
    assert trainer.shares_of(*parts, preset) == pytest.approx(wanted)


def test_modular_trains_for_the_steps_of_the_request(parts):
    steps = len(COURSE.phases)
    model = METHODS["modular"].fit(FitRequest(*parts, labels=200, seed=1, steps=steps))
    assert isinstance(model, ModularModel) and model.history[-1]["step"] == steps
    assert model.record["labels"] == 200 and model.record["seed"] == 1


def test_modular_spends_the_seconds_of_the_request(parts, monkeypatch):
    """By the clock, whatever the pilot has estimated for a step."""
    ticks = itertools.count(0, 0.5)  # every look at the clock takes half a second of computing
    monkeypatch.setattr("wdlib.training.loop.computed", lambda device: next(ticks))
    monkeypatch.setattr(methods, "computed", lambda device: next(ticks))
    monkeypatch.setattr(methods, "shares_of", lambda *a, **k: [0.5, 0.2, 0.3])
    model = METHODS["modular"].fit(FitRequest(*parts, seconds=40.0))
    assert 38 <= next(ticks) <= 42
    made = [phase["steps"] for phase in model.record["preset"]["phases"]]
    assert sum(made) == model.history[-1]["step"]  # the record holds what was done, not planned
    assert made[0] > made[2] > made[1] > 1


def test_a_method_of_ones_own_joins_the_table(parts):
    """The example of README."""
    *_, block = re.findall(r"(?ms)^```python\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"))
    names = {}
    exec(block, names)
    assert METHODS.keys() < names["methods"].keys()
    linear = names["methods"]["linear"]
    assert isinstance(linear, Method) and linear.recipe("dSprites.v2") == ""
    system = linear.fit(FitRequest(*parts, steps=1))
    judge = train_judge(*parts, steps=20)
    report = evaluate(system, *parts, judge, converted=False, metrics=("mig",), most=400)
    assert report["encoder_all"] > report["chance_encoder_all"]
    assert report["relation_encoded_all"] > report["chance_relation_encoded_all"]
    assert set(report.scores.index.unique("convention")) == {"raw", "grouped"}
    x = torch.from_numpy(parts[1].draw(parts[0].task.classes(parts[0].test[:4])))[:, None]
    assert system.decode(system.encode(x)).shape == (4, 1, 64, 64)
