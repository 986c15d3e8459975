"""The training room by known answers: losses, f_r as tensors, schedules, exact resume."""

import dataclasses
import io
import json
import math
import re

import numpy as np
import pytest
import torch
from waiting import NoWaiting

from wdlib.data import load
from wdlib.data.split import split
from wdlib.model import ModularModel, NetworkConfig, saved
from wdlib.model.loading import load_model
from wdlib.pretrained import split_of
from wdlib.relations import relations_of
from wdlib.tasks import TASKS, task
from wdlib.training import (
    COURSE,
    FEW,
    PAPER,
    Finish,
    Labels,
    Lines,
    Phase,
    Rates,
    Trainer,
    Views,
    method,
    ours,
    preset,
)
from wdlib.training.schedule import PUBLISHED_LOSSES

IMAGES = load("dsprites")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


# --- losses ----------------------------------------------------------------------------------


def test_reconstruction_of_an_undecided_decoder_is_log_two_a_pixel():
    x = torch.randint(0, 2, (5, 3, 64, 64)).float()
    assert method.reconstruction(torch.zeros_like(x), x).item() == pytest.approx(
        3 * 64 * math.log(2), rel=1e-5
    )


def test_reconstruction_of_a_sure_and_right_decoder_is_zero():
    x = torch.randint(0, 2, (5, 1, 64, 64)).float()
    assert method.reconstruction((x - 0.5) * 100, x).item() < 1e-6


def test_a_critic_at_chance_pays_two_log_two_and_the_encoder_log_two():
    undecided = torch.zeros(10)
    assert method.critic(undecided, undecided).item() == pytest.approx(2 * math.log(2))
    assert method.adversarial(undecided).item() == pytest.approx(math.log(2))


def test_critic_and_encoder_pull_in_opposite_directions():
    high, low = torch.full((4,), 9.0), torch.full((4,), -9.0)
    assert method.critic(high, low) < 0.001 < 17 < method.critic(low, high)
    assert method.adversarial(high) < 0.001 < 8 < method.adversarial(low)


def test_relational_is_the_mean_square():
    z = torch.zeros(2, 3, 4)
    assert method.relational(z, z + 2).item() == 4


def test_labels_of_guessers_is_the_mean_log_size():
    scores = [torch.zeros(6, 3), torch.zeros(6, 9)]
    values = torch.zeros(6, 2, dtype=torch.long)
    wanted = (math.log(3) + math.log(9)) / 2
    assert ours.cross_entropy(scores, values).item() == pytest.approx(wanted)


def test_an_unknown_value_adds_nothing_and_counts_in_the_mean():
    scores = [torch.zeros(4, 3)]
    values = torch.tensor([[0], [-1], [2], [-1]])
    assert ours.cross_entropy(scores, values).item() == pytest.approx(math.log(3) / 2)
    assert ours.cross_entropy(scores, torch.full((4, 1), -1)).item() == 0


def test_pseudo_labels_count_where_the_model_is_sure_and_nowhere_else():
    sure, unsure = [0.01, 0.97, 0.02], [0.3, 0.4, 0.3]
    believed = [torch.tensor([sure, unsure, unsure, sure])]
    scores = [torch.zeros(4, 3)]  # a guesser pays log 3 for each of two counted images of four
    assert float(ours.fixmatch(scores, believed, 0.95)) == pytest.approx(math.log(3) / 2)
    assert float(ours.fixmatch(scores, believed, 0.99)) == 0
    right = [torch.tensor([[0.0, 50.0, 0.0]] * 4)]
    assert float(ours.fixmatch(right, believed, 0.95)) == pytest.approx(0, abs=1e-6)
    two = ours.fixmatch(scores * 2, believed * 2, 0.95)  # a mean over partitions
    assert float(two) == pytest.approx(math.log(3) / 2)


# --- one step --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(TASKS))
def test_moves_are_the_relations_arithmetic(name):
    t = task(name)
    relations = relations_of(t)
    moves = method.Moves(t, relations, "cpu")
    rng = np.random.default_rng(0)
    values = np.stack([rng.integers(size, size=500) for size in t.sizes], 1)
    r = rng.integers(len(relations), size=500)
    wanted = np.concatenate([relations[k](values[i : i + 1], t) for i, k in enumerate(r)])
    found = moves(torch.from_numpy(values), torch.from_numpy(r))
    np.testing.assert_array_equal(found, wanted)
    changed = torch.from_numpy(wanted != values)
    assert not (changed & ~moves.affected[r]).any()


def test_shifts_move_a_picture_and_nothing_else():
    x = torch.zeros(200, 1, 64, 64)
    x[:, 0, 30, 40] = 1
    moved = ours.shifted(x, 2, generator())
    assert torch.equal(moved.sum((1, 2, 3)), torch.ones(200))
    rows, columns = moved[:, 0].flatten(1).argmax(1) // 64, moved[:, 0].flatten(1).argmax(1) % 64
    assert set(rows.tolist()) == set(range(28, 33))
    assert set(columns.tolist()) == set(range(38, 43))
    assert torch.equal(ours.shifted(x, 0, generator()), x)


def test_a_thing_roams_to_every_place_where_all_of_it_is_seen():
    thing = torch.tensor([[0.0, 1.0], [0.5, 0.25], [1.0, 0.0]])
    x = torch.zeros(6000, 1, 8, 8)
    x[:3000, 0, 2:5, 6:8] = thing
    x[3000:, 0, 0:3, 3:5] = thing
    there = ours.roamed(x, generator())[:, 0].unfold(1, 3, 1).unfold(2, 2, 1)  # [N, 6, 7, 3, 2]
    found = (there == thing).flatten(3).all(3)
    assert (found.flatten(1).sum(1) == 1).all(), "whole, and once"
    for half in found.chunk(2):
        shares = half.float().mean(0)
        assert (shares - 1 / 42).abs().max() < 5 * (1 / 42 / 3000) ** 0.5, "every place alike"


def test_what_roams_says_nothing_of_its_position():
    phase = Phase("mine", views=Views(roam=0.5))
    known = ours.still_known(task("dSprites.v4"), phase, 8, "cpu")
    position = task("dSprites.v4").factor("position")
    assert known[4:].all() and known[:, [i for i in range(4) if i != position]].all()
    assert not known[:4, position].any()
    assert ours.still_known(task("dSprites.v4"), Phase("mine"), 8, "cpu").all()
    x = torch.zeros(8, 1, 64, 64)
    x[:, :, 5:9, 5:9] = 1
    moved = ours.moved(x, phase, generator())
    assert (moved[4:].flatten(1).argmax(1) // 64).le(7).all(), "the others by up to two pixels"
    assert (moved[:4].flatten(1).argmax(1) // 64).gt(7).any()


def test_corrupted_copies_come_in_the_published_shares():
    x = torch.zeros(7000, 1, 16, 16)
    x[:, :, :8] = 1
    y = method.corrupted(x, generator())
    assert (y[:, :, 8:] == 0).all(), "noise falls on lit pixels only"
    assert 0 <= y.min() and y.max() <= 1
    clean = (y == x).flatten(1).all(1).float().mean()
    graded = ((y > 0) & (y < 1)).flatten(1).any(1)
    assert clean.item() == pytest.approx(1 / 7, abs=0.02)
    assert graded.float().mean().item() == pytest.approx(3 / 7, abs=0.02)
    dropped = ~graded & (y != x).flatten(1).any(1)
    assert y[dropped][:, :, :8].mean().item() == pytest.approx(0.7, abs=0.01)


def test_the_relational_loss_of_a_perfect_learner_is_the_components_own_variance():
    t = task("dSprites.v2")
    model = ModularModel(t, NetworkConfig(dim=2))
    model.prior.mean.copy_(99 * torch.randn(model.prior.mean.shape, generator=generator()))
    model.prior.scale_tril.copy_(0.1 * torch.eye(2).expand_as(model.prior.scale_tril))
    moves = method.Moves(t, model.relations, "cpu")

    class Perfect(torch.nn.Module):
        def forward(self, z, r):
            values = moves(model.prior.values(z), r)
            arrived = model.prior.mean[torch.arange(2), values]
            return torch.where(moves.affected[r][:, :, None], arrived, z)

    model.learner = Perfect()
    loss = method.relational_loss(
        model, moves, *method.latents(model, 4096, generator()), generator(1)
    )
    # one of two partitions moves, and what it moves to has variance 0.01
    assert loss.item() == pytest.approx(0.01 / 2, rel=0.1)


@pytest.mark.parametrize("owner", ["autoencoder", "critic", "learner"])
def test_an_update_touches_its_owner_alone(owner):
    trainer = Trainer(SPLIT, IMAGES, SHORT)
    trainer.refit()
    before = {k: t.clone() for k, t in trainer.model.named_parameters()}
    phase = SHORT.phases[1]
    for group in trainer.optimisers[owner].param_groups:
        group["lr"] = 0.1
    update = trainer.optimisers.minimise

    def only(name, loss):
        if name == owner:
            update(name, loss)

    pick = torch.arange(8)
    labelled = (trainer.labelled[pick], trainer.values[pick])
    taught = torch.zeros(8, 2, dtype=torch.long)
    ours.step(
        trainer.model,
        phase,
        trainer.moves,
        trainer.unlabelled[pick],
        labelled,
        taught,
        only,
        generator(),
    )
    changed = {
        k.split(".")[0] for k, t in trainer.model.named_parameters() if (t != before[k]).any()
    }
    assert changed == {owner}


@pytest.mark.parametrize("loss", ["labels", "pseudo", "teacher"])
def test_images_that_roam_teach_every_value_but_their_position(loss):
    trainer = Trainer(SPLIT, IMAGES, SHORT)
    phase = SHORT.phases[0].changed(
        views={"roam": 1.0},
        labels={"confidence": 0.01, "balanced": 0.5},
        losses={"labels": 0.0, "pseudo": 0.0, "reconstruction": 0.0} | {loss: 1.0},
    )
    pick = torch.arange(8)
    labelled = (trainer.labelled[pick], trainer.values[pick])
    taught = torch.zeros(8, 2, dtype=torch.long)
    ours.step(trainer.model, phase, trainer.moves, trainer.unlabelled[pick], labelled, taught,
                lambda name, loss: loss.backward(), generator())  # fmt: skip
    shape, position = (head.weight.grad.abs().max() for head in trainer.model.heads)
    assert shape > 0 and position == 0


def test_what_a_taught_phase_believes_is_what_the_phase_before_reads():
    trainer = Trainer(SPLIT, IMAGES, SHORT)
    trainer.model.heads.requires_grad_(False)
    for head, value in zip(trainer.model.heads, (2, 5)):  # sure of shape, unsure of position
        head.weight.zero_()
        head.bias.zero_()
        head.bias[value] = 9.0 if value == 2 else 1.0
    before, phase = SHORT.phases[0], SHORT.phases[1]
    found = ours.teach(trainer.model, before, trainer.unlabelled[:20])
    assert found.tolist() == [[2, -1]] * 20
    trainer.begin(phase, before)
    assert trainer.taught[:20].tolist() == found.tolist()


def test_a_balanced_teacher_is_believed_as_often_for_every_value():
    model = ModularModel(task("dSprites.v2"), NetworkConfig(dim=9))  # 3 shapes, 9 places
    for head in model.heads:
        torch.nn.init.eye_(head.weight)
        torch.nn.init.zeros_(head.bias)
    guess = torch.tensor([0] * 6 + [1] * 2 + [2])
    z = torch.zeros(9, 2, 9)
    z[torch.arange(9), 0, guess] = torch.tensor([1.0, 5, 2, 4, 3, 6, 1, 1, 0.1])
    z[:, 1, 4] = 1.0
    model.encode = lambda images: z
    phase = Phase("warm-up", prior="normal")
    shape, place = ours.teach(model, phase, None, balanced=2 / 3).T  # 2 of 9 / 3 images a shape
    assert shape.tolist() == [-1, 0, -1, -1, -1, 0, 1, 1, 2]
    assert place.tolist() == [-1] * 9  # of a place there is 1 image, and two thirds of 1 are none
    assert (ours.teach(model, phase, None, balanced=1.0)[:, 1] == 4).sum() == 1
    trainer = Trainer(SPLIT, IMAGES, SHORT)
    trainer.begin(SHORT.phases[1].changed(labels={"balanced": 0.5}), SHORT.phases[0])
    for column, size in zip(trainer.taught.T, SPLIT.task.sizes):
        counts = torch.bincount(column[column >= 0], minlength=size)
        assert 0 < counts.max() <= len(SPLIT.train) / size / 2


def test_before_there_are_components_the_cycle_asks_for_what_the_heads_read():
    model = ModularModel(task("dSprites.v2"))
    seen = []
    model.autoencoder.decode = lambda z: (seen.append(z), z)[1]
    model.autoencoder.encode = lambda pictures: seen[-1]  # a perfect pair
    z = 30 * torch.randn((64, 2, 8), generator=generator())
    phase = Phase("warm-up", prior="normal")
    assert ours.cycle_loss(model, phase, z, generator()).item() < 0.3
    (codes,) = seen  # encodings alone, no sample; each partition comes from some image
    sources = torch.stack([(c[:, None] == z[None, :, i]).all(2).int().argmax(1)
                           for i, c in enumerate(codes.unbind(1))], 1)  # fmt: skip
    assert all(sorted(column.tolist()) == list(range(32)) for column in sources.T)
    assert (sources[:, 0] != sources[:, 1]).any()
    model.autoencoder.encode = lambda pictures: -seen[-1]  # an encoder that reads something else
    assert ours.cycle_loss(model, phase, z, generator()).item() > 5


def test_a_swap_costs_what_the_picture_holds_of_the_partition():
    model = ModularModel(task("dSprites.v2"))
    z = torch.randn((50, 2, 8), generator=generator())
    bright = 255 * (z[:, 0, 0] > 0).to(torch.uint8)[:, None, None, None].expand(-1, 1, 64, 64)

    class FirstAlone(torch.nn.Module):
        """Draws from the first partition; the second changes nothing."""

        def forward(self, code):
            return 50 * code[:, :1, None, None].expand(-1, 1, 64, 64)

    model.autoencoder.decoder = FirstAlone()
    plain, (first, second) = ours.swap_costs(model, bright, z, generator(1))
    assert plain < 10 < first and second == plain


def test_swaps_spare_a_partition_that_costs_much(monkeypatch):
    trainer = Trainer(SPLIT, IMAGES, SHORT)
    costs = (torch.tensor(2.0), torch.tensor([2.5, 2.7]))
    monkeypatch.setattr(ours, "swap_costs", lambda *_: costs)
    finish = Phase("finish", 1, finish=Finish(swap=0.5, spare=0.3))
    trainer.begin(finish, finish)
    assert trainer.swaps.tolist() == [True, False]
    trainer.begin(finish.changed(finish={"spare": math.inf}), finish)
    assert trainer.swaps.tolist() == [True, True]


def test_the_frozen_encoder_stays_as_it_is_whatever_passes_through_it():
    trainer = Trainer(SPLIT, IMAGES, SHORT)
    finish = SHORT.phases[-1]
    assert finish.finish and finish.weight("recomposition")
    trainer.begin(finish, finish)
    before = weights(trainer.model.autoencoder)
    for at in range(3):
        said = trainer.step(finish, at, 0.0)
    assert {"reconstruction", "recomposition", "relational"} <= set(said)
    after = weights(trainer.model.autoencoder)
    changed = {k.split(".")[0] for k in after if not torch.equal(after[k], before[k])}
    assert changed == {"decoder"}
    trainer._ready(frozen=False)
    assert all(w.requires_grad for w in trainer.model.parameters())


def test_recomposed_codes_are_asked_for_the_value_that_moved_and_those_that_stayed():
    model = ModularModel(task("dSprites.v2"), NetworkConfig(dim=2))
    model.prior.mean[:] = 9 * torch.arange(9.0)[None, :, None]  # value k lies at 9 k
    model.prior.scale_tril.mul_(0.01)
    seen = []
    model.autoencoder.decode = lambda z: (seen.append(z), z)[1]
    model.autoencoder.encode = lambda pictures: seen[-1]  # a perfect pair
    z = model.prior.mean[torch.arange(2), torch.tensor([[1, 4]] * 200)]
    phase = Phase("finish", 1, labels=Labels(temperature=1.0))
    assert ours.recomposition_loss(model, phase, z, generator()).item() < 1e-3
    stayed = (seen[-1] == z).all(2)
    assert (stayed.sum(1) >= 1).all() and 0.3 < stayed[:, 0].float().mean() < 0.8
    model.autoencoder.encode = lambda pictures: z  # an encoder that saw no move
    assert ours.recomposition_loss(model, phase, z, generator()).item() > 100


def test_reading_a_scalar_is_noticed():
    with NoWaiting(), pytest.raises(AssertionError, match="local_scalar"):
        torch.ones(3).sum().item()
    with NoWaiting(), pytest.raises(AssertionError, match="nonzero"):
        torch.ones(3)[torch.ones(3) > 0]


@pytest.mark.parametrize(
    ("preset", "number"),
    [(preset, number) for preset in (COURSE, FEW) for number in range(len(preset.phases))],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_step_never_waits_for_the_host(preset, number):
    trainer, phase = Trainer(SPLIT, IMAGES, SHORT), shortened(preset).phases[number]
    trainer.begin(phase, phase)
    trainer.step(phase, 0, 0.0)
    with NoWaiting():
        trainer.step(phase, 1, 0.5)


# --- presets ---------------------------------------------------------------------------------


def test_paper_is_the_published_schedule():
    warm_up, full = PAPER.phases
    assert (warm_up.epochs, full.epochs) == (1000, 5000)
    assert (warm_up.prior, full.prior) == ("uniform", "adaptive")
    assert {p.batch for p in PAPER.phases} == {1024} and full.relations.batch == 128
    assert PAPER.networks.width == 1024 and PAPER.networks.decoder == "conv"
    assert (PAPER.fit.scale, PAPER.fit.shrink, PAPER.fit.only_if_singular) == (0.1, 0, True)
    for phase in PAPER.phases:
        assert phase.is_published and set(phase.losses) <= set(PUBLISHED_LOSSES)
        assert not phase.rates.cosine and not phase.refit_every
    assert not any(phase.is_published for phase in (*COURSE.phases, *FEW.phases))


def test_epochs_become_steps_with_seven_copies_of_every_image():
    resolved = PAPER.for_images(7088)
    assert [p.steps for p in resolved.phases] == [1000 * 49, 5000 * 49]
    assert resolved.for_images(7088) == resolved
    assert COURSE.for_images(5) == COURSE


def test_a_task_has_its_own_length_and_everything_else_is_the_recipe():
    short, plain = COURSE.for_task("dSprites.v2"), COURSE.for_task("dSprites.v3")
    assert [p.steps for p in plain.phases] == [p.steps for p in COURSE.phases]
    for mine, theirs in zip(short.phases, COURSE.phases, strict=True):
        assert mine == dataclasses.replace(theirs, steps=mine.steps)
        assert mine.steps < theirs.steps
    assert short.for_task("dSprites.v2") == short  # once is all
    assert PAPER.for_task("dSprites.v4").phases == PAPER.phases
    for phase in PAPER.for_task("Shapes3D.v3").phases:  # the earlier code's rate; a mean over RGB
        assert phase.rates == Rates(1e-5, 1e-5, 1e-5, cosine=False)
        assert phase.weight("reconstruction") == PAPER.phases[0].weight("reconstruction") / 3


def test_few_is_course_but_for_how_it_comes_by_values():
    for name in TASKS:
        few, course = FEW.for_task(name), COURSE.for_task(name)
        cut = min(1, COURSE.lengths.get(name, 1))
        assert few.steps == pytest.approx(course.steps / cut, abs=5)
        assert (few.networks, few.fit) == (course.networks, course.fit)
        for phase in few.phases:
            base = course.phases[0 if phase.prior == "normal" else 1]
            if phase.finish:
                base = course.phases[2]
            free = {name: phase.weight(name) for name in ("pseudo", "teacher", "cycle")}
            same = base.changed(
                name=phase.name,
                steps=phase.steps,
                losses=free,
                labels={"balanced": phase.labels.balanced},
                rates={"fresh": phase.rates.fresh},
            )
            assert phase.changed(losses=free) == same
    shares = [phase.labels.balanced for phase in FEW.phases[1:-1]]
    assert shares == sorted(shares) and shares[0] > 0
    assert not any(phase.weight("pseudo") for phase in FEW.phases)


@pytest.mark.parametrize("one", [PAPER, COURSE, FEW])
def test_a_preset_is_found_by_its_name_and_its_record_is_json(one):
    assert preset(one.name.lower()) is one
    record = json.loads(json.dumps(dataclasses.asdict(one)))
    assert record["phases"][0]["losses"] == one.phases[0].losses


def test_an_unknown_preset_or_loss_is_refused():
    with pytest.raises(ValueError, match="no preset 'FAST'; the presets are PAPER, COURSE, FEW"):
        preset("FAST")
    with pytest.raises(ValueError, match="there is no loss 'cycel'"):
        Phase("mine", losses={"cycel": 1.0})


# --- the trainer -----------------------------------------------------------------------------


def shortened(preset, steps=4):
    small = {"steps": steps, "batch": 16, "labels": {"batch": 16}, "relations": {"batch": 8}}
    phases = [p.changed(**small, refit_every=2 if p.refit_every else 0) for p in preset.phases]
    return dataclasses.replace(preset, phases=tuple(phases))


SHORT = shortened(COURSE)
SPLIT = split(task("dSprites.v2"), seed=0, labels=300, limit=1000)


def weights(model):
    return {k: t.clone() for k, t in model.state_dict().items()}


@pytest.fixture(scope="module")
def uninterrupted():
    return weights(Trainer(SPLIT, IMAGES, SHORT, seed=3).run())


@pytest.mark.parametrize("stop", range(1, SHORT.steps))
def test_resumed_is_bitwise_uninterrupted(tmp_path, uninterrupted, stop):
    Trainer(SPLIT, IMAGES, SHORT, seed=3).run(stop, folder=tmp_path)
    again = Trainer(SPLIT, IMAGES, SHORT, seed=3)
    again.resume(tmp_path)
    assert again.done == stop
    for name, tensor in weights(again.run(folder=tmp_path)).items():
        assert torch.equal(tensor, uninterrupted[name]), name


def test_resumed_in_a_round_and_between_two_is_bitwise_uninterrupted(tmp_path):
    rounds = shortened(FEW, steps=2)
    wanted = weights(Trainer(SPLIT, IMAGES, rounds, seed=3).run())
    for stop in (2, 5, 8, 10):  # before the first round, in one, between two, before full training
        Trainer(SPLIT, IMAGES, rounds, seed=3).run(stop, folder=tmp_path)
        again = Trainer(SPLIT, IMAGES, rounds, seed=3)
        again.resume(tmp_path)
        for name, tensor in weights(again.run(folder=tmp_path)).items():
            assert torch.equal(tensor, wanted[name]), (stop, name)


def test_nothing_but_sprites_roams():
    roaming = dataclasses.replace(SHORT, phases=(SHORT.phases[0].changed(views={"roam": 0.5}),))
    solids = split(task("Shapes3D.v2"), seed=0, labels=300, limit=1000)
    with pytest.raises(ValueError, match="images of Shapes3D.v2 cannot roam"):
        Trainer(solids, load("shapes3d"), roaming)


def test_the_record_says_how_long_training_took_stops_left_out(tmp_path):
    first = Trainer(SPLIT, IMAGES, SHORT)
    first.run(3, folder=tmp_path)
    again = Trainer(SPLIT, IMAGES, SHORT)
    again.resume(tmp_path)
    assert again.seconds == first.seconds > 0
    again.run()
    assert again.seconds > first.seconds
    again.save_model(tmp_path)
    assert load_model(tmp_path).record["training"] == {
        "steps": SHORT.steps,
        "seconds": round(again.seconds, 1),
        "device": "cpu",
        "threads": torch.get_num_threads(),
    }
    tensors, record = saved.load(tmp_path, saved.CHECKPOINT)
    for wrong in (-1.0, float("inf"), "3", None):
        saved.save(tmp_path, saved.CHECKPOINT, tensors, record | {"seconds": wrong})
        with pytest.raises(ValueError, match="is damaged"):
            again.resume(tmp_path)


def test_fields_of_a_task_come_after_those_of_its_dataset():
    changes = {
        "dSprites": {"views": {"shift": 3}, "batch": 7},
        "dSprites.v4": {"views": {"shift": 5}},
    }
    mine = dataclasses.replace(SHORT, changes=changes)
    phases = [
        mine.for_task(name).phases[0] for name in ("dSprites.v2", "dSprites.v4", "Shapes3D.v2")
    ]
    assert [(p.views.shift, p.batch) for p in phases] == [(3, 7), (5, 7), (2, 16)]


def test_another_seed_ends_elsewhere(uninterrupted):
    other = weights(Trainer(SPLIT, IMAGES, SHORT, seed=4).run())
    assert not torch.equal(other["prior.mean"], uninterrupted["prior.mean"])


def test_training_leaves_the_global_random_state_alone():
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    Trainer(SPLIT, IMAGES, SHORT, seed=1).run(2)
    assert torch.equal(torch.rand(3), wanted)


def test_rates_rise_first_and_fall_to_zero():
    rates = Rates(autoencoder=1e-3, rise=4)
    losses = {"reconstruction": 1.0, "labels": 1.0}
    phase = Phase("full", 8, batch=2, losses=losses, labels=Labels(batch=4), rates=rates)
    trainer = Trainer(SPLIT, IMAGES, dataclasses.replace(COURSE, phases=(phase,)))
    seen = []
    for _ in range(8):
        trainer.run(1)
        seen.append(trainer.optimisers["autoencoder"].param_groups[0]["lr"])
    fall = [5e-4 * (1 + math.cos(math.pi * at / 8)) for at in range(8)]
    assert seen == pytest.approx([f * min(1, (at + 1) / 4) for at, f in enumerate(fall)])


def test_a_fresh_phase_forgets_the_moments_of_the_one_before():
    trainer = Trainer(SPLIT, IMAGES, SHORT)
    trainer.run(SHORT.phases[0].steps)
    moments = trainer.optimisers["autoencoder"].state
    assert {float(state["step"]) for state in moments.values()} == {4.0}
    trainer.begin(SHORT.phases[1].changed(rates={"fresh": False}), SHORT.phases[0])
    assert {float(state["step"]) for state in moments.values()} == {4.0}
    trainer.begin(SHORT.phases[1], SHORT.phases[0])
    assert not trainer.optimisers["autoencoder"].state


def test_an_epoch_sees_every_image_once():
    trainer = Trainer(SPLIT, IMAGES, SHORT)
    seen = torch.cat([trainer.order.take(50) for _ in range(len(SPLIT.train) // 50)])
    assert sorted(seen.tolist()) == list(range(len(SPLIT.train)))


def test_the_model_alone_can_be_kept_and_loaded(tmp_path, uninterrupted):
    trainer = Trainer(SPLIT, IMAGES, SHORT, seed=3)
    trainer.run()
    trainer.save_model(tmp_path)
    model = load_model(tmp_path)
    record = model.record
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, uninterrupted[name]), name
    assert (record["task"], record["seed"], record["labels"]) == ("dSprites.v2", 3, 300)


def scalars(value):
    """The same settings with every number as one of numpy's."""
    if dataclasses.is_dataclass(value):
        named = {f.name: scalars(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **named)
    if isinstance(value, dict):
        return {name: scalars(one) for name, one in value.items()}
    if isinstance(value, tuple):
        return tuple(map(scalars, value))
    return {bool: np.bool_, int: np.int64, float: np.float64}.get(type(value), lambda v: v)(value)


def test_numbers_of_numpy_train_and_are_recorded_as_numbers(tmp_path):
    parts = split(task("dSprites.v2"), seed=np.int64(0), labels=np.int32(300), limit=np.int64(1000))
    given = scalars(SHORT)
    assert type(given.phases[0].rates.critic) is np.float64
    trainer = Trainer(parts, IMAGES, given, seed=np.uint8(0))
    trainer.run(np.int64(3), folder=tmp_path, save_every=np.int64(2))
    plain = Trainer(SPLIT, IMAGES, SHORT)
    plain.resume(tmp_path)
    assert plain.done == 3 and saved.load(tmp_path, "checkpoint")[1]["preset"]["phases"]
    assert NetworkConfig(dim=np.int64(8), residual=np.bool_(True)) == NetworkConfig()
    single = SHORT.changed(rates={"critic": np.float32(0.1)})
    assert Trainer(SPLIT, IMAGES, single).preset.phases[0].rates.critic == float(np.float32(0.1))


def test_settings_that_no_record_can_hold_are_refused_before_an_image_is_drawn(monkeypatch):
    monkeypatch.setattr(type(IMAGES), "draw", None)  # an image would fail
    for value in ({1, 2}, torch.tensor(0.5), 1j):
        with pytest.raises(TypeError, match="a record cannot hold .*: use numbers"):
            Trainer(SPLIT, IMAGES, SHORT.changed(rates={"critic": value}))


def test_a_record_that_json_cannot_hold_leaves_no_file(tmp_path):
    with pytest.raises(TypeError, match="a record cannot hold"):
        saved.save(tmp_path / "a", "model", {"x": torch.zeros(1)}, {"labels": {1, 2}})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "change, said",
    [
        ({"seed": 1}, "seed 0, not 1"),
        ({"preset": dataclasses.replace(SHORT, critic_betas=(0.1, 0.9))}, "another preset"),
        ({"split": split(task("dSprites.v3"), seed=0, labels=300, limit=1000)}, "dSprites.v3"),
        ({"split": split(task("dSprites.v2"), seed=0, labels=299, limit=1000)}, "labels 300"),
        ({"split": split(task("dSprites.v2"), seed=1, labels=300, limit=1000)}, "another split"),
        ({"split": split(task("dSprites.v2"), seed=0, labels=300, limit=999)}, "another split"),
    ],
)
def test_the_checkpoint_of_another_run_is_refused(tmp_path, change, said):
    arguments = {"split": SPLIT, "images": IMAGES, "preset": SHORT, "seed": 0}
    Trainer(**arguments).save(tmp_path)
    other = Trainer(**arguments | change)
    before = weights(other.model)
    with pytest.raises(ValueError, match=said):
        other.resume(tmp_path)
    assert all(torch.equal(t, before[k]) for k, t in weights(other.model).items())


def test_a_run_on_an_original_file_goes_on_wherever_the_file_lies(tmp_path, monkeypatch):
    path = "/a/long/path/to/a/folder/of/original/files/dsprites.npz"
    here = dataclasses.replace(IMAGES, source=path, content="0123456789abcdef")
    moved = dataclasses.replace(here, source="dsprites.npz")
    other = dataclasses.replace(here, content="fedcba9876543210")
    Trainer(SPLIT, here, SHORT).save(tmp_path)
    Trainer(SPLIT, moved, SHORT).resume(tmp_path)
    for images in (other, IMAGES):
        said = f"images {here.identity}, not {images.identity}"
        with pytest.raises(ValueError, match=re.escape(said)):
            Trainer(SPLIT, images, SHORT).resume(tmp_path)

    record = json.loads((tmp_path / "checkpoint.json").read_text())
    early = {"images": path, "split": {name: record["split"][name] for name in ("seed", "train")}}
    (tmp_path / "checkpoint.json").write_text(json.dumps(record | early))
    Trainer(SPLIT, here, SHORT).resume(tmp_path)
    monkeypatch.chdir("/")
    Trainer(SPLIT, dataclasses.replace(here, source=path[1:]), SHORT).resume(tmp_path)
    with pytest.raises(ValueError, match=f"images {path}, not {here.identity}"):
        Trainer(SPLIT, moved, SHORT).resume(tmp_path)
    (tmp_path / "checkpoint.json").write_text(json.dumps(record | {"images": "\0"}))  # no path
    with pytest.raises(ValueError, match=f"the checkpoint in {tmp_path} is of images"):
        Trainer(SPLIT, moved, SHORT).resume(tmp_path)


def test_a_model_of_another_split_is_not_measured_on_what_it_was_trained_on(tmp_path, capsys):
    from wdlib.__main__ import main

    parts = dataclasses.replace(SPLIT, train=SPLIT.train[:600])
    Trainer(parts, IMAGES, SHORT).save_model(tmp_path)
    assert main(["evaluate", str(tmp_path)]) == 2
    assert "was trained on another split" in capsys.readouterr().err
    parts = split(SPLIT.task, seed=0, labels=300, limit=1000, unseen=0.2)
    Trainer(parts, IMAGES, SHORT).save_model(tmp_path)
    assert main(["evaluate", str(tmp_path)]) == 2
    assert "left out 5 combinations" in capsys.readouterr().err


def test_a_record_brings_the_split_of_its_model(tmp_path):
    settings = {"labels": 200, "limit": 900, "fractions": (0.5, 0.25, 0.25), "unseen": 0.1}
    parts = split(task("dSprites.v2"), seed=3, **settings)
    Trainer(parts, IMAGES, SHORT, seed=8).save_model(tmp_path)
    found = split_of(load_model(tmp_path).record)
    for name in ("train", "validation", "test", "labelled", "unseen", "unseen_combinations"):
        assert np.array_equal(getattr(found, name), getattr(parts, name)), name


@pytest.mark.parametrize("told", [{"limit": "many"}, {"colour": 3}, 5])
def test_a_record_that_describes_no_split_is_refused(told):
    record = {"task": "dSprites.v2", "seed": 0, "labels": 5, "split": told}
    with pytest.raises(ValueError, match="the record of dSprites.v2 describes no split"):
        split_of(record)


def test_a_diverged_loss_is_named_and_the_last_checkpoint_kept(tmp_path):
    trainer = Trainer(SPLIT, IMAGES, SHORT)
    trainer.run(2, folder=tmp_path)
    kept = (tmp_path / "checkpoint.json").read_text()
    with torch.no_grad():
        next(trainer.model.autoencoder.parameters()).fill_(math.nan)
    progress = Lines(1, io.StringIO())
    with pytest.raises(FloatingPointError, match="loss is nan at step 3"):
        trainer.run(folder=tmp_path, progress=progress)
    assert (tmp_path / "checkpoint.json").read_text() == kept


def test_no_diverged_state_is_saved_between_two_reports(tmp_path):
    trainer = Trainer(SPLIT, IMAGES, SHORT)
    trainer.run(2, folder=tmp_path)
    kept = (tmp_path / "checkpoint.json").read_text()
    with torch.no_grad():
        next(trainer.model.autoencoder.parameters()).fill_(math.nan)
    with pytest.raises(FloatingPointError, match="at step 3"):
        trainer.run(folder=tmp_path, progress=Lines(1000, io.StringIO()), save_every=1)
    assert (tmp_path / "checkpoint.json").read_text() == kept


def test_a_factor_value_without_a_label_is_refused():
    few = split(task("dSprites.v2"), seed=0, labels=5)
    with pytest.raises(ValueError, match="none of the 5 labelled images has"):
        Trainer(few, IMAGES, SHORT)


def test_lines_say_step_phase_rate_and_losses():
    stream = io.StringIO()
    Trainer(SPLIT, IMAGES, SHORT).run(6, progress=Lines(3, stream))
    first, end, last = stream.getvalue().splitlines()
    assert "step 3/12  warm-up" in first and "images/s" in first and "reconstruction" in first
    assert "step 4/12  warm-up" in end, "the last step of a phase is shown, too"
    assert "step 6/12  full" in last and "relational" in last


@pytest.mark.slow
def test_paper_runs_on_the_same_trainer():
    short = PAPER.changed(epochs=0, steps=2, batch=16, relations={"batch": 8})
    trainer = Trainer(SPLIT, IMAGES, short)
    before = weights(trainer.model)
    model = trainer.run()
    moved = {k.split(".")[0] for k, t in model.state_dict().items() if (t != before[k]).any()}
    assert moved == {"autoencoder", "critic", "learner", "prior"}  # the heads are ours


@pytest.mark.slow
def test_autocast_changes_the_precision_and_not_the_schedule():
    whole = Trainer(SPLIT, IMAGES, SHORT).run(3)
    half = Trainer(SPLIT, IMAGES, SHORT, autocast=True).run(3)
    for name, tensor in whole.named_parameters():
        torch.testing.assert_close(dict(half.named_parameters())[name], tensor, atol=0.05, rtol=0)
