"""Damages files in thousands of ways and reads them: each is refused in a sentence, or read right.

    python tests/hostile.py --files 3000

One small, sound file is made of every kind that wdlib reads. A fork of this process damages copies
of it, by a seed, and reads them, with five seconds per file. A file that ends the fork (a C library
may crash) is an entry in the table like any other.
"""

import argparse
import dataclasses
import json
import sys
from hashlib import sha256
from pathlib import Path

import h5py
import numpy as np
import torch
from damage import reheaded, repacked, rewritten
from measured import heading
from watched import REFUSALS, Kind, try_all

from wdlib.data import dsprites, load, shapes3d
from wdlib.data.arrays import read_npy, read_npz
from wdlib.data.split import split
from wdlib.experiments import cells, grid, tables
from wdlib.factors import FactorSpace
from wdlib.model import NetworkConfig, saved
from wdlib.model.loading import load_model
from wdlib.tasks import task
from wdlib.training import COURSE, Trainer

torch.set_num_threads(1)  # a fork has no other thread of its parent, and would wait for them

SPRITES = FactorSpace(("shape", "x"), (("square", "heart"), tuple(range(8))))
ROOMS = FactorSpace(("hue", "size"), (tuple(range(64)), tuple(range(8))))
ROOMS = FactorSpace(("hue", "shape"), ((0.0, 0.1, 0.2, 0.3), ("cube", "ball")))
PIXELS = np.random.default_rng(0)
SPRITE_IMAGES = (PIXELS.random((16, 64, 64)) < 0.3).astype(np.uint8)
ROOM_IMAGES = PIXELS.integers(256, size=(8, 64, 64, 3), dtype=np.uint8)
CODES = PIXELS.normal(size=(50, 3))
TINY = dataclasses.replace(
    COURSE,
    networks=NetworkConfig(dim=2, encoder_widths=(4, 4, 4), hidden=8, rank=2, width=8),
    phases=tuple(p.changed(steps=1, batch=8, labels={"batch": 8}) for p in COURSE.phases),
)
CELL = cells.Cell("dSprites.v2", "modular", steps=1)
ROW = {"convention": "raw", "score": "mig", "value": 0.5}


def everything(space: FactorSpace) -> np.ndarray:
    return space.classes(np.arange(len(space)))


def sprites_npz(folder: Path) -> Path:
    arrays = {"imgs": SPRITE_IMAGES, "latents_classes": everything(SPRITES)}
    np.savez_compressed(folder / "sprites.npz", **arrays)
    return folder / "sprites.npz"


def sprites_h5(folder: Path) -> Path:
    with h5py.File(folder / "sprites.hdf5", "w") as file:
        file.create_dataset("imgs", data=SPRITE_IMAGES, chunks=(8, 32, 64), compression="gzip")
        file["latents/classes"] = everything(SPRITES)
    return folder / "sprites.hdf5"


def rooms_h5(folder: Path) -> Path:
    hue, shape = everything(ROOMS).T
    with h5py.File(folder / "rooms.h5", "w", libver="latest") as file:
        file.create_dataset("images", data=ROOM_IMAGES, chunks=(1, 64, 64, 3))
        file["labels"] = np.stack([hue / 10, shape.astype(float)], 1)
    return folder / "rooms.h5"


def sprites_bits(folder: Path) -> Path:
    """The cache of an npz that lies elsewhere: where a cache is damaged, it is made anew."""
    for name in ("home", "cache"):
        (folder / name).mkdir()
    dsprites.reader(sprites_npz(folder / "home"), folder / "cache", SPRITES)
    (path,) = (folder / "cache").iterdir()
    return path


def read_bits(path: Path) -> np.ndarray:
    npz = path.parents[1] / "home" / "sprites.npz"
    return dsprites.reader(npz, path.parent, SPRITES)(everything(SPRITES))


def read_sprites(path: Path) -> np.ndarray:
    cache = path.parent / "cache"
    try:
        return dsprites.reader(path, cache, SPRITES)(everything(SPRITES))
    finally:
        for file in cache.glob("*"):
            file.unlink()


def codes_npz(folder: Path) -> Path:
    np.savez(folder / "codes.npz", a=CODES, b=CODES > 0)
    return folder / "codes.npz"


def codes_npy(folder: Path) -> Path:
    np.save(folder / "codes.npy", CODES)
    return folder / "codes.npy"


def numbers(found) -> bool:
    """What a damaged header still describes: an array of plain numbers."""
    arrays = found if isinstance(found, list) else [found]
    return all(isinstance(a, np.ndarray) and a.dtype.kind in "biuf" for a in arrays)


class Run:
    """A run of one step: a checkpoint, a model and the trainer that would go on."""

    trainer: Trainer | None = None
    weights: dict = {}

    @classmethod
    def make(cls, folder: Path) -> None:
        if cls.trainer is None:
            parts = split(task("dSprites.v2"), seed=0, labels=100, limit=400)
            cls.trainer = Trainer(parts, load("dsprites"), TINY)
            cls.trainer.run(1)
            state = cls.trainer.model.state_dict().items()
            cls.weights = {name: tensor.clone() for name, tensor in state}
        cls.trainer.save(folder)
        cls.trainer.save_model(folder)

    @classmethod
    def record(cls, name: str):
        def make(folder: Path) -> Path:
            cls.make(folder)
            return folder / f"{name}.json"

        return make

    @classmethod
    def tensors(cls, name: str):
        def make(folder: Path) -> Path:
            cls.make(folder)
            (path,) = folder.glob(f"{name}-*.safetensors")
            return path

        return make

    @classmethod
    def resume(cls, path: Path) -> Trainer:
        """A refusal must leave the trainer as it was."""
        before = [t.clone() for t in cls.trainer.model.state_dict().values()]
        try:
            cls.trainer.resume(path.parent)
        except REFUSALS:
            after = cls.trainer.model.state_dict().values()
            if not all(a.equal(b) or a.isnan().any() for a, b in zip(before, after)):
                raise AssertionError("the trainer changed, although the file was refused") from None
            raise
        return cls.trainer


def same_weights(model) -> bool:
    return all(t.equal(Run.weights[k]) for k, t in model.state_dict().items())


def fits(model) -> bool:
    return {k: t.shape for k, t in model.state_dict().items()} == {
        k: t.shape for k, t in Run.weights.items()
    }


def put_weights(path: Path, data: bytes) -> None:
    """With the checksum that belongs to them, as someone with intent would."""
    record = path.with_name(path.name.split("-")[0] + ".json")
    pinned = json.loads(record.read_bytes()) | {"sha256": sha256(data).hexdigest()}
    record.write_text(json.dumps(pinned))
    path.write_bytes(data)


def cell_json(folder: Path) -> Path:
    rows = [ROW, ROW | {"score": "sap"}]
    cells.write(folder, CELL, {"rows": rows, "source": {"seconds": 1.0}})
    return cells.path_of(folder, CELL)


def read_cell(path: Path):
    record = cells.read(path.parent.parent, CELL)
    return None if record is None else grid.frame_of({CELL: record})


def table_csv(folder: Path) -> Path:
    record = {"rows": [ROW, ROW | {"score": "sap"}], "source": {"seconds": 1.0}}
    tables.write_results(grid.frame_of({CELL: record}), folder / "table.csv")
    return folder / "table.csv"


def printable(frame) -> bool:
    return bool(tables.markdown(tables.winners(frame)))


def sprites_right(images) -> bool:
    return images.dtype == np.uint8 and images.shape == SPRITE_IMAGES.shape and images.max() <= 1


def rooms_right(images) -> bool:
    return images.dtype == np.uint8 and images.shape == ROOM_IMAGES.shape


def read_rooms(path: Path) -> np.ndarray:
    return shapes3d.reader(path, ROOMS)(everything(ROOMS))


def load_from(name: str):
    return lambda path: saved.load(path.parent, name)


KINDS = {
    # A zip has checksums: what is read is what was written. HDF5 has none unless asked for.
    "dSprites npz": Kind(
        sprites_npz, read_sprites, lambda found: np.array_equal(found, SPRITE_IMAGES)
    ),
    "dSprites npz, packed anew": Kind(sprites_npz, read_sprites, sprites_right, repacked),
    "dSprites cache": Kind(
        sprites_bits, read_bits, lambda found: np.array_equal(found, SPRITE_IMAGES)
    ),
    "dSprites hdf5": Kind(sprites_h5, read_sprites, sprites_right),
    "3D Shapes h5": Kind(rooms_h5, read_rooms, rooms_right),
    "npz of codes": Kind(codes_npz, lambda path: read_npz(path, ["a", "b"]), numbers),
    "npz of codes, packed anew": Kind(
        codes_npz, lambda path: read_npz(path, ["a", "b"]), numbers, repacked
    ),
    "npy": Kind(codes_npy, read_npy, numbers),
    "npy, its header forged": Kind(codes_npy, read_npy, numbers, reheaded),
    "record": Kind(Run.record("model"), load_from("model"), lambda found: len(found[0]) > 0),
    "weights, altered": Kind(
        Run.tensors("model"), lambda path: load_model(path.parent), same_weights
    ),
    "weights, altered and pinned": Kind(
        Run.tensors("model"), lambda path: load_model(path.parent), fits, put=put_weights
    ),
    "model's record": Kind(
        Run.record("model"), lambda path: load_model(path.parent), same_weights, rewritten
    ),
    "checkpoint's record": Kind(
        Run.record("checkpoint"), Run.resume, lambda trainer: fits(trainer.model), rewritten
    ),
    "checkpoint, altered and pinned": Kind(
        Run.tensors("checkpoint"),
        Run.resume,
        lambda trainer: fits(trainer.model),
        put=put_weights,
    ),
    "cell": Kind(cell_json, read_cell, lambda rows: len(rows) == 2),
    "csv": Kind(table_csv, tables.read_results, printable),
}  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Print a table and every fault with its seed; exit 1 where there is any."""
    parser = argparse.ArgumentParser(prog="python tests/hostile.py", description=__doc__)
    parser.add_argument("--files", type=int, default=3000, help="of all kinds together")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--kind", help="only this kind")
    args = parser.parse_args(argv)
    chosen = [args.kind] if args.kind else list(KINDS)
    each = -(-args.files // len(chosen))
    print(f"{heading()}, seeds {args.first} to {args.first + each - 1}", flush=True)
    columns = f"{'tried':>7s}{'refused':>9s}{'loaded':>8s}{'faults':>8s}{'slowest':>10s}"
    print(f"{'files':34s}{columns}")
    faults = total = 0
    for name in chosen:
        tried = try_all(KINDS[name], list(range(args.first, args.first + each)))
        total, faults = total + each, faults + len(tried.faults)
        print(f"{name:34s}{each:7d}{tried.outcomes['refused']:9d}{tried.outcomes['loaded']:8d}"
              f"{len(tried.faults):8d}{tried.slowest:8.2f} s", flush=True)  # fmt: skip
        for seed, fault in tried.faults.items():
            print(f"    seed {seed}: {fault}")
    print(f"{total} files tried, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
