"""Your own images: a table of labels, with images from files, arrays, HDF5 or a torch dataset."""

import io
import json
import subprocess
import sys
from functools import partial
from unittest.mock import patch

import h5py
import numpy as np
import onnxruntime
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import wdlib
from wdlib.__main__ import main
from wdlib.data import as_input, device_images, load
from wdlib.data.split import split
from wdlib.methods import METHODS
from wdlib.metrics.judge import train_judge
from wdlib.model import ModularModel, NetworkConfig
from wdlib.model.deploy import export_onnx
from wdlib.pretrained import split_of
from wdlib.relations import Relation, Step
from wdlib.tasks import Factor, Table, Task, recorded
from wdlib.training import COURSE, FitRequest, Silence, Trainer
from wdlib.training.schedule import PRESETS

SHAPES = ("square", "ellipse", "heart")


def blobs(rows: int = 240, seed: int = 0, side: int = 32) -> tuple[pd.DataFrame, np.ndarray]:
    """Squares of two brightnesses in four corners, with noise: a table, and uint8 images."""
    rng = np.random.default_rng(seed)
    bright, corner = rng.integers(2, size=rows), rng.integers(4, size=rows)
    images = rng.integers(0, 30, size=(rows, side, side), dtype=np.uint8)
    for image, b, c in zip(images, bright, corner):
        y, x = (4 + 12 * (c // 2), 4 + 12 * (c % 2)) + rng.integers(3, size=2)
        image[y : y + 10, x : x + 10] = (110, 250)[b]
    names = np.array(["a", "b", "c", "d"])[corner]
    return pd.DataFrame({"light": np.where(bright, "on", "dim"), "corner": names}), images


def files_of(images, folder) -> list[str]:
    folder.mkdir(exist_ok=True)
    for number, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{number:04d}.png")
    return [f"{number:04d}.png" for number in range(len(images))]


def quick(task, images, steps=150, **how):
    """``wdlib.fit`` in a few steps, with a judge of as many."""
    with patch("wdlib.simple.train_judge", partial(train_judge, steps=steps or 10)):
        return wdlib.fit(task, images, preset=COURSE, steps=steps, progress=Silence(), **how)


# --- one world, drawn and as files -----------------------------------------------------------


def test_sprites_in_files_train_to_the_same_weights_as_drawn_ones(tmp_path):
    places = (tuple((c,) for c in range(0, 32, 8)),)
    factors = (
        Factor("shape", ("shape",), (((0,), (1,), (2,)),), labels=SHAPES),
        Factor("x", ("posX",), places, labels=tuple("0123")),
    )
    nuisance = (("orientation", (0,)), ("posY", tuple(range(0, 32, 8))))
    drawn, sprites = Task("little", "dsprites", factors, nuisance), load("dsprites")
    numbers = np.arange(len(drawn))
    pictures = sprites.draw(drawn.classes(numbers))
    frame = pd.DataFrame(drawn.labels(numbers), columns=["shape", "x"])
    frame["file"] = files_of(pictures * 255, tmp_path / "photos")
    frame["shape"] = frame["shape"].map(dict(enumerate(SHAPES)))
    frame.to_csv(tmp_path / "labels.csv", index=False)
    order = {"shape": wdlib.Names(SHAPES, cyclic=True), "x": wdlib.Names(cyclic=True)}
    filed, photos = wdlib.table(tmp_path / "labels.csv", tmp_path / "photos", order, name="little")
    weights = []
    relations = [Relation(f"next {name}", (Step(name, 1),)) for name in ("shape", "x")]
    for task, images in ((drawn, sprites), (filed, photos)):
        parts = split(task, seed=3, labels=100)
        trainer = Trainer(parts, images, COURSE.cut(12), relations=relations)
        weights.append(trainer.run().state_dict())
    assert len(weights[0]) == len(weights[1])
    for name, tensor in weights[0].items():
        assert torch.equal(tensor, weights[1][name]), name


def test_every_source_of_images_gives_the_same_pixels(tmp_path):
    frame, pixels = blobs(40)
    frame["file"] = files_of(pixels, tmp_path / "photos")
    with h5py.File(tmp_path / "images.h5", "w") as file:
        file["images"] = pixels
    dataset = torch.utils.data.TensorDataset(torch.from_numpy(pixels), torch.zeros(40))
    rows = np.array([[7], [3], [39], [7]])
    with h5py.File(tmp_path / "images.h5") as file:
        for source in (
            pixels, pixels[:, None], pixels[..., None], torch.from_numpy(pixels), pixels / 255,
            (pixels / 255).astype(np.float32), pixels.astype(np.int64), file["images"], dataset,
            tmp_path / "photos", str(tmp_path / "photos"),
        ):  # fmt: skip
            task, images = wdlib.table(frame, source, ["light", "corner"])
            np.testing.assert_array_equal(images.draw(rows), pixels[rows[:, 0]])
            assert task.shape == (1, 32, 32) and not task.binary and len(task) == 40


def test_colour_sizes_and_depths_are_made_alike_on_request(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    names = []
    for number, (mode, size) in enumerate(
        [("RGB", (50, 40)), ("L", (40, 50)), ("RGBA", (100, 90)), ("P", (33, 33)), ("1", (20, 64))]
    ):
        pixels = rng.integers(256, size=(*size, 3), dtype=np.uint8)
        Image.fromarray(pixels).convert(mode).save(tmp_path / "photos" / f"{number}.png")
        names.append(f"{number}.png")
    deep = Image.fromarray(rng.integers(65536, size=(40, 40), dtype=np.uint16))
    deep.save(tmp_path / "photos/5.png")
    frame = pd.DataFrame({"file": [*names, "5.png"], "kind": list("ababab")})
    with pytest.raises(ValueError, match="the images have 6 sizes"):
        wdlib.table(frame, tmp_path / "photos")
    for resize, colour in ((32, None), ((24, 48), True), ((24, 48), False)):
        task, images = wdlib.table(frame, tmp_path / "photos", resize=resize, colour=colour)
        height, width = (resize, resize) if isinstance(resize, int) else resize
        assert task.shape == (1 if colour is False else 3, height, width) and task.resized
        drawn = images.draw(np.arange(6)[:, None])
        assert drawn.dtype == np.uint8 and drawn.std() > 10


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_table_is_read_as_excel_may_write_it(tmp_path, mark):
    frame, pixels = blobs(20)
    frame.insert(0, "file", files_of(pixels, tmp_path))
    frame.to_csv(tmp_path / "labels.csv", index=False, sep=mark, encoding="utf-8-sig")
    task, images = wdlib.table(tmp_path / "labels.csv")
    assert task.factor_names == ("light", "corner")
    np.testing.assert_array_equal(images.draw(np.arange(20)[:, None]), pixels)


# --- labels ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "column, names",
    [
        (["b", "a", None, "b", "a"], ("a", "b")),
        (["b", " a", "", "b ", "a"], ("a", "b")),
        (["x10", "x9", np.nan, "x10", "x9"], ("x9", "x10")),
        ([10, 9, None, 10, 9], ("9", "10")),
        ([10.0, 9.0, np.nan, 10.0, 9.0], ("9", "10")),
        (pd.array([10, 9, None, 10, 9], dtype="Int64"), ("9", "10")),
        (pd.array(["b", "a", pd.NA, "b", "a"], dtype="string"), ("a", "b")),
        (pd.array([True, False, None, True, False], dtype="boolean"), ("False", "True")),
        ([True, False, None, True, False], ("False", "True")),
        (pd.Categorical(["b", "a", None, "b", "a"], ["b", "z", "a"]), ("b", "a")),
    ],
)
def test_labels_of_many_kinds_are_names(column, names):
    task, _ = wdlib.table({"kind": column}, np.zeros((5, 16, 16), np.uint8) + np.uint8(9))
    assert task.factors[0].value_names == names
    first, second = (1, 0) if names[0] != "b" else (0, 1)
    assert task.labels(np.arange(5))[:, 0].tolist() == [first, second, -1, first, second]


def test_a_split_divides_labelled_rows_and_trains_on_the_others_too():
    frame, pixels = blobs(200)
    frame.loc[100:, :] = None
    frame.loc[:9, "light"] = None
    frame.loc[40:, "corner"] = frame.loc[40:, "corner"].replace("d", "a")
    task, _ = wdlib.table(frame, pixels)
    for seed in range(5):
        parts = split(task, seed=seed)
        everything = np.concatenate([parts.train, parts.validation, parts.test])
        assert sorted(everything.tolist()) == list(range(200))
        assert parts.test.max() < 100 and len(parts.test) == 20
        assert parts.labelled.max() < 100 and set(range(100, 200)) <= set(parts.train.tolist())
        values = task.labels(parts.labelled)
        assert [len(np.unique(v[v >= 0])) for v in values.T] == [2, 4]
    few = split(task, seed=0, labels=30)
    np.testing.assert_array_equal(few.labelled, split(task, seed=0).labelled[: len(few.labelled)])


def test_each_factor_may_be_labelled_in_another_half():
    frame, pixels = blobs(400)
    frame.loc[:199, "light"], frame.loc[200:, "corner"] = None, None
    task, images = wdlib.table(frame, pixels)
    model = quick(task, images, steps=240)
    whole, test = blobs(200, seed=1)
    values = model.read(test)
    assert (values["light"] == whole["light"]).mean() > 0.95
    assert (values["corner"] == whole["corner"]).mean() > 0.95
    assert "images label it" in str(model.report) and "no scores of codes" in str(model.report)


def test_a_number_of_labels_counts_for_each_factor():
    frame, pixels = blobs(400)
    frame.loc[:199, "light"], frame.loc[200:359, "corner"] = None, None
    task, images = wdlib.table(frame, pixels)
    whole = split(task, seed=0, fractions=(1.0, 0, 0))
    assert (whole.labels, whole.count) == (400, 400) and (whole.values >= 0).sum() == 440
    counts = []
    for labels in (0, 10, 60, 210, 300):
        few = split(task, seed=0, labels=labels, fractions=(1.0, 0, 0))
        np.testing.assert_array_equal(few.train, whole.train)  # it does not depend on the number
        np.testing.assert_array_equal(few.train[: len(few.labelled)], few.labelled)
        kept, every = few.values, task.labels(few.labelled)
        assert ((kept == every) | (kept == -1)).all() and few.labels == labels
        counts.append((kept >= 0).sum(0).tolist())
        again = FitRequest(whole, images, labels=labels or None, steps=1).labelled
        np.testing.assert_array_equal(again.values, kept if labels else whole.values)
    assert counts == [[0, 0], [10, 10], [60, 60], [200, 210], [200, 240]]
    trainer = Trainer(split(task, seed=0, labels=10), images, COURSE.cut(3))
    assert (trainer.values >= 0).sum(0).tolist() == [10, 10]
    parts = split_of(trainer.record, own=task)
    assert parts.record == trainer.split.record and parts.labels == 10


def test_where_no_label_is_missing_the_labelled_rows_are_the_first_of_train():
    task, _ = wdlib.table(*blobs(200))
    order = np.random.default_rng(3).permutation(200)
    first = np.unique([np.unique(v, return_index=True)[1] for v in task.labels(order).T[:1]])
    few = split(task, seed=3, labels=25)
    assert few.count is None and set(order[first]) <= set(few.labelled)
    np.testing.assert_array_equal(few.labelled, few.train[:25])


def test_values_and_rows_may_have_other_names_and_another_order():
    frame, pixels = blobs(60)
    task, images = wdlib.table(frame, pixels)
    order = np.random.default_rng(0).permutation(60)
    shuffled, mixed = wdlib.table(frame.iloc[order], pixels[order])
    np.testing.assert_array_equal(shuffled.labels(np.arange(60)), task.labels(order))
    np.testing.assert_array_equal(mixed.draw(np.arange(60)[:, None]), images.draw(order[:, None]))
    renamed = frame.replace({"a": "A1", "b": "A2", "c": "A3", "d": "A4", "dim": "low", "on": "top"})
    other, _ = wdlib.table(renamed, pixels)
    np.testing.assert_array_equal(other.labels(order), task.labels(order))
    assert mixed.identity != images.identity
    assert wdlib.table(frame, 255 - pixels)[1].identity != images.identity


def test_no_product_of_factors_is_ever_enumerated():
    rng, pixels = np.random.default_rng(0), blobs(500)[1]
    frame = pd.DataFrame(rng.integers(5, size=(500, 30)), columns=[f"f{i}" for i in range(30)])
    task, images = wdlib.table(frame, pixels)
    assert task.combinations == 5**30 and len(task) == 500
    model = quick(task, images, steps=3, metrics=["mig"])
    assert model.report["chance_encoder_all"] == 5**-30
    with pytest.raises(ValueError, match="use wdlib.table instead"):
        wdlib.world("wide", {f"f{i}": range(5) for i in range(30)}, None, relevant=["f0"])


# --- one line --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    frame, pixels = blobs()
    task, images = wdlib.table(frame, pixels, {"light": wdlib.Names(("dim", "on")),
                                               "corner": wdlib.Names(cyclic=True)})  # fmt: skip
    folder = tmp_path_factory.mktemp("fitted")
    return quick(task, images, steps=450, folder=folder), folder


def test_a_model_reads_and_moves_images(fitted):
    model, _ = fitted
    frame, pixels = blobs(100, seed=5)
    values = model.read(pixels)
    assert [*values] == ["light", "light_confidence", "corner", "corner_confidence"]
    assert (values[["light", "corner"]] == frame).all(axis=None)
    assert values.corner_confidence.between(0.25, 1).all()
    moved = model.move(pixels, "next corner")
    assert moved.shape == (100, 1, 32, 32) and 0 <= moved.min() and moved.max() <= 1
    wanted = frame.corner.map({"a": "b", "b": "c", "c": "d", "d": "a"})
    assert (model.read(moved)["corner"] == wanted).mean() > 0.9
    set_to = model.read(model.move(pixels, "corner=d"))
    assert (set_to["corner"] == "d").mean() > 0.9
    assert (set_to["light"] == frame["light"]).mean() > 0.9
    codes = model.encode(pixels)
    torch.testing.assert_close(model.decode(model.move(codes, "next corner")), moved)
    assert model.report["encoder_corner"] > 0.9


def test_the_navigator_walks_from_test_rows(fitted):
    model, folder = fitted
    task, images = wdlib.table(*blobs(), {"light": wdlib.Names(("dim", "on")),
                                          "corner": wdlib.Names(cyclic=True)})  # fmt: skip
    view = wdlib.Navigator(wdlib.load_model(folder), split(task, seed=0), images, model.judge)
    rows = [row for _, row in view.factors["row"].options]
    assert rows == sorted(split(task, seed=0).test.tolist())
    view.relations["next corner"].click()
    assert len(view.walk.steps) == 2


def test_another_process_reads_a_saved_model_without_the_task(fitted):
    model, folder = fitted
    pixels = blobs(20, seed=6)[1]
    np.save(folder / "pixels.npy", pixels)
    code = (
        "import sys, numpy, wdlib; f = sys.argv[1]; m = wdlib.load_model(f);"
        "print(m.read(numpy.load(f + '/pixels.npy')).to_json())"
    )
    run = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, check=True)
    again = pd.read_json(io.StringIO(run.stdout.decode()))
    pd.testing.assert_frame_equal(again, model.read(pixels), check_dtype=False, atol=1e-5)
    loaded = wdlib.load_model(folder)
    assert loaded.task.record == model.task.record and loaded.relations == model.relations
    model.save(folder / "later")
    assert torch.equal(wdlib.load_model(folder / "later").encode(pixels), model.encode(pixels))
    loaded.save(folder / "again")
    assert wdlib.load_model(folder / "again").task.record == model.task.record
    other, _ = wdlib.table(blobs()[0].replace("on", "off"), blobs()[1])
    with pytest.raises(ValueError, match="of another task than the given table"):
        wdlib.load_model(folder, own=other)


@pytest.mark.parametrize("name", ["dSprites.v2", "dSprites.v4", "Shapes3D.v5"])
def test_a_task_survives_its_record(name):
    task = wdlib.task(name)
    assert recorded(json.loads(json.dumps(task.record))) is task
    spoiled = json.loads(json.dumps(task.record))
    spoiled["factors"][0]["values"][0] = "cube?"
    with pytest.raises(ValueError, match="is not the task of this name"):
        recorded(spoiled)


def test_one_factor_alone_trains_and_is_measured():
    frame, pixels = blobs(200)
    model = quick(*wdlib.table(frame[["light"]], pixels), steps=60)
    assert model.report["encoder_light"] > 0.9 and model.report["judge_accuracy"] > 0.9


# --- images ----------------------------------------------------------------------------------

SIZES = st.tuples(st.sampled_from([1, 3]), st.integers(16, 256), st.integers(16, 256))


@settings(max_examples=20, deadline=None)
@given(SIZES, st.sampled_from(["separable", "conv"]), st.integers(1, 5))
def test_networks_of_every_size(shape, kind, depth):
    channels, height, width = shape
    look = {"height": height, "width": width, "colour": channels == 3, "binary": False}
    factor = Factor("kind", ("kind",), (((0,), (1,)),), labels=("a", "b"))
    task = Table("sized", "sized", (factor,), rows=np.zeros((4, 1), int), **look)
    config = NetworkConfig(decoder=kind, encoder_widths=(4,) * depth, hidden=8, rank=2)
    model = ModularModel(task, config, relations=())
    pixels = np.random.default_rng(0).integers(256, size=(2, channels, height, width), dtype="u1")
    assert model.decode(model.encode(pixels)).shape == pixels.shape


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["u1", "i2", "i8", "u2", "f2", "f4", "f8"]), st.booleans(), st.booleans(),
    st.floats(0.1, 3), st.booleans(),
)  # fmt: skip
def test_one_rule_scales_pixels_or_refuses_them(dtype, colour, binary, factor, as_torch):
    factor_ = Factor("kind", ("kind",), (((0,), (1,)),), labels=("a", "b"))
    look = {"height": 16, "width": 20, "colour": colour, "binary": binary}
    task = Table("t", "t", (factor_,), rows=np.zeros((4, 1), int), **look)
    shape = (3, 16, 20, 3) if colour else (3, 16, 20)
    unit = np.random.default_rng(0).random(shape)
    unit = unit.round() if binary else unit
    unit.flat[0], unit.flat[1] = 0, 1
    real = dtype.startswith("f")
    given_ = (unit * factor * (1 if real else 255)).astype(dtype)
    legal = given_.max() <= (1 if real else 255)
    legal &= not (binary and not real) or set(np.unique(given_)) <= {0, 255}
    images = torch.from_numpy(given_) if as_torch else given_
    if not legal:
        with pytest.raises(ValueError, match="pixels of|binary"):
            as_input(images, task)
        return
    wanted = given_.astype(np.float64) / (1 if real else 255)
    wanted = np.moveaxis(wanted, -1, 1) if colour else wanted[:, None]
    x = as_input(images, task)
    assert x.dtype == torch.float32 and tuple(x.shape[1:]) == task.shape
    np.testing.assert_allclose(x, wanted, atol=1e-6)


def test_a_batch_of_another_kind_is_refused_wherever_it_enters(fitted):
    model, _ = fitted
    pixels = blobs(4)[1]
    for enter in (model.encode, model.read, model.judge.read):
        for bad, said in (
            (pixels.astype(np.float32), "0 to 1, but these are"),
            (pixels // 255, None),
            (np.minimum(pixels, 1), "multiply them by 255"),
            (pixels.astype(np.float32) - 1, "0 to 1, but these are -1"),
            (np.full((2, 32, 32), np.nan), "hold NaN or infinity"),
            (pixels[:, :16], r"are \[N, C, H, W\] = \[N, 1, 32, 32\]"),
            (np.repeat(pixels[..., None], 3, -1), r"but these are \[4, 3, 32, 32\]"),
        ):
            if said is not None:
                with pytest.raises(ValueError, match=said):
                    enter(bad)


def test_a_binary_model_reads_sprites_of_both_ranges():
    model, sprites = wdlib.load_pretrained("dSprites.v2"), load("dsprites")
    classes = model.task.classes(np.arange(0, len(model.task), 997))
    once = sprites.draw(classes)
    for images in (once * 255, once.astype(bool), once.astype(np.float16), once[:, None]):
        torch.testing.assert_close(model.encode(images), model.encode(once), rtol=0, atol=0)
    assert torch.equal(device_images(sprites, classes)[:, 0], torch.from_numpy(once * 255))
    with pytest.raises(ValueError, match="binary: 0 and 1, or 0 and 255"):
        model.encode(once * 200)


# --- bad tables ------------------------------------------------------------------------------

FRAME = pd.DataFrame({"file": [f"{i}.png" for i in range(40)], "kind": list("ab") * 20})


@pytest.mark.parametrize(
    "change, how, said",
    [
        ({"kind": None}, {}, "no row labels kind: all 40 are missing"),
        ({"kind": "a"}, {}, "kind has one value only, 'a'"),
        ({"kind": np.linspace(0, 1, 40)}, {}, "kind holds real numbers in 38 row"),
        ({"kind": np.arange(40)}, {}, "kind has 40 values, of which 40 occur in one row only"),
        ({"kind": ["c", *"ab" * 19, "a"]}, {}, r"1 value\(s\) of kind occur in one row only"),
        ({}, {"factors": ["kin"]}, "no column 'kin'; did you mean 'kind'"),
        ({}, {"factors": []}, "the table has no factors"),
        ({}, {"column": "path"}, "no column 'path'"),
        ({}, {"factors": {"kind": wdlib.Names(("a",))}}, r"20 row\(s\) have a kind that is not"),
        ({"file": ["0.png"] * 40}, {}, r"39 row\(s\) name a file that an earlier row has"),
        ({"file": ["x.png", *FRAME.file[1:]]}, {}, r"1 row\(s\) name a file that does not exist"),
        ({"file": [None, "", *FRAME.file[2:]]}, {}, r"2 row\(s\) have no file"),
        ({"file": ["text.png", *FRAME.file[1:]]}, {}, r"1 row\(s\) name a file that is no image"),
        ({"file": ["big.png", *FRAME.file[1:]]}, {}, r"most are 20 x 20, but 1 row\(s\) are not"),
        ({}, {"resize": 8}, "sides are 16 to 256 pixels"),
    ],
)
def test_a_bad_table_is_one_sentence(tmp_path, change, how, said):
    files_of(np.full((40, 20, 20), 7, np.uint8), tmp_path)
    for number in range(40):
        (tmp_path / f"{number:04d}.png").rename(tmp_path / f"{number}.png")
    (tmp_path / "text.png").write_text("no image")
    Image.new("L", (30, 20)).save(tmp_path / "big.png")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ValueError, match=said) as error:
        wdlib.table(FRAME.assign(**change), tmp_path, **how)
    assert len(str(error.value).splitlines()) == 1 and sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "labels, images, said",
    [
        ("missing.csv", None, "the table missing.csv does not exist"),
        (FRAME, None, "the table has no images"),
        (FRAME, "nowhere", "there is no folder nowhere"),
        (FRAME, np.zeros((39, 20, 20), np.uint8), "40 rows, but there are 39 images"),
        (FRAME, np.zeros((40, 20, 20)) + 2.0, "pixels of float64 are 0 to 1"),
        (FRAME, np.zeros((40, 20), np.uint8), r"must be \[N, H, W\]"),
        (FRAME, np.zeros((40, 300, 20), np.uint8), "300 x 20, but sides are 16 to 256"),
        ({"kind": ["a", "b"], "size": [1]}, None, "columns of the table do not fit together"),
    ],
)
def test_images_that_do_not_fit_the_table(labels, images, said):
    with pytest.raises(ValueError, match=said):
        wdlib.table(labels, images, ["kind"])


def test_a_value_without_a_labelled_training_row_is_named():
    frame, pixels = blobs(60)
    task, images = wdlib.table(frame, pixels)
    with pytest.raises(ValueError, match="none of the 2 labelled images has corner"):
        wdlib.fit(task, images, labels=2, progress=Silence())


# --- the command line ------------------------------------------------------------------------


def test_a_folder_of_photographs_from_the_command_line(tmp_path, monkeypatch, capsys):
    frame, pixels = blobs(200)
    frame.insert(0, "file", files_of(pixels, tmp_path / "photos"))
    frame.loc[150:, ["light", "corner"]] = None
    frame.to_csv(tmp_path / "labels.csv", index=False)
    for name in ("COURSE", "FEW"):
        monkeypatch.setitem(PRESETS, name, COURSE.cut(500))
    monkeypatch.setattr("wdlib.metrics.judge.train_judge", partial(train_judge, steps=100))
    table = ["--table", str(tmp_path / "labels.csv"), "--images", str(tmp_path / "photos")]
    run = str(tmp_path / "run")
    train = ["train", *table, "--factors", "light,corner", "--cyclic", "corner", "--out", run]
    assert main(train) == 0, capsys.readouterr().err
    assert main([*train, "--resume"]) == 0, capsys.readouterr().err
    out = tmp_path / "values.csv"
    assert main(["read", run, str(tmp_path / "photos"), "--csv", str(out)]) == 0
    values = pd.read_csv(out)
    assert [*values] == ["file", "light", "light_confidence", "corner", "corner_confidence"]
    assert (values["corner"] == blobs(200)[0]["corner"]).mean() > 0.9
    photo, new = str(tmp_path / "photos/0003.png"), str(tmp_path / "new.png")
    assert main(["move", run, photo, "next corner", "light=on", "--out", new]) == 0
    assert np.asarray(Image.open(new)).shape == (32, 32)
    said = capsys.readouterr().out
    assert "light: " in said and " -> on" in said
    assert main(["evaluate", run, "--json", "--importances", "hist_gradient_boosting"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["encoder_corner"] > 0.8 and figures["about"]["task"] == "labels"
    frame.iloc[::-1].to_csv(tmp_path / "labels.csv", index=False)
    assert main(["evaluate", run]) == 2
    assert "have changed since the model" in capsys.readouterr().err


def test_the_command_line_refuses_a_bad_table_before_it_writes(tmp_path, capsys):
    FRAME.to_csv(tmp_path / "labels.csv", index=False)
    for more in (["--factors", "kin"], ["--factors", "kind"], ["--cyclic", "colour"]):
        command = ["train", "--table", str(tmp_path / "labels.csv"), "--out", str(tmp_path / "run")]
        assert main([*command, *more]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["labels.csv"]
    assert main(["train"]) == 2 and "needs the name of a task" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["modular", "previous", "zerodim", "few_label", "fader"])
def test_methods_fit_a_table_that_lacks_labels(name):
    frame, pixels = blobs(400)
    frame.loc[:30, "light"], frame.loc[31:60, "corner"] = None, None
    task, images = wdlib.table(frame, pixels)
    parts = split(task, seed=0)
    system = METHODS[name].fit(FitRequest(parts, images, steps=4))
    assert system.values(system.encode(pixels[:9])).shape == (9, 2)


def test_onnx_reads_and_moves_images_of_any_size(fitted, tmp_path):
    model, _ = fitted
    pixels = blobs(6, seed=9)[1]
    x = as_input(pixels, model.task).numpy()
    export_onnx(model, tmp_path)
    reader = onnxruntime.InferenceSession(tmp_path / "read.onnx")
    values, confidences = reader.run(None, {"images": x})
    read = model.read(pixels)
    for place, factor in enumerate(model.task.factors):
        assert [factor.value_names[v] for v in values[:, place]] == [*read[factor.name]]
        np.testing.assert_allclose(
            confidences[:, place], read[f"{factor.name}_confidence"], atol=1e-4
        )
    mover = onnxruntime.InferenceSession(tmp_path / "move.onnx")
    (moved,) = mover.run(None, {"images": x, "relations": np.zeros(6, np.int64)})
    np.testing.assert_allclose(moved, model.move(pixels, model.relations[0]), atol=1e-4)


def test_training_may_take_so_many_seconds():
    frame, pixels = blobs(80)
    model = quick(*wdlib.table(frame, pixels), steps=None, seconds=1.5)
    assert 0 < model.record["training"]["seconds"] < 30 and model.record["training"]["steps"] > 2
