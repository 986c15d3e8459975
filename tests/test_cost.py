"""The cost report: what is undone is undone, and the figures are those of the rows."""

from dataclasses import replace

import pytest
import torch

from wdlib.data import device_images, load, to_float
from wdlib.data.split import split
from wdlib.experiments import cost as benchmark
from wdlib.experiments import costs
from wdlib.experiments.cost import (
    COLUMNS,
    format_costs,
    measure,
    read_costs,
    write_costs,
)
from wdlib.experiments.costs import BATCHES, TRICKS
from wdlib.experiments.milestones import milestones, train_reader
from wdlib.experiments.profile import KINDS, OTHER, OUTSIDE, format_profile, kind_of, phase_profile
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
    TRICKS[way](one)
    torch.testing.assert_close(one.model.autoencoder.encode(x), expected, atol=1e-5, rtol=1e-4)
    assert seen == [False, True] and first.weight.is_contiguous()
    fused = {group["fused"] for o in one.optimisers.values() for group in o.param_groups}
    assert fused == {way == "without channels-last"}


def test_the_encoder_passes_of_a_step_are_one_or_one_a_view():
    for way, passes in (("as it is", 1), ("with an encoder pass for each view", 3)):
        one, seen = Trainer(PARTS, IMAGES, TINY), []
        TRICKS[way](one)
        one.model.autoencoder.encoder.register_forward_hook(lambda *_, to=seen: to.append(1))
        one.run(1)
        assert len(seen) == passes


def test_a_profile_shares_out_the_time_of_a_step(trainer):
    one = Trainer(PARTS, IMAGES, TINY)
    found = phase_profile(one, 0, steps=3)
    assert found.keys() == {*KINDS, OTHER, OUTSIDE, "operations", "ms a step"}
    assert all(value > 0 for value in found.values())
    forwards, backwards = (found[k] for k in ("convolutions", "convolutions, backwards"))
    assert forwards + backwards > found["batch norm"]
    kinds = {"aten::convolution_backward": "convolutions, backwards", "aten::mm": "matrix products",
             "aten::mkldnn_convolution": "convolutions", "aten::_fused_adam_": "Adam",
             "aten::native_batch_norm": "batch norm", "aten::relu": OTHER}  # fmt: skip
    assert {name: kind_of(name) for name in kinds} == kinds


def test_the_shares_of_a_profile_make_a_whole():
    head, _, *lines = format_profile(["dSprites.v2"], preset=TINY, limit=400, steps=2).splitlines()
    assert [line.split(" | ")[0] for line in lines] == [
        f"| dSprites.v2, {phase}" for phase in ("warm-up", "full", "finish")
    ]
    for line in lines:
        shares = [int(cell.strip(" |%")) for cell in line.split(" | ")[3:]]
        assert len(shares) == len(KINDS) + 2 and abs(sum(shares) - 100) <= len(shares) / 2


def test_milestones_ask_a_random_relation_of_each_validation_image(trainer):
    """A reader that says what the relations want is always right."""
    values = torch.from_numpy(TASK.labels(PARTS.validation))
    relation = trainer.moves.random(len(values), torch.Generator().manual_seed(0))
    wanted = values.clone()
    for number, one in enumerate(trainer.model.relations):
        rows = relation == number
        wanted[rows] = torch.from_numpy(one(values[rows].numpy(), TASK))
    curve = milestones(Trainer(PARTS, IMAGES, TINY), IMAGES, lambda pictures: wanted, points=3)
    assert len(curve) == 3 and [judged for *_, judged in curve] == [1, 1, 1]
    assert sorted(curve) == curve and 0 < curve[0][0]
    assert all(0 <= encoder <= 1 for _, encoder, _ in curve)


def test_the_reader_of_pictures_reads_held_out_ones(trainer):
    read = train_reader(trainer, steps=150)
    x = to_float(device_images(IMAGES, TASK.classes(PARTS.test)))
    right = read(x) == torch.from_numpy(TASK.labels(PARTS.test))
    assert right.float().mean() > 0.7  # by guessing (1/3 + 1/9) / 2


def test_what_is_measured_reads_back_and_is_printed(tmp_path, monkeypatch):
    for module in (benchmark, costs):
        monkeypatch.setattr(module, "BATCHES", (8, 16))
    path = tmp_path / "results" / "cost.csv"
    settings = {"preset": TINY, "limit": 400}
    rows = measure(
        ["dSprites.v2"], seed=3, minutes=1e-3, path=path,
        step=settings | {"steps": 1}, training=settings | {"points": 3, "reading": 2},
    )  # fmt: skip
    back = read_costs(path)
    assert tuple(back[0]) == COLUMNS and len(back) == len(rows)
    assert format_costs(back) == format_costs(rows)
    for row in back:
        assert (row["task"], row["combinations"], row["factors"]) == ("dSprites.v2", 27, 2)
        assert row["seed"] == 3 and row["threads"] == torch.get_num_threads() and row["torch"]
    found = {(r["phase"], r["way"], r["measure"]): r["value"] for r in back}
    for phase in ("warm-up", "full", "finish"):
        for way in TRICKS:
            if phase == "finish" and way == "with an encoder pass for each view":
                assert (phase, way, "images/s") not in found
                continue
            rate, ms = found[phase, way, "images/s"], found[phase, way, "ms a step"]
            assert rate * ms == pytest.approx(8 * 1000, rel=1e-4)
            assert found[phase, way, "matrix share"] > 0
    assert 3 <= found["all", "training", "steps"] < found["all", "training", "steps of the preset"]
    for way in ("encoder", "judged, encoded"):
        assert 0 <= found["all", way, "final accuracy"] <= 1
        assert found["all", way, "minutes to 90%"] <= found["all", "training", "minutes"]


def row(phase, way, measured, value):
    return {"task": "T", "combinations": 27, "factors": 2, "phase": phase, "way": way,
            "measure": measured, "value": value}  # fmt: skip


def test_the_tables_say_what_the_rows_say():
    rates = dict(zip(TRICKS, (600.0, 500.0, 550.0, 560.0, 400.0)))
    rows = [row("warm-up", way, "images/s", rate) for way, rate in rates.items()]
    rows += [row("warm-up", "as it is", "ms a step", 12.34), row("warm-up", "as it is",
             "matrix share", 0.256)]  # fmt: skip
    rows += [row("warm-up", f"batch {b}", "images/s", float(b)) for b in BATCHES]
    steps, batches = (t.splitlines() for t in format_costs(rows).split("\n\n"))
    assert steps[2] == "| T, warm-up | 12.3 | 600 | 26% | 500 | 550 | 560 | 400 | 1.50 |"
    assert batches[2] == "| T | 32 | 64 | 128 | 256 |"
    for way, final, first in (("encoder", 0.99, 1.25), ("judged, encoded", 0.9, 2.5)):
        rows += [row("all", way, "final accuracy", final), row("all", way, "minutes to 90%", first)]
    rows += [row("all", "training", "minutes", 4.0), row("all", "training", "steps", 700.0)]
    rows += [row("all", "training", "steps of the preset", 2800.0)]
    last = format_costs(rows).splitlines()[-1]
    assert last == "| T | 27 | 2 | 0.990 | 1.2 | 0.900 | 2.5 | 4.0 | 700 of 2800 |"


def test_another_csv_is_refused(tmp_path):
    full = {name: 1 for name in COLUMNS} | {"value": 2.0}
    write_costs([full], tmp_path / "cost.csv")
    whole = (tmp_path / "cost.csv").read_text(encoding="utf-8")
    for damaged, said in (
        (whole.replace("phase", "part"), "its columns are not"),
        (whole.replace(",2,", ",high,"), "line 2: .*high"),
        (whole.rsplit(",", 12)[0] + "\n", "line 2"),
    ):
        (tmp_path / "other.csv").write_text(damaged, encoding="utf-8")
        with pytest.raises(ValueError, match=said):
            read_costs(tmp_path / "other.csv")
    with pytest.raises(FileNotFoundError):
        read_costs(tmp_path / "nowhere.csv")
