"""The model room: priors against torch and numpy, networks by shape and algebra."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import MultivariateNormal

from wdlib.model import AdaptivePrior, FitConfig, ModularModel, NetworkConfig
from wdlib.model.networks import ConvDecoder, ConvEncoder, SeparableDecoder, mlp
from wdlib.model.prior import simple_prior
from wdlib.relations import Relation, Step, relation
from wdlib.tasks import TASKS, task

PLAIN = FitConfig(scale=1.0, shrink=0.0, ridge=0.0, only_if_singular=False)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def labelled(sizes=(3, 5), dim=4, count=400, seed=0):
    values = torch.stack([torch.arange(count) % size for size in sizes], 1)
    codes = torch.randn(count, len(sizes), dim, generator=generator(seed))
    return codes + values[:, :, None], values


def fitted(sizes=(3, 5), dim=4, config=PLAIN):
    prior = AdaptivePrior(sizes, dim)
    prior.fit(*labelled(sizes, dim), config)
    return prior


# --- prior -----------------------------------------------------------------------------------


def test_fit_is_numpys_mean_and_covariance():
    codes, values = labelled()
    prior = fitted()
    for i, size in enumerate(prior.sizes):
        for k in range(size):
            members = codes[values[:, i] == k, i].numpy()
            tril = prior.scale_tril[i, k].numpy()
            np.testing.assert_allclose(prior.mean[i, k], members.mean(0), atol=1e-5)
            np.testing.assert_allclose(tril @ tril.T, np.cov(members.T), atol=1e-5)


def test_scale_shrink_and_ridge_do_what_they_say():
    codes, values = labelled()
    prior = fitted(config=FitConfig(scale=0.1, shrink=0.25, ridge=0.02, only_if_singular=False))
    members = [codes[values[:, 0] == k, 0].numpy() for k in range(3)]
    centred = np.concatenate([m - m.mean(0) for m in members])
    pooled = centred.T @ centred / (len(centred) - 3)
    wanted = 0.1 * (0.75 * np.cov(members[1].T) + 0.25 * pooled) + 0.02 * np.eye(4)
    tril = prior.scale_tril[0, 1].numpy()
    np.testing.assert_allclose(tril @ tril.T, wanted, atol=1e-6)


def test_log_density_is_torchs():
    prior = fitted()
    z = torch.randn(7, 2, 4, generator=generator(1))
    density = prior.log_density(z)
    assert density.shape == (7, 2, 5)
    for i, size in enumerate(prior.sizes):
        for k in range(size):
            normal = MultivariateNormal(prior.mean[i, k], scale_tril=prior.scale_tril[i, k])
            torch.testing.assert_close(density[:, i, k], normal.log_prob(z[:, i]))
    assert torch.isneginf(density[:, 0, 3:]).all()  # factor 0 has no values 3 and 4


def test_samples_have_the_components_moments():
    prior = fitted()
    values = torch.tensor([[2, 4]]).expand(200_000, -1)
    z = prior.sample(values, generator=generator(2))
    for i, k in enumerate((2, 4)):
        tril = prior.scale_tril[i, k]
        torch.testing.assert_close(z[:, i].mean(0), prior.mean[i, k], atol=0.02, rtol=0)
        torch.testing.assert_close(z[:, i].T.cov(), tril @ tril.T, atol=0.03, rtol=0)


def test_random_values_are_uniform_over_every_factor():
    prior = AdaptivePrior((3, 5), 2)
    values = prior.random_values(60_000, generator=generator())
    for i, size in enumerate(prior.sizes):
        share = torch.bincount(values[:, i], minlength=size) / len(values)
        assert len(share) == size
        torch.testing.assert_close(share, torch.full((size,), 1 / size), atol=0.01, rtol=0)


@pytest.mark.parametrize("kind, variance", [("normal", 1.0), ("uniform", 1 / 3)])
def test_simple_priors_have_their_moments(kind, variance):
    z = simple_prior(kind, (50_000, 4), generator=generator(), device="cpu")
    assert abs(float(z.mean())) < 0.01
    assert float(z.var()) == pytest.approx(variance, abs=0.01)
    if kind == "uniform":
        assert z.abs().max() <= 1


def test_a_simple_prior_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="no simple prior called 'cauchy'"):
        simple_prior("cauchy", (2, 2), generator=generator(), device="cpu")


def test_a_device_without_float64_is_enough_for_the_fit(monkeypatch):
    """Only tensors on the CPU may be made double; the fit stays bitwise the same."""
    expected, to = fitted(), torch.Tensor.to

    def cpu(tensor):
        tensor = tensor.clone()
        tensor.on_the_cpu = True
        return tensor

    def double(tensor):
        assert getattr(tensor, "on_the_cpu", False), "a device without float64 stops here"
        return to(tensor, torch.float64)

    def copied(tensor, other):
        assert other.dtype == torch.float32, "a device without float64 stops here"
        return tensor.set_(other.clone())

    monkeypatch.setattr(torch.Tensor, "cpu", cpu)
    monkeypatch.setattr(torch.Tensor, "double", double)
    monkeypatch.setattr(torch.Tensor, "copy_", copied)
    found = fitted()
    assert torch.equal(found.mean, expected.mean)
    assert torch.equal(found.scale_tril, expected.scale_tril)


def test_a_value_without_a_label_is_named_and_the_prior_stays():
    prior = fitted()
    before = prior.mean.clone()
    codes, values = labelled()
    keep = values[:, 1] != 3
    with pytest.raises(ValueError, match="value 3 of partition 1 has no labelled image"):
        prior.fit(codes[keep], values[keep], PLAIN)
    assert torch.equal(prior.mean, before)


def test_too_few_labels_for_the_covariance_are_counted():
    codes, values = labelled()
    one = torch.cat(
        [torch.nonzero(values[:, 0] == 0)[:3, 0], torch.nonzero(values[:, 0] > 0)[:, 0]]
    )
    with pytest.raises(ValueError, match="value 0 of partition 0 is singular: 3 labelled image"):
        AdaptivePrior((3, 5), 4).fit(codes[one], values[one], PLAIN)
    AdaptivePrior((3, 5), 4).fit(codes[one], values[one], FitConfig())  # the ridge helps


def test_ridge_only_where_singular():
    codes, values = labelled()
    with_ridge = AdaptivePrior((3, 5), 4)
    with_ridge.fit(codes, values, FitConfig(scale=1.0, ridge=0.5, only_if_singular=True))
    torch.testing.assert_close(with_ridge.scale_tril, fitted().scale_tril)


def test_as_many_codes_as_dimensions_have_no_covariance_however_it_rounds():
    z = torch.randn(4, 1, 4, generator=generator(2)) * 100  # large, so that rounding shows
    values = torch.zeros(4, 1, dtype=torch.long)
    prior = AdaptivePrior((1,), 4)
    prior.fit(z, values, FitConfig(scale=1.0, ridge=0.5, only_if_singular=True))
    covariance = np.cov(z[:, 0].double().numpy().T) + 0.5 * np.eye(4)
    tril = prior.scale_tril[0, 0].numpy()
    np.testing.assert_allclose(tril @ tril.T, covariance, rtol=1e-4, atol=1e-3)
    with pytest.raises(ValueError, match="4 labelled image"):
        prior.fit(z, values, FitConfig(scale=1.0, ridge=0.0, only_if_singular=True))


def test_the_model_is_a_system_whose_partitions_are_its_dimensions_in_order():
    model = ModularModel(task("dSprites.v2"), NetworkConfig(width=16))
    assert model.partitions == (tuple(range(8)), tuple(range(8, 16)))
    values = model.prior.random_values(5, generator=generator())
    drawn = model.sample(values, generator=generator(1))
    assert torch.equal(drawn, model.prior.sample(values, generator=generator(1)))


@pytest.mark.parametrize(
    "spoil, said",
    [
        (lambda z, v: (z.fill_(float("nan")), v), "NaN or infinity"),
        (lambda z, v: (z, v + 1), "partition 0 has values 0 to 2, got 1 to 3"),
        (lambda z, v: (z[:, :1], v), "do not fit a prior of 2 partitions"),
        (lambda z, v: (z, v[:-1]), "do not fit a prior of 2 partitions"),
    ],
)
def test_bad_codes_and_values_are_refused(spoil, said):
    prior = fitted()
    before = prior.mean.clone()
    with pytest.raises(ValueError, match=said):
        prior.fit(*spoil(*labelled()), PLAIN)
    assert torch.equal(prior.mean, before)


# --- networks --------------------------------------------------------------------------------


@given(channels=st.sampled_from([1, 3]), code=st.integers(1, 20), batch=st.integers(2, 5))
def test_every_network_keeps_its_shapes(channels, code, batch):
    x = torch.rand(batch, channels, 64, 64)
    z = ConvEncoder(x.shape[1:], code)(x)
    assert z.shape == (batch, code)
    for decoder in (
        ConvDecoder(code, x.shape[1:]),
        SeparableDecoder(code, x.shape[1:], rank=3),
    ):
        assert decoder(z).shape == x.shape


def test_a_separable_picture_has_the_rank_it_says():
    decoder = SeparableDecoder(8, (1, 64, 64), rank=3).double()
    logits = decoder(torch.randn(2, 8, dtype=torch.double)) - decoder.bias
    for picture in logits[:, 0]:
        values = torch.linalg.svdvals(picture)
        assert values[2] > 1e-9 > values[3]


def test_mlp_has_three_linear_layers_of_the_given_width():
    widths = [m.weight.shape for m in mlp(5, 7, 2) if isinstance(m, torch.nn.Linear)]
    assert widths == [(7, 5), (7, 7), (2, 7)]


# --- the whole model -------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_model_of_every_task_encodes_decodes_and_moves(name):
    model = ModularModel(task(name), NetworkConfig(dim=5, rank=2))
    n = len(task(name).factors)
    images = torch.randint(0, 2, (3, *task(name).shape), dtype=torch.uint8) * 255
    z = model.encode(images)
    assert z.shape == (3, n, 5)
    assert model.move(z, model.relations[0]).shape == z.shape
    pictures = model.decode(z)
    assert pictures.shape == images.shape and 0 <= pictures.min() and pictures.max() <= 1


def test_encoding_does_not_depend_on_the_batch_or_on_the_dtype():
    model = ModularModel(task("dSprites.v2"))
    images = torch.randint(0, 2, (9, 1, 64, 64), dtype=torch.uint8)
    whole = model.encode(images)
    torch.testing.assert_close(model.encode(images, batch=2), whole, atol=1e-5, rtol=1e-5)
    assert torch.equal(model.encode(images.float()), whole)


def test_a_long_relation_is_walked_step_by_step():
    model = ModularModel(task("dSprites.v3"))
    z = torch.randn(4, 3, 8)
    left, bigger = (relation(name, model.task) for name in ("left", "bigger"))
    two_left = Relation("far left", (Step("position", -2, axis=1),))
    assert torch.equal(model.move(z, two_left), model.move(model.move(z, left), left))
    both = left.then(bigger)
    assert torch.equal(model.move(z, both), model.move(model.move(z, left), bigger))


def test_a_step_that_was_never_learned_is_refused():
    model = ModularModel(task("dSprites.v2"))
    with pytest.raises(ValueError, match=r"a step of -1 on shape was never learned.*next-shape"):
        model.move(torch.zeros(1, 2, 8), Relation("previous shape", (Step("shape", -1),)))


def test_a_step_that_ends_otherwise_than_the_learned_one_is_refused():
    model = ModularModel(task("dSprites.v2"))
    left = relation("left", model.task)
    z = torch.randn(2, 2, 8)
    assert torch.equal(model.move(z, left.around()), model.move(z, left))
    with pytest.raises(ValueError, match="learned steps on position go round, and this step"):
        model.move(z, left.clamped())


def test_an_unknown_decoder_is_named():
    with pytest.raises(ValueError, match="no decoder called 'magic'"):
        ModularModel(task("dSprites.v2"), NetworkConfig(decoder="magic"))
