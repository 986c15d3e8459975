"""The loop that every method trains on: requests, budgets, phases, batches and rates."""

import itertools
import math

import numpy as np
import pytest
import torch

from wdlib.data import load
from wdlib.data.split import split
from wdlib.tasks import task
from wdlib.training import FitRequest, loop

IMAGES = load("dsprites")
SPLIT = split(task("dSprites.v2"), seed=0, labels=120, limit=400)


def spent(phases, **budget):
    """What each phase of a loop yields, by name, and the loop."""
    clock = loop.Loop(**budget)
    yielded = {}
    for name, share in phases:
        yielded[name] = []
        for at in clock.phase(name, share):
            yielded[name].append(at)
            clock.report(1, loss=torch.tensor(1.0))
    return yielded, clock


@pytest.mark.parametrize(
    "budget", [{}, {"steps": 3, "seconds": 1.0}, {"steps": 0}, {"seconds": -1.0}]
)
def test_a_budget_is_steps_or_seconds(budget):
    with pytest.raises(ValueError, match="invalid budget"):
        FitRequest(SPLIT, IMAGES, **budget)


def test_labels_are_the_first_ones_of_the_split():
    request = FitRequest(SPLIT, IMAGES, labels=50, steps=1)
    assert np.array_equal(request.labelled.labelled, SPLIT.labelled[:50])
    for labels in (0, 121):
        with pytest.raises(ValueError, match=f"labels is {labels}, but .* has 120 labelled"):
            _ = FitRequest(SPLIT, IMAGES, labels=labels, steps=1).labelled


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
    yielded, _ = spent([("first", 0.5), ("second", None)], seconds=20)
    assert 20 <= next(now) <= 23
    first, second = yielded.values()
    assert first == sorted(first) and 0 <= first[0] < 0.3 and 0.7 < first[-1] <= 1
    assert len(second) == pytest.approx(len(first), abs=2)


def test_a_late_phase_still_takes_one_step():
    yielded, _ = spent([("a", 0.1), ("b", 0.1), ("c", None)], seconds=1e-9)
    assert [len(steps) for steps in yielded.values()] == [1, 1, 1]


def test_a_loss_that_is_not_finite_is_named():
    clock = loop.Loop(steps=4)
    with pytest.raises(FloatingPointError, match="the labels loss is nan at step 4 .only."):
        for _ in clock.phase("only"):
            clock.report(1, labels=torch.tensor(math.nan))


def test_progress_is_shown_every_so_many_steps_and_at_the_end():
    heard = []

    class Ear:
        every = 2

        def __call__(self, step, total, phase, said, rate):
            heard.append((step, total, phase))

    _, clock = spent([("a", 0.6), ("b", None)], steps=5, progress=Ear())
    assert heard == [(2, 5, "a"), (3, 5, "a"), (4, 5, "b"), (5, 5, "b")]
    assert [row["step"] for row in clock.history] == [2, 3, 4, 5]


def test_every_number_comes_once_per_epoch():
    order = loop.Batches(10, 4, torch.Generator().manual_seed(0))
    drawn = torch.cat([next(order) for _ in range(5)])
    for epoch in drawn.split(10):
        assert sorted(epoch.tolist()) == list(range(10))


def test_rates_fall_along_half_a_cosine():
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
    found = []
    for at in (0, 0.5, 1):
        loop.anneal(optimiser, at)
        found.append(optimiser.param_groups[0]["lr"])
    assert found == pytest.approx([0.4, 0.2, 0])


def test_integers_of_numpy_become_pythons():
    given = {"seed": np.int64(3), "labels": np.int32(50), "steps": np.uint8(7)}
    request = FitRequest(SPLIT, IMAGES, **given)
    for name, value in given.items():
        assert getattr(request, name) == value and type(getattr(request, name)) is int
    with pytest.raises(TypeError, match="float"):
        FitRequest(SPLIT, IMAGES, steps=2.5)
