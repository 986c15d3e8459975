"""Files whose headers claim more than they hold: arrays, tables, weights and networks."""

import json
import pickle

import hostile
import pytest
import torch
from damage import npy, npz
from watched import forget, memory

from wdlib.data.arrays import read_npy, read_npz
from wdlib.model import saved
from wdlib.model.loading import load_model


class Took:
    """The most memory that a block took, in MB."""

    def __enter__(self):
        forget()
        self.before = memory("VmRSS")
        return self

    def __exit__(self, *error):
        self.mb = (memory("VmHWM") - self.before) / 2**20


TERA = 10**12
CLAIMS = {
    "a terabyte": (npy((TERA,)), "claims 8000000000000 bytes, but the file holds"),
    "a byte more than there is": (npy((3,), data=bytes(23)), "is damaged or cut short"),
    "objects": (npy((1,), "|O", pickle.dumps([])), "holds object, but only numbers"),
    "records": (npy((1,), [("a", "<i8")], bytes(8)), "but only numbers"),
    "another format": (npy((1,), data=bytes(8), version=2), r"format \(2, 0\), but numbers have"),
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_what_a_header_claims_is_not_believed(tmp_path, claim):
    content, said = CLAIMS[claim]
    (tmp_path / "a.npy").write_bytes(content)
    npz(tmp_path / "a.npz", a=content)
    with Took() as took:
        with pytest.raises(ValueError, match=f"a.npy.*{said}"):
            read_npy(tmp_path / "a.npy")
        with pytest.raises(ValueError, match=f"a.npz.*{said}"):
            read_npz(tmp_path / "a.npz", ["a"])
    assert took.mb < 16


def header(text: str, length: int | None = None) -> bytes:
    return (len(text) if length is None else length).to_bytes(8, "little") + text.encode()


def tensor(dtype="F32", shape=(2,), ends=(0, 8)) -> str:
    return json.dumps({"a": {"dtype": dtype, "shape": list(shape), "data_offsets": list(ends)}})


@pytest.mark.parametrize(
    "content",
    [
        header("{}", length=1 << 62),
        header("{}", length=(1 << 64) - 1),
        header(tensor(shape=(TERA,), ends=(0, 4 * TERA))) + bytes(8),
        header(tensor(shape=(2**62, 4))) + bytes(8),
        header(tensor(ends=(8, 0))) + bytes(8),
        header(tensor(ends=(-1, 8))) + bytes(8),
        header(tensor(dtype="O")) + bytes(8),
        header(tensor(dtype="F4")) + bytes(8),
        header("[" * 100_000),
        header('{"a":' * 10_000),
        header(tensor()) + bytes(1000),
        b"",
    ],
)
def test_what_safetensors_claim_is_not_believed(tmp_path, content):
    saved.save(tmp_path, "x", {"a": torch.zeros(2)}, {})
    (weights,) = tmp_path.glob("*.safetensors")
    hostile.put_weights(weights, content)
    with Took() as took, pytest.raises(ValueError, match=weights.name):
        saved.load(tmp_path, "x")
    assert took.mb < 16


def test_honest_weights_take_no_more_than_twice_their_size(tmp_path):
    for name, count in (("warm", 4), ("x", 16)):
        tensors = {str(i): torch.rand(1 << 19) for i in range(count)}
        saved.save(tmp_path, name, tensors, {})
        size = sum(t.numel() * 4 for t in tensors.values())
        del tensors
        with Took() as took:
            found, _ = saved.load(tmp_path, name)
        assert len(found) == count
    assert took.mb < 2.2 * size / 2**20


@pytest.mark.parametrize(
    ("name", "size"),
    [
        *((name, 1 << 16) for name in ("dim", "hidden", "rank", "width")),
        *((name, 10**9) for name in ("dim", "hidden")),
        *(("hidden", size) for size in (0, -1, True, "8", 1.5, None, [8])),
        ("encoder_widths", [8] * 100_000),
        ("encoder_widths", []),
        ("encoder_widths", [10**9, 8, 8]),
    ],
)
def test_a_model_of_no_size_is_not_built(tmp_path, name, size):
    path = hostile.Run.record("model")(tmp_path)
    record = json.loads(path.read_text())
    record["preset"]["networks"][name] = size
    path.write_text(json.dumps(record))
    with Took() as took, pytest.raises(ValueError, match=str(tmp_path)):
        load_model(tmp_path)
    assert took.mb < 32
