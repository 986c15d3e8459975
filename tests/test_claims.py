"""Files that claim too much, made with intent: a terabyte, a bomb, data that lies elsewhere."""

import json
import pickle
import struct
import zipfile
import zlib
from pathlib import Path

import h5py
import hostile
import numpy as np
import pytest
import torch
from damage import npy, npz
from hostile import ROOM_IMAGES, ROOMS, SPRITE_IMAGES, SPRITES, everything
from watched import causes, forget, memory

from wdlib.data import dsprites, shapes3d
from wdlib.data.npz import read_npy, read_npz
from wdlib.experiments import table_files, tables
from wdlib.training import checkpoint
from wdlib.training.saved import load_model


class Took:
    """The most memory that a block took, in MB."""

    def __enter__(self):
        forget()
        self.before = memory("VmRSS")
        return self

    def __exit__(self, *error):
        self.mb = (memory("VmHWM") - self.before) / 2**20


def deflated(millions: int) -> bytes:
    """A zlib stream of about a thousandth of what it unfolds to: so many MiB of zeros."""
    squeeze = zlib.compressobj(9)
    first = squeeze.compress(bytes(1 << 20)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    next_ = squeeze.compress(bytes(1 << 20)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    return first + next_ * (millions - 1) + squeeze.flush()


TERA = 10**12
CLAIMS = {
    "a terabyte": (npy((TERA,)), "claims shape .* 8000000000000 bytes"),
    "more than the file has": (npy((1000, 1000)), "has 0 of the 8000000 bytes that it claims"),
    "sides beyond counting": (npy((2**62, 2**62, 0)), "cannot have the shape"),
    "a header of 64 MB": (npy((1,), version=2, length=1 << 26) + b" " * (1 << 26),
                          "claims a header of 67108864 bytes"),
    "objects": (npy((1,), "|O", pickle.dumps([])), "holds object, but only plain numbers"),
    "records": (npy((1,), [("a", "<i8")]), "but only plain numbers"),
}  # fmt: skip


@pytest.mark.parametrize("claim", CLAIMS)
def test_what_a_header_claims_is_not_believed(tmp_path, claim):
    content, said = CLAIMS[claim]
    (tmp_path / "a.npy").write_bytes(content)
    npz(tmp_path / "a.npz", a=content)
    del content
    with Took() as took:
        with pytest.raises(ValueError, match=f"a.npy: .*{said}|a.npy is damaged.*{said}"):
            read_npy(tmp_path / "a.npy")
        with pytest.raises(ValueError, match=f"a.npz: .*{said}|a.npz is damaged.*{said}"):
            read_npz(tmp_path / "a.npz", ["a"])
    assert took.mb < 16


def test_no_more_is_unfolded_than_an_array_says(tmp_path):
    bomb = npy((16, 64, 64), "|u1", SPRITE_IMAGES.tobytes()) + bytes(1 << 26)
    path = npz(tmp_path / "a.npz", imgs=bomb, latents_classes=npy((16, 2), "<i8",
               everything(SPRITES).astype("<i8").tobytes()))  # fmt: skip
    del bomb
    with Took() as took:
        (images,) = read_npz(path, ["imgs"])
        cached = dsprites.reader(path, tmp_path / "cache", SPRITES)(everything(SPRITES))
    assert np.array_equal(images, SPRITE_IMAGES) and np.array_equal(cached, SPRITE_IMAGES)
    assert took.mb < 16


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_chooses_no_unpacker(tmp_path, packing):
    path = npz(tmp_path / "a.npz", packing, a=npy((1,), data=bytes(8)))
    with pytest.raises(ValueError, match="a.npz: a is packed in a way that numpy never packs"):
        read_npz(path, ["a"])


def rooms(path, write) -> Path:
    """The rooms, with whatever ``write`` calls "images"."""
    hostile.rooms_h5(path.parent).rename(path)
    with h5py.File(path, "a") as file:
        del file["images"]
        write(file)
    return path


def link(target):
    return lambda file: file.__setitem__("images", target)


def array(shape=ROOM_IMAGES.shape, **how):
    return lambda file: file.create_dataset("images", shape, "|u1", **how)


def with_bomb(file):
    images = file.create_dataset(
        "images", ROOM_IMAGES.shape, "|u1", chunks=(1, 64, 64, 3), compression="gzip"
    )
    images.id.write_direct_chunk((0, 0, 0, 0), deflated(256))


def with_filters(*choose):
    """An array of 8-byte numbers, 1 MiB a chunk, whose chunks go through these filters in turn."""

    def write(file):
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk((1 << 17,))
        for one in choose:
            one(plan)
        space = h5py.h5s.create_simple((1 << 17,))
        h5py.h5d.create(file.id, b"images", h5py.h5t.NATIVE_INT64, space, plan)

    return write


def deflate(plan):
    plan.set_deflate(9)


def shuffle(plan):
    plan.set_shuffle()


def with_virtual(file):
    layout = h5py.VirtualLayout(ROOM_IMAGES.shape, "|u1")
    layout[:] = h5py.VirtualSource("other.h5", "images", ROOM_IMAGES.shape)
    file.create_virtual_dataset("images", layout)


LINKS = "is a link to another place"
ELSEWHERE = {
    "external link": (link(h5py.ExternalLink("other.h5", "images")), LINKS),
    "soft link": (link(h5py.SoftLink("/labels")), LINKS),
    "virtual": (with_virtual, "lies in other files"),
    "raw data outside": (array(external=[("other.raw", 0, 98304)]), "lies in other files"),
    "a group": (lambda file: file.create_group("images"), "'images' is no array"),
    "another filter": (array(compression="lzf"), "other filters than shuffle, gzip"),
    "packed twice": (with_filters(deflate, deflate), "in this order"),  # each may be a bomb
    "shuffled when packed": (with_filters(deflate, shuffle), "in this order"),  # looks like no bomb
    "huge chunk": (array((480000, 64, 64, 3), chunks=(480000, 64, 64, 1)),
                   "lies in chunks of 1966080000 bytes"),
    "unfolding chunk": (with_bomb, "a chunk of /images unfolds to more than belongs in it"),
    "a terabyte": (array((TERA, 64, 64, 3), chunks=(1, 64, 64, 3)),
                   r"should have shape \(8, 64, 64, 3\)"),
}  # fmt: skip


@pytest.mark.parametrize("trick", ELSEWHERE)
def test_an_h5_array_is_plainly_in_its_file(tmp_path, trick):
    write, said = ELSEWHERE[trick]
    (tmp_path / "other").mkdir()
    hostile.rooms_h5(tmp_path / "other").rename(tmp_path / "other.h5")
    (tmp_path / "other.raw").write_bytes(ROOM_IMAGES.tobytes())
    path = rooms(tmp_path / "a.h5", write)
    with Took() as took, pytest.raises(ValueError, match=said) as refusal:
        shapes3d.reader(path, ROOMS)(everything(ROOMS))
    assert str(path) in str(refusal.value) and took.mb < 32


@pytest.mark.parametrize("claimed", [1 << 15, 1 << 28, (1 << 32) - 16])
def test_a_chunk_is_no_longer_than_its_file(tmp_path, claimed):
    """Its size stands in the index, before its filters, as four bytes: enough for 4 GB."""
    path = hostile.sprites_h5(tmp_path)
    with h5py.File(path) as file:
        size = file["imgs"].id.get_chunk_info(0).size
    before, after = (struct.pack("<II", number, 0) for number in (size, claimed))
    assert path.read_bytes().count(before) == 1
    path.write_bytes(path.read_bytes().replace(before, after))
    with Took() as took, pytest.raises(ValueError, match=f"sprites.* claims {claimed} bytes") as no:
        dsprites.reader(path, tmp_path / "cache", SPRITES)
    assert not any(isinstance(cause, MemoryError) for cause in causes(no.value)) and took.mb < 16


COLUMNS = ",".join(tables.COLUMNS)
LINE = ",".join("1" for _ in tables.COLUMNS)
WIDE, OWN = ",".join(table_files.ABOUT), len(table_files.ABOUT)
TABLES = {
    "too long": (table_files.read_csv, COLUMNS + "\n" * (1 << 22), "is no table of wdlib: it has"),
    "too many": (table_files.read_csv, f"{COLUMNS}\n" + f"{LINE}\n" * 100_002, "more than 100000"),
    "wide, too long": (table_files.read_wide_csv, WIDE + "\n" * (1 << 22), "is no table of wdlib"),
    "too wide": (
        table_files.read_wide_csv,
        WIDE + ",a" * (1_900_000 - OWN),
        "1900000 columns; 1000 are read",
    ),
    "too many of both": (
        table_files.read_wide_csv,
        "\n".join(
            [WIDE + "".join(f",a{i}" for i in range(900)), *[",".join("1" * (900 + OWN))] * 200]
        ),
        "more than 100000 figures",
    ),
}


@pytest.mark.parametrize("trick", TABLES)
def test_a_table_of_any_length_is_not_read(tmp_path, trick):
    read, text, said = TABLES[trick]
    (tmp_path / "a.csv").write_text(text)
    with Took() as took, pytest.raises(ValueError, match=f"a.csv.*{said}"):
        read(tmp_path / "a.csv")
    assert took.mb < (250 if "many" in trick or trick == "too wide" else 16)


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
    checkpoint.save(tmp_path, "x", {"a": torch.zeros(2)}, {})
    (weights,) = tmp_path.glob("*.safetensors")
    hostile.put_weights(weights, content)
    with Took() as took, pytest.raises(ValueError, match=weights.name):
        checkpoint.load(tmp_path, "x")
    assert took.mb < 16


def test_honest_weights_take_no_more_than_twice_their_size(tmp_path):
    for name, count in (("warm", 4), ("x", 16)):
        tensors = {str(i): torch.rand(1 << 19) for i in range(count)}
        checkpoint.save(tmp_path, name, tensors, {})
        size = sum(t.numel() * 4 for t in tensors.values())
        del tensors
        with Took() as took:
            found, _ = checkpoint.load(tmp_path, name)
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
