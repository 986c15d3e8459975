"""All baselines: the interface, seeds, budgets, and steps that never wait for the device."""

import pickle
from dataclasses import replace

import cloudpickle
import numpy as np
import pytest
import torch
from waiting import NoWaiting

from wdlib.baselines import (
    ada_gvae,
    annealed_vae,
    beta_tcvae,
    beta_vae,
    factor_vae,
    fader,
    few_label,
    info_vae,
    pairwise,
    previous,
    vae,
    zerodim,
)
from wdlib.data import load
from wdlib.data.split import split
from wdlib.methods import METHODS
from wdlib.metrics.relational import relation_accuracy
from wdlib.relations import relations_of
from wdlib.tasks import task
from wdlib.training import FitRequest, loop

IMAGES = load("dsprites")
TASK = task("dSprites.v2")  # 3 shapes x 9 positions
SPLIT = split(TASK, seed=0, labels=600, limit=1000)  # over ten labels per combination
SMALL = vae.Training(batch=8)
FEW = few_label.Config((few_label.Candidate(beta_vae.Config(training=SMALL)),), labelled_batch=8)
MEMBERS = {  # small batches, and every phase within three steps
    "beta": (beta_vae, beta_vae.Config(training=SMALL)),
    "annealed": (annealed_vae, annealed_vae.Config(training=SMALL)),
    "factor": (factor_vae, factor_vae.Config(width=16, training=SMALL)),
    "tc": (beta_tcvae, beta_tcvae.Config(training=SMALL)),
    "info": (info_vae, info_vae.Config(training=SMALL)),
    "ada": (ada_gvae, ada_gvae.Config(training=SMALL)),
    "pairwise": (pairwise, pairwise.Config(pairs=4, training=SMALL)),
    "few": (few_label, FEW),
    "previous": (previous, previous.Config(batch=8, warm_up=1 / 3, learner_batch=8)),
    "zerodim": (zerodim, zerodim.Config(batch=8, latent=1 / 3, amortise=1 / 3)),
    "fader": (fader, fader.Config(batch=8, read=1 / 3)),
}
PHASES = {
    "previous": {"warm-up", "full"},
    "zerodim": {"latent", "amortise", "synthesis"},
    "fader": {"read", "swap"},
    "few": {"candidate 1"},
}
member = pytest.mark.parametrize("name", MEMBERS)


def fit(name, parts=SPLIT, **changes):
    module, config = MEMBERS[name]
    budget = {} if "seconds" in changes else {"steps": 3}
    return module.fit(FitRequest(parts, IMAGES, **budget | changes), config)


@pytest.fixture(scope="module")
def systems():
    return {name: fit(name) for name in MEMBERS}


@pytest.fixture(scope="module")
def some():
    return torch.from_numpy(IMAGES.draw(TASK.classes(SPLIT.test[:12])))[:, None]


@member
def test_a_system_encodes_decodes_reads_and_moves(systems, some, name):
    system = systems[name]
    codes = system.encode(some)
    assert torch.equal(system.encode(some.float()), codes) and not codes.requires_grad
    assert torch.allclose(system.encode(some[:1]), codes[:1], atol=1e-5)  # not its batch's codes
    images = system.decode(codes)
    assert images.shape == some.shape and 0 <= images.min() and images.max() <= 1
    values = system.values(codes)
    assert values.shape == (12, 2) and values.dtype == torch.int64
    assert (values >= 0).all() and (values < torch.tensor(TASK.sizes)).all()
    assert system.relations == relations_of(TASK) and system.history[-1]["step"] == 3
    truth = torch.from_numpy(TASK.labels(SPLIT.test[:12]))
    score = relation_accuracy(system, TASK, system.relations, codes, truth)
    assert 0 <= score["all"] <= score["target"] <= 1
    owned = [d for dims in system.partitions or () for d in dims]
    assert len(set(owned)) == len(owned) and set(owned) <= set(range(codes.shape[-1]))


@member
def test_a_seed_repeats_a_run_and_another_does_not(systems, some, name):
    torch.manual_seed(11)  # the global state must not matter
    again, other, wanted = fit(name), fit(name, seed=1), systems[name]
    codes = wanted.encode(some)
    assert torch.equal(again.encode(some), codes) and not torch.equal(other.encode(some), codes)
    assert torch.equal(again.decode(codes), wanted.decode(codes))
    moved = wanted.move(codes, wanted.relations[0])
    assert torch.equal(again.move(codes, again.relations[0]), moved)


@member
def test_training_leaves_the_global_random_state_alone(name):
    def drawn():
        return torch.rand(3).tolist(), np.random.rand(3).tolist()

    torch.manual_seed(5)
    np.random.seed(5)
    wanted = drawn()
    torch.manual_seed(5)
    np.random.seed(5)
    fit(name)
    assert drawn() == wanted


@member
def test_a_run_in_seconds_passes_every_phase(name):
    assert {row["phase"] for row in fit(name, seconds=0.01).history} == PHASES.get(name, {"train"})


@pytest.mark.parametrize("name", [name for name in MEMBERS if name != "previous"])
def test_labels_are_the_first_ones_of_the_split(some, name):
    few = split(TASK, seed=0, labels=100, limit=1000)
    one, other = fit(name, labels=100), fit(name, few)
    assert torch.equal(one.encode(some), other.encode(some))
    codes = one.encode(some)
    assert torch.equal(one.move(codes, one.relations[0]), other.move(codes, one.relations[0]))


@pytest.mark.parametrize("name", ["beta", "ada"])
def test_labels_change_only_the_reading_of_an_unsupervised_member(systems, some, name):
    assert torch.equal(fit(name, labels=100).encode(some), systems[name].encode(some))


@member
def test_a_step_never_waits_for_the_device(name, monkeypatch):
    """From the start of every step to its report, which may read the losses."""
    phase, report, mode = loop.Loop.phase, loop.Loop.report, NoWaiting()

    def watched(self, name, share=None):
        for at in phase(self, name, share):
            mode.__enter__()
            yield at

    def reported(self, images, **losses):
        mode.__exit__(None, None, None)
        report(self, images, **losses)

    monkeypatch.setattr(loop.Loop, "phase", watched)
    monkeypatch.setattr(loop.Loop, "report", reported)
    assert fit(name, steps=9).history[-1]["step"] == 9


def test_a_loss_that_diverges_is_named():
    config = beta_vae.Config(training=replace(SMALL, lr=1e30))
    with pytest.raises(FloatingPointError, match="training has diverged"):
        beta_vae.fit(FitRequest(SPLIT, IMAGES, steps=4), config)


@pytest.mark.parametrize("name", ["factor", "ada"])
def test_colour_images_are_trained_on_as_well(name):
    few = split(task("Shapes3D.v2"), seed=0, labels=100, limit=200)
    module, config = MEMBERS[name]
    system = module.fit(FitRequest(few, load("shapes3d"), steps=1), config)
    assert system.decode(torch.zeros(2, 10)).shape == (2, 3, 64, 64)


def test_numbers_of_numpy_are_taken(systems, some):
    system = fit("beta", seed=np.int64(0), steps=np.int64(3), labels=np.int32(600))
    assert torch.equal(system.encode(some), systems["beta"].encode(some))
    config = beta_vae.Config(training=replace(SMALL, lr=np.float32(1e-3), batch=np.int64(8)))
    history = beta_vae.fit(FitRequest(SPLIT, IMAGES, steps=3), config).history
    assert history[-1]["reconstruction"] == pytest.approx(
        systems["beta"].history[-1]["reconstruction"]
    )


@pytest.mark.parametrize("name", METHODS)
def test_every_method_travels_to_a_worker_process(name):
    again = pickle.loads(cloudpickle.dumps(METHODS[name]))
    assert again.recipe("dSprites.v3") == METHODS[name].recipe("dSprites.v3")
