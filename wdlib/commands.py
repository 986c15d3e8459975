"""What each verb of the command line does: arguments in, files and printed lines out.

Every verb imports what it needs when it runs, so that help and wrong arguments answer at once.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path

BLOCK = 4096  # images drawn and written at once: 50 MB of 3D Shapes
LARGEST_SEED = 2**32 - 1  # numpy's and scikit-learn's older generators take no more


def run_draw(args) -> None:
    """draw: classes in, images out, a block at a time."""
    import numpy as np

    from wdlib.data import load
    from wdlib.data.arrays import read_npy
    from wdlib.files import whole

    _check_file(args.out)
    images = load(args.dataset, args.data)
    classes = images.space.check(read_npy(args.classes))
    shape = len(classes), *images.shape
    with whole(args.out) as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, len(classes), BLOCK):
            file.write(images.draw(classes[start : start + BLOCK]).tobytes())


def run_train(args) -> None:
    """train: a model in --out; --resume continues."""
    from wdlib.data import load
    from wdlib.model import saved
    from wdlib.tasks import task
    from wdlib.training import Trainer, preset, suited

    wanted = task(args.task)
    chosen = preset(args.preset)
    _check_seed(args.seed)
    out = args.out or Path("runs") / f"{wanted.name}-{chosen.name}-{args.seed}"
    _check_folder(out)
    if saved.exists(out, saved.CHECKPOINT) and not args.resume:
        raise ValueError(f"{out} already holds a checkpoint: add --resume, or choose another --out")
    trainer = Trainer(
        _parts(wanted, args.seed, args.labels),
        load(wanted.dataset, args.data),
        chosen.for_task(wanted.name),
        seed=args.seed,
        device=_device(args.device),
        compile=args.compile,
    )
    if args.resume:
        trainer.resume(out)
    try:
        trainer.run(progress=suited(), folder=out)
    except KeyboardInterrupt:
        kept = saved.exists(out, saved.CHECKPOINT)
        then = f"--resume continues from the checkpoint in {out}" if kept else "nothing was saved"
        raise KeyboardInterrupt(f"interrupted at step {trainer.done}; {then}") from None
    trainer.save_model(out)
    print(f"the model is in {out}; next: python -m wdlib evaluate {shlex.quote(str(out))}")


def run_evaluate(args) -> None:
    """evaluate: the report of a trained model; its judge is kept in the same folder."""
    from wdlib.evaluation import evaluate
    from wdlib.files import provenance

    _check_seed(args.seed)
    model, record, parts, images, judge = _trained(args.folder, args.data, args.device)
    settings = {"seed": args.seed, "importances": args.importances}
    report = evaluate(model, parts, images, judge, **settings)
    if args.json:
        about = {name: record[name] for name in ("task", "seed", "labels", "preset")}
        about |= {"trained": record.get("source"), "measured": provenance() | settings}
        report = json.dumps(report.to_dict() | {"about": about}, indent=1)
    print(report)


def run_film(args) -> None:
    """film: relations on a test image; the judge reads every step."""
    from wdlib.files import whole
    from wdlib.navigator.film import gif, strip_png
    from wdlib.navigator.walk import Walk
    from wdlib.relations import relation

    makers = {".gif": gif, ".png": strip_png}
    if args.out.suffix.lower() not in makers:
        raise ValueError(f"--out must end in .gif or .png, got {args.out}")
    _check_file(args.out)
    model, _, parts, images, judge = _trained(args.folder, args.data)
    if not 0 <= args.image < len(parts.test):
        raise ValueError(f"the test images are 0 to {len(parts.test) - 1}, got {args.image}")
    asked = [relation(name, model.task) for name in args.relations]
    walk = Walk(model, judge)
    walk.start(images.draw(model.task.classes(parts.test[[args.image]]))[0])
    for one in asked:
        walk.relate(one)
    film = makers[args.out.suffix.lower()](walk.steps, model.task)
    with whole(args.out) as file:
        file.write(film)
    right = [step.right for step in walk.steps[1:]]
    print(f"{sum(right)} of {len(right)} steps are right, as the judge reads them; see {args.out}")


def run_ship(args) -> None:
    """ship: trained models become the shipped weights of their tasks, with scores measured anew.

    One process ships all of them, because shipping changes the working tree and with it the commit.
    """
    from wdlib.evaluation import evaluate
    from wdlib.files import provenance
    from wdlib.pretrained import WEIGHTS, ship

    home = args.home or WEIGHTS
    _check_folder(home)
    measured = provenance() | {"importances": args.importances}
    for run in args.folders:
        _, _, parts, images, judge = _trained(run)

        def measure(stored, about=(parts, images, judge)) -> dict:
            return evaluate(stored, *about, importances=args.importances).to_dict()

        print(f"the weights are in {ship(run, measure, home=home, measured=measured)}")


def run_score(args) -> None:
    """score: arrays in, numbers out."""
    from wdlib.data.arrays import read_npz
    from wdlib.files import provenance
    from wdlib.metrics import score

    _check_seed(args.seed)
    chosen = [name for name in args.metrics.split(",") if name]
    if not chosen:
        raise ValueError("--metrics is empty; the default is mig,sap,sap_r2,dci")
    names = ("codes_train", "factors_train", "codes_test", "factors_test")
    arrays = read_npz(args.arrays, names)
    numbers = score(*arrays, metrics=chosen, seed=args.seed)
    if args.json:
        sizes = {name: list(array.shape) for name, array in zip(names, arrays)}
        about = provenance() | {"seed": args.seed, "metrics": chosen, "sizes": sizes}
        print(json.dumps(numbers | {"about": about}, indent=1))
    else:
        for name, value in numbers.items():
            print(f"{name:24s} {value:.4f}")


def run_table(args) -> None:
    """table: finished cells are kept, so that the same command continues a stopped run."""
    from wdlib.experiments import grid, tables
    from wdlib.experiments.recipes import KNOWN
    from wdlib.experiments.studies import cells_of
    from wdlib.training.progress import suited

    asked = {"seconds": args.seconds, "device": _device(args.device)}
    if args.seeds:
        try:
            asked["seeds"] = [int(seed) for seed in args.seeds.split(",")]
        except ValueError:
            raise ValueError(f"--seeds takes integers like 0,1,2, got {args.seeds!r}") from None
    if args.tasks:
        asked["tasks"] = args.tasks.split(",")
    if args.methods:
        asked["methods"] = args.methods.split(",")
    cells = cells_of(args.name, **asked)
    folder = args.folder or Path("runs") / f"table{args.name}"
    others = None
    if args.csv and args.csv.exists():
        others = grid.restore(cells, tables.read_results(args.csv), folder)
    with grid.Processes(args.workers) as executor:
        progress = suited(every=0, unit="cell")
        table = grid.run(cells, executor, folder=folder, methods=KNOWN, progress=progress)
    if len(table.frame):
        print(tables.markdown(tables.SHOWN[args.name](table.frame)))
        if args.csv:  # table 2 has a figure in each line, for readers who plot it
            frame = table.frame if others is None else grid.joined(others, table.frame)
            tables.write_results(frame, args.csv, wide=args.name != "2")
    for cell, trace in table.failed.items():
        last = trace.strip().splitlines()[-1]
        print(f"failed: {cell.task}, {cell.method}, seed {cell.seed}: {last}", file=sys.stderr)
    if table.failed:
        raise ValueError(
            f"{len(table.failed)} of {len(cells)} cells failed; their tracebacks are in "
            f"{folder / 'cells'}, and the same command tries them again"
        )


def run_report(args) -> None:
    """report: the tables in README and notebooks/results/README, and the figures beside it."""
    from wdlib.experiments.report import PAGES, write_report

    write_report()
    print(f"rendered {' and '.join(str(page) for page in PAGES)}")


def run_recipe(args) -> None:
    """recipe: the methods and tasks with this digest, and all their settings, as JSON."""
    from wdlib.experiments.recipes import behind

    print(json.dumps(behind(args.digest), indent=1))


def _parts(task, seed: int, labels: int):
    """The split of train and evaluate; the largest tasks use a part of their images."""
    from wdlib.data.split import split
    from wdlib.experiments.cells import most_images

    return split(task, seed=seed, labels=labels, limit=most_images(task))


def _check_seed(seed: int) -> None:
    if not 0 <= seed <= LARGEST_SEED:
        raise ValueError(f"--seed must be an integer from 0 to {LARGEST_SEED}, got {seed}")


def _check_file(path: Path) -> None:
    """Raises ValueError, before the work begins, where no file can be written at ``path``."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder; give the path of a file")
    if not path.parent.is_dir():
        raise ValueError(f"{path} cannot be written: there is no folder {path.parent}")
    if path.is_file() or not path.exists():  # else a pipe or a device: only writing can tell
        _check_folder(Path(os.path.realpath(path)).parent)


def _check_folder(folder: Path) -> None:
    """Raises ValueError where ``folder`` cannot be made or written in; it makes nothing."""
    from tempfile import TemporaryFile

    near = folder.absolute()
    try:
        while not near.exists():
            near = near.parent
        with TemporaryFile(dir=near):
            pass
    except OSError as error:
        raise ValueError(f"nothing can be written in {folder}: {error.strerror}") from None


def _device(name: str) -> str:
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=name).item()  # "meta" holds no numbers
    except (RuntimeError, AssertionError) as error:
        first = str(error).splitlines()[0]
        raise ValueError(f"the device {name!r} cannot be used: {first}") from None
    return name


def _trained(folder: Path, data: str | None = None, device: str = "cpu"):
    """(model, record, split, images, judge) of a trained model.

    ``folder`` is the folder of train, or a task with shipped weights. A judge is trained where the
    folder holds none.
    """
    from wdlib.data import load
    from wdlib.metrics.judge import kept_judge
    from wdlib.model.saved import load_model
    from wdlib.pretrained import folder_of
    from wdlib.tasks import TASKS

    if not folder.exists() and str(folder).lower() in {name.lower() for name in TASKS}:
        folder = folder_of(str(folder))
    device = _device(device)
    model, record = load_model(folder, device=device)
    parts = _parts(model.task, record["seed"], record["labels"])
    if record.get("split", parts.record) != parts.record:  # early records have no split
        raise ValueError(
            f"the model in {folder} was trained on another split, which may hold these test "
            f"images; measure it in Python with wdlib.evaluate and its own split"
        )
    images = load(model.task.dataset, data)
    return model, record, parts, images, kept_judge(folder, parts, images, device=device)
