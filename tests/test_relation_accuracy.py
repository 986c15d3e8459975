"""Relation accuracy of systems whose figures are known (perfect, idle, careless); the judge."""

import numpy as np
import pytest
import torch

from wdlib.data import device_images, load
from wdlib.data.split import split
from wdlib.metrics.judge import Judge, accuracy, kept_judge, soften, train_judge
from wdlib.metrics.relational import composed_accuracy, relation_accuracy
from wdlib.relations import relations_of
from wdlib.tasks import task

TASK = task("dSprites.v3")
RELATIONS = relations_of(TASK)
VALUES = torch.stack(
    [
        torch.randint(size, (3000,), generator=torch.Generator().manual_seed(i))
        for i, size in enumerate(TASK.sizes)
    ],
    1,
)
CODES = VALUES[:, :, None].float()  # a code is its value


class Perfect:
    """Codes are values, and so are its images; it moves codes by arithmetic."""

    def move(self, codes, relation):
        return torch.from_numpy(relation(codes[:, :, 0].long().numpy(), TASK))[:, :, None].float()

    def values(self, codes):
        return codes[:, :, 0].long()

    def decode(self, codes):
        return codes


class Idle(Perfect):
    def move(self, codes, relation):
        return codes


class Careless(Perfect):
    """Moves the right partition, but turns all shapes into squares."""

    def move(self, codes, relation):
        moved = super().move(codes, relation)
        if "shape" not in relation.name:
            moved[:, 0] = 0
        return moved


class Blind(Perfect):
    """Perfect codes, but all images show values 0; only a judge can notice."""

    def decode(self, codes):
        return torch.zeros_like(codes)


class Reads:
    """The judge of these images."""

    def read(self, pictures):
        return pictures[:, :, 0].long()


def measure(system):
    return relation_accuracy(system, TASK, RELATIONS, CODES, VALUES, judge=Reads())


def test_a_perfect_system_is_right_everywhere():
    assert set(measure(Perfect()).values.values()) == {1.0}


def test_an_idle_system_never_reaches_the_target():
    scores = measure(Idle())
    assert scores["target"] == scores["all"] == scores["judged_all"] == 0
    assert scores["judged_before"] == 1


def test_a_careless_system_reaches_the_target_and_loses_the_rest():
    scores = measure(Careless())
    assert scores["target"] == scores["judged_target"] == 1
    squares = (VALUES[:, 0] == 0).float().mean().item()
    shapes = 1 / len(RELATIONS)  # next-shape is one of them, and there it is right
    assert scores["all"] == pytest.approx(shapes + (1 - shapes) * squares, abs=0.03)


def test_only_the_judge_notices_a_blind_decoder():
    scores = measure(Blind())
    assert scores["target"] == scores["all"] == 1
    assert scores["judged_before"] == pytest.approx(1 / TASK.combinations, abs=0.01)
    assert scores["judged_all"] < 0.02


def test_the_matrix_shows_which_relation_loses_which_factor():
    matrix = measure(Careless()).matrix
    assert matrix.shape == (len(RELATIONS), 3)
    next_shape = [r.name for r in RELATIONS].index("next-shape")
    assert matrix[next_shape].tolist() == [1, 1, 1]
    assert (matrix[:, 1:] == 1).all()
    others = np.delete(matrix[:, 0], next_shape)
    assert others == pytest.approx((VALUES[:, 0] == 0).float().mean().item(), abs=0.1)


def test_every_relation_is_tried_and_the_seed_decides():
    asked = []

    class Listening(Perfect):
        def move(self, codes, relation):
            asked.append((relation.name, len(codes)))
            return super().move(codes, relation)

    measure(Listening())
    assert [name for name, _ in asked] == [r.name for r in RELATIONS]
    assert sum(count for _, count in asked) == len(CODES)
    assert min(count for _, count in asked) > 0.8 * len(CODES) / len(RELATIONS)
    again = list(asked)
    asked.clear()
    measure(Listening())
    assert asked == again


def test_moves_into_unseen_combinations_are_counted_apart():
    unseen = torch.zeros(TASK.sizes, dtype=torch.bool)
    unseen[1, :, 2] = True

    class Afraid(Perfect):
        """Cannot draw unseen combinations."""

        def decode(self, codes):
            known = ~unseen[tuple(self.values(codes).T)]
            return torch.where(known[:, None, None], codes, -1.0)

    def composed(system):
        return composed_accuracy(system, TASK, RELATIONS, CODES, VALUES, unseen, judge=Reads())

    assert set(composed(Perfect()).values.values()) == {1.0}
    scores = composed(Afraid())
    assert (scores["judged_unseen"], scores["judged_seen"]) == (0, 1)
    assert scores.settings["into_unseen"] == pytest.approx(len(CODES) / 15, rel=0.3)


# --- the judge -------------------------------------------------------------------------------


def test_the_judges_accuracy_counts_whole_images():
    class Half(Judge):
        def read(self, x, *, batch=512):
            values = VALUES[: len(x)].clone()
            values[::2, 1] += 1  # one factor wrong on every other image
            return values

    assert accuracy(Half(TASK), torch.zeros(3000, 1, 64, 64), VALUES) == 0.5


def test_softening_keeps_range_and_half_of_the_images():
    x = (torch.rand(10, 1, 64, 64, generator=torch.Generator().manual_seed(0)) > 0.5).float()
    y = soften(x, torch.Generator().manual_seed(0))
    assert torch.equal(y[5:], x[5:]) and 0 <= y.min() and y.max() <= 1
    assert ((y[:5] > 0) & (y[:5] < 1)).any()


def test_a_judge_learns_and_is_kept(tmp_path):
    """On a small part of v2, 200 steps are enough to read positions."""
    t, images = task("dSprites.v2"), load("dsprites")
    parts = split(t, seed=0, limit=3000)
    x = device_images(images, t.classes(parts.test))
    y = torch.from_numpy(t.labels(parts.test))
    judge = train_judge(parts, images, steps=200)
    right = (judge.read(x) == y).float().mean(0)
    assert right[1] > 0.95 and right[0] > 0.6
    torch.random.manual_seed(9)  # must not matter
    again = train_judge(parts, images, steps=200)
    assert torch.equal(judge.read(x), again.read(x))


def test_the_kept_judge_of_another_task_or_other_images_is_refused(tmp_path, monkeypatch):
    from wdlib.metrics import judge as module

    trained = []

    def quick(parts, images, *, device):
        trained.append(parts.task.name)
        return Judge(parts.task)

    monkeypatch.setattr(module, "train_judge", quick)
    v2, v3 = (split(task(f"dSprites.{v}"), seed=0, limit=2000) for v in ("v2", "v3"))
    fewer = split(task("dSprites.v2"), seed=0, limit=1900)
    first = kept_judge(tmp_path, v2, None)
    second = kept_judge(tmp_path, v2, None)
    assert trained == ["dSprites.v2"]
    for name, tensor in first.state_dict().items():
        assert torch.equal(second.state_dict()[name], tensor)
    with pytest.raises(ValueError, match="trained on .*dSprites.v2.*, not on .*dSprites.v3"):
        kept_judge(tmp_path, v3, None)
    with pytest.raises(ValueError, match="trained on .*'train': '.*, not on"):
        kept_judge(tmp_path, fewer, None)  # its training set has images of this test set
