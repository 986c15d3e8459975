"""The baselines that use labels, by known answers: previous, zerodim and fader."""

import itertools
import math

import numpy as np
import pytest
import torch

from wdlib.baselines import fader, previous, zerodim
from wdlib.data import load
from wdlib.data.split import split
from wdlib.metrics.relational import relation_accuracy
from wdlib.model import NetworkConfig
from wdlib.relations import Relation, Step, relation
from wdlib.tasks import TASKS, task
from wdlib.training import FitRequest, loop, ours

IMAGES = load("dsprites")
TASK = task("dSprites.v2")  # 3 shapes x 9 positions
SPLIT = split(TASK, seed=0, labels=600, limit=1000)  # over ten labels a combination
SMALL = {  # small batches, and every phase within three steps
    previous: previous.Config(batch=8, warm_up=1 / 3, learner_batch=8),
    zerodim: zerodim.Config(batch=8, latent=1 / 3, amortise=1 / 3),
    fader: fader.Config(batch=8, read=1 / 3),
}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def fit(module, parts=SPLIT, config=None, **changes):
    return module.fit(FitRequest(parts, IMAGES, steps=3, **changes), config or SMALL[module])


@pytest.fixture(scope="module")
def systems():
    return {module: fit(module) for module in SMALL}


@pytest.fixture(scope="module")
def some():
    return torch.from_numpy(IMAGES.draw(TASK.classes(SPLIT.test[:12])))[:, None]


# --- previous --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [n for n in sorted(TASKS) if TASKS[n].combinations < 2000])
def test_a_combinations_number_goes_to_its_values_and_back(name):
    sizes = TASKS[name].sizes
    numbers = torch.arange(TASKS[name].combinations)
    values = previous.separate(numbers, sizes)
    assert torch.equal(previous.combine(values, sizes), numbers)
    assert values.tolist() == [list(v) for v in itertools.product(*map(range, sizes))]


def placed_model():
    """A model whose component c is a tight ball of its own place."""
    model = previous.PreviousModel(TASK, NetworkConfig(dim=4))
    model.prior.mean.copy_(50 * torch.randn(model.prior.mean.shape, generator=generator()))
    model.prior.scale_tril.copy_(0.01 * torch.eye(4).expand_as(model.prior.scale_tril))
    return model.eval()


def all_values(t):
    return torch.tensor(list(itertools.product(*map(range, t.sizes))))


def test_samples_of_a_combination_are_read_as_it():
    model, values = placed_model(), all_values(TASK)
    codes = model.sample(values, generator=generator(1))
    assert codes.shape == (27, 1, 4)
    assert torch.equal(model.values(codes), values)


def test_a_relation_leads_to_the_combination_of_its_arithmetic():
    model, values = placed_model(), all_values(TASK)
    for number, r in enumerate(model.relations):
        wanted = torch.from_numpy(r(values.numpy(), TASK))
        found = previous.separate(model.after[number], TASK.sizes)
        assert torch.equal(found, wanted), r.name


class Perfect(torch.nn.Module):
    """Sends each latent to the middle of the component where its relation leads."""

    def __init__(self, model):
        super().__init__()
        self.model = [model]

    def forward(self, z, r):
        (model,) = self.model
        number = previous.combine(model.values(z), TASK.sizes)
        return model.prior.mean[0, model.after[r, number]][:, None]


class Still(torch.nn.Module):
    def forward(self, z, r):
        return z


def test_the_relational_loss_of_a_perfect_learner_is_the_components_variance():
    model = placed_model()
    model.learner = Perfect(model)
    loss = previous.relational_loss(model, 4096, generator())
    assert loss.item() == pytest.approx(0.01**2, rel=0.1)
    model.learner = Still()  # stays where it is, far from where it should be
    assert previous.relational_loss(model, 4096, generator()).item() > 100


def test_a_perfect_learner_moves_the_right_combination_also_in_several_steps():
    model, values = placed_model(), all_values(TASK)
    model.learner = Perfect(model)
    codes = model.sample(values, generator=generator(1))
    score = relation_accuracy(model, TASK, model.relations, codes, values)
    assert score.values["all"] == 1
    far = Relation("far", (Step("position", 2, axis=1), Step("shape", 1)))
    wanted = torch.from_numpy(far(values.numpy(), TASK))
    assert torch.equal(model.values(model.move(codes, far)), wanted)


def test_the_learner_learns_the_combinations():
    model = previous.PreviousModel(TASK)
    model.prior.mean.copy_(torch.randn(model.prior.mean.shape, generator=generator()))
    model.prior.scale_tril.copy_(0.1 * torch.eye(8).expand_as(model.prior.scale_tril))
    optimiser = torch.optim.Adam(model.learner.parameters(), lr=2e-3)
    draw = generator(2)
    for _ in range(300):
        loop.update(optimiser, previous.relational_loss(model, 128, draw))
    values = all_values(TASK)
    codes = model.sample(values, generator=draw)
    score = relation_accuracy(model, TASK, model.relations, codes, values)
    assert score.values["all"] > 0.9  # chance is 1/27


def test_its_own_labels_are_ten_of_each_combination_from_train():
    chosen = previous.labelled_split(SPLIT, 10).labelled
    assert len(chosen) == len(set(chosen)) == 270 and set(chosen) <= set(SPLIT.train)
    values = TASK.labels(chosen)
    assert (np.unique(values, axis=0, return_counts=True)[1] == 10).all()
    of_first = (TASK.labels(SPLIT.train) == 0).all(1)
    assert np.array_equal(chosen[:10], SPLIT.train[of_first][:10])  # in the order of train


def test_with_its_own_labels_the_splits_do_not_matter(some):
    system = fit(previous, split(TASK, seed=0, labels=20, limit=1000))
    assert system.labels == 270
    assert torch.equal(system.encode(some), fit(previous).encode(some))


def test_a_combination_that_train_lacks_is_named():
    left_out = split(TASK, seed=0, labels=600, limit=1000, unseen=0.1)
    said = "of the 27 combinations of dSprites.v2, 270 in all; .* have 0 of shape .*, position .*"
    with pytest.raises(ValueError, match=said):
        fit(previous, left_out)


def test_the_prior_is_estimated_from_the_labelled_images(systems):
    system = systems[previous]
    assert system.labels == 270 and system.partitions is None
    assert system.prior.mean.abs().sum() > 0
    assert torch.isfinite(system.prior.mean).all()


# --- zerodim ---------------------------------------------------------------------------------


def test_the_entropy_of_sure_and_of_undecided_scores():
    undecided = [torch.zeros(5, 3), torch.zeros(5, 9)]
    wanted = (math.log(3) + math.log(9)) / 2
    assert zerodim.entropy(undecided).item() == pytest.approx(wanted)
    sure = [200 * torch.eye(3), 200 * torch.eye(3)]
    assert zerodim.entropy(sure).item() == pytest.approx(0, abs=1e-6)
    halves = [torch.tensor([[math.log(0.5), math.log(0.25), math.log(0.25)]])]
    assert zerodim.entropy(halves).item() == pytest.approx(1.5 * math.log(2))


def test_the_entropy_penalty_makes_an_undecided_classifier_sure():
    scores = torch.tensor([[0.0, 0.1, -0.1]], requires_grad=True)
    optimiser = torch.optim.Adam([scores], lr=0.1)
    for _ in range(200):
        loop.update(optimiser, zerodim.entropy([scores]))
    assert scores.softmax(1)[0, 1] > 0.99  # it follows what it leaned to


def test_reconstruction_of_an_undecided_decoder_is_log_two():
    x = torch.randint(0, 2, (5, 3, 64, 64)).float()
    torch.testing.assert_close(
        zerodim.reconstruction(torch.zeros_like(x), x), torch.full((5,), math.log(2))
    )
    squared = zerodim.reconstruction(torch.zeros_like(x), x, "mse")
    torch.testing.assert_close(squared, torch.full((5,), 0.25))
    with pytest.raises(ValueError, match="unknown error per pixel 'l1': choose bce or mse"):
        fit(zerodim, config=zerodim.Config(pixels="l1"))


@pytest.mark.parametrize("name, published", [("dSprites.v2", "bce"), ("Shapes3D.v2", "mse")])
def test_the_error_of_a_pixel_is_the_published_one_of_the_dataset(monkeypatch, name, published):
    used, true = set(), zerodim.reconstruction

    def spy(logits, x, pixels):
        used.add(pixels)
        return true(logits, x, pixels)

    monkeypatch.setattr(zerodim, "reconstruction", spy)
    parts = split(task(name), seed=0, labels=200, limit=300)
    zerodim.fit(FitRequest(parts, load(parts.task.dataset), steps=3), SMALL[zerodim])
    assert used == {published}


def test_soft_codes_mix_embeddings_and_do_not_move_them():
    model = zerodim.ZeroDim(TASK)
    with torch.no_grad():
        for size, embedding in zip(TASK.sizes, model.embeddings):
            embedding.copy_(torch.arange(size)[:, None])
    even = torch.zeros(2, 3, requires_grad=True), torch.zeros(2, 9, requires_grad=True)
    codes = model.soft_codes(list(even))
    torch.testing.assert_close(codes, torch.tensor([[1.0, 4.0]]).expand(2, -1))
    codes.square().sum().backward()
    assert even[0].grad.abs().sum() > 0
    assert all(e.grad is None for e in model.embeddings)
    values = torch.tensor([[2, 7], [0, 3]])
    assert torch.equal(model.sure_codes(values), values.float())


@pytest.mark.parametrize("module", [zerodim, fader])
def test_placed_values_are_read_back_and_the_rest_stays(systems, some, module):
    system = systems[module]
    codes = system.encode(some)
    before = system.values(codes)
    residual = max(max(dims) for dims in system.partitions) + 1
    for r in [*system.relations, relation("left", TASK).clamped()]:
        moved = system.move(codes, r)
        wanted = torch.from_numpy(r(before.numpy(), TASK))
        assert torch.equal(system.values(moved), wanted), r.name
        stay = [i for i in range(2) if i not in r.affects(TASK)]
        kept = [d for i in stay for d in system.partitions[i]]
        kept += range(residual, codes.shape[1])
        assert torch.equal(moved[:, kept], codes[:, kept])


def test_partitions_are_the_places_in_the_code(systems):
    assert systems[zerodim].partitions == ((0,), (1,))
    assert systems[fader].partitions == (tuple(range(3)), tuple(range(3, 12)))


# --- fader -----------------------------------------------------------------------------------


def test_what_the_encoder_pays_for_being_read():
    sizes, values = (3, 9), torch.tensor([[0, 4]] * 500)
    undecided = [torch.zeros(500, k) for k in sizes]
    wanted = (math.log(3) + math.log(9)) / 2
    assert fader.hidden(undecided, values, generator()).item() == pytest.approx(wanted)
    right = [50 * torch.eye(k)[v] for k, v in zip(sizes, values.T)]
    assert fader.hidden(right, values, generator()).item() == pytest.approx(50, abs=0.01)


def test_the_encoder_is_free_once_a_discriminator_of_two_values_is_fooled():
    values = torch.tensor([[0], [1], [1]])
    fooled = [50 * torch.eye(2)[1 - values[:, 0]]]
    assert fader.hidden(fooled, values, generator()).item() == pytest.approx(0, abs=1e-6)


def test_other_values_are_all_others_alike(monkeypatch):
    drawn = []
    monkeypatch.setattr(fader, "cross_entropy", lambda scores, values: drawn.append(values))
    values = torch.full((9000, 1), 2)
    fader.hidden([torch.zeros(9000, 4)], values, generator())
    share = torch.bincount(drawn[0][:, 0], minlength=4) / 9000
    torch.testing.assert_close(share, torch.tensor([1, 1, 0, 1]) / 3, atol=0.03, rtol=0)


def trained_discriminator(codes, values):
    """Accuracy of each factor on the second half, by a discriminator trained on the first."""
    model = fader.Fader(TASK)
    optimiser = torch.optim.Adam(model.discriminator.parameters(), lr=1e-3)
    half = len(codes) // 2
    order = loop.Batches(half, 64, generator(3))
    for _ in range(200):
        pick = next(order)
        loop.update(optimiser, ours.cross_entropy(model.discriminate(codes[pick]), values[pick]))
    with torch.no_grad():
        found = torch.stack([s.argmax(1) for s in model.discriminate(codes[half:])], dim=1)
    return (found == values[half:]).float().mean(0).tolist()


def test_a_discriminator_is_at_chance_on_codes_that_know_nothing():
    count = 8000
    values = torch.stack([torch.randint(k, (count,), generator=generator(k)) for k in (3, 9)], 1)
    codes = torch.randn(count, 8, generator=generator(1))
    shape, position = trained_discriminator(codes, values)
    # four standard deviations of a guesser on 4000 images
    assert shape == pytest.approx(1 / 3, abs=4 * math.sqrt(1 / 3 * 2 / 3 / 4000))
    assert position == pytest.approx(1 / 9, abs=4 * math.sqrt(1 / 9 * 8 / 9 / 4000))
    codes[:, 0] += 10 * values[:, 0]  # and reads what is there to be read
    shape, position = trained_discriminator(codes, values)
    assert shape > 0.95 and position < 0.2


def test_attributes_are_one_hot_of_every_factor():
    model = fader.Fader(TASK)
    codes = model.attributes(torch.tensor([[2, 7], [0, 0]]))
    assert codes.shape == (2, 12) and torch.equal(codes.sum(1), torch.tensor([2.0, 2.0]))
    assert torch.equal(codes.nonzero()[:, 1], torch.tensor([2, 3 + 7, 0, 3 + 0]))
