"""The command line, python -m wdlib VERB: what each verb does, and its arguments as data.

Wrong input, or a machine that is too small, ends with one sentence on standard error and exit code
2, Ctrl-C with 130. Every verb imports what it needs when it runs, so that help answers at once.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import shlex
import sys
import warnings
from pathlib import Path

# What torch's errors about a device or its memory contain; its other errors are faults of wdlib.
DEVICE = re.compile(r"out of memory|allocate memory|CUDA|cuDNN|\bMPS\b|\bXPU\b|\bdevices?\b")
BLOCK = 4096  # images drawn and written at once: 50 MB of 3D Shapes
USUAL = {"preset": "COURSE", "seed": 0, "labels": 1000}  # of train
LARGEST_SEED = 2**32 - 1  # numpy's and scikit-learn's older generators take no more


def run_draw(args) -> None:
    """Draw images from their factor classes."""
    import numpy as np

    from wdlib.data import load
    from wdlib.data.arrays import read_npy
    from wdlib.files import whole

    _check_file(args.out)
    images = load(args.dataset, args.data)
    classes = images.space.check(read_npy(args.classes))
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(classes), *images.shape)}
    with whole(args.out) as file:
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, len(classes), BLOCK):
            file.write(images.draw(classes[start : start + BLOCK]).tobytes())


def run_train(args) -> None:
    """Train a model of a task."""
    from wdlib.data import device_of, load
    from wdlib.data.split import most_images, split
    from wdlib.model import saved
    from wdlib.tasks import task
    from wdlib.training import Trainer, preset, suited

    wanted = task(args.task)
    asked = _settings(args)
    chosen, seed = preset(asked["preset"]), asked["seed"]
    _check_seed(seed)
    out = args.out or Path("runs") / f"{wanted.name}-{chosen.name}-{seed}"
    _check_folder(out)
    if saved.exists(out, saved.CHECKPOINT) and not args.resume:
        raise ValueError(f"{out} already holds a checkpoint: add --resume, or choose another --out")
    parts = split(wanted, seed=seed, labels=asked["labels"], limit=most_images(wanted))
    how = {"seed": seed, "device": device_of(args.device), "compile": args.compile}
    images = load(wanted.dataset, args.data)
    trainer = Trainer(parts, images, chosen.for_task(wanted.name), **how)
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
    """Print every score of a trained model."""
    from wdlib.evaluation import evaluate
    from wdlib.files import provenance

    _check_seed(args.seed)
    model, record, parts, images, judge = _trained(args.folder, args.data, args.device)
    settings = {"seed": args.seed, "importances": args.importances}
    report = evaluate(model, parts, images, judge, **settings, jobs=-1)
    if args.json:
        about = {name: record[name] for name in ("task", "seed", "labels", "preset")}
        about |= {"trained": record.get("source"), "measured": provenance() | settings}
        report = json.dumps(report.to_dict() | {"about": about}, indent=1)
    print(report)


def run_film(args) -> None:
    """Apply relations to a test image, and write the steps as a GIF."""
    from wdlib.files import whole
    from wdlib.navigator.film import gif
    from wdlib.navigator.walk import Walk
    from wdlib.relations import relation

    if args.out.suffix.lower() != ".gif":
        raise ValueError(f"--out must end in .gif, got {args.out}")
    _check_file(args.out)
    model, _, parts, images, judge = _trained(args.folder, args.data)
    if not 0 <= args.image < len(parts.test):
        raise ValueError(f"the test images are 0 to {len(parts.test) - 1}, got {args.image}")
    asked = [relation(name, model.task) for name in args.relations]
    walk = Walk(model, judge)
    walk.start(images.draw(model.task.classes(parts.test[[args.image]]))[0])
    for one in asked:
        walk.relate(one)
    with whole(args.out) as file:
        file.write(gif(walk.steps, model.task))
    right = [step.right for step in walk.steps[1:]]
    print(f"{sum(right)} of {len(right)} steps are right, as the judge reads them; see {args.out}")


def run_ship(args) -> None:
    """Make trained models the shipped weights of their tasks.

    One process ships all of them, because shipping changes the working tree, and so the commit.
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
    """Print scores of any representation."""
    from wdlib.data.arrays import NUMBERS, read_npz
    from wdlib.files import provenance
    from wdlib.metrics.table import STANDARD, score

    _check_seed(args.seed)
    chosen = STANDARD if args.metrics is None else list(filter(None, args.metrics.split(",")))
    if not chosen:
        raise ValueError(f"--metrics is empty; the default is {','.join(STANDARD)}")
    names = ("codes_train", "factors_train", "codes_test", "factors_test")
    arrays = read_npz(args.arrays, names, NUMBERS + "U")  # factors may be names
    numbers = score(*arrays, metrics=chosen, seed=args.seed)
    if args.json:
        sizes = {name: list(array.shape) for name, array in zip(names, arrays)}
        about = provenance() | {"seed": args.seed, "metrics": chosen, "sizes": sizes}
        print(json.dumps(numbers | {"about": about}, indent=1))
    else:
        for name, value in numbers.items():
            print(f"{name:24s} {value:.4f}")


def run_table(args) -> None:
    """Run the missing cells of a table, and print it."""
    from wdlib.data import device_of
    from wdlib.experiments import grid, tables
    from wdlib.experiments.recipes import KNOWN
    from wdlib.experiments.studies import cells_of
    from wdlib.training.progress import suited

    asked = {name: getattr(args, name) for name in ("seeds", "tasks", "methods")}
    asked = {name: given.split(",") for name, given in asked.items() if given}
    try:
        asked |= {"seeds": [int(seed) for seed in asked["seeds"]]} if args.seeds else {}
    except ValueError:
        raise ValueError(f"--seeds takes integers like 0,1,2, got {args.seeds!r}") from None
    cells = cells_of(args.name, seconds=args.seconds, device=str(device_of(args.device)), **asked)
    folder = args.folder or Path("runs") / f"table{args.name}"
    earlier = tables.read_results(args.csv) if args.csv and args.csv.exists() else None
    missing = cells if earlier is None else grid.lacking(cells, earlier)
    with grid.Processes(args.workers) as executor:
        progress = suited(every=0, unit="cell")
        table = grid.run(missing, executor, folder=folder, methods=KNOWN, progress=progress)
    frame = table.frame if earlier is None else grid.joined(earlier, table.frame)
    if len(frame):
        print(tables.markdown(tables.SHOWN[args.name](frame)))
        if args.csv:
            tables.write_results(frame, args.csv)
    for cell, trace in table.failed.items():
        last = trace.strip().splitlines()[-1]
        print(f"failed: {cell.task}, {cell.method}, seed {cell.seed}: {last}", file=sys.stderr)
    if table.failed:
        raise ValueError(
            f"{len(table.failed)} of {len(cells)} cells failed; their tracebacks are in "
            f"{folder / 'cells'}, and the same command tries them again"
        )


def run_report(args) -> None:
    """Render the results pages of a checkout again."""
    from wdlib.experiments.report import PAGES, write_report

    write_report()
    print(f"rendered {' and '.join(str(page) for page in PAGES)}")


def run_recipe(args) -> None:
    """Print the settings behind a row of a table as JSON."""
    from wdlib.experiments.recipes import behind

    print(json.dumps(behind(args.digest), indent=1))


def _settings(args) -> dict:
    """Preset, seed and labels of train: as given, or of the checkpoint to resume, or the usual."""
    from wdlib.model import saved

    usual = dict(USUAL)
    if args.resume and args.out and saved.exists(args.out, saved.CHECKPOINT):
        record = saved.load(args.out, saved.CHECKPOINT)[1]
        usual |= {name: record[name] for name in ("seed", "labels")}
        usual |= {"preset": record["preset"]["name"]}
    given = {name: getattr(args, name) for name in usual}
    return usual | {name: value for name, value in given.items() if value is not None}


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
        TemporaryFile(dir=near).close()
    except OSError as error:
        raise ValueError(f"nothing can be written in {folder}: {error.strerror}") from None


def _trained(folder: Path, data: str | None = None, device: str = "cpu"):
    """(model, record, split, images, judge) of a trained model.

    ``folder``: that of train, or a task with shipped weights. A judge is trained where it has none.
    """
    from wdlib.data import device_of, load
    from wdlib.metrics.judge import kept_judge
    from wdlib.model.saved import load_model
    from wdlib.pretrained import folder_of, split_of
    from wdlib.tasks import TASKS

    if not folder.exists() and str(folder).lower() in {name.lower() for name in TASKS}:
        folder = folder_of(str(folder))
    device = device_of(device)
    model, record = load_model(folder, device=device)
    parts = split_of(record)
    if len(parts.unseen_combinations):
        raise ValueError(
            f"training of the model in {folder} left out {len(parts.unseen_combinations)} "
            f"combinations, which its judge must have seen; measure it with wdlib.evaluate"
        )
    images = load(model.task.dataset, data)
    theirs = record.get("images", images.identity)
    if theirs not in (images.identity, images.source):  # early records hold the path of a file
        said = f"the model was trained on other images ({theirs}) than these ({images.identity})"
        print(f"wdlib: {said}", file=sys.stderr)
    with warnings.catch_warnings(record=True) as said:
        judge = kept_judge(folder, parts, images, device=device)
    for warning in said:  # in one line, without the place in the code
        print(f"wdlib: {warning.message}", file=sys.stderr)
    return model, record, parts, images, judge


def _argument(*names: str, **settings) -> tuple[tuple[str, ...], dict]:
    return names, settings


FOLDER = _argument("folder", type=Path, help="folder of a model, or a task with shipped weights")
DATA = _argument("--data", help="original file of the dataset; by default, images are drawn")
DEVICE_NAME = _argument("--device", default="auto", help="auto, cpu, cuda, ... (default: auto)")
SEED = _argument("--seed", type=int, default=0, help="seed of all random choices (default: 0)")
JSON = _argument("--json", action="store_true", help="print JSON")


def _trees(default: str) -> tuple[tuple[str, ...], dict]:
    return _argument(
        "--importances", default=default, choices=["gradient_boosting", "hist_gradient_boosting"],
        help=f"trees of DCI; hist is faster, and used in tables (default: {default})",
    )  # fmt: skip


VERBS = {  # the function of a verb -> its arguments; its docstring is the help
    run_draw: (
        _argument("dataset", help="dsprites or shapes3d"),
        _argument("classes", type=Path, help="npy file of integer classes [N, 6]"),
        _argument("out", type=Path, help="npy file to write, with uint8 images"),
        DATA,
    ),
    run_train: (
        _argument("task", help="such as dSprites.v2"),
        _argument("--preset",
                  help="COURSE (the default), FEW (for a hundred labels) or PAPER (needs a GPU)"),
        _argument("--seed", type=int, help="seed of all random choices (default: 0)"),
        _argument("--labels", type=int, help="labelled images (default: 1000)"),
        DEVICE_NAME,
        DATA,
        _argument("--out", type=Path, help="folder of the model (default: runs/TASK-PRESET-SEED)"),
        _argument("--resume", action="store_true",
                  help="continue from the checkpoint in --out, with its settings"),
        _argument("--compile", action="store_true", help="use torch.compile, for long runs"),
    ),
    run_evaluate: (FOLDER, DATA, DEVICE_NAME, SEED, JSON, _trees("gradient_boosting")),
    run_film: (
        FOLDER,
        _argument("relations", nargs="+", help="in this order, such as right bigger next-shape"),
        _argument("--out", type=Path, required=True, help="FILE.gif"),
        _argument("--image", type=int, default=0, help="number of the test image (default: 0)"),
        DATA,
    ),
    run_ship: (
        _argument("folders", type=Path, nargs="+", help="folders of trained models"),
        _argument("--home", type=Path, help="folder of the weights (default: inside wdlib)"),
        _trees("hist_gradient_boosting"),
    ),
    run_score: (
        _argument("arrays", type=Path,
                  help="npz file of codes_train, factors_train, codes_test and factors_test"),
        _argument("--metrics", help="names of scores, with commas (default: those of all reports)"),
        SEED, JSON,
    ),
    run_table: (
        _argument("name", choices=["1", "long", "2", "pace", "labels", "unseen", "ablations",
                                   "published"], help="1 and 2 are the paper's tables"),
        _argument("--folder", type=Path, help="keeps finished cells (default: runs/tableNAME)"),
        _argument("--csv", type=Path, help="file of the results; its cells count as finished"),
        *(_argument(name, help="with commas (default: those of the table)")
          for name in ("--seeds", "--tasks", "--methods")),
        _argument("--seconds", type=float,
                  help="training time per cell of 2, pace, published, and Modular (paper) in 1"),
        _argument("--device", default="cpu", help="auto, cpu, cuda, ... (default: cpu)"),
        _argument("--workers", type=int, default=1, help="number of processes (default: 1)"),
    ),
    run_recipe: (_argument("digest", help="the row's twelve letters in the column recipe"),),
    run_report: (),
}  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """The parser of all verbs."""
    top = argparse.ArgumentParser(prog="python -m wdlib", description="Modular representations.")
    verbs = top.add_subparsers(dest="command", required=True, metavar="VERB")
    for run, arguments in VERBS.items():
        about = run.__doc__.partition("\n")[0]
        verb = verbs.add_parser(run.__name__.removeprefix("run_"), help=about, description=about)
        verb.set_defaults(run=run)
        for names, settings in arguments:
            verb.add_argument(*names, **settings)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run one verb; returns the exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # to print paths that its encoding lacks
        sys.stdout.reconfigure(errors="backslashreplace")
    args = parser().parse_args(argv)
    code = 2
    try:
        args.run(args)
        return 0
    except (ValueError, OSError, FloatingPointError) as error:
        said = str(error)
    except MemoryError as error:
        what = str(error) or "something does not fit"
        said = f"{args.command} needs more memory than there is: {what}"
    except RuntimeError as error:
        if not DEVICE.search(str(error)):
            raise
        device = getattr(args, "device", "cpu")
        said = f"the device {device!r} failed: {str(error).strip().splitlines()[0]}"
    except KeyboardInterrupt as error:
        code, said = 130, str(error) or "interrupted"
    print(f"wdlib: {said}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
