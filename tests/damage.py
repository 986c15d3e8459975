"""Ways to damage a file, each by a seed: bytes in, bytes out; and npy and npz that say anything."""

import io
import json
import random
import zipfile
from pathlib import Path

HEADERS = (b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", b"\x93NUMPY\x02\x00", b"\x80\x04", b"\xff" * 8)
WILD = (
    *(None, True, False, 0, -1, 1.5, 1e308, float("nan"), float("inf"), 10**18, 10**400, [], {}),
    *("", "x", "x" * 5000, "../../etc/hostname", "/etc/hostname", "..", "a\0b", "\ud800", [[]]),
)


def bruised(data: bytes, rng: random.Random) -> bytes:
    """A few bits, bytes, words or pieces changed; or cut, doubled, or swapped with another's."""
    data, extremes = bytearray(data), (0, 1, 0x7F, 0x80, 0xFF)
    kind = rng.randrange(8)
    if kind == 0:
        return bytes(data[: rng.randrange(len(data))])
    if kind == 1:
        start = rng.randrange(len(data))
        end = start + rng.choice((1, 8, 100))
        return bytes(data[:start] + data[end:]) if rng.random() < 0.5 else bytes(data[:end] * 2)
    if kind == 2:
        headers = (
            b"PK\x03\x04",
            b"\x89HDF\r\n\x1a\n",
            b"\x93NUMPY\x02\x00",
            b"\x80\x04",
            b"\xff" * 8,
        )
        header = rng.choice(headers)
        return header + bytes(data[len(header) :])
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        ends = min(len(data), 4096)  # what describes a file stands mostly at its ends
        at = rng.choice((rng.randrange(ends), len(data) - 1 - rng.randrange(ends),
                         rng.randrange(len(data))))  # fmt: skip
        if kind in (3, 4):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 5:
            data[at] = rng.choice((*extremes, rng.randrange(256)))
        elif kind == 6:
            wide = rng.choice((2, 4, 8))
            data[at : at + wide] = rng.choice((0, (1 << 8 * wide) - 1, 1 << rng.randrange(8 * wide))
                                              ).to_bytes(wide, "little")  # fmt: skip
        else:
            other, wide = rng.randrange(len(data)), rng.choice((4, 16, 64))
            data[at : at + wide] = data[other : other + wide]
    return bytes(data)


DTYPES = (
    *(
        "<f8",
        ">f4",
        "<f2",
        "<f16",
        "|b1",
        "|u1",
        "<i8",
        "|O",
        "<U4",
        "|V8",
        "<M8[s]",
        "<c16",
        "f8,f8",
    ),
    *("f8,f8", [("a", "<i4")], ("<f8", (2,)), [["a", "O"]], None, 5, "", "no"),
)
SHAPES = (
    *((50, 3), (3,), (0, 3), (), (1,) * 70, (10**12,), (2**62, 4), (10**30,), (0, 10**18)),
    *((-1,), (50, -3), (True, 3), (1.5,), ("50",), 50, None, "(50, 3)", (2**31, 2**31, 2**31)),
)


def repacked(data: bytes, rng: random.Random) -> bytes:
    """An npz in which one array's header lies, packed again so that every checksum is right."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(sorted(members))
    head, rest = members[name][:128], members[name][128:]
    members[name] = (bruised(head, rng) if rng.random() < 0.3 else forged(rng)) + rest
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", rng.choice((0, 8, 8, 8, 8, 12, 14))) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def forged(rng: random.Random) -> bytes:
    """The header of an npy, well formed and of wild content."""
    order = rng.choice((False, False, False, True, None, 2))
    shape = SHAPES[0] if rng.random() < 0.4 else rng.choice(SHAPES)
    dtype = DTYPES[0] if rng.random() < 0.4 else rng.choice(DTYPES)
    text = repr({"descr": dtype, "fortran_order": order, "shape": shape}).encode()
    if rng.random() < 0.1:
        text = rng.choice(
            (b"(" * 150, b"-" * 5000 + b"1", b"{" * 90, b"[" + b"0," * 4000, b"0" * 9000)
        )
    version = rng.choice((1, 1, 2, 3, 9))
    bits = 16 if version == 1 else 32
    length = len(text) + 1 if rng.random() < 0.9 else (1 << bits) - 1
    said = length.to_bytes(bits // 8, "little")
    return b"\x93NUMPY" + bytes((version, 0)) + said + text + b"\n"


def rewritten(text: bytes, rng: random.Random) -> bytes:
    """JSON with a few values replaced by wild ones, dropped, renamed, or nested out of reach."""
    record = json.loads(text)
    for _ in range(rng.choice((1, 1, 2, 3))):
        holder = record
        while True:
            keys = list(holder) if isinstance(holder, dict) else range(len(holder))
            if not keys:
                break
            key = rng.choice(keys)
            if isinstance(holder[key], dict | list) and rng.random() < 0.7:
                holder = holder[key]
                continue
            what = rng.random()
            if what < 0.1:
                del holder[key]
            elif what < 0.2 and isinstance(holder, dict):
                holder[rng.choice(("", key + " ", "x"))] = holder.pop(key)
            elif what < 0.25:
                holder[key] = "@deep@"
            else:
                holder[key] = rng.choice(WILD)
            break
    deep = "[" * 3000 + "]" * 3000
    return json.dumps(record).replace('"@deep@"', deep).encode()


def npy(shape, dtype="<f8", data=b"", version=1, length=None) -> bytes:
    """An npy whose header says this, and its data."""
    text = repr({"descr": dtype, "fortran_order": False, "shape": shape}).encode() + b"\n"
    said = (len(text) if length is None else length).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes((version, 0)) + said + text + data


def npz(path, packing=zipfile.ZIP_DEFLATED, **members: bytes) -> Path:
    """An npz of members, each the bytes of an npy."""
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path
