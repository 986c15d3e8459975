"""Exported networks give what the model gives: torch.export and ONNX Runtime, at any batch size."""

import json
import re
import textwrap

import numpy as np
import onnxruntime
import pytest
import torch
from torch.distributions import MultivariateNormal

import wdlib
from wdlib.data import device_images, to_float
from wdlib.model import ModularModel, NetworkConfig, deploy
from wdlib.model.deploy import Mover, Reader, export_onnx, programs
from wdlib.model.modular import TEMPERATURE
from wdlib.tasks import task

BATCHES = (1, 2, 5, 40)


def model_of(name: str) -> ModularModel:
    """A shipped model; or "conv", one with the paper's networks, whose weights are random."""
    if name != "conv":
        return wdlib.load_pretrained(name)
    torch.manual_seed(0)
    sizes = {"dim": 3, "decoder": "conv", "activation": "tanh", "residual": False}
    model = ModularModel(task("dSprites.v2"), NetworkConfig(**sizes)).eval()
    model.prior.mean.normal_()
    model.prior.scale_tril.add_(0.3 * torch.randn(model.prior.scale_tril.shape).tril(-1))
    return model


@pytest.fixture(scope="module", params=["dSprites.v3", "Shapes3D.v2", "conv"])
def case(request):
    """A model, images between two values (so that not all confidences are 1), and relations."""
    model = model_of(request.param)
    classes = model.task.classes(np.random.default_rng(0).choice(len(model.task), 80, False))
    x = to_float(device_images(wdlib.load(model.task.dataset), classes))
    return model, (x[:40] + x[40:]) / 2, torch.arange(40) % len(model.relations)


@pytest.fixture(scope="module")
def exported(case):
    return programs(case[0])


@pytest.fixture(scope="module")
def sessions(case, tmp_path_factory):
    folder = export_onnx(case[0], tmp_path_factory.mktemp("onnx") / "new" / "folder")
    return folder, [onnxruntime.InferenceSession(folder / f"{n}.onnx") for n in ("read", "move")]


def read_by_hand(model, x):
    """Values and confidences by torch's own normal distributions, in float64."""
    codes, prior = model.encode(x).double(), model.prior
    values, confidences = [], []
    for i, size in enumerate(prior.sizes):
        mean, tril = prior.mean[i, :size].double(), prior.scale_tril[i, :size].double()
        log = MultivariateNormal(mean, scale_tril=tril).log_prob(codes[:, None, i])
        confidence, value = (TEMPERATURE * log).softmax(1).max(1)
        values.append(value)
        confidences.append(confidence)
    return torch.stack(values, 1), torch.stack(confidences, 1).float()


def moved_by_hand(model, x, relations):
    codes = model.encode(x)
    for i, number in enumerate(relations):
        codes[i] = model.move(codes[i : i + 1], model.relations[number])[0]
    return model.decode(codes)


def close(found, expected, within):
    torch.testing.assert_close(torch.as_tensor(found), expected, atol=within, rtol=0)


def test_values_and_confidences_are_those_of_the_components(case):
    model, x, _ = case
    values, confidences = read_by_hand(model, x)
    assert confidences.min() < 0.99  # some images are hard to read
    for read in (model, Reader(model)):
        found = read(x)
        assert torch.equal(found[0], values)
        close(found[1], confidences, 1e-5)


def test_programs_take_any_batch(case, exported, tmp_path):
    model, x, relations = case
    torch.export.save(exported["move"], tmp_path / "move.pt2")
    move = torch.export.load(tmp_path / "move.pt2").module()
    read = exported["read"].module()
    values, confidences = read_by_hand(model, x)
    for batch in BATCHES:
        found = read(x[:batch])
        assert torch.equal(found[0], values[:batch])
        close(found[1], confidences[:batch], 1e-4)
        some = x[:batch], relations[:batch]
        close(move(*some), moved_by_hand(model, *some), 1e-4)


def test_onnx_runtime_gives_the_same(case, sessions):
    (model, x, relations), (_, (reader, mover)) = case, sessions
    values, confidences = read_by_hand(model, x)
    for batch in BATCHES:
        images = {"images": x[:batch].numpy()}
        found = reader.run(["values", "confidences"], images)
        assert found[0].dtype == np.int64 and np.array_equal(found[0], values[:batch])
        close(found[1], confidences[:batch], 1e-4)
        (moved,) = mover.run(["moved"], images | {"relations": relations[:batch].numpy()})
        close(moved, moved_by_hand(model, x[:batch], relations[:batch]), 1e-4)


def test_the_names_are_those_of_the_task(case, sessions):
    model, folder = case[0], sessions[0]
    names = json.loads((folder / "names.json").read_text(encoding="utf-8"))
    assert names["image"] == list(case[1].shape[1:])
    assert names["relations"] == [relation.name for relation in model.relations]
    assert names["factors"] == {f.name: [*f.value_names] for f in model.task.factors}
    assert {path.name for path in folder.iterdir()} == {"read.onnx", "move.onnx", "names.json"}


def test_exported_networks_are_copies_and_the_model_stays_as_it_was():
    model = model_of("conv").train()
    x = torch.rand(4, 1, 64, 64)
    read, move = Reader(model), Mover(model)
    first = read(x)[1], move(x, torch.zeros(4, dtype=torch.long))
    assert model.training and all(weight.requires_grad for weight in model.parameters())
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        model.prior.mean.zero_()
    assert torch.equal(read(x)[1], first[0])
    assert torch.equal(move(x, torch.zeros(4, dtype=torch.long)), first[1])


def test_gradients_reach_the_image():
    x = torch.rand(2, 1, 64, 64, requires_grad=True)
    model_of("conv")(x)[1].sum().backward()
    assert x.grad.abs().sum() > 0


def test_the_documented_example_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    example = textwrap.dedent(deploy.__doc__.partition("::\n")[2])
    images = wdlib.load("dsprites").draw([[0, 2, 5, 0, 0, 0], [0, 0, 5, 0, 31, 31]])
    images = images[:, None].astype("float32")
    session = {"images": images, "wdlib": wdlib, "json": json, "numpy": np}
    session |= {"onnxruntime": onnxruntime, "export_onnx": export_onnx}
    exec(example, session)
    assert re.findall(r"\w+", capsys.readouterr().out)[-2:] == ["heart", "square"]
    assert session["moved"].shape == images.shape
    centre = (session["moved"] * np.arange(64)).sum((1, 2, 3)) / session["moved"].sum((1, 2, 3))
    before = (images * np.arange(64)).sum((1, 2, 3)) / images.sum((1, 2, 3))
    assert centre[0] > before[0] + 5 and centre[1] < before[1] - 5  # right; and round to the left


def test_without_the_packages_of_onnx_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(deploy, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install 'wdlib.onnx.'"):
        export_onnx(None, tmp_path / "a")
    assert list(tmp_path.iterdir()) == []
