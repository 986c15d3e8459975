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
USUAL = {"preset": None, "seed": 0, "labels": None}  # of train: what suits the task
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
    """Train a model of a task, or of your own images with --table."""
    from wdlib.data import device_of
    from wdlib.model import saved
    from wdlib.simple import parts_of, schedule
    from wdlib.training import Trainer, suited

    asked, device = _settings(args), device_of(args.device)
    _check_seed(asked["seed"])
    _check_folder(args.out or Path("runs"))
    wanted, images, about = _data_of(args)
    parts = parts_of(wanted, seed=asked["seed"], labels=asked["labels"])
    chosen = schedule(parts, asked["preset"])
    out = args.out or Path("runs") / f"{wanted.name}-{chosen.name}-{asked['seed']}"
    if saved.exists(out, saved.CHECKPOINT) and not args.resume:
        raise ValueError(f"{out} already holds a checkpoint: add --resume, or choose another --out")
    how = {"seed": asked["seed"], "device": device, "compile": args.compile}
    trainer = Trainer(parts, images, chosen, **how)
    if args.resume:
        trainer.resume(out)
    try:
        trainer.run(progress=suited(), folder=out)
    except KeyboardInterrupt:
        kept = saved.exists(out, saved.CHECKPOINT)
        then = f"--resume continues from the checkpoint in {out}" if kept else "nothing was saved"
        raise KeyboardInterrupt(f"interrupted at step {trainer.done}; {then}") from None
    trainer.model.record = trainer.record | about
    trainer.model.save(out)
    print(f"the model is in {out}; next: python -m wdlib evaluate {shlex.quote(str(out))}")


def _data_of(args) -> tuple:
    """Task and images that ``train`` is asked for, and what the record keeps of a table."""
    from wdlib.data import load
    from wdlib.tasks import task

    if (args.task is None) == (args.table is None):
        raise ValueError("train needs the name of a task, such as dSprites.v2, or --table FILE.csv")
    if args.table is None:
        wanted = task(args.task)
        return wanted, load(wanted.dataset, args.data), {}
    where = {"table": args.table, "images": args.images or args.table.parent}
    about = {name: str(path.resolve()) for name, path in where.items()}
    about |= {"factors": args.factors and args.factors.split(","), "column": args.column}
    about |= {"cyclic": args.cyclic.split(",") if args.cyclic else [], "resize": args.resize}
    return *_table(about), {"data": about}


def _table(about: dict) -> tuple:
    """Task and images of a table, from what a record keeps."""
    from wdlib.data.table import table

    how = {name: about[name] for name in ("cyclic", "column", "resize")}
    path = Path(about["table"])
    return table(path, about["images"], about["factors"], name=path.stem, **how)


def run_read(args) -> None:
    """Read the values that images show."""
    model, files = _model(args.folder), _files_of(args.images)
    if args.csv:
        _check_file(args.csv)
    values = model.read(files)
    values.insert(0, "file", [str(path) for path in files])
    if args.csv:
        values.to_csv(args.csv, index=False)
        print(f"the values of {len(files)} image(s) are in {args.csv}")
    else:
        print(values.to_string(index=False, float_format="{:.3f}".format))


def run_move(args) -> None:
    """Apply relations to an image, and write the new image."""
    from PIL import Image

    from wdlib.files import whole

    _check_file(args.out)
    kind = Image.registered_extensions().get(args.out.suffix.lower())
    if kind is None:
        raise ValueError(f"--out must end as an image does, such as .png, got {args.out}")
    model = _model(args.folder)
    codes = model.encode(model.images_of([args.image]))
    before = model.read_codes(codes)
    for relation in args.relations:
        codes = model.move(codes, relation)
    image = (model.decode(codes)[0] * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    with whole(args.out) as file:
        Image.fromarray(image.squeeze(-1) if image.shape[2] == 1 else image).save(file, kind)
    after = model.read_codes(codes)
    for factor in model.task.factor_names:
        print(f"{factor}: {before[factor][0]} -> {after[factor][0]}")


def _files_of(given: list[Path]) -> list[Path]:
    """Image files, and the image files in folders."""
    from PIL import Image

    files = []
    for path in given:
        inside = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        kinds = Image.registered_extensions()
        found = [p for p in inside if p == path or p.suffix.lower() in kinds]
        if not found:
            raise ValueError(f"there is no image in the folder {path}")
        files += found
    return files


def _model(folder: Path):
    """The model in a folder, or the shipped one of a task."""
    from wdlib.model.loading import load_model

    return load_model(_folder_of(folder))


def _folder_of(folder: Path) -> Path:
    """``folder``, or that of the shipped weights where it is the name of a task."""
    from wdlib.pretrained import folder_of
    from wdlib.tasks import TASKS

    shipped = not folder.exists() and str(folder).lower() in {name.lower() for name in TASKS}
    return folder_of(str(folder)) if shipped else folder


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
    walk.start(images.draw(parts.task.classes(parts.test[[args.image]]))[0])
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
    from wdlib.experiments import grid, tables
    from wdlib.experiments.recipes import KNOWN
    from wdlib.training.progress import suited

    cells, folder = _cells(args)
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
    _check_failed(table, len(cells), folder)


def run_cell(args) -> None:
    """Run one cell of a table, as a job of its own; without a number, print how many there are."""
    from wdlib.experiments import grid
    from wdlib.experiments.recipes import KNOWN

    cells, folder = _cells(args)
    if args.number is None:
        print(len(cells))
        return
    if not 1 <= args.number <= len(cells):
        raise ValueError(f"table {args.name} has cells 1 to {len(cells)}, got {args.number}")
    cell = cells[args.number - 1]
    _check_failed(grid.run([cell], folder=folder, methods=KNOWN), 1, folder)
    print(f"{cell.task}, {cell.method}, seed {cell.seed}: cell {args.number} of {len(cells)} is in "
          f"{folder}")  # fmt: skip


def _cells(args) -> tuple[list, Path]:
    """The cells of a table, and the folder that keeps them."""
    from wdlib.data import device_of
    from wdlib.experiments.studies import cells_of

    asked = {name: getattr(args, name) for name in ("seeds", "tasks", "methods")}
    asked = {name: given.split(",") for name, given in asked.items() if given}
    try:
        asked |= {"seeds": [int(seed) for seed in asked["seeds"]]} if args.seeds else {}
    except ValueError:
        raise ValueError(f"--seeds takes integers like 0,1,2, got {args.seeds!r}") from None
    cells = cells_of(args.name, seconds=args.seconds, device=str(device_of(args.device)), **asked)
    return cells, args.folder or Path("runs") / f"table{args.name}"


def _check_failed(table, count: int, folder: Path) -> None:
    """Raises ValueError where any of ``count`` cells failed, after saying why."""
    for cell, trace in table.failed.items():
        last = trace.strip().splitlines()[-1]
        print(f"failed: {cell.task}, {cell.method}, seed {cell.seed}: {last}", file=sys.stderr)
    if table.failed:
        raise ValueError(
            f"{len(table.failed)} of {count} cells failed; their tracebacks are in "
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
    from wdlib.model.loading import load_model
    from wdlib.pretrained import split_of

    folder, device = _folder_of(folder), device_of(device)
    model = load_model(folder, device=device)
    record, task, images = model.record, model.task, None
    if "data" in record:
        task, images = _table(record["data"])
        if images.identity != record["images"]:
            raise ValueError(
                f"the table {record['data']['table']} or its images have changed since the model "
                f"in {folder} was trained, so it is not known which rows training saw"
            )
    parts = split_of(record, own=task)
    if len(parts.unseen_combinations):
        raise ValueError(
            f"training of the model in {folder} left out {len(parts.unseen_combinations)} "
            f"combinations, which its judge must have seen; measure it with wdlib.evaluate"
        )
    images = images or load(task.dataset, data)
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


CELLS = (
    _argument("name", type=lambda name: name.removeprefix("table"),
              choices=["1", "long", "2", "pace", "labels", "unseen", "ablations", "published"],
              help="1 and 2 are the paper's tables"),
    _argument("--folder", type=Path, help="keeps finished cells (default: runs/tableNAME)"),
    *(_argument(name, help="with commas (default: those of the table)")
      for name in ("--seeds", "--tasks", "--methods")),
    _argument("--seconds", type=float,
              help="training time per cell of 2, pace, published, and Modular (paper) in 1"),
    _argument("--device", default="cpu", help="auto, cpu, cuda, ... (default: cpu)"),
)  # fmt: skip
VERBS = {  # the function of a verb -> its arguments; its docstring is the help
    run_draw: (
        _argument("dataset", help="dsprites or shapes3d"),
        _argument("classes", type=Path, help="npy file of integer classes [N, 6]"),
        _argument("out", type=Path, help="npy file to write, with uint8 images"),
        DATA,
    ),
    run_train: (
        _argument("task", nargs="?", help="such as dSprites.v2"),
        _argument("--table", type=Path, help="CSV file of your own labels, one row per image"),
        _argument("--images", type=Path, help="folder of the images (default: that of the table)"),
        _argument("--factors", help="relevant columns, with commas (default: all but the files)"),
        _argument("--cyclic", help="factors whose last value is followed by the first"),
        _argument("--column", default="file", help="column of the image files (default: file)"),
        _argument("--resize", type=int, help="crop and scale images to squares of so many pixels"),
        _argument("--preset", help="COURSE (default), FEW (default below 250 labels) or PAPER "
                                   "(needs a GPU)"),
        _argument("--seed", type=int, help="seed of all random choices (default: 0)"),
        _argument("--labels", type=int,
                  help="labelled images, of each factor (default: 1000, or all of a table)"),
        DEVICE_NAME,
        DATA,
        _argument("--out", type=Path, help="folder of the model (default: runs/TASK-PRESET-SEED)"),
        _argument("--resume", action="store_true",
                  help="continue from the checkpoint in --out, with its settings"),
        _argument("--compile", action="store_true", help="use torch.compile, for long runs"),
    ),
    run_evaluate: (FOLDER, DATA, DEVICE_NAME, SEED, JSON, _trees("gradient_boosting")),
    run_read: (
        FOLDER,
        _argument("images", type=Path, nargs="+", help="image files, or folders of them"),
        _argument("--csv", type=Path, help="file to write, instead of printing"),
    ),
    run_move: (
        FOLDER,
        _argument("image", type=Path, help="image file"),
        _argument("relations", nargs="+", help='in this order, such as "next object" object=cup'),
        _argument("--out", type=Path, required=True, help="image file to write, such as NEW.png"),
    ),
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
        *CELLS,
        _argument("--csv", type=Path, help="file of the results; its cells count as finished"),
        _argument("--workers", type=int, default=1, help="number of processes (default: 1)"),
    ),
    run_cell: (
        *CELLS,
        _argument("number", type=int, nargs="?", help="of the cell, from 1"),
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
