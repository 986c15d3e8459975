"""The same seed prints the same figures, again and again, and within limits on two threads.

Another number of threads adds up sums in another order. This does not show in the figures of given
weights. In training it changes the weights, because the first steps of Adam have full length even
for tiny gradients; the figures then differ by less than their standard error.
"""

import dataclasses

import pytest
import torch

from wdlib.data import load
from wdlib.data.split import split
from wdlib.evaluation import evaluate
from wdlib.experiments.cells import threads
from wdlib.metrics.judge import train_judge
from wdlib.tasks import task
from wdlib.training import COURSE, Trainer

UNIT = 0.001  # of the last digit that a report prints
TEST = 200  # images that the figures are measured on
STANDARD_ERROR = 0.5 / TEST**0.5  # of a share, at most
IMAGES = load("dsprites")
SPLIT = split(task("dSprites.v2"), seed=0, labels=300, limit=5 * TEST)
SHORT = dataclasses.replace(
    COURSE, phases=tuple(dataclasses.replace(p, steps=12) for p in COURSE.phases)
)


def trained(count: int, seed: int = 0):
    with threads(count):
        return Trainer(SPLIT, IMAGES, SHORT, seed=seed).run()


@pytest.fixture(scope="module")
def judge():
    with threads(1):
        return train_judge(SPLIT, IMAGES, steps=30)


@pytest.fixture(scope="module")
def model():
    return trained(1)


def report(model, judge, count: int = 1):
    settings = {"samples": TEST, "most": 2 * TEST, "metrics": ("mig", "sap_r2")}
    with threads(count):
        return evaluate(model, SPLIT, IMAGES, judge, **settings)


def test_a_repeat_prints_the_same_and_another_seed_does_not(model, judge):
    torch.manual_seed(99)  # other random numbers of the process must not matter
    again, other, first = (report(m, judge) for m in (trained(1), trained(1, seed=1), model))
    assert str(again) == str(first) and again.to_dict() == first.to_dict()
    assert str(other) != str(first)


def test_measured_on_two_threads_the_figures_are_the_same(model, judge):
    one, two = (report(model, judge, count).to_dict() for count in (1, 2))
    assert two == pytest.approx(one, abs=UNIT)


def test_trained_on_two_threads_the_figures_differ_by_less_than_their_standard_error(model, judge):
    one, two, other = (report(m, judge).to_dict() for m in (model, trained(2), trained(1, seed=1)))
    assert two == pytest.approx(one, abs=STANDARD_ERROR)
    assert other != pytest.approx(one, abs=STANDARD_ERROR), "the tolerance hides another training"
