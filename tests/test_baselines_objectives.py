"""Every baseline minimises the sum in its docstring: the reported terms, each with its weight.

The terms themselves have known answers in the other two files.
"""

from dataclasses import replace

import pytest
import torch

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
from wdlib.model.prior import AdaptivePrior
from wdlib.tasks import task
from wdlib.training import FitRequest, loop

IMAGES = load("dsprites")
SPLIT = split(task("dSprites.v2"), seed=0, labels=600, limit=1000)
SMALL = vae.Training(batch=8)


@pytest.fixture
def steps(monkeypatch):
    """(module, config, steps) -> for each step what was minimised, and the terms it reported."""

    def run(module, config, count):
        paid, seen = [], []
        real, report = loop.update, loop.Loop.report

        def update(optimiser, loss):
            paid.append(float(loss.detach()))
            real(optimiser, loss)

        def said(self, images, **terms):
            seen.append((paid[-1], {name: float(term.detach()) for name, term in terms.items()}))
            report(self, images, **terms)

        with monkeypatch.context() as patch:
            patch.setattr(loop, "update", update)
            patch.setattr(loop.Loop, "report", said)
            module.fit(FitRequest(SPLIT, IMAGES, steps=count), config)
        return seen

    return run


OBJECTIVES = {
    "beta": (beta_vae, beta_vae.Config(beta=3), {"reconstruction": 1, "kl": 3}),
    "annealed": (
        annealed_vae, annealed_vae.Config(gamma=7), {"reconstruction": 1, "distance": 7, "kl": 0}
    ),
    "factor": (
        factor_vae, factor_vae.Config(gamma=5, width=16),
        {"reconstruction": 1, "kl": 1, "total correlation": 5, "critic": 0},
    ),
    "tc": (
        beta_tcvae, beta_tcvae.Config(beta=4),
        {"reconstruction": 1, "kl": 1, "total correlation": 3},
    ),
    "info": (
        info_vae, info_vae.Config(alpha=0.25, weight=9),
        {"reconstruction": 1, "kl": 0.75, "mmd": 8.25},
    ),
    "ada": (ada_gvae, ada_gvae.Config(beta=2), {"reconstruction": 1, "kl": 2}),
    "pairwise": (
        pairwise, pairwise.Config(weight=6, pairs=4, warm_up=1e-4),
        {"reconstruction": 1, "kl": 1, "similarity": 6},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_member_of_the_family_minimises_its_equation(steps, name):
    module, config, weights = OBJECTIVES[name]
    paid, terms = steps(module, replace(config, training=SMALL), 2)[-1]
    assert set(terms) == set(weights)
    wanted = sum(weights[term] * terms[term] for term in terms)
    assert paid == pytest.approx(wanted, rel=1e-5)
    if name == "pairwise":  # before rho has risen the picture hardly counts
        first, terms = steps(module, replace(config, training=SMALL, warm_up=0.5), 2)[0]
        assert first == pytest.approx(terms["kl"] + 6 * terms["similarity"], rel=0.02)


def test_few_label_adds_gamma_times_the_supervised_loss(steps):
    candidate = few_label.Candidate(beta_vae.Config(beta=3, training=SMALL), gamma=11.0)
    paid, terms = steps(few_label, few_label.Config((candidate,), labelled_batch=8), 1)[-1]
    wanted = terms["reconstruction"] + 3 * terms["kl"] + 11 * terms["supervised"]
    assert paid == pytest.approx(wanted, rel=1e-5) and terms["supervised"] > 0.1


def test_fader_is_paid_for_hiding_as_lambda_rises(steps):
    config = fader.Config(batch=8, read=0.2, adversarial=5.0, ramp=0.5)
    read, first, second, third, last = steps(fader, config, 5)
    assert read[0] == pytest.approx(read[1]["labels"])
    for (paid, terms), risen in ((first, 0), (second, 0.5), (third, 1), (last, 1)):
        wanted = terms["reconstruction"] + 5 * risen * terms["adversarial"]
        assert paid == pytest.approx(wanted, rel=1e-5)


def test_zerodim_minimises_each_stages_equation(steps):
    weights = zerodim.Weights(entropy=3.0, classification=2.0, supervised=7.0, synthesis_latent=4.0)
    config = zerodim.Config(batch=8, latent=0.5, amortise=0.25, entropy_from=0.5, weights=weights)
    factors = len(SPLIT.task.factors)
    early, late, amortised, synthesised = steps(zerodim, config, 4)
    for (paid, terms), sure in ((early, 0), (late, 1)):
        labelled = terms["supervised"] + 2 * factors * terms["labels"]
        wanted = terms["reconstruction"] + 7 * labelled + sure * 3 * terms["entropy"]
        assert paid == pytest.approx(wanted, rel=1e-5)
    assert amortised[0] == pytest.approx(amortised[1]["latent"])
    paid, terms = synthesised
    assert paid == pytest.approx(terms["reconstruction"] + 4 * terms["latent"], rel=1e-5)


def test_zerodim_holds_residuals_down_and_makes_the_encoder_read_them(steps, monkeypatch):
    """The decay is part of both reconstructions, and stage 2 learns the residuals of stage 1."""
    begun = []

    def start(shape):
        begun.append(torch.full(shape, 2.0))
        return begun[-1]

    monkeypatch.setattr(zerodim, "start", start)
    settings = {"batch": 8, "latent": 1 / 3, "amortise": 1 / 3, "rates": zerodim.Rates(latent=0.0)}
    (free, read, _), (held, again, _) = (
        steps(zerodim, zerodim.Config(**settings, weights=zerodim.Weights(decay=decay)), 3)
        for decay in (0.0, 10.0)
    )
    for term in ("reconstruction", "supervised"):  # mean of the squares: 4
        assert held[1][term] - free[1][term] == pytest.approx(40, rel=1e-4)
    assert read[0] == pytest.approx(again[0]) and 1 < read[0] < 9, "an encoder at 0 is 4 away"


def test_zerodim_gives_labelled_images_the_embedding_of_their_label(steps, monkeypatch):
    """Soft codes move no embedding, so without labelled images in the batch none would move."""
    given = []
    sure = zerodim.ZeroDim.sure_codes
    monkeypatch.setattr(
        zerodim.ZeroDim, "sure_codes", lambda self, v: given.append(v) or sure(self, v)
    )
    steps(zerodim, zerodim.Config(batch=8, latent=1 / 3, amortise=1 / 3), 3)
    (values,) = given  # stage 1 alone
    known = SPLIT.task.labels(SPLIT.labelled)
    assert values.shape == (16, 2)
    assert all((row.numpy() == known).all(1).any() for row in values[8:])


def test_previous_weighs_the_adversary_and_changes_its_prior_once(steps, monkeypatch):
    asked = []
    simple, drawn = previous.simple_prior, AdaptivePrior.sample

    def warm(kind, *rest, **settings):
        asked.append(kind)
        return simple(kind, *rest, **settings)

    def adapted(self, values, **settings):
        asked.append("adaptive")
        return drawn(self, values, **settings)

    monkeypatch.setattr(previous, "simple_prior", warm)
    monkeypatch.setattr(AdaptivePrior, "sample", adapted)
    learned, update = [], previous.update

    def learn(optimiser, loss):
        learned.append(float(loss.detach()))
        update(optimiser, loss)

    monkeypatch.setattr(previous, "update", learn)
    config = previous.Config(batch=8, learner_batch=8, warm_up=0.5, adversarial=13.0)
    taken = steps(previous, config, 4)
    assert asked[:2] == ["uniform"] * 2 and set(asked[2:]) == {"adaptive"}
    for paid, terms in taken:
        assert paid == pytest.approx(terms["reconstruction"] + 13 * terms["adversarial"], rel=1e-5)
    assert learned[-2:] == pytest.approx([terms["critic"], terms["relational"]])
