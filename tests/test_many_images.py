"""More images than memory should hold, or than a training will use."""

import dataclasses

import numpy as np
import pytest
import torch

import wdlib
from wdlib.baselines import fader, zerodim
from wdlib.data import images as pixels
from wdlib.data import load
from wdlib.data.split import split
from wdlib.evaluation import evaluate
from wdlib.metrics.judge import train_judge
from wdlib.model import ModularModel
from wdlib.tasks import task
from wdlib.training import COURSE, FEW, FitRequest, Trainer, trainer

V2 = task("dSprites.v2")
IMAGES = load("dsprites")
SPLIT = split(V2, seed=0, labels=200, limit=1500)  # 1050 of train
METRICS = ("mig",)


def same(one, other) -> bool:
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def encoded(monkeypatch) -> list[int]:
    """How many images each call of ``encode`` gets from now on."""
    counts, encode = [], ModularModel.encode

    def counting(model, images, **how):
        counts.append(len(images))
        return encode(model, images, **how)

    monkeypatch.setattr(ModularModel, "encode", counting)
    return counts


def test_images_that_memory_does_not_hold_train_and_score_the_same(monkeypatch):
    def everything():
        model = Trainer(SPLIT, IMAGES, COURSE.cut(60)).run()
        judge = train_judge(SPLIT, IMAGES, steps=5)
        report = evaluate(model, SPLIT, IMAGES, judge, samples=100, metrics=METRICS)
        return model.state_dict(), judge.state_dict(), report.to_dict()

    resident = everything()
    monkeypatch.setattr(pixels, "RESIDENT", 0)
    assert isinstance(Trainer(SPLIT, IMAGES, COURSE.cut(60)).unlabelled, pixels.Stream)
    streamed = everything()
    assert same(resident[0], streamed[0]) and same(resident[1], streamed[1])
    assert resident[2] == streamed[2]


@pytest.mark.parametrize("method", [fader, zerodim])
def test_a_baseline_reads_images_that_memory_does_not_hold(monkeypatch, method):
    request = FitRequest(SPLIT, IMAGES, steps=9)
    resident = method.fit(request)
    monkeypatch.setattr(pixels, "RESIDENT", 0)
    streamed, x = method.fit(request), IMAGES[:20]
    assert torch.equal(resident.encode(x), streamed.encode(x))


def test_a_short_phase_encodes_only_what_it_uses(monkeypatch):
    counts = encoded(monkeypatch)
    short = COURSE.with_steps([2, 3, 4])
    run = Trainer(SPLIT, IMAGES, short)
    run.run()
    used, labelled = 3 * 64, 200
    assert counts == [used, labelled, labelled, 1050, *[64] * 4]  # 1050: of 2000 for the swaps
    assert run.codes is None and len(run.taught) == 0
    counts.clear()
    Trainer(SPLIT, IMAGES, COURSE.with_steps([2, 9, 9])).run()
    assert counts == [1050, labelled, 1050, labelled]


def test_the_teacher_of_a_short_phase_teaches_the_images_of_its_steps():
    run = Trainer(SPLIT, IMAGES, COURSE.with_steps([40, 6, 1]))
    run.run(40)
    phase, before = run.preset.phases[1], run.preset.phases[0]
    coming = run.order.ahead(6 * 64).clone()
    run.begin(phase, before, short=True)
    taught = run.taught
    run.begin(phase, before)
    assert torch.equal(taught[coming], run.taught[coming]) and (run.taught[coming] >= 0).any()
    rest = np.setdiff1d(np.arange(1050), coming)
    assert (taught[rest] == -1).all()
    assert torch.equal(run.order.take(6 * 64), coming)


@pytest.mark.parametrize("preset", [COURSE.with_steps([9, 5, 7]), FEW.with_steps([2] * 7)])
def test_short_phases_resume_as_if_they_had_not_stopped(tmp_path, preset):
    whole = Trainer(SPLIT, IMAGES, preset).run().state_dict()
    for stop in (preset.phases[0].steps + 2, preset.steps - 2):
        Trainer(SPLIT, IMAGES, preset).run(stop, folder=tmp_path / str(stop))
        again = Trainer(SPLIT, IMAGES, preset)
        again.resume(tmp_path / str(stop))
        assert same(whole, again.run().state_dict())


def test_many_labelled_images_estimate_the_prior_by_some_of_each_value(monkeypatch):
    counts = encoded(monkeypatch)
    monkeypatch.setattr(trainer, "ENOUGH", 30)
    monkeypatch.setattr(trainer, "RARE", 4)
    run = Trainer(SPLIT, IMAGES, COURSE.cut(60))
    run.refit()
    assert 30 < counts[0] <= 30 + 4 * sum(V2.sizes)
    values = run.values[run._enough]
    for column, size in zip(values.T, V2.sizes):
        assert torch.bincount(column, minlength=size).min() >= 4


def test_values_of_many_codes_need_little_memory():
    model = ModularModel(V2)
    most, density = [], model.prior.log_density

    def watched(codes):
        most.append(len(codes))
        return density(codes)

    codes = torch.randn(10_000, 2, 8)
    whole = density(codes)
    model.prior.log_density = watched
    assert torch.equal(model.values(codes), whole.argmax(-1))
    assert torch.equal(model.confidence(codes), (whole * 0.3).softmax(-1))
    assert max(most) <= 4096 and len(model.values(codes[:0])) == 0


def test_read_only_arrays_are_read_in_parts(tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "images.npy", rng.integers(256, size=(60, 16, 24), dtype=np.uint8))
    photos = np.load(tmp_path / "images.npy", mmap_mode="r")
    frame = {"kind": rng.permutation(["a", "b"] * 30)}
    own, images = wdlib.table(frame, photos)
    model = Trainer(split(own, seed=0), images, COURSE.cut(3)).run()
    values = model.read(photos)
    again = model.read(np.array(photos))
    assert values.equals(again) and len(values) == 60


def test_a_split_by_hand_keeps_its_labels():
    by_hand = dataclasses.replace(SPLIT, labelled=SPLIT.train)
    assert by_hand.labels == 1050 and (by_hand.values >= 0).all()
