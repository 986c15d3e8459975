"""The cost report: what is undone is undone, and the figures are those of the rows."""

from dataclasses import replace
from functools import partial

import pandas as pd
import pytest
import torch

from wdlib.data import load, to_float
from wdlib.data.split import split
from wdlib.experiments import cost
from wdlib.experiments.cost import (
    BATCHES,
    COLUMNS,
    TRICKS,
    cost_tables,
    main,
    milestones,
    read_costs,
    step_costs,
    training_costs,
)
from wdlib.tasks import task
from wdlib.training import COURSE, Trainer

TASK, IMAGES = task("dSprites.v2"), load("dsprites")
PARTS = split(TASK, seed=0, labels=200, limit=600)
TINY = replace(
    COURSE,
    phases=tuple(p.changed(steps=8, batch=8, labels={"batch": 8}) for p in COURSE.phases),
    lengths={},
)


@pytest.fixture(scope="module")
def trainer():
    return Trainer(PARTS, IMAGES, TINY)


@pytest.mark.parametrize("way", ["without channels-last", "without any of these"])
def test_a_true_before_has_contiguous_weights_and_images(way):
    one = Trainer(PARTS, IMAGES, TINY)
    x = to_float(one.unlabelled[:8])
    seen = []
    first = one.model.autoencoder.encoder.convolutions[3]  # of 32 channels: the formats differ
    first.register_forward_pre_hook(lambda _, given: seen.append(given[0].is_contiguous()))
    expected = one.model.eval().autoencoder.encode(x)
    for change in TRICKS[way]:
        change(one)
    torch.testing.assert_close(one.model.autoencoder.encode(x), expected, atol=1e-5, rtol=1e-4)
    assert seen == [False, True] and first.weight.is_contiguous()
    fused = {group["fused"] for o in one.optimisers.values() for group in o.param_groups}
    assert fused == {way == "without channels-last"}


def test_the_encoder_passes_of_a_step_are_one_or_one_a_view():
    for way, passes in (("as it is", 1), ("with an encoder pass for each view", 3)):
        one, seen = Trainer(PARTS, IMAGES, TINY), []
        for change in TRICKS[way]:
            change(one)
        one.model.autoencoder.encoder.register_forward_hook(lambda *_, to=seen: to.append(1))
        one.run(1)
        assert len(seen) == passes


def test_milestones_ask_a_random_relation_of_each_validation_image(trainer):
    """A reader that says what the relations want is always right."""
    values = torch.from_numpy(TASK.labels(PARTS.validation))
    relation = trainer.moves.random(len(values), torch.Generator().manual_seed(0))
    wanted = values.clone()
    for number, one in enumerate(trainer.model.relations):
        rows = relation == number
        wanted[rows] = torch.from_numpy(one(values[rows].numpy(), TASK))
    curve = milestones(Trainer(PARTS, IMAGES, TINY), IMAGES, lambda pictures: wanted, points=3)
    assert [*curve["judged, encoded"]] == [1, 1, 1] and curve.encoder.between(0, 1).all()
    assert curve.seconds.is_monotonic_increasing and curve.seconds[0] > 0


def test_what_is_measured_reads_back_and_is_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(cost, "BATCHES", (8, 16))
    tiny = {"preset": TINY, "limit": 400}
    step, training = step_costs, partial(training_costs, **tiny, points=3, reading=2)
    monkeypatch.setattr(cost, "step_costs", partial(step, **tiny, steps=1))
    monkeypatch.setattr(cost, "training_costs", training)
    main(["dSprites.v2", "--minutes", "0.001", "--csv", str(tmp_path / "cost.csv")])
    back = read_costs(tmp_path / "cost.csv")
    assert "|task|batch8|batch16|" in capsys.readouterr().out.replace(" ", "")
    assert tuple(back) == COLUMNS and {*back.task} == {"dSprites.v2"}
    assert {*back.combinations} == {27} and {*back.factors} == {2} and all(back.torch)
    found = back.set_index(["phase", "way", "measure"]).value.to_dict()
    for phase in ("warm-up", "full", "finish"):
        for way in TRICKS:
            if phase == "finish" and way == "with an encoder pass for each view":
                assert (phase, way, "images/s") not in found
                continue
            rate, ms = found[phase, way, "images/s"], found[phase, way, "ms a step"]
            assert rate * ms == pytest.approx(8 * 1000, rel=1e-4)
    assert 3 <= found["all", "training", "steps"] < found["all", "training", "steps of the preset"]
    for way in ("encoder", "judged, encoded"):
        assert 0 <= found["all", way, "final accuracy"] <= 1
        assert found["all", way, "minutes to 90%"] <= found["all", "training", "minutes"]


def row(phase, way, measured, value):
    return {"task": "T", "combinations": 27, "factors": 2, "phase": phase, "way": way,
            "measure": measured, "value": value}  # fmt: skip


def test_the_tables_have_the_figures_of_the_rows():
    rates = dict(zip(TRICKS, (600.0, 500.0, 550.0, 560.0, 400.0)))
    rows = [row("warm-up", way, "images/s", rate) for way, rate in rates.items()]
    rows += [row("warm-up", "as it is", "ms a step", 12.34)]
    rows += [row("warm-up", f"batch {b}", "images/s", float(b)) for b in BATCHES]
    tables = cost_tables(pd.DataFrame(rows))
    steps = ["12.3", "600", "500", "550", "560", "400", "1.50"]
    assert [*tables["steps"].loc["T", "warm-up"]] == steps
    assert [*tables["batches"].loc["T"]] == ["32", "64", "128", "256"]
    for way, final, first in (("encoder", 0.99, 1.25), ("judged, encoded", 0.9, 2.5)):
        rows += [row("all", way, "final accuracy", final), row("all", way, "minutes to 90%", first)]
    rows += [row("all", "training", "minutes", 4.0), row("all", "training", "steps", 700.0)]
    rows += [row("all", "training", "steps of the preset", 2800.0)]
    training = [27, "0.990", "1.2", "0.900", "2.5", "4.0", "700", "2800"]
    assert [*cost_tables(pd.DataFrame(rows))["training"].loc["T"]] == training


def test_another_csv_is_refused(tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="other.csv is not a file of costs: its columns aren't"):
        read_costs(tmp_path / "other.csv")
    with pytest.raises(FileNotFoundError):
        read_costs(tmp_path / "nowhere.csv")
