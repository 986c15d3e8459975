"""The table of methods: what an entry must offer, how a budget is spent, and an own entry."""

import dataclasses
import inspect
import itertools
import re
import textwrap
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest
from wdlib.training.budget import cut, shares_of

from wdlib import methods
from wdlib.data import load
from wdlib.data.split import split
from wdlib.experiments import grid, studies
from wdlib.methods import METHODS, Baseline, Method, Modular, method
from wdlib.metrics.judge import train_judge
from wdlib.model import ModularModel, saved
from wdlib.tasks import task
from wdlib.training import COURSE, PAPER, budget, trainer

SETTINGS = {"labels", "seed", "steps", "seconds", "device"}


@pytest.fixture(scope="module")
def parts():
    return split(task("dSprites.v2"), seed=0, labels=300, limit=1500), load("dsprites")


@pytest.mark.parametrize("name", METHODS)
def test_every_method_takes_the_same_settings(name):
    fit = METHODS[name].fit
    if isinstance(fit, Baseline):
        module = import_module(f"wdlib.baselines.{fit.file}")
        fields = {field.name for field in dataclasses.fields(module.Config)}
        assert {field for field, _ in fit.config} <= fields
        fit = module.fit
    assert inspect.signature(fit).parameters.keys() >= SETTINGS | {"split", "images"}


def test_every_baseline_stands_in_the_table():
    """Whatever file of the room can be fitted to a split."""
    room = Path(import_module("wdlib.baselines").__path__[0])
    names = {path.stem for path in room.glob("*.py")} - {"__init__"}
    fitted = set()
    for name in names:
        fit = getattr(import_module(f"wdlib.baselines.{name}"), "fit", None)
        if fit is not None and {"split", "images"} <= inspect.signature(fit).parameters.keys():
            fitted.add(name)
    assert fitted == {m.fit.file for m in METHODS.values() if isinstance(m.fit, Baseline)}


def test_a_baseline_gets_its_configuration(monkeypatch, parts):
    from wdlib.baselines import few_label, previous

    for name, module in {"previous": previous, "few_label-selected": few_label}.items():
        given = {}
        monkeypatch.setattr(module, "fit", lambda *parts, given=given, **s: given.update(s))
        METHODS[name].fit(*parts, seed=3, steps=5)
        assert (given["seed"], given["steps"]) == (3, 5)
        if name == "previous":
            assert given["config"] == previous.Config(own_labels=True)
        else:
            assert given["config"].candidates == few_label.FAMILY


def test_an_unknown_method_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match="no method called 'beta-vae'; did you mean beta_vae"):
        method("beta-vae")
    with pytest.raises(ValueError, match="no method called ''; there are modular, "):
        method("")


def test_cut_keeps_the_shares_of_the_phases():
    steps = [phase.steps for phase in cut(COURSE, COURSE.steps * 2).phases]
    assert steps == [2 * phase.steps for phase in COURSE.phases]
    paper = cut(PAPER.for_images(28_000), 600)
    assert [phase.steps for phase in paper.phases] == [100, 500]  # 1000 and 5000 epochs


@pytest.mark.parametrize("steps", [len(COURSE.phases), 7, 100, 2601])
def test_cut_spends_the_budget_and_skips_no_phase(steps):
    phases = cut(COURSE, steps).phases
    assert sum(phase.steps for phase in phases) == steps
    assert min(phase.steps for phase in phases) >= 1
    assert [p.name for p in phases] == [p.name for p in COURSE.phases]


def test_cut_refuses_a_budget_of_less_than_a_step_a_phase():
    with pytest.raises(ValueError, match="phases, 1 steps are too few"):
        cut(COURSE, 1)


def test_shares_follow_from_the_cost_of_each_phase(monkeypatch, parts):
    preset = dataclasses.replace(
        COURSE,
        phases=tuple(
            dataclasses.replace(COURSE.phases[0], name=name, steps=steps)
            for name, steps in (("cheap", 100), ("dear", 300))
        ),
    )

    class Clockwork:
        def __init__(self, split, images, preset, **_):
            self.preset, self.done = preset, 0

    def timed(trainer, steps):
        phase, _ = trainer.preset.phase_at(trainer.done)
        trainer.done += steps
        return steps * {"cheap": 0.1, "dear": 0.3}[phase.name]

    monkeypatch.setattr(methods, "Trainer", Clockwork)
    monkeypatch.setattr(budget, "_timed", timed)
    assert shares_of(*parts, preset) == pytest.approx([0.1, 0.9])  # 100 of .1 s, 300 of .3 s

    # A phase that begins by encoding all images: the pilot encodes a part of them.
    encoding = dataclasses.replace(preset.phases[0], taught=1.0)
    preset = dataclasses.replace(preset, phases=(encoding, preset.phases[1]))
    monkeypatch.setattr(budget, "PILOT", 50)
    slow_start = {"cheap": 2.0}  # seconds, once

    def timed_with_start(trainer, steps):
        phase, at = trainer.preset.phase_at(trainer.done)
        return timed(trainer, steps) + (slow_start.get(phase.name, 0) if at == 0 else 0)

    monkeypatch.setattr(budget, "_timed", timed_with_start)
    split = parts[0]
    once = 2 * len(split.train) / max(50, len(split.labelled))
    total = once + 10 + 90
    assert shares_of(*parts, preset) == pytest.approx([(once + 10) / total, 90 / total])


def test_ours_trains_for_the_steps_it_is_given(parts):
    model = Modular(COURSE)(*parts, labels=200, seed=1, steps=len(COURSE.phases))
    assert isinstance(model, ModularModel)
    assert model.history[-1]["step"] == len(COURSE.phases)
    for asked in ({}, {"steps": 3, "seconds": 3.0}, {"steps": 0}):
        with pytest.raises(ValueError, match="steps"):
            Modular(COURSE)(*parts, seed=1, **asked)


def test_ours_spends_the_seconds_it_is_given(parts, monkeypatch):
    """By the clock, whatever the pilot thought a step would cost."""
    ticks = itertools.count(0, 0.5)  # every look at the clock takes half a second of computing
    monkeypatch.setattr(trainer, "computed", lambda device: next(ticks))
    monkeypatch.setattr(methods, "computed", lambda device: next(ticks))
    monkeypatch.setattr(methods, "shares_of", lambda *a, **k: [0.5, 0.2, 0.3])
    model = Modular(COURSE)(*parts, seed=0, seconds=40.0)
    assert 38 <= next(ticks) <= 42
    made = [phase["steps"] for phase in model.record["preset"]["phases"]]
    assert sum(made) == model.history[-1]["step"]  # the record says what was done, and not planned
    assert made[0] > made[2] > made[1] > 1


def examples() -> list[str]:
    """The code of the module's docstring: a method, and how it gets into the table."""
    blocks = re.findall(r"::\n\n((?:    .*\n|\n)+)", methods.__doc__)
    return [textwrap.dedent(block) for block in blocks]


def test_an_own_method_takes_thirty_lines_and_joins_the_table(tmp_path, parts, monkeypatch, capsys):
    method, table = examples()
    assert len([line for line in method.splitlines() if line]) <= 30
    names = {}
    exec(method, names)
    assert (
        isinstance(names["methods"]["linear"], Method) and METHODS.keys() < names["methods"].keys()
    )

    about = {"task": "dSprites.v2", "seed": 0}
    judge = train_judge(*parts, steps=20)
    home = tmp_path / "runs/mine/judges/dSprites.v2-0"
    saved.save(home, "judge", judge.state_dict(), about)
    monkeypatch.chdir(tmp_path)
    short = partial(grid.evaluate_cell, limit=1500, most=400)
    monkeypatch.setattr(grid, "run", partial(grid.run, work=short))
    six, asked = studies.table2_cells, {"seeds": [0], "tasks": ["dSprites.v2"], "labels": 300}
    assert len(six(methods=["linear"], known=names["methods"])) == 6
    monkeypatch.setattr(studies, "table2_cells", partial(six, 1, **asked))
    exec(table, names)
    printed = capsys.readouterr().out
    assert "linear" in printed and "pairwise" in printed
    table = names["mine"]
    assert table.failed == {}
    found = {(row["convention"], row["score"]): row["value"] for row in table}
    assert found["-", "encoder_all"] > found["-", "chance_encoder_all"]
    assert found["-", "relation_encoded_all"] > found["-", "chance_relation_encoded_all"]
    assert {c for c, _ in found} == {"-", "raw"}  # no partitions, and a reading of the whole code
    assert not any("prior" in score for _, score in found)
    assert found["-", "fit_labels"] == 300
