"""NaN, infinity and useless data: errors name them, and the last good state is kept.

Scores refuse theirs in test_metrics_arrays.py, baselines a diverged loss in test_baselines_vae.py.
"""

import dataclasses
import math

import numpy as np
import pytest
import torch

from wdlib.data import load
from wdlib.data.split import split
from wdlib.methods import METHODS
from wdlib.model import AdaptivePrior, FitConfig, ModularModel, NetworkConfig, saved
from wdlib.tasks import task
from wdlib.training import COURSE, FitRequest, Silence, Trainer

TASK, IMAGES = task("dSprites.v2"), load("dsprites")
SPLIT = split(TASK, seed=0, labels=200, limit=600)
TINY = dataclasses.replace(
    COURSE,
    networks=NetworkConfig(dim=4, encoder_widths=(8, 8, 8), hidden=32, rank=4, width=32),
    phases=COURSE.changed(steps=4, batch=16, labels={"batch": 16}, relations={"batch": 8}).phases,
)


class Often(Silence):
    every = 5


def labelled(keep):
    """The split, whose labelled images are those of train that ``keep`` accepts by their values."""
    return dataclasses.replace(SPLIT, labelled=SPLIT.train[keep(TASK.labels(SPLIT.train))])


def one_each(values) -> np.ndarray:
    """The first images that together have all values; each one has a new value."""
    chosen, seen = [], set()
    for number, row in enumerate(values):
        new = set(enumerate(row.tolist())) - seen
        if new:
            chosen, seen = [*chosen, number], seen | new
    assert len(seen) == sum(TASK.sizes)
    return np.array(chosen)


# --- images and labels -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda c: np.full((len(c), 64, 64), np.nan), r"\(mine\) must be uint8.*made as float64"),
        (lambda c: np.full((len(c), 64, 64), np.inf, np.float32), "made as float32"),
        (lambda c: np.zeros((len(c), 32, 32), np.uint8), r"\(3, 64, 64\).*of shape \(3, 32, 32\)"),
        (lambda c: np.zeros((1, 64, 64), np.uint8), r"of shape \(1, 64, 64\)"),
    ],
)
def test_bad_pixels_are_named_where_images_are_made(make, said):
    images = dataclasses.replace(IMAGES, make=make, source="mine")
    with pytest.raises(ValueError, match=said):
        images[[0, 1, 2]]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_one_bad_pixel_is_not_encoded(bad):
    model = ModularModel(TASK, TINY.networks)
    images = torch.zeros(5, 1, 64, 64)
    assert torch.isfinite(model.encode(images)).all()
    images[3, 0, 20, 20] = bad
    with pytest.raises(ValueError, match="images hold NaN or infinity"):
        model.encode(images)


def codes_and_values(count: int = 60):
    generator = torch.Generator().manual_seed(0)
    values = torch.stack([torch.arange(count) % size for size in TASK.sizes], 1)
    return torch.randn(count, len(TASK.sizes), 4, generator=generator), values


@pytest.mark.parametrize("bad", [math.nan, math.inf, 0.5])
def test_labels_that_are_no_integers_are_named(bad):
    codes, values = codes_and_values()
    values = values.double()
    values[7, 0] = bad
    with pytest.raises(ValueError, match="must be integers, not torch.float64"):
        AdaptivePrior(TASK.sizes, 4).fit(codes, values)


def test_identical_images_are_refused():
    images = dataclasses.replace(
        IMAGES, make=lambda c: np.ones((len(c), 64, 64), np.uint8), source="mine"
    )
    for name in METHODS:
        with pytest.raises(ValueError, match=r"64 images of train \(mine\) are all alike"):
            METHODS[name].fit(FitRequest(SPLIT, images, labels=200, steps=8))


# --- few labels ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in METHODS if name != "previous"])
def test_a_factor_value_without_a_label_is_named_by_every_method(name):
    """``previous`` draws its own labelled images, equally many of each value."""
    without = labelled(lambda values: values[:, 0] != 1)
    with pytest.raises(ValueError, match=r"dSprites.v2: none of the \d+ labelled .* shape 1 \(ell"):
        METHODS[name].fit(FitRequest(without, IMAGES, steps=8))


def test_one_label_a_value_is_enough_to_train():
    few = labelled(one_each)
    assert len(few.labelled) < sum(TASK.sizes)
    model = Trainer(few, IMAGES, TINY).run()
    assert all(torch.isfinite(t).all() for t in model.state_dict().values())
    means = model.prior.mean[model.prior.exists]
    assert (torch.cdist(means, means) + torch.eye(len(means)) > 0).all(), "two components are one"


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in METHODS if name != "modular-paper"])
def test_one_label_a_value_is_enough_for_every_method(name):
    few = labelled(one_each)
    system = METHODS[name].fit(FitRequest(few, IMAGES, steps=8))
    z = system.encode(torch.from_numpy(IMAGES[SPLIT.test[:20]])[:, None])
    values = system.values(z)
    assert torch.isfinite(z).all() and torch.isfinite(system.decode(z)).all()
    assert (values >= 0).all() and (values < torch.tensor(TASK.sizes)).all()


# --- the prior -------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [0.0, 1e-6])
def test_a_collapsed_partition_is_named_and_the_prior_kept(noise):
    codes, values = codes_and_values()
    prior = AdaptivePrior(TASK.sizes, 4)
    prior.fit(codes, values)
    before = prior.mean.clone()
    codes[:, 1] = 0.3 + noise * codes[:, 1]
    with pytest.raises(ValueError, match="partition 1 has collapsed: its 60 labelled codes"):
        prior.fit(codes, values)
    assert torch.equal(prior.mean, before)


def test_a_narrow_partition_has_not_collapsed():
    codes, values = codes_and_values()
    prior = AdaptivePrior(TASK.sizes, 4)
    prior.fit(0.01 * codes, values)
    torch.testing.assert_close(prior.mean[1, 0], 0.01 * codes[values[:, 1] == 0, 1].mean(0))


def steps_saved(folder) -> int:
    """The number of steps in the checkpoint, which must be finite."""
    tensors, record = saved.load(folder, saved.CHECKPOINT)
    assert all(torch.isfinite(tensor).all() for tensor in tensors.values())
    return record["done"]


def test_training_stops_where_a_partition_has_collapsed(tmp_path):
    trainer = Trainer(SPLIT, IMAGES, TINY)
    trainer.run(4, folder=tmp_path)
    with torch.no_grad():  # the warm-up is over, and every image has the same second code
        last = trainer.model.autoencoder.encoder.head[-1]
        last.weight[4:], last.bias[4:] = 0.0, 0.7
    with pytest.raises(ValueError, match="partition 1 has collapsed"):
        trainer.run(folder=tmp_path)
    assert steps_saved(tmp_path) == 4


def test_training_stops_where_a_covariance_is_singular(tmp_path):
    plain = FitConfig(scale=1.0, shrink=0.0, ridge=0.0, only_if_singular=True)
    few, preset = labelled(one_each), dataclasses.replace(TINY, fit=plain)
    with pytest.raises(ValueError, match="singular: . labelled image.*raise the ridge"):
        Trainer(few, IMAGES, preset).run(folder=tmp_path, save_every=2)
    assert steps_saved(tmp_path) == 4


# --- training that diverges ------------------------------------------------------------------


def test_what_counts_as_diverged():
    knows_nothing = 64 * math.log(2)  # an undecided decoder, per channel: test_training.py

    def diverged(name, loss, like="dSprites.v2"):
        images = load(task(like).dataset)
        loop = Trainer(split(task(like), seed=0, labels=300, limit=1000), images, TINY).loop
        loop.losses, loop.name = {name: torch.tensor(loss)}, "warm-up"
        try:
            loop.check()
        except FloatingPointError as error:
            assert f"the {name} loss is" in str(error)
            return True
        return False

    for name in ("critic", "adversarial", "reconstruction", "labels", "cycle", "relational"):
        assert diverged(name, math.nan) and diverged(name, math.inf)
        assert not diverged(name, math.log(2))
    assert diverged("critic", 81.0) and not diverged("critic", 79.0)
    assert diverged("adversarial", 81.0) and not diverged("adversarial", 79.0)
    assert diverged("reconstruction", 101 * knows_nothing)
    assert not diverged("reconstruction", 99 * knows_nothing)
    assert not diverged("reconstruction", 101 * knows_nothing, like="Shapes3D.v2")
    assert not diverged("cycle", 1e6), "log densities have no such scale"


def test_a_diverging_gan_is_named_and_the_last_checkpoint_is_from_before(tmp_path):
    rates = {"autoencoder": 3.0, "cosine": False}
    wild = TINY.phases[0].changed(steps=300, rates=rates, losses={"adversarial": 10.0})
    trainer = Trainer(SPLIT, IMAGES, dataclasses.replace(TINY, phases=(wild,)))
    with pytest.raises(FloatingPointError, match="diverged.*lower learning rates"):
        trainer.run(folder=tmp_path, save_every=1, progress=Often())
    assert steps_saved(tmp_path) == trainer.done - 1


def test_weights_that_an_update_has_spoiled_are_not_saved(tmp_path):
    """The loss of this step is still finite, but its checkpoint would be useless."""
    trainer = Trainer(SPLIT, IMAGES, TINY)
    trainer.run(2, folder=tmp_path)
    minimise = trainer.optimisers.minimise
    trainer.optimisers.minimise = lambda name, loss: minimise(name, loss * math.inf)
    with pytest.raises(FloatingPointError, match="holds NaN or infinity, so no checkpoint was sav"):
        trainer.run(1, folder=tmp_path)
    assert steps_saved(tmp_path) == 2
    with pytest.raises(FloatingPointError, match="so no model was saved"):
        trainer.save_model(tmp_path)
