"""The baselines that use labels, by known answers: previous, zerodim, fader, and their loop."""

import dataclasses
import inspect
import itertools
import math

import numpy as np
import pytest
import torch
from waiting import NoWaiting

from wdlib.baselines import fader, loop, previous, zerodim
from wdlib.data import load
from wdlib.data.split import split
from wdlib.metrics.relational import relation_accuracy
from wdlib.model import NetworkConfig
from wdlib.relations import Relation, Step, relation, relations_of
from wdlib.tasks import TASKS, task
from wdlib.training import losses

IMAGES = load("dsprites")
TASK = task("dSprites.v2")  # 3 shapes x 9 positions
SPLIT = split(TASK, seed=0, labels=600, limit=1000)  # over ten labels a combination
METHODS = {"previous": previous, "zerodim": zerodim, "fader": fader}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def small(method):
    """The method's configuration with small batches, and a share of every phase in three steps."""
    return dataclasses.replace(
        method.Config(),
        batch=8,
        **{
            previous: {"warm_up": 1 / 3, "learner_batch": 8},
            zerodim: {"latent": 1 / 3, "amortise": 1 / 3},
            fader: {"read": 1 / 3},
        }[method],
    )


def fit(name, **changes):
    method = METHODS[name]
    arguments = {"seed": 0, "steps": 3, "config": small(method)} | changes
    return method.fit(SPLIT, IMAGES, **arguments)


@pytest.fixture(scope="module")
def systems():
    return {name: fit(name) for name in METHODS}


@pytest.fixture(scope="module")
def some():
    drawn = IMAGES.draw(TASK.classes(SPLIT.test[:12]))
    return torch.from_numpy(drawn)[:, None]


# --- the loop --------------------------------------------------------------------------------


def spent(phases, **budget):
    """What each phase of a loop yields, by name."""
    clock = loop.Loop(**budget)
    return {name: list(clock.phase(name, share)) for name, share in phases}, clock


def test_phases_of_a_budget_of_steps_are_its_shares():
    yielded, clock = spent([("a", 0.25), ("b", 0.5), ("c", None)], steps=8)
    assert yielded == {"a": [0, 0.5], "b": [0, 0.25, 0.5, 0.75], "c": [0, 0.5]}
    assert clock.done == 8


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 100])
def test_no_step_is_lost_to_rounding(steps):
    yielded, clock = spent([("a", 0.6), ("b", 0.2), ("c", None)], steps=steps)
    assert clock.done == steps == sum(map(len, yielded.values()))
    assert len(yielded["a"]) == round(0.6 * steps)  # to the nearest, not down


def test_a_budget_of_seconds_is_kept_and_cut(monkeypatch):
    now = itertools.count(0, 0.5)  # every look at the clock takes half a second
    monkeypatch.setattr(loop, "computed", lambda device: next(now))
    clock = loop.Loop(seconds=20)
    first = list(clock.phase("first", 0.5))
    at_half = next(now)
    second = list(clock.phase("second"))
    assert 10 <= at_half <= 12 and 20 <= next(now) <= 23
    assert first == sorted(first) and 0 <= first[0] < 0.3 and 0.7 < first[-1] <= 1
    assert len(second) == pytest.approx(len(first), abs=2)


def test_a_late_phase_still_takes_one_step():
    yielded, _ = spent([("a", 0.1), ("b", 0.1), ("c", None)], seconds=1e-9)
    assert [len(steps) for steps in yielded.values()] == [1, 1, 1]


def test_a_loss_that_is_no_number_is_named():
    clock = loop.Loop(steps=4)
    with pytest.raises(FloatingPointError, match="the labels loss is nan at step 4 .only."):
        for _ in clock.phase("only"):
            clock.report(1, labels=torch.tensor(math.nan))


def test_progress_hears_every_so_many_steps_and_the_end():
    heard = []

    class Ear:
        every = 2

        def __call__(self, step, total, phase, said, rate):
            heard.append((step, total, phase, said))

    clock = loop.Loop(steps=5, progress=Ear())
    for name, share in (("a", 0.6), ("b", None)):
        for _ in clock.phase(name, share):
            clock.report(1, loss=torch.tensor(1.0))
    steps = [(2, 5, "a"), (3, 5, "a"), (4, 5, "b"), (5, 5, "b")]
    assert [entry[:3] for entry in heard] == steps
    assert [h["step"] for h in clock.history] == [2, 3, 4, 5]


def test_every_number_comes_once_an_epoch():
    stream = loop.batches(10, 4, generator())
    drawn = torch.cat([next(stream) for _ in range(5)])
    for epoch in drawn.split(10):
        assert sorted(epoch.tolist()) == list(range(10))


def test_rates_fall_along_half_a_cosine():
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
    found = []
    for at in (0, 0.5, 1):
        loop.anneal(optimiser, at)
        found.append(optimiser.param_groups[0]["lr"])
    assert found == pytest.approx([0.4, 0.2, 0])


# --- all three -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", METHODS)
def test_the_interface_is_the_agreed_one(name):
    parameters = inspect.signature(METHODS[name].fit).parameters
    assert list(parameters) == [
        *("split", "images", "labels", "seed", "steps", "seconds", "device", "progress", "config")
    ]
    assert parameters["labels"].default is None and parameters["device"].default == "cpu"


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("budget", [{"steps": None}, {"steps": 3, "seconds": 1.0}, {"steps": 0}])
def test_a_budget_that_is_not_exactly_one_is_refused(name, budget):
    with pytest.raises(ValueError, match="steps"):
        fit(name, **budget)


@pytest.mark.parametrize("name", METHODS)
def test_a_system_encodes_decodes_reads_and_moves(systems, some, name):
    system = systems[name]
    codes = system.encode(some)
    assert torch.equal(system.encode(some.float()), codes)
    assert torch.allclose(system.encode(some[:1]), codes[:1], atol=1e-5)  # not its batch's codes
    pictures = system.decode(codes)
    assert pictures.shape == some.shape and 0 <= pictures.min() and pictures.max() <= 1
    values = system.values(codes)
    assert values.shape == (12, 2) and values.dtype == torch.int64
    assert (values >= 0).all() and (values < torch.tensor(TASK.sizes)).all()
    assert system.relations == relations_of(TASK)
    for r in system.relations:
        assert system.move(codes, r).shape == codes.shape
    assert system.history[-1]["step"] == 3


@pytest.mark.parametrize("name", METHODS)
def test_a_seed_repeats_a_run_and_another_does_not(systems, some, name):
    codes = systems[name].encode(some)
    assert torch.equal(fit(name).encode(some), codes)
    assert not torch.equal(fit(name, seed=1).encode(some), codes)


@pytest.mark.parametrize("name", METHODS)
def test_training_leaves_the_global_random_state_alone(name):
    torch.manual_seed(5)
    np.random.seed(5)
    wanted = torch.rand(3), np.random.rand(3)
    torch.manual_seed(5)
    np.random.seed(5)
    fit(name)
    assert torch.equal(torch.rand(3), wanted[0])
    assert np.array_equal(np.random.rand(3), wanted[1])


@pytest.mark.parametrize("name", METHODS)
def test_a_run_in_seconds_passes_every_phase(name):
    phases = {h["phase"] for h in fit(name, steps=None, seconds=0.01).history}
    wanted = {
        "previous": {"warm-up", "full"},
        "zerodim": {"latent", "amortise", "synthesis"},
        "fader": {"read", "swap"},
    }
    assert phases == wanted[name]


@pytest.mark.parametrize("name", METHODS)
def test_more_labels_than_there_are_are_refused(name):
    with pytest.raises(ValueError, match="601 labels were asked for; .* has 600"):
        fit(name, labels=601)


@pytest.mark.parametrize("name", ["zerodim", "fader"])
def test_fewer_labels_are_the_first_ones(some, name):
    few = split(TASK, seed=0, labels=100, limit=1000)
    assert np.array_equal(few.labelled, SPLIT.labelled[:100])
    one, other = (
        METHODS[name].fit(s, IMAGES, labels=n, seed=0, steps=3, config=small(METHODS[name]))
        for s, n in ((SPLIT, 100), (few, None))
    )
    assert torch.equal(one.encode(some), other.encode(some))
    assert not torch.equal(one.encode(some), fit(name).encode(some))


@pytest.mark.parametrize("name", ["zerodim", "fader"])
def test_a_value_without_a_label_is_named(name):
    with pytest.raises(ValueError, match="none of the 5 labelled images has position"):
        fit(name, labels=5)


@pytest.mark.parametrize("name", METHODS)
def test_a_step_never_waits_for_the_host(name, monkeypatch):
    """Between a phase's first yield of a step and the next, nothing may wait."""
    original = loop.Loop.phase

    def watched(self, phase, share=None):
        for at in original(self, phase, share):
            with NoWaiting():
                yield at

    method = METHODS[name]
    monkeypatch.setattr(loop.Loop, "phase", watched)
    monkeypatch.setattr(method.Loop, "phase", watched)
    fit(name, steps=9)
    # and the watch does watch: a report that reads its loss is noticed
    report = loop.Loop.report
    monkeypatch.setattr(
        method.Loop, "report", lambda self, n, **said: report(self, n, x=sum(said.values()).item())
    )
    with pytest.raises(AssertionError, match="local_scalar"):
        fit(name, steps=9)


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


def test_labels_needed_multiply_with_the_combinations():
    found = {n: previous.labels_needed(task(n)) for n in ("dSprites.v2", "dSprites.v3")}
    assert found == {"dSprites.v2": 270, "dSprites.v3": 1350}
    assert previous.labels_needed(task("Shapes3D.v5")) == 120_000


def test_too_few_labels_are_counted_and_the_way_out_is_named():
    said = r"10 labelled images of each of the 27 combinations of dSprites.v2, 270 in all; of the "
    with pytest.raises(ValueError, match=said + r"300 given, .* has \d.*own_labels=True"):
        fit("previous", labels=300)


def test_its_own_labels_are_ten_of_each_combination_from_train():
    chosen = previous._own_labels(SPLIT, previous.Config())
    assert len(chosen) == len(set(chosen)) == 270 and set(chosen) <= set(SPLIT.train)
    numbers = previous._numbers(TASK, chosen)
    assert (np.bincount(numbers) == 10).all()
    of_first = SPLIT.train[previous._numbers(TASK, SPLIT.train) == 0][:10]
    assert np.array_equal(chosen[:10], of_first)  # the first ten of train, in its order


def test_with_its_own_labels_the_splits_do_not_matter(some):
    config = dataclasses.replace(small(previous), own_labels=True)
    few = split(TASK, seed=0, labels=5, limit=1000)
    system = previous.fit(few, IMAGES, seed=0, steps=3, config=config)
    assert system.labels == 270
    assert torch.equal(system.encode(some), fit("previous", config=config).encode(some))


def test_a_combination_that_train_lacks_is_named():
    left_out = split(TASK, seed=0, labels=600, limit=1000, unseen=0.1)
    config = previous.Config(own_labels=True)
    with pytest.raises(ValueError, match="of dSprites.v2, and train has 0 of shape .*, position"):
        previous.fit(left_out, IMAGES, seed=0, steps=3, config=config)


def test_the_prior_is_estimated_from_the_labelled_images(systems):
    system = systems["previous"]
    assert system.labels == 600 and system.partitions is None
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
    with pytest.raises(ValueError, match="no error of a pixel called 'l1'; there are bce and mse"):
        fit("zerodim", config=dataclasses.replace(small(zerodim), pixels="l1"))


@pytest.mark.parametrize("name, published", [("dSprites.v2", "bce"), ("Shapes3D.v2", "mse")])
def test_the_error_of_a_pixel_is_the_published_one_of_the_dataset(monkeypatch, name, published):
    used, true = set(), zerodim.reconstruction

    def spy(logits, x, pixels):
        used.add(pixels)
        return true(logits, x, pixels)

    monkeypatch.setattr(zerodim, "reconstruction", spy)
    parts = split(task(name), seed=0, labels=200, limit=300)
    zerodim.fit(parts, load(parts.task.dataset), seed=0, steps=3, config=small(zerodim))
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


@pytest.mark.parametrize("name", ["zerodim", "fader"])
def test_placed_values_are_read_back_and_the_rest_stays(systems, some, name):
    system = systems[name]
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
    assert systems["zerodim"].partitions == ((0,), (1,))
    assert systems["fader"].partitions == (tuple(range(3)), tuple(range(3, 12)))


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
    monkeypatch.setattr(fader.losses, "labels", lambda scores, values: drawn.append(values))
    values = torch.full((9000, 1), 2)
    fader.hidden([torch.zeros(9000, 4)], values, generator())
    share = torch.bincount(drawn[0][:, 0], minlength=4) / 9000
    torch.testing.assert_close(share, torch.tensor([1, 1, 0, 1]) / 3, atol=0.03, rtol=0)


def trained_discriminator(codes, values):
    """Accuracy of each factor on the second half, by a discriminator trained on the first."""
    model = fader.Fader(TASK)
    optimiser = torch.optim.Adam(model.discriminator.parameters(), lr=1e-3)
    half = len(codes) // 2
    stream = loop.batches(half, 64, generator(3))
    for _ in range(200):
        pick = next(stream)
        loop.update(optimiser, losses.labels(model.discriminate(codes[pick]), values[pick]))
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


def test_lambda_rises_and_stays():
    assert [fader.risen(at, 0.5) for at in (0, 0.25, 0.5, 1)] == [0, 0.5, 1, 1]
    assert fader.risen(0, 0) == 1


def test_attributes_are_one_hot_of_every_factor():
    model = fader.Fader(TASK)
    codes = model.attributes(torch.tensor([[2, 7], [0, 0]]))
    assert codes.shape == (2, 12) and torch.equal(codes.sum(1), torch.tensor([2.0, 2.0]))
    assert torch.equal(codes.nonzero()[:, 1], torch.tensor([2, 3 + 7, 0, 3 + 0]))
