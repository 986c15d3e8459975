"""Researchers can change networks, relations, losses, widths and weights."""

import dataclasses
import math
import re
import textwrap

import numpy as np
import pytest
import torch
from torch import nn

import wdlib
from wdlib.data import load
from wdlib.data.split import split
from wdlib.model import AdaptivePrior, FitConfig, ModularModel, NetworkConfig
from wdlib.relations import Relation, Step, relations_of, set_to
from wdlib.tasks import task
from wdlib.training import COURSE, Trainer
from wdlib.training import trainer as trainer_file

V2 = task("dSprites.v2")
IMAGES = load("dsprites")
PARTS = split(V2, seed=0, labels=300, limit=1500)
SHORT = COURSE.cut(12)


def pooled(config, shape, outputs):
    """An encoder that is no convolution."""
    channels, height, width = shape
    linear = nn.Linear(channels * height * width // 64, outputs)
    return nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), linear)


def drawn(config, inputs, shape):
    """A decoder that is one linear layer."""
    return nn.Sequential(nn.Linear(inputs, int(np.prod(shape))), nn.Unflatten(1, shape))


def test_the_documented_examples_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = textwrap.dedent(trainer_file.__doc__.partition("::\n\n")[2])
    names = {
        "split": PARTS, "images": IMAGES, "preset": SHORT, "wdlib": wdlib, "torch": torch,
        "Trainer": Trainer, "Relation": Relation, "Step": Step, "relations_of": relations_of,
        "dataclasses": dataclasses, "prod": math.prod,
    }  # fmt: skip
    exec(code, names)
    assert len(names["seen"]) == 12
    x = IMAGES.draw(V2.classes(PARTS.test[:5]))
    torch.testing.assert_close(names["model"].encode(x), wdlib.load_model(
        tmp_path / "small", encoder=names["small"]).encode(x))  # fmt: skip


def test_networks_of_your_own_train_and_are_named_in_the_record(tmp_path):
    trainer = Trainer(PARTS, IMAGES, SHORT, encoder=pooled, decoder=drawn)
    before = {k: v.clone() for k, v in trainer.model.autoencoder.state_dict().items()}
    model = trainer.run()
    for name, weight in model.autoencoder.named_parameters():
        assert not torch.equal(weight, before[name]), f"{name} did not train"
    trainer.save_model(tmp_path)
    with pytest.raises(ValueError, match="the encoder of the model in .* was made by pooled"):
        wdlib.load_model(tmp_path)
    again = wdlib.load_model(tmp_path, encoder=pooled, decoder=drawn)
    x = IMAGES.draw(V2.classes(PARTS.test[:5]))
    assert torch.equal(again.decode(again.encode(x)), model.decode(model.encode(x)))


def test_a_network_that_is_replaced_before_training_trains():
    trainer = Trainer(PARTS, IMAGES, SHORT)
    trainer.model.autoencoder.encoder = pooled(None, V2.shape, 16)
    before = trainer.model.autoencoder.encoder[2].weight.clone()
    assert not torch.equal(trainer.run().autoencoder.encoder[2].weight, before)


def test_an_extra_loss_counts_at_every_step():
    calls = []

    def push(model, x):
        calls.append(tuple(x.shape[1:]))
        assert 0 <= x.min() and x.max() <= 1
        return 10.0 * model.autoencoder.decoder.bias.square().sum()

    plain = Trainer(PARTS, IMAGES, SHORT).run().autoencoder.decoder.bias
    pushed = Trainer(PARTS, IMAGES, SHORT, extra_loss=push).run().autoencoder.decoder.bias
    assert calls == [(1, 64, 64)] * 12 and abs(pushed.item()) < abs(plain.item())


def test_a_relation_of_several_values_keeps_the_single_steps():
    two = Relation("two right", (Step("position", 2, axis=1),))
    diagonal = Relation("diagonal", (Step("position", 1, axis=0), Step("position", 1, axis=1)))
    relations = (*relations_of(V2), two, diagonal)
    model = ModularModel(V2, NetworkConfig(), relations=relations).eval()
    z = torch.randn(7, 2, 8)
    by = {r.name: torch.full((7,), n) for n, r in enumerate(relations)}
    with torch.no_grad():
        for name in by:  # each learned relation is itself
            assert torch.equal(model.move(z, name), model.learner(z, by[name])), name
        once = model.learner(z, by["right"])
        thrice = model.learner(model.learner(once, by["right"]), by["right"])
        far = Relation("three right", (Step("position", 3, axis=1),))
        assert torch.equal(model.move(z, far), thrice)


@pytest.mark.parametrize("name", ["dSprites.v2", "Shapes3D.v3"])
def test_a_value_is_set_by_learned_steps(name):
    model = wdlib.load_pretrained(name)
    one, generator = model.task, torch.Generator().manual_seed(0)
    values = model.prior.random_values(300, generator=generator)
    codes = model.sample(values, generator=generator)
    for factor in one.factors:
        value = factor.value_names[-1]
        relation = set_to(one, factor.name, value)
        wanted = relation(values.numpy(), one)
        found = model.values(model.move(codes, f"{factor.name}={value}")).numpy()
        assert (found == wanted).all(1).mean() > 0.97
        assert relation.affects(one) == (one.factor(factor.name),)
        with pytest.raises(ValueError, match="what was there before is not known"):
            relation.inverse()
    with pytest.raises(ValueError, match="did you mean"):
        model.move(codes, f"{one.factor_names[0]}=hart")


def test_a_learned_relation_may_set_a_value():
    home = set_to(V2, "position", "middle centre")
    trainer = Trainer(PARTS, IMAGES, SHORT, relations=[*relations_of(V2), home])
    assert (trainer.moves.after[-1][:9, 1] == 4).all()
    assert re.match("position=", trainer.run().relations[-1].name)


def test_partitions_may_differ_in_width(tmp_path):
    preset = dataclasses.replace(SHORT, networks=dataclasses.replace(SHORT.networks, dims=(3, 8)))
    trainer = Trainer(PARTS, IMAGES, preset)
    model = trainer.run()
    assert model.partitions == ((0, 1, 2), tuple(range(8, 16)))
    x = IMAGES.draw(V2.classes(PARTS.test[:50]))
    z = model.encode(x)
    values = model.values(z)
    sampled = model.sample(values, generator=torch.Generator().manual_seed(0))
    for codes in (z, sampled, model.move(z, "right")):
        assert (codes[:, 0, 3:] == 0).all() and codes[:, 0, :3].std() > 0
    # The density is that of the dimensions that are used.
    prior = AdaptivePrior((3,), 3)
    prior.mean.copy_(model.prior.mean[:1, :3, :3])
    prior.scale_tril.copy_(model.prior.scale_tril[:1, :3, :3, :3])
    whole, part = model.prior.log_density(z)[:, 0, :3], prior.log_density(z[:, :1, :3])[:, 0]
    torch.testing.assert_close(whole.softmax(1), part.softmax(1))
    model.save(tmp_path)
    assert torch.equal(wdlib.load_model(tmp_path).encode(x), z)
    with pytest.raises(ValueError, match="there are 2 partitions of up to 8"):
        ModularModel(V2, NetworkConfig(dims=(3, 9)))


def test_components_may_weigh_as_their_values_occur():
    torch.manual_seed(0)
    values = (torch.rand(2000, 1) < 0.1).long()
    codes = values[:, :, None] * 1.0 + 0.7 * torch.randn(2000, 1, 2)
    alike, weighted = AdaptivePrior((2,), 2), AdaptivePrior((2,), 2, weighted=True)
    for prior in (alike, weighted):
        prior.fit(codes, values, FitConfig(scale=1.0))
    shares = torch.bincount(values[:, 0]) / 2000
    gap = weighted.log_density(codes) - alike.log_density(codes)
    torch.testing.assert_close(gap[:, 0], shares.log().expand(2000, 2))
    assert (weighted.values(codes) == values).float().mean() > (
        (alike.values(codes) == values).float().mean()
    )
    model = ModularModel(V2, NetworkConfig(weighted=True))
    assert "prior.log_weight" in model.state_dict()
