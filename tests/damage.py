"""Ways to damage a file, each by a seed: bytes in, bytes out."""

import io
import json
import random
import zipfile
from pathlib import Path

SIGNATURES = (b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", b"\x93NUMPY\x02\x00", b"\x80\x04", b"\xff" * 8)
WILD = (
    *(None, True, False, 0, -1, 1.5, 1e308, float("nan"), float("inf"), 10**18, 10**400, [], {}),
    *("", "x", "x" * 5000, "../../etc/hostname", "/etc/hostname", "..", "a\0b", "\ud800", [[]]),
)
DTYPES = ("<f8", "|b1", "|u1", "<i8", "|O", "<U4", "<c16", [("a", "<i4")], [["a", "O"]], None, "no")
SHAPES = (
    *((50, 3), (0, 3), (), (1,) * 70, (10**12,), (2**62, 4), (10**30,), (0, 10**18)),
    *((-1,), (50, -3), (True, 3), (1.5,), 50, None, "(50, 3)"),
)


def bruised(data: bytes, rng: random.Random) -> bytes:
    """Cut, doubled or with another signature; or with bits, bytes, words or pieces changed."""
    data, kind = bytearray(data), rng.randrange(8)
    if kind == 0:
        return bytes(data[: rng.randrange(len(data))])
    if kind == 1:
        start = rng.randrange(len(data))
        end = start + rng.choice((1, 8, 100))
        return bytes(data[:start] + data[end:]) if rng.random() < 0.5 else bytes(data[:end] * 2)
    if kind == 2:
        signature = rng.choice(SIGNATURES)
        return signature + bytes(data[len(signature) :])
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        ends = min(len(data), 4096)  # what describes a file is mostly at its ends
        at = rng.choice((rng.randrange(ends), len(data) - 1 - rng.randrange(ends),
                         rng.randrange(len(data))))  # fmt: skip
        if kind in (3, 4):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 5:
            data[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        elif kind == 6:
            wide = rng.choice((2, 4, 8))
            number = rng.choice((0, (1 << 8 * wide) - 1, 1 << rng.randrange(8 * wide)))
            data[at : at + wide] = number.to_bytes(wide, "little")
        else:
            other, wide = rng.randrange(len(data)), rng.choice((4, 16, 64))
            data[at : at + wide] = data[other : other + wide]
    return bytes(data)


def repacked(data: bytes, rng: random.Random) -> bytes:
    """An npz in which the header of one array lies; every checksum is right."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(sorted(members))
    members[name] = reheaded(members[name], rng)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", rng.choice((0, 8))) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def reheaded(data: bytes, rng: random.Random) -> bytes:
    """An npy with a damaged header, or a well-formed one of wild content."""
    if rng.random() < 0.3:
        return bruised(data[:128], rng) + data[128:]
    shape = SHAPES[0] if rng.random() < 0.4 else rng.choice(SHAPES)
    dtype = DTYPES[0] if rng.random() < 0.4 else rng.choice(DTYPES)
    return npy(shape, dtype, data[128:], rng.choice((1, 1, 2, 3, 9)))


def npy(shape, dtype="<f8", data=b"", version=1, order=False) -> bytes:
    """An npy whose header holds this, and its data."""
    text = repr({"descr": dtype, "fortran_order": order, "shape": shape}).encode() + b"\n"
    length = len(text).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes((version, 0)) + length + text + data


def npz(path, **members: bytes) -> Path:
    """An npz of members, each the bytes of an npy."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


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
