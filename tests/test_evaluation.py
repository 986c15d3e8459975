"""The report: every figure beside its oracle and chance, measured on test, the same each time."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from wdlib.data import device_images, load, to_float
from wdlib.data.split import split
from wdlib.evaluation import evaluate
from wdlib.metrics.judge import train_judge
from wdlib.relations import relations_of
from wdlib.tasks import task
from wdlib.training import COURSE, Trainer

KEYS = """relation_latent_target relation_latent_all judged_prior judged_prior_target judged_encoded
judged_encoded_target decoded_prior decoded_encoded relation_encoded_all encoder_all encoder_shape
encoder_position judge_accuracy mig sap sap_r2 dci_disentanglement dci_completeness
dci_informativeness raw_mig grouped_dci_disentanglement""".split()


@pytest.fixture(scope="module")
def parts():
    t, images = task("dSprites.v2"), load("dsprites")
    whole = split(t, seed=0, labels=300, limit=1500)
    phases = tuple(dataclasses.replace(p, steps=60) for p in COURSE.phases)
    model = Trainer(whole, images, dataclasses.replace(COURSE, phases=phases)).run()
    return model, whole, images, train_judge(whole, images, steps=30)


@pytest.fixture(scope="module")
def report(parts):
    return evaluate(*parts, samples=500, importances="hist_gradient_boosting")


def test_every_figure_has_its_twins(report):
    flat = json.loads(json.dumps(report.to_dict()))
    for key in KEYS:
        for name in (key, f"oracle_{key}", f"chance_{key}"):
            assert 0 <= flat[name] <= 1, name
        assert flat[f"oracle_{key}"] >= flat[f"chance_{key}"], key
    assert report["encoder_all"] == flat["encoder_all"]


def test_chances_are_those_of_guessing(report):
    assert report["chance_judged_prior"] == pytest.approx(1 / 27)
    assert report["chance_encoder_shape"] == pytest.approx(1 / 3)
    # four relations on nine positions, one on three shapes
    assert report["chance_relation_latent_target"] == pytest.approx((4 / 9 + 1 / 3) / 5)


def test_all_partitions_is_never_easier_than_target_only(report):
    for prefix in ("relation_latent", "relation_encoded"):
        assert report[f"{prefix}_all"] <= report[f"{prefix}_target"]
    for origin in ("prior", "encoded"):
        assert report[f"judged_{origin}"] <= report[f"judged_{origin}_target"]


def test_it_prints_and_renders_every_row(report):
    text, html = str(report), report._repr_html_()
    for row in report.rows:
        assert row.what in text and row.what in html
    assert html.count("<table>") == 2 and "converted" in text and "raw" in text


def test_the_same_seed_measures_the_same(parts, report):
    again = evaluate(*parts, samples=500, importances="hist_gradient_boosting")
    assert again.to_dict() == report.to_dict()


def test_the_split_of_another_task_is_refused(parts):
    model, _, images, judge = parts
    other = split(task("dSprites.v3"), seed=0, limit=1500)
    with pytest.raises(ValueError, match="the model is of dSprites.v2, the split of dSprites.v3"):
        evaluate(model, other, images, judge)


class Perfect:
    """Knows every image of a split by heart: its code is its values, then one that never varies."""

    partitions = ((0,), (1,))  # the third dimension belongs to no factor

    def __init__(self, split, images):
        self.task, self.relations = split.task, relations_of(split.task)
        known = np.concatenate([split.train, split.test])
        pictures = device_images(images, self.task.classes(known))
        self.known = dict(zip(map(bytes, pictures.numpy()), self.task.labels(known)))
        self.picture = {tuple(v): p for v, p in zip(self.task.labels(known), pictures)}

    def encode(self, images):
        values = torch.from_numpy(np.stack([self.known[bytes(x)] for x in images.numpy()]))
        return torch.cat([values.float(), torch.full((len(values), 1), 0.5)], dim=1)

    def decode(self, codes):
        return to_float(torch.stack([self.picture[tuple(v)] for v in self.values(codes).tolist()]))

    def values(self, codes):
        return codes[:, :2].long()

    def move(self, codes, relation):
        after = torch.from_numpy(relation(self.values(codes).numpy(), self.task))
        return torch.cat([after.float(), codes[:, 2:]], dim=1)


@pytest.fixture(scope="module")
def perfect(parts):
    _, whole, images, judge = parts
    return Perfect(whole, images), whole, images, judge


def test_a_perfect_system_without_a_prior_gets_all_but_the_priors_figures(perfect):
    report = evaluate(*perfect, importances="hist_gradient_boosting", most=600)
    for key in ("relation_encoded_all", "relation_encoded_target", "encoder_all"):
        assert report[key] == 1
    for score in ("raw_mig", "raw_sap_r2", "grouped_dci_disentanglement", "mig"):
        assert report[score] == pytest.approx(report[f"oracle_{score}"])
    assert not any("prior" in key or "latent" in key for key in report.to_dict())


@pytest.mark.parametrize("partitions", [None, ((0,), (1,))])
def test_only_conventions_that_a_system_has_are_scored(perfect, monkeypatch, partitions):
    monkeypatch.setattr(Perfect, "partitions", partitions)
    report = evaluate(*perfect, metrics=["mig"], most=600, converted=False)
    grouped = {"grouped"} if partitions else set()
    assert {row["convention"] for row in report.scores} == {"raw"} | grouped
