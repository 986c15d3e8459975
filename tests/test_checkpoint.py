"""Saves are whole or not at all: round trips, cuts, foreign files, a writer that dies."""

import json
import os

import pytest
import torch

from wdlib.model import saved

TENSORS = {"a": torch.arange(6.0).view(2, 3), "b": torch.tensor([1, 2], dtype=torch.int64)}
RECORD = {"task": "dSprites.v2", "done": 7}


def test_round_trip(tmp_path):
    saved.save(tmp_path, "x", TENSORS, RECORD)
    tensors, record = saved.load(tmp_path, "x")
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert torch.equal(tensors[name], tensor) and tensors[name].dtype == tensor.dtype
    assert record.items() >= RECORD.items()


def test_views_and_other_memory_formats_come_back_by_value(tmp_path):
    base = torch.randn(2, 3, 4, 4)
    tensors = {"slice": base[:, 1], "last": base.to(memory_format=torch.channels_last)}
    saved.save(tmp_path, "x", tensors, {})
    found, _ = saved.load(tmp_path, "x")
    assert torch.equal(found["slice"], base[:, 1]) and torch.equal(found["last"], base)


def test_a_new_save_replaces_the_old_one_and_leaves_nothing_else(tmp_path):
    saved.save(tmp_path, "x", TENSORS, RECORD)
    saved.save(tmp_path, "x", {"a": torch.zeros(1)}, {"done": 8})
    assert saved.load(tmp_path, "x")[1]["done"] == 8
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("dies_at", ["weights", "record"])
def test_a_writer_that_dies_leaves_the_previous_save_whole(tmp_path, monkeypatch, dies_at):
    saved.save(tmp_path, "x", TENSORS, RECORD)
    replace = os.replace

    def dying(source, target):
        if (target.suffix == ".json") == (dies_at == "record"):
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", dying)
    with pytest.raises(KeyboardInterrupt):
        saved.save(tmp_path, "x", {"a": torch.zeros(1)}, {"done": 8})
    tensors, record = saved.load(tmp_path, "x")
    assert record["done"] == 7 and torch.equal(tensors["a"], TENSORS["a"])
    monkeypatch.undo()
    saved.save(tmp_path, "x", {"a": torch.ones(1)}, {"done": 9})
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("keep", [0, 1, 40, 100])
def test_cut_weights_are_found_out(tmp_path, keep):
    saved.save(tmp_path, "x", TENSORS, RECORD)
    (weights,) = tmp_path.glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:keep])
    with pytest.raises(ValueError, match="cut or altered"):
        saved.load(tmp_path, "x")


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "no record"),
        ("[1]", "no record"),
        ('{"weights": "x"}', "no record"),
        ('{"format": 99, "weights": "x", "sha256": ""}', "format 99"),
        ('{"format": 1, "weights": "../x", "sha256": ""}', "outside its folder"),
        ('{"format": 1, "weights": "gone", "sha256": ""}', "'gone', which is missing"),
    ],
)
def test_what_is_no_record_is_refused(tmp_path, text, said):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ValueError, match=said):
        saved.load(tmp_path, "x")


def test_weights_that_are_no_safetensors_are_refused(tmp_path):
    path = saved.save(tmp_path, "x", TENSORS, RECORD)
    record = json.loads(path.read_text())
    data = b"\x80\x04N."  # a pickle
    (tmp_path / "x.bin").write_bytes(data)
    record |= {"weights": "x.bin", "sha256": saved.hashlib.sha256(data).hexdigest()}
    path.write_text(json.dumps(record))
    with pytest.raises(ValueError, match="not a safetensors file"):
        saved.load(tmp_path, "x")


def test_a_missing_save_is_a_missing_file(tmp_path):
    assert not saved.exists(tmp_path, "x")
    with pytest.raises(FileNotFoundError, match="no x in"):
        saved.load(tmp_path, "x")


@pytest.mark.parametrize(
    "tensors, said",
    [
        ({"a": torch.zeros(2)}, "lack b"),
        ({"a": torch.zeros(2), "b": torch.zeros(1), "c": torch.zeros(1)}, "unknown c"),
        ({"a": torch.zeros(3), "b": torch.zeros(1)}, r"have a of shape \(3,\).*needs \(2,\)"),
    ],
)
def test_weights_of_another_model_are_named(tensors, said):
    wanted = {"a": torch.zeros(2), "b": torch.zeros(1)}
    saved.check_fit(wanted, wanted, "here")
    with pytest.raises(ValueError, match=said):
        saved.check_fit(tensors, wanted, "here")
