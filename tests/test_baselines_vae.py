"""The VAE family by known answers: every loss, and the read-out."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from wdlib.baselines import (
    ada_gvae,
    annealed_vae,
    beta_tcvae,
    beta_vae,
    factor_vae,
    few_label,
    info_vae,
    pairwise,
    readout,
    vae,
)
from wdlib.baselines.system import FlatSystem
from wdlib.baselines.vae import VAE
from wdlib.data import load
from wdlib.data.split import split
from wdlib.model import NetworkConfig
from wdlib.relations import relations_of
from wdlib.tasks import task
from wdlib.training import FitRequest, loop

IMAGES = load("dsprites")
V2 = task("dSprites.v2")
SPLIT = split(V2, seed=0, labels=120, limit=400)
SMALL = vae.Training(batch=8)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(shape, generator=generator(seed))


def correlated(count, rho, seed=0):
    """Two standard normal dimensions of correlation rho, [count, 2]."""
    z = normal(count, 2, seed=seed)
    return torch.stack([z[:, 0], rho * z[:, 0] + math.sqrt(1 - rho**2) * z[:, 1]], dim=1)


# --- the ELBO --------------------------------------------------------------------------------


def test_kl_is_the_closed_form():
    mean, log_variance = 3 * normal(50, 4), normal(50, 4, seed=1)
    wanted = kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(vae.kl(mean, log_variance), wanted)
    assert vae.kl(torch.zeros(1), torch.zeros(1)).item() == 0
    assert vae.kl(torch.full((1,), 3.0), torch.zeros(1)).item() == 4.5


def test_reconstruction_of_an_undecided_decoder_is_log_two_a_pixel():
    x = torch.randint(0, 2, (5, 3, 64, 64), generator=generator()).float()
    nats = vae.reconstruction(torch.zeros_like(x), x).item()
    assert nats == pytest.approx(3 * 64 * 64 * math.log(2), rel=1e-5)


def test_samples_have_the_asked_mean_and_variance():
    mean, log_variance = torch.tensor([[1.0, -2.0]]), torch.tensor([[0.0, math.log(9)]])
    z = vae.sample(mean.expand(40_000, 2), log_variance.expand(40_000, 2), generator())
    torch.testing.assert_close(z.mean(0), mean[0], atol=0.06, rtol=0)
    torch.testing.assert_close(z.std(0), torch.tensor([1.0, 3.0]), atol=0.06, rtol=0)


# --- the regularisers ------------------------------------------------------------------------


class Quiet:
    """What a regulariser needs of a run."""

    def __init__(self, dim=2, count=1000):
        self.generator, self.vae = generator(), SimpleNamespace(dim=dim)
        self.data = SimpleNamespace(unlabelled=torch.zeros(count), build=self.build)

    def build(self, make):
        with loop.seeded(0):
            return make()


def posterior(mean, log_variance, z=None):
    nats = vae.kl(mean, log_variance).sum(1).mean()
    return vae.Posterior(mean, log_variance, mean if z is None else z, nats)


def test_beta_weighs_the_kl():
    q = posterior(torch.full((6, 2), 3.0), torch.zeros(6, 2))
    loss, _ = beta_vae.Config(beta=5).regulariser(Quiet())(q, 0.0)
    assert (loss.item(), q.kl.item()) == (45, 9)


def test_capacity_grows_to_its_end_and_stays():
    found = [annealed_vae.capacity(at, 25, 0.5) for at in (0, 0.25, 0.5, 0.9, 1)]
    assert found == [0, 12.5, 25, 25, 25]


@pytest.mark.parametrize("mean, wanted", [(3.0, 0), (0.0, 9000), (4.0, 7000)])
def test_more_and_fewer_nats_than_the_capacity_are_both_punished(mean, wanted):
    regulariser = annealed_vae.Config(gamma=1000, capacity=18, growth=0.5).regulariser(Quiet())
    q = posterior(torch.full((6, 2), mean), torch.zeros(6, 2))
    loss, _ = regulariser(q, 0.25)  # half of the growth: C is 9
    assert loss.item() == wanted


def test_permuting_keeps_each_dimension_and_breaks_their_bond():
    z = correlated(5000, 0.9)
    other = factor_vae.permuted(z, generator(1))
    assert torch.equal(z.sort(0).values, other.sort(0).values)
    assert abs(np.corrcoef(other.T)[0, 1]) < 0.05


@pytest.mark.parametrize("rho", [0.0, 0.8])
def test_a_trained_critic_tells_the_total_correlation(rho):
    training = vae.Training(cosine=False)
    config = factor_vae.Config(gamma=1.0, width=32, layers=3, critic_lr=3e-3, training=training)
    regulariser = config.regulariser(Quiet())

    def estimate(z):
        """The critic learns from codes [N, 2] whose KL is 0; the loss is the total correlation."""
        loss, terms = regulariser(vae.Posterior(z, z, z, torch.zeros(())), 0.0)
        return loss.item(), terms["critic"].item()

    losses = [estimate(correlated(512, rho, seed))[1] for seed in range(600)]
    found, _ = estimate(correlated(20_000, rho, 9999))
    assert found == pytest.approx(-0.5 * math.log(1 - rho**2), abs=0.06)
    late, chance = np.mean(losses[-50:]), 2 * math.log(2)
    assert late == pytest.approx(chance, abs=0.02) if rho == 0 else late < chance - 0.2


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_total_correlation_of_all_images_is_the_closed_form(rho):
    noise, count = 0.08, 2500  # variance of each q(z|x); all together have 1 and correlation rho
    covariance = torch.tensor([[1.0, rho], [rho, 1.0]]) - noise * torch.eye(2)
    values, vectors = torch.linalg.eigh(covariance)
    mean = normal(count, 2) @ (vectors * values.sqrt()).T
    log_variance = torch.full((count, 2), math.log(noise))
    z = vae.sample(mean, log_variance, generator(1))
    found = beta_tcvae.total_correlation(z, mean, log_variance, count).item()
    assert found == pytest.approx(-0.5 * math.log(1 - rho**2), abs=0.06)


def test_a_batch_stands_for_all_images_without_bias():
    """The density of a batch, averaged over the batches that hold z's own image, is q(z)."""
    mean, log_variance = normal(40, 1), torch.full((40, 1), -1.0)
    z = vae.sample(mean, log_variance, generator(1))
    density = beta_tcvae.log_normal(z[:1], mean, log_variance).exp().squeeze(1)
    wanted = density.mean()
    estimates = []
    for seed in range(4000):
        others = 1 + torch.randperm(39, generator=generator(seed))[:4]
        weights = beta_tcvae.log_weights(5, 40, "cpu")[0].exp()
        estimates.append((weights * density[torch.cat([torch.zeros(1).long(), others])]).sum())
    estimates = torch.stack(estimates)
    error = estimates.std().item() / math.sqrt(4000)
    assert estimates.mean().item() == pytest.approx(wanted.item(), abs=4 * error)


def test_one_dimension_has_no_total_correlation_and_equal_posteriors_have_none():
    z = normal(16, 1)
    one = beta_tcvae.total_correlation(z, normal(16, 1, seed=1), torch.zeros(16, 1), 500)
    assert one.item() == 0
    same = beta_tcvae.total_correlation(normal(16, 3), torch.ones(16, 3), torch.zeros(16, 3), 500)
    assert same.item() == pytest.approx(0, abs=1e-5)


def test_weighted_sampling_is_off_by_a_constant_where_images_look_alike():
    """Every density the same: log q(z) comes out log N too low, once jointly, d times apart."""
    same = normal(16, 3), torch.ones(16, 3), torch.zeros(16, 3), 500
    found = beta_tcvae.total_correlation(*same, weighted=True).item()
    assert found == pytest.approx(2 * math.log(500), rel=1e-5)


def test_weighted_sampling_has_the_gradient_of_plain_sums_over_the_batch():
    mean = normal(16, 3).requires_grad_()
    z, log_variance = vae.sample(mean, torch.zeros(16, 3), generator(1)), torch.zeros(16, 3)
    density = torch.distributions.Normal(mean[None], 1.0).log_prob(z[:, None])
    plain = (density.sum(2).logsumexp(1) - density.logsumexp(1).sum(1)).mean()
    weighted = beta_tcvae.total_correlation(z, mean, log_variance, 500, weighted=True)
    (wanted,) = torch.autograd.grad(plain, mean, retain_graph=True)
    (found,) = torch.autograd.grad(weighted, mean)
    torch.testing.assert_close(found, wanted)


def test_beta_one_is_the_plain_kl():
    q = posterior(normal(8, 2), normal(8, 2, seed=1), normal(8, 2, seed=2))
    for config in (beta_tcvae.Config(beta=1), info_vae.Config(alpha=0, weight=1)):
        loss, _ = config.regulariser(Quiet())(q, 0.0)
        torch.testing.assert_close(loss, q.kl)


def test_alpha_one_leaves_only_the_discrepancy():
    q = posterior(torch.full((8, 2), 3.0), torch.zeros(8, 2), normal(8, 2, seed=2))
    loss, terms = info_vae.Config(alpha=1, weight=7).regulariser(Quiet())(q, 0.0)
    torch.testing.assert_close(loss, 7 * terms["mmd"])


def test_equal_samples_have_no_discrepancy():
    z = normal(100, 3)
    assert info_vae.mmd(z, z).item() == pytest.approx(0, abs=1e-6)
    assert info_vae.mmd(z, z.flip(0)).item() == pytest.approx(0, abs=1e-6)


def test_the_discrepancy_of_shifted_normals_is_the_closed_form():
    d, shift = 2, 1.5  # E k(x, y) = (s / (s + 4))^(d/2) exp(-|shift|^2 / (s + 4)), s = d^2
    z, other = normal(3000, d), normal(3000, d, seed=1) + torch.tensor([shift, 0.0])
    wanted = 2 * (4 / 8) ** (d / 2) * (1 - math.exp(-(shift**2) / 8))
    assert info_vae.mmd(z, other).item() == pytest.approx(wanted, abs=0.02)
    assert abs(info_vae.mmd(z, normal(3000, d, seed=2)).item()) < 0.002


def test_the_kernel_is_one_at_itself_and_has_a_gradient_there():
    z = torch.zeros(3, 2, requires_grad=True)
    info_vae.mmd(z, torch.ones(4, 2)).backward()
    assert torch.isfinite(z.grad).all() and (z.grad != 0).any()
    assert info_vae.kernel(torch.zeros(1, 2), torch.tensor([[2.0, 0.0]])).item() == pytest.approx(
        math.exp(-1)
    )


# --- pairs -----------------------------------------------------------------------------------


def test_averaging_leaves_exactly_the_changed_dimensions():
    mean = torch.tensor([[0.0, 1.0, 2.0], [0.1, 5.0, 2.0]])  # x1, x2: the second one changed
    log_variance = torch.log(torch.tensor([[1.0, 1.0, 1.0], [1.0, 1.0, 3.0]]))
    new, new_log = ada_gvae.average(mean, log_variance)
    torch.testing.assert_close(new, torch.tensor([[0.05, 1.0, 2.0], [0.05, 5.0, 2.0]]))
    torch.testing.assert_close(new_log.exp(), torch.tensor([[1.0, 1, 2], [1, 1, 2]]))


def test_the_threshold_lies_between_the_least_and_the_most_changed():
    m1, ones = torch.zeros(1, 4), torch.zeros(1, 4)
    m2 = torch.tensor([[0.0, 1.0, 1.5, 2.0]])  # half their squares: 0, .5, 1.125, 2; threshold 1
    found = ada_gvae.changed(m1, ones, m2, ones)
    assert found.tolist() == [[False, False, True, True]]


def test_a_dimension_differs_by_the_divergence_of_the_first_posterior_from_the_second():
    m1, s1 = torch.zeros(1, 3), torch.log(torch.tensor([[4.0, 1, 1]]))
    m2, s2 = torch.tensor([[0.0, 0.7**0.5, 0]]), torch.zeros(1, 3)
    # .81, .35 and 0, threshold .40; the other way round .32, .35 and 0, threshold .18
    assert ada_gvae.changed(m1, s1, m2, s2).tolist() == [[True, False, False]]
    assert ada_gvae.changed(m2, s2, m1, s1).tolist() == [[True, True, False]]


def test_an_image_paired_with_itself_keeps_its_posterior():
    mean, log_variance = normal(3, 5), normal(3, 5, seed=1)
    new, new_log = ada_gvae.average(mean.repeat(2, 1), log_variance.repeat(2, 1))
    torch.testing.assert_close(new, mean.repeat(2, 1))
    torch.testing.assert_close(new_log, log_variance.repeat(2, 1))


@pytest.mark.parametrize("changed", [1, 2])
def test_partners_lie_in_train_and_differ_in_few_factors(changed):
    whole = split(task("dSprites.v3"), seed=0, labels=1000)
    pick = torch.arange(2000)
    rows = ada_gvae.Partners(whole, changed, "cpu")(pick, generator())
    one, other = (whole.task.classes(whole.train[r.numpy()]) for r in (pick, rows))
    differ = (one != other).sum(1)
    assert (differ > 0).mean() > 0.99, "a partner was found"
    counts = np.bincount(differ[differ > 0], minlength=6)
    assert set(np.flatnonzero(counts)) == {changed}
    varies = (one != other).mean(0)
    assert varies[0] == 0 and (varies[1:] > 0.1).all()  # colour has one class


def test_an_image_without_a_partner_is_its_own():
    lone = replace(SPLIT, train=SPLIT.train[:1])
    rows = ada_gvae.Partners(lone, 1, "cpu")(torch.zeros(4, dtype=torch.long), generator())
    assert rows.tolist() == [0, 0, 0, 0]


def test_more_changed_factors_than_vary_are_refused():
    with pytest.raises(ValueError, match="changed is 6, but only 5 factors of dSprites.v2 vary"):
        ada_gvae.Partners(SPLIT, 6, "cpu")


def test_similarity_has_the_known_values():
    partitions = ((0, 1), (2,))
    z, other = torch.zeros(1, 4), torch.tensor([[3.0, 4.0, 1.0, 9.0]])  # apart 25 and 1; 9 is free
    same = torch.tensor([[False, True]])
    found = pairwise.similarity(z, other, same, partitions, slope=2.0, margin=0.5).item()
    apart, together = 2 * (25 - 0.5), 2 * (1 - 0.5)
    wanted = math.log1p(math.exp(-apart)) + math.log1p(math.exp(together))
    assert found == pytest.approx(wanted, rel=1e-5)
    near = pairwise.similarity(z, z, same, partitions, slope=2.0, margin=0.5).item()
    assert near == pytest.approx(math.log1p(math.exp(1)) + math.log1p(math.exp(-1)), rel=1e-5)


def test_the_reconstruction_rises_from_nothing_to_all():
    assert pairwise.rise(0.1, 0.1) == 0.5
    assert pairwise.rise(0, 0.1) < 1e-4 and pairwise.rise(1, 0.1) > 0.9999
    assert pairwise.rise(0, 0) == 1
    assert pairwise.rise(0, 0.0001) == pytest.approx(1 / (1 + math.exp(10)))


def test_a_code_too_short_for_its_factors_is_refused():
    with pytest.raises(ValueError, match="2 factors of 6 dimensions each do not fit into a .* 10"):
        pairwise.fit(FitRequest(SPLIT, IMAGES, steps=1), pairwise.Config(width=6))


# --- few labels ------------------------------------------------------------------------------


def test_targets_are_the_middles_of_the_values_parts():
    values = torch.tensor([[0, 0], [2, 5]])  # shape, position (row 1, column 2)
    wanted = torch.tensor([[1, 1, 1], [5, 3, 5]]) / 6
    torch.testing.assert_close(few_label.targets(values, V2), wanted)
    assert few_label.dimensions(V2) == ((0,), (1, 2))
    assert few_label.dimensions(task("dSprites.v3")) == ((0,), (1, 2), (3,))


def test_the_supervised_loss_of_a_guesser_is_log_two_a_dimension():
    target = torch.rand(7, 3, generator=generator())
    mean = torch.cat([torch.zeros(7, 3), normal(7, 5)], dim=1)
    assert few_label.supervised(mean, target).item() == pytest.approx(3 * math.log(2))


def test_the_supervised_loss_is_least_at_the_targets_logit():
    target = torch.tensor([[1 / 6, 1 / 2, 5 / 6]])
    mean = target.logit().requires_grad_()
    least = few_label.supervised(mean, target)
    entropy = -(target * target.log() + (1 - target) * (1 - target).log()).sum()
    torch.testing.assert_close(least.detach(), entropy)
    least.backward()
    torch.testing.assert_close(mean.grad, torch.zeros(1, 3), atol=1e-6, rtol=0)


def candidates(*dims):
    return tuple(
        few_label.Candidate(
            beta_vae.Config(
                training=replace(SMALL, networks=replace(SMALL.networks, dim=dim)),
            )
        )
        for dim in dims
    )


@pytest.mark.parametrize("best", [11, 12, 13])
def test_the_candidate_of_the_best_score_is_kept(monkeypatch, best):
    monkeypatch.setattr(few_label, "held_out_loss", lambda run, _: abs(run.vae.dim - best))
    config = few_label.Config(candidates(11, 12, 13), labelled_batch=8)
    system = few_label.fit(FitRequest(SPLIT, IMAGES, steps=6), config)
    assert system.encode(torch.zeros(2, 1, 64, 64)).shape == (2, best)
    assert [row["phase"] for row in system.history] == [f"candidate {i}" for i in (1, 2, 3)]
    assert [row["step"] for row in system.history] == [2, 4, 6]


def test_every_variant_adds_the_supervised_loss_to_its_own():
    family = tuple(
        replace(one, unsupervised=replace(one.unsupervised, training=SMALL))
        for one in few_label.FAMILY
    )
    config = few_label.Config(family, labelled_batch=8)
    system = few_label.fit(FitRequest(SPLIT, IMAGES, steps=4), config)
    own = [row.keys() - {"step", "phase", "reconstruction", "kl"} for row in system.history]
    assert own == [
        {"supervised"}, {"supervised", "total correlation", "critic"},
        {"supervised", "total correlation"}, {"supervised", "distance"},
    ]  # fmt: skip
    assert system.partitions == few_label.dimensions(V2)


def test_selection_prefers_codes_that_follow_the_labels():
    data = loop.Run(SPLIT, IMAGES, steps=1)
    target = few_label.targets(data.values, V2).logit()
    follows, random = torch.cat([target, normal(len(target), 3)], dim=1), normal(len(target), 6)
    good, bad = (
        few_label.held_out_loss(SimpleNamespace(data=data, codes=lambda _, z=z: z[20:]), 20)
        for z in (follows, random)
    )
    assert good < bad


def test_held_out_labels_are_not_trained_on():
    losses = []
    for held_out in (None, 0):
        data = loop.Run(SPLIT, IMAGES, steps=1)
        if held_out is not None:
            data.values[20:], data.labelled[20:] = held_out, 1
        run = vae.VAERun(data, SMALL)
        objective = few_label.objective_of(run, few_label.Candidate(), 20, few_label.Config())
        losses.append(objective(torch.arange(8), 0.0)[0])
    assert torch.equal(*losses)


@pytest.mark.parametrize(
    "change, said",
    [
        ({"candidates": ()}, "0 candidates in 3 steps"),
        (
            {"candidates": candidates(10, 10, 10, 10)},
            "4 candidates in 3 steps: each needs at least one",
        ),
        ({"candidates": candidates(10, 10), "held_out": 1.0}, "of 120 labels, 0 train and 120"),
        ({"candidates": candidates(2)}, "3 axes of factors do not fit into a code of 2"),
    ],
)
def test_a_selection_that_is_impossible_is_refused(change, said):
    with pytest.raises(ValueError, match=said):
        few_label.fit(FitRequest(SPLIT, IMAGES, steps=3), few_label.Config(**change))


# --- the read-out ----------------------------------------------------------------------------


def carrying(count=600, noise=0.05, seed=0):
    """Codes [count, 5] of v2: shape, row and column of position, one mixed, one of nothing."""
    rng = np.random.default_rng(seed)
    values = np.stack([rng.integers(3, size=count), rng.integers(9, size=count)], axis=1)
    shape, row, column = values[:, 0], values[:, 1] // 3, values[:, 1] % 3
    codes = np.stack([shape, row, column, shape + 0.1 * row, np.zeros(count)], axis=1)
    codes = codes + noise * rng.normal(size=codes.shape)
    return torch.from_numpy(codes), torch.from_numpy(values)


def test_explained_variance_is_one_where_the_value_decides_and_zero_by_chance():
    codes, values = carrying(noise=0)
    shares = readout.explained(codes.numpy(), values.numpy())
    assert shares[0, 0] == 1 and shares[1, 1] == 1 and (shares[4] == 0).all()
    few = []
    for seed in range(300):  # 40 labels, 9 values: by chance, and without bias
        rng = np.random.default_rng(seed)
        few.append(readout.explained(rng.normal(size=(40, 1)), rng.integers(9, size=(40, 1))))
    assert np.mean(few) == pytest.approx(0, abs=4 * np.std(few) / math.sqrt(300))


def test_dimensions_go_to_the_factor_that_explains_them():
    codes, values = carrying()
    shares = readout.explained(codes.numpy(), values.numpy())
    assert readout.carriers(shares) == ((0, 3), (1, 2))


def test_every_factor_has_a_dimension_of_its_own():
    shares = np.array([[0.9, 0.8], [0.5, 0.0], [0.02, 0.03]])
    assert readout.carriers(shares) == ((1,), (0,))  # .5 + .8 beats .9 + .03; the third is noise
    with pytest.raises(ValueError, match="1 dimensions cannot carry 2 factors"):
        readout.fit(torch.zeros(4, 1), torch.zeros(4, 2, dtype=torch.long), V2)


def test_values_are_read_and_relations_move_the_carriers_alone():
    codes, values = carrying()
    read = readout.fit(codes, values, V2)
    assert torch.equal(read.values(codes), values)
    new, new_values = carrying(seed=1)
    assert torch.equal(read.values(new), new_values)
    run = SimpleNamespace(task=V2, device="cpu", loop=SimpleNamespace(history=[]))
    system = FlatSystem(run, None, None, read)
    for r in relations_of(V2):
        moved = system.move(new, r)
        wanted = torch.from_numpy(r(new_values.numpy(), V2))
        assert torch.equal(read.values(moved), wanted), r.name
        i = r.affects(V2)[0]
        carriers = list(read.partitions[i])
        rest = [d for d in range(5) if d not in carriers]
        assert torch.equal(moved[:, rest], new[:, rest])
        for k in range(V2.sizes[i]):
            rows = wanted[:, i] == k
            mean = codes[values[:, i] == k].mean(0)[carriers]
            torch.testing.assert_close(moved[rows][:, carriers], mean.expand(int(rows.sum()), -1))


def test_deviations_are_those_of_the_posterior():
    codes, values = carrying()
    run = SimpleNamespace(task=V2, device="cpu", loop=SimpleNamespace(history=[]))
    read = readout.fit(codes, values, V2)
    images = torch.zeros(3, 1, 64, 64)
    assert FlatSystem(run, None, None, read).deviations(images) is None
    vae = VAE((1, 64, 64), NetworkConfig(dim=5)).eval()
    system = FlatSystem(run, None, None, read, lambda x: (vae.encode(x)[1] / 2).exp())
    wanted = vae.encode(images)[1].exp().sqrt().detach()
    torch.testing.assert_close(system.deviations(images, batch=2), wanted)


def test_values_that_no_line_separates_are_read():
    codes = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, size=(600, 3)))
    radius = (codes[:, :2].square().sum(1) * 2).long().clamp(max=2)  # shape: rings around 0
    values = torch.stack([radius, torch.arange(600) % 9], dim=1)
    read = readout.fit(codes[:400], values[:400], V2)
    right = read.values(codes[400:])[:, 0] == values[400:, 0]
    assert right.double().mean() > 0.9
    assert read.values(codes[:0]).shape == (0, 2)


def test_partitions_that_training_decided_are_kept():
    codes, values = carrying()
    assert readout.fit(codes, values, V2, partitions=((4,), (0,))).partitions == ((4,), (0,))


# --- training --------------------------------------------------------------------------------


def test_the_rate_falls_to_nothing_or_stays(monkeypatch):
    rates = []

    def update(optimiser, loss):
        rates.append(optimiser.param_groups[0]["lr"])

    monkeypatch.setattr(loop, "update", update)
    for cosine in (True, False):
        training = replace(SMALL, lr=0.5, cosine=cosine)
        beta_vae.fit(FitRequest(SPLIT, IMAGES, steps=4), beta_vae.Config(training=training))
    falling = [0.5 * 0.5 * (1 + math.cos(math.pi * at / 4)) for at in range(4)]
    assert rates == pytest.approx(falling + [0.5] * 4)


def test_published_is_what_the_papers_ran():
    assert (vae.PUBLISHED.batch, vae.PUBLISHED.lr, vae.PUBLISHED.cosine) == (64, 1e-4, False)
    assert vae.PUBLISHED.networks.dim == 10 and vae.PUBLISHED.networks.decoder == "conv"
    config = beta_vae.Config(training=replace(vae.PUBLISHED, batch=4))
    system = beta_vae.fit(FitRequest(SPLIT, IMAGES, steps=1), config)
    assert system.encode(torch.zeros(1, 1, 64, 64)).shape == (1, 10)
