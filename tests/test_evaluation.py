"""The report: each figure with its oracle and chance, measured on test, the same each time."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from wdlib import evaluation
from wdlib.data import device_images, load, to_float
from wdlib.data.split import split
from wdlib.evaluation import evaluate
from wdlib.metrics import ceilings, mig, score
from wdlib.metrics.judge import train_judge
from wdlib.metrics.relational import relation_accuracy
from wdlib.model import ModularModel
from wdlib.relations import relations_of
from wdlib.tasks import task
from wdlib.training import COURSE, Trainer

KEYS = """relation_latent_target relation_latent_all judged_prior judged_prior_target judged_encoded
judged_encoded_target decoded_prior decoded_encoded relation_encoded_all encoder_all encoder_shape
encoder_position judge_accuracy mig sap sap_r2 dci_disentanglement dci_completeness
dci_informativeness raw_mig grouped_dci_disentanglement mig_sup raw_dcimig grouped_jemmig
rmig""".split()


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
    for what in report.figures.what:
        assert what in text and what in html
    assert html.count("<table ") == 2 and "converted" in text and "raw" in text
    for shown in (text, html):
        assert "750 images of train without labels, measured on 300 of test" in shown


def test_the_judges_accuracy_is_marked_as_the_oracle_of_judged_figures(report):
    marked = set(report.figures.index[report.figures.by_judge])
    assert marked == {
        f"{kind}_{origin}{part}"
        for kind, part in (("judged", ""), ("judged", "_target"), ("decoded", ""))
        for origin in ("prior", "encoded")
    }
    for row in report.figures.itertuples():
        assert row.oracle == (report["judge_accuracy"] if row.by_judge else 1)
        printed = f"{row.oracle:.3f}" + (" j" if row.by_judge else "")
        assert any(row.what in line and printed in line for line in str(report).splitlines())
    for text in (str(report), report._repr_html_()):
        assert "j: the judge's accuracy on test images, which is not a maximum" in text


def test_the_same_seed_measures_the_same(parts, report):
    again = evaluate(*parts, samples=500, importances="hist_gradient_boosting")
    assert again.to_dict() == report.to_dict()


def test_the_split_of_another_task_is_refused(parts):
    model, _, images, judge = parts
    other = split(task("dSprites.v3"), seed=0, limit=1500)
    with pytest.raises(ValueError, match="for dSprites.v2, but the split is for dSprites.v3"):
        evaluate(model, other, images, judge)


def test_scores_of_codes_look_at_no_labelled_image(parts, monkeypatch):
    """They are fitted to unlabelled images of train and measured on test; MIG uses test alone."""
    model, whole, images, judge = parts
    asked = []
    score_table = evaluation.score_table

    def spy(conventions, train, test, **settings):
        asked.append((train, test, settings["one_set"]))
        return score_table(conventions, train, test, **settings)

    monkeypatch.setattr(evaluation, "score_table", spy)
    settings = {"metrics": ["mig", "sap_r2"], "samples": 50}
    report = evaluate(*parts, **settings, most=400)
    t = whole.task
    rest = whole.train[~np.isin(whole.train, whole.labelled)]
    np.testing.assert_array_equal(asked[0][0], t.labels(rest[:400]))
    np.testing.assert_array_equal(asked[0][1], t.labels(whole.test[:200]))
    assert asked[0][2] == "test"
    codes = model.encode(device_images(images, t.classes(whole.test[:200]))).flatten(1).numpy()
    assert report["raw_mig"] == mig(codes, t.labels(whole.test[:200])).value
    every = dataclasses.replace(whole, labelled=whole.train[50:])  # but for 50 of 1050
    assert "400 images of train with labels" in str(evaluate(model, every, *parts[2:], **settings,
                                                             most=400))  # fmt: skip


CIRCLE = task("dSprites.v4-circle")


def best_guesses(values, shapes):
    """Perfect readings, but among orientations that look alike it guesses the first one."""
    values = values.clone()
    period = torch.tensor([2, 4, 8])[shapes]  # of eight orientations, by shape
    values[:, 3] = values[:, 3] % period
    return values


class Seeing:
    """Codes are values, and images are values, too; the judge sees what a sprite would show."""

    partitions = None
    task, relations = CIRCLE, relations_of(CIRCLE)

    def values(self, codes):
        return codes[:, :4]

    def decode(self, codes):
        return codes

    def move(self, codes, relation):
        return torch.from_numpy(relation(codes.numpy(), CIRCLE))


class Eye:
    """The judge of such images."""

    def read(self, images):
        return best_guesses(images, images[:, 0])


def test_ceilings_are_what_a_perfect_system_gets():
    """For all combinations: codes from the prior, and codes from the best reading of images."""
    every = torch.from_numpy(CIRCLE.every_combination()).repeat(20, 1)
    expected, relations = ceilings(CIRCLE, relations_of(CIRCLE)), relations_of(CIRCLE)
    seen = best_guesses(every, every[:, 0])
    assert float((seen == every).all(1).float().mean()) == pytest.approx(expected["encoder_all"])
    for origin, codes in (("prior", every), ("encoded", seen)):
        found = relation_accuracy(Seeing(), CIRCLE, relations, codes, every, judge=Eye())
        for key, name in (
            (f"judged_{origin}", "judged_all"),
            (f"judged_{origin}_target", "judged_target"),
            (f"decoded_{origin}", "judged_before"),
            (f"relation_{origin}_all", "all"),
            (f"relation_{origin}_target", "target"),
        ):
            assert found[name] == pytest.approx(expected.get(key, 1), abs=0.02), key
    assert expected["judged_prior"] == pytest.approx(7 / 12)
    assert expected["judged_encoded"] == pytest.approx((8 * 7 / 12 + 1 / 3) / 9)


def test_a_full_circles_report_prints_its_ceilings():
    t, images = CIRCLE, load("dsprites")
    whole = split(t, seed=0, labels=200, limit=500)
    model = ModularModel(t, COURSE.networks).eval()
    report = evaluate(
        model, whole, images, train_judge(whole, images, steps=2), metrics=["mig"], samples=100
    )
    for key, ceiling in ceilings(t, model.relations).items():
        assert report[f"oracle_{key}"] == ceiling
    assert report["oracle_encoder_orientation"] == pytest.approx(7 / 12)
    assert report["oracle_judge_accuracy"] == pytest.approx(7 / 12)
    line = next(x for x in str(report).splitlines() if x.startswith("encoder, orientation"))
    assert line.split()[-2] == "0.583" and not any(report.figures.by_judge)


def test_integers_of_numpy_count_as_pythons(parts):
    model, whole, images, _ = parts
    how = {"seed": np.int64(0), "labels": np.int32(300), "limit": np.int64(1500)}
    same = split(whole.task, **how)
    assert json.dumps(same.record) == json.dumps(whole.record)
    judge = train_judge(same, images, seed=np.int64(1), steps=np.int64(2), batch=np.int32(8))
    plain = train_judge(same, images, seed=1, steps=2, batch=8)
    few = {"metrics": ["mig"], "samples": np.int64(50), "most": np.int64(100)}
    report = evaluate(model, same, images, judge, seed=np.int64(2), **few)
    again = evaluate(model, same, images, plain, seed=2, metrics=["mig"], samples=50, most=100)
    assert report.to_dict() == again.to_dict()


class Perfect:
    """Knows all images of a split by heart. Its code is their values, then a constant."""

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
    for key in ("raw_mig", "raw_sap_r2", "grouped_dci_disentanglement", "mig"):
        assert report[key] == pytest.approx(report[f"oracle_{key}"])
    assert not any("prior" in key or "latent" in key for key in report.to_dict())


def test_newer_scores_are_asked_for_by_name(perfect, monkeypatch):
    names = ["infomec", "mig_sup", "dcimig", "jemmig", "rmig"]
    keys = ["infom", "infoc", "infoe", *names[1:]]
    report = evaluate(*perfect, metrics=names, most=600)
    flat = json.loads(json.dumps(report.to_dict()))
    for key in keys:
        assert flat[key] == flat[f"oracle_{key}"] > flat.get(f"chance_{key}", 0)
        assert f"raw_{key}" in flat and f"grouped_{key}" in flat
    with pytest.raises(ValueError, match="WSEPIN needs a stochastic encoder"):
        evaluate(*perfect, metrics=["wsepin"], most=600)
    blur = lambda self, x: torch.full((len(x), 3), 0.1)  # noqa: E731
    monkeypatch.setattr(Perfect, "deviations", blur, raising=False)
    report = evaluate(*perfect, metrics=["mig", "wsepin"], most=600)
    flat = report.to_dict()
    assert {key for key in flat if "wsepin" in key} == {"raw_wsepin", "grouped_wsepin"}
    assert flat["raw_wsepin"] == pytest.approx(1.6, abs=0.6)  # log 3 and log 9, weighted
    assert "nan" not in str(report)


@pytest.mark.parametrize("partitions", [None, ((0,), (1,))])
def test_only_conventions_that_a_system_has_are_scored(perfect, monkeypatch, partitions):
    monkeypatch.setattr(Perfect, "partitions", partitions)
    report = evaluate(*perfect, metrics=["mig"], most=600, converted=False)
    grouped = {"grouped"} if partitions else set()
    assert set(report.scores.index.unique("convention")) == {"raw"} | grouped


def test_factors_alone_leave_out_the_other_dimensions(perfect, monkeypatch):
    """A residual that copies the first factor closes the gap of raw codes only."""
    honest = Perfect.encode

    def copying(self, images):
        codes = honest(self, images)
        return torch.cat([codes[:, :2], codes[:, :1]], dim=1)

    monkeypatch.setattr(Perfect, "encode", copying)
    report = evaluate(*perfect, metrics=["mig"], most=600, factors_alone=True)
    assert report["factors_mig"] == pytest.approx(report["oracle_factors_mig"])
    assert report["raw_mig"] == pytest.approx(report["oracle_raw_mig"] / 2, abs=0.05)
    monkeypatch.setattr(Perfect, "partitions", None)
    none = evaluate(*perfect, metrics=["mig"], most=600, factors_alone=True)
    assert "factors_mig" not in none.to_dict()


def test_scores_of_one_set_use_the_set_of_the_argument():
    rng = np.random.default_rng(0)
    one, other = (rng.integers(0, 3, (60, 2)) for _ in range(2))
    codes = one + rng.normal(size=one.shape), other + rng.normal(size=other.shape)
    arrays = codes[0], one, codes[1], other
    assert score(*arrays, metrics=["mig"])["mig"] == mig(codes[0], one).value
    assert score(*arrays, metrics=["mig"], one_set="test")["mig"] == mig(codes[1], other).value
    with pytest.raises(ValueError, match="one_set must be 'train' or 'test', got 'validation'"):
        score(*arrays, one_set="validation")
