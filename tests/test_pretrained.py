"""Shipped weights: stored small, loaded by the task's name, and as good as their record says."""

import dataclasses
import json
import math
import re
from pathlib import Path

import nbformat
import pytest
import torch

from wdlib.data import device_images, load
from wdlib.evaluation import MOST
from wdlib.experiments.studies import TASKS_OF_TABLE_1
from wdlib.metrics.judge import Judge, kept_judge
from wdlib.metrics.relational import relation_accuracy
from wdlib.model import ModularModel, saved
from wdlib.pretrained import (
    WEIGHTS,
    folder_of,
    halved,
    load_pretrained,
    ship,
    shipped,
    split_of,
)
from wdlib.tasks import task
from wdlib.training import COURSE

PAGE = Path(__file__).parents[1] / "notebooks" / "results" / "README.md"


def test_halves_are_exact_where_they_can_be_and_integers_stay():
    kept = halved({"a": torch.tensor([0.5, 1 / 3]), "n": torch.tensor([7])})
    assert kept["a"].dtype == torch.float16 and float(kept["a"][0]) == 0.5
    assert abs(float(kept["a"][1]) - 1 / 3) < 2e-4
    assert kept["n"].dtype == torch.int64 and int(kept["n"]) == 7


def test_a_shipped_model_is_the_trained_one_in_half_precision(tmp_path):
    one = task("dSprites.v2")
    torch.manual_seed(0)
    model = ModularModel(one, COURSE.networks).eval()
    about = {"task": one.name, "seed": 3, "labels": 50, "preset": dataclasses.asdict(COURSE)}
    about["source"] = {"commit": "trained"}
    saved.save(tmp_path / "run", saved.MODEL, model.state_dict(), about)
    judged = {"task": one.name, "seed": 3, "train": "of these images"}
    saved.save(tmp_path / "run", "judge", Judge(one).state_dict(), judged)
    seen = []

    def measure(stored):
        seen.append(stored)
        return {"score": 0.25}

    folder = ship(tmp_path / "run", measure, home=tmp_path / "home", measured={"commit": "c"})
    assert folder == tmp_path / "home" / "dSprites.v2"
    record = json.loads((folder / "model.json").read_text())
    assert (
        record["scores"] == {"score": 0.25}
        and (record["source"], record["measured"]) == ({"commit": "trained"}, {"commit": "c"})
        and record["seed"] == 3
    )
    weights = model.autoencoder.encoder.head[0].weight
    assert torch.equal(seen[0].autoencoder.encoder.head[0].weight, weights.half().float())
    judge, record = saved.load(folder, "judge")
    assert record["train"] == "of these images" and record["measured"] == {"commit": "c"}
    assert {t.dtype for t in judge.values() if t.is_floating_point()} == {torch.float16}


@pytest.mark.parametrize("name, error", [("dSprites.v9", ValueError), ("", ValueError)])
def test_an_unknown_task_has_no_weights(name, error):
    with pytest.raises(error, match="did you mean"):
        load_pretrained(name)


def test_a_task_without_weights_says_which_have(monkeypatch, tmp_path):
    monkeypatch.setattr("wdlib.pretrained.WEIGHTS", tmp_path)
    with pytest.raises(FileNotFoundError, match="train your own"):
        folder_of("dSprites.v2")


def test_all_six_tasks_of_the_paper_have_weights():
    assert shipped() == sorted(TASKS_OF_TABLE_1) and len(shipped()) == 6


def agree(share: float, recorded: float, samples: int, recorded_samples: int) -> bool:
    """Whether two shares differ by at most four standard errors of a binomial at the recorded one.

    Two right and two wrong samples are added to the recorded ones, or a share of 1 had no error.

    Source: Agresti and Coull (1998), "Approximate is better than exact".
    """
    p = (recorded * recorded_samples + 2) / (recorded_samples + 4)
    error = math.sqrt(p * (1 - p) * (1 / samples + 1 / recorded_samples))
    return abs(share - recorded) <= 4 * error


def test_shares_agree_within_their_standard_error():
    assert agree(0.97, 0.98, 1000, 4000) and not agree(0.95, 0.98, 1000, 4000)
    assert agree(0.998, 1.0, 1000, 4000) and not agree(0.99, 1.0, 1000, 4000)


def test_a_shipped_model_brings_its_own_split():
    for name in TASKS_OF_TABLE_1:
        record = json.loads((WEIGHTS / name / "model.json").read_text())
        assert split_of(name).record["train"] == record["split"]["train"]
        assert len(split_of(name).labelled) == record["labels"]


def test_notebook_08_opens_the_navigator_of_3d_shapes():
    """Its first cells and its navigator, with the task that it suggests next."""
    path = PAGE.parents[1] / "08_navigator.ipynb"
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells]
    wanted = ("import wdlib", "wdlib.load_pretrained(", "wdlib.Navigator(")
    session: dict = {}
    for part in wanted:
        (cell,) = (cell for cell in cells if re.search(rf"(?m)^[^#\n]*{re.escape(part)}", cell))
        exec(cell.replace("dSprites.v2", "Shapes3D.v3"), session)
    assert session["task"].name == "Shapes3D.v3"
    assert session["judge"].read(session["test"]).eq(session["values"]).float().mean() > 0.98


@pytest.mark.parametrize("name", TASKS_OF_TABLE_1)
def test_shipped_weights_are_small_and_score_what_they_say(name):
    folder = WEIGHTS / name
    record = json.loads((folder / "model.json").read_text())
    assert (folder / record["weights"]).stat().st_size <= 3_000_000
    for source in (record["source"], record["measured"]):  # of the weights, of the scores
        assert source["commit"] and not source["commit"].endswith("-dirty")
    training = record["training"]
    assert training["seconds"] <= 600 and (training["device"], training["threads"]) == ("cpu", 2)
    said = re.search(r"the six tasks take (.*?) minutes", " ".join(PAGE.read_text().split()))[1]
    minutes = re.findall(r"\d+\.\d", said)[TASKS_OF_TABLE_1.index(name)]
    assert minutes == f"{training['seconds'] / 60:.1f}"
    model, one = load_pretrained(name), task(name)
    parts = split_of(name)
    images = load(one.dataset)
    judge = kept_judge(folder, parts, images)
    generator = torch.Generator().manual_seed(1)  # other samples than the record's
    values = model.prior.random_values(1000, generator=generator)
    codes = model.prior.sample(values, generator=generator)
    again = relation_accuracy(model, one, model.relations, codes, values, seed=1, judge=judge)
    some = parts.test[-1000:]
    truth = torch.from_numpy(one.labels(some))
    codes = model.encode(device_images(images, one.classes(some)))
    read = float((model.values(codes) == truth).all(1).float().mean())
    moved = relation_accuracy(model, one, model.relations, codes, truth, seed=1, judge=judge)
    shown = min(len(parts.test), MOST // 2)  # images that the record is of; samples: 4000
    for key, share, recorded in (
        ("judged_prior", again["judged_all"], 4000),
        ("relation_latent_all", again["all"], 4000),
        ("encoder_all", read, shown),
        ("judged_encoded", moved["judged_all"], shown),
    ):
        assert agree(share, record["scores"][key], 1000, recorded), key
