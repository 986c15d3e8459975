"""A world of one's own: scikit-learn's digits become a task like the paper's."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

import wdlib
from wdlib.data import as_input
from wdlib.metrics.judge import train_judge
from wdlib.model.loading import load_model
from wdlib.training import Phase, Preset, Trainer

BITMAPS, NAMES = load_digits(return_X_y=True)
WRITTEN = [BITMAPS[NAMES == digit].reshape(-1, 8, 8) > 7 for digit in range(3)]


def draw(classes):
    """A digit, three times as large, in one of four corners."""
    pictures = np.zeros((len(classes), 64, 64), np.uint8)
    for picture, (digit, corner, writer) in zip(pictures, classes):
        y, x = 4 + 32 * (corner // 2), 4 + 32 * (corner % 2)
        picture[y : y + 24, x : x + 24] = WRITTEN[digit][writer].repeat(3, 0).repeat(3, 1)
    return pictures


FACTORS = {"digit": "012", "corner": range(4), "writer": range(100)}
TASK, IMAGES = wdlib.world("digits", FACTORS, draw, relevant=("digit", "corner"), cyclic=["corner"])


def test_the_world_is_what_was_declared():
    assert TASK.sizes == (3, 4) and len(TASK) == 1200 and TASK.shape == (1, 64, 64)
    assert TASK.factors[0].value_names == ("0", "1", "2")
    assert (IMAGES[4 * 100 + 7] == draw(np.array([[1, 0, 7]]))[0]).all()
    assert (TASK.labels([0, 100, 1199]) == [[0, 0], [0, 1], [2, 3]]).all()


def test_its_relations_are_next_and_previous():
    names = [r.name for r in wdlib.relations_of(TASK)]
    assert names == ["next digit", "previous digit", "next corner", "previous corner"]
    values = np.array([[2, 3]])
    assert wdlib.relation("next digit", TASK)(values, TASK).tolist() == [[2, 3]]  # it stays
    assert wdlib.relation("next corner", TASK)(values, TASK).tolist() == [[2, 0]]  # it goes round


def test_a_black_first_image_makes_no_world_binary():
    def grey(classes):
        return np.full((len(classes), 16, 16), 60, np.uint8) * classes[:, :1, None].astype(np.uint8)

    task, images = wdlib.world("grey", {"light": range(4)}, grey, relevant=["light"])
    assert not task.binary and task.shape == (1, 16, 16) and grey(np.zeros((1, 1))).max() == 0
    assert as_input(images[:], task).max() == 180 / 255


def test_it_trains_is_kept_and_evaluated(tmp_path):
    parts = wdlib.split(TASK, seed=0, labels=100)
    warm_up = Phase(
        "warm-up", 60, batch=16, prior="normal", losses={"labels": 1.0, "reconstruction": 0.02}
    )
    full = Phase(
        "full", 20, batch=16, losses={"reconstruction": 1.0, "labels": 1.0, "relational": 1.0}
    )
    preset = Preset("little", wdlib.COURSE.networks, wdlib.COURSE.fit, (warm_up, full))
    trainer = Trainer(parts, IMAGES, preset)
    model = trainer.run()
    trainer.save_model(tmp_path)
    again = load_model(tmp_path, own=TASK)
    record = again.record
    assert record["task"] == "digits" and again.task is TASK
    report = wdlib.evaluate(
        model, parts, IMAGES, train_judge(parts, IMAGES, steps=60), samples=200, most=600,
        importances="hist_gradient_boosting",
    )  # fmt: skip
    assert report["encoder_corner"] > 0.5 > report["chance_encoder_corner"]


@pytest.mark.parametrize(
    "change, said",
    [
        ({"relevant": ("colour",)}, "no factor called 'colour'"),
        ({"factors": FACTORS | {"digit": "0"}}, "digit has 1 value"),
        ({"cyclic": ["writer"]}, "writer is cyclic but not relevant"),
        ({"draw": lambda c: draw(c) * 255, "binary": True}, "are binary, but a pixel is 255"),
        ({"draw": lambda c: draw(c).astype(float)}, "made as float64"),
    ],
)
def test_what_is_no_world_is_refused(change, said):
    arguments = {"factors": FACTORS, "draw": draw, "relevant": ("digit", "corner"), "cyclic": ()}
    with pytest.raises(ValueError, match=said):
        wdlib.world("digits", **arguments | change)
