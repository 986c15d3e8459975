"""The command line: python -m wdlib draw | train | evaluate | film | ship | score | table.

Bad input ends with one sentence on standard error and exit code 2; files that exist stay as they
are until their replacement is whole.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def parser() -> argparse.ArgumentParser:
    """All commands with their help."""
    top = argparse.ArgumentParser(prog="python -m wdlib", description="Modular representations.")
    commands = top.add_subparsers(dest="command", required=True)

    draw = commands.add_parser("draw", help="draw images of a dataset from their factor classes")
    draw.add_argument("dataset", help="dsprites or shapes3d")
    draw.add_argument("classes", type=Path, help=".npy of integer classes [N, 6]")
    draw.add_argument("out", type=Path, help=".npy to write: uint8 images")
    draw.add_argument("--data", help="read the original file at this path instead of drawing")
    draw.set_defaults(run=run_draw)

    train = commands.add_parser("train", help="train a model of a task")
    train.add_argument("task", help="such as dSprites.v2")
    train.add_argument("--preset", default="COURSE", help="COURSE (minutes) or PAPER (a GPU)")
    train.add_argument("--seed", type=int, default=0, help="of split, weights and training")
    train.add_argument("--labels", type=int, default=1000, help="number of labelled images")
    train.add_argument("--device", default="auto", help="auto, cpu, cuda, ...")
    train.add_argument("--data", help="the original dataset's file; drawn by default")
    train.add_argument(
        "--out", type=Path, help="folder for the model; default runs/TASK-PRESET-SEED"
    )
    train.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    train.add_argument("--compile", action="store_true", help="torch.compile; pays on long runs")
    train.set_defaults(run=run_train)

    evaluate = commands.add_parser("evaluate", help="every score of a trained model")
    evaluate.add_argument(
        "folder", type=Path, help="what train wrote (--out), or a task, for its shipped weights"
    )
    evaluate.add_argument("--data", help="the original dataset's file; drawn by default")
    evaluate.add_argument("--device", default="auto", help="auto, cpu, cuda, ...")
    evaluate.add_argument("--seed", type=int, default=0, help="of samples, relations and scores")
    evaluate.add_argument("--json", action="store_true", help="print JSON instead of tables")
    evaluate.set_defaults(run=run_evaluate)

    film = commands.add_parser(
        "film", help="relations on a test image, as an animated GIF or a PNG"
    )
    film.add_argument("folder", type=Path, help="what train wrote, or a task with shipped weights")
    film.add_argument("relations", nargs="+", help="in order, such as right bigger next-shape")
    film.add_argument("--out", type=Path, required=True, help="FILE.gif or FILE.png")
    film.add_argument("--image", type=int, default=0, help="which of the test images to begin with")
    film.add_argument("--data", help="the original dataset's file; drawn by default")
    film.set_defaults(run=run_film)

    ship = commands.add_parser("ship", help="keep a trained model as its task's shipped weights")
    ship.add_argument("folder", type=Path, help="what train wrote (--out)")
    ship.add_argument("--home", type=Path, help="where the weights go; default inside wdlib")
    ship.add_argument(
        "--importances",
        default="hist_gradient_boosting",
        help="the trees behind DCI: binned ones (default, a minute) or gradient_boosting (many)",
    )
    ship.set_defaults(run=run_ship)

    score = commands.add_parser("score", help="scores of any representation")
    score.add_argument(
        "arrays", type=Path, help=".npz with codes_train, factors_train, codes_test, factors_test"
    )
    score.add_argument("--metrics", default="mig,sap,sap_r2,dci", help="comma-separated names")
    score.add_argument("--seed", type=int, default=0)
    score.add_argument("--json", action="store_true", help="print JSON instead of lines")
    score.set_defaults(run=run_score)
    table = commands.add_parser("table", help="run the cells of a table that are missing; print it")
    table.add_argument(
        "name",
        choices=["1", "2", "labels", "unseen", "ablations"],
        help="one of the paper's two, or an experiment of ours",
    )
    table.add_argument("--folder", type=Path, help="keeps finished cells; default runs/tableNAME")
    table.add_argument("--csv", type=Path, help="also write the figures to this file")
    table.add_argument("--seeds", default="0,1,2", help="comma-separated")
    table.add_argument("--tasks", help="comma-separated; default those of the experiment")
    table.add_argument("--methods", help="2 and ablations: comma-separated; default all")
    table.add_argument(
        "--seconds", type=float, default=240, help="2 and ablations: training a cell"
    )
    table.add_argument("--workers", type=int, default=1, help="processes, of one thread each")
    table.set_defaults(run=run_table)
    return top


def run_draw(args) -> None:
    """draw: classes in, images out."""
    from wdlib.data import load
    from wdlib.data.npz import read_npy

    images = load(args.dataset, args.data).draw(read_npy(args.classes))
    _write_npy(args.out, images)


def run_train(args) -> None:
    """train: a model in --out, resumable."""
    from wdlib.data import load
    from wdlib.tasks import task
    from wdlib.training import Trainer, checkpoint, preset, suited

    wanted = task(args.task)
    chosen = preset(args.preset)
    out = args.out or Path("runs") / f"{wanted.name}-{chosen.name}-{args.seed}"
    if checkpoint.exists(out, checkpoint.CHECKPOINT) and not args.resume:
        raise ValueError(f"{out} holds a checkpoint already: add --resume, or choose another --out")
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
    trainer.run(progress=suited(), folder=out)
    trainer.save_model(out)
    print(f"the model is in {out}; see it with: python -m wdlib evaluate {_quoted(out)}")


def run_evaluate(args) -> None:
    """evaluate: the report of a model that train wrote; its judge is kept beside it."""
    from wdlib.data import load
    from wdlib.evaluation import evaluate
    from wdlib.metrics.judge import kept_judge
    from wdlib.provenance import provenance
    from wdlib.training.saved import load_model

    device = _device(args.device)
    folder = _trained(args.folder)
    model, record = load_model(folder, device=device)
    parts = _parts(model.task, record["seed"], record["labels"])
    images = load(model.task.dataset, args.data)
    judge = kept_judge(folder, parts, images, device=device)
    report = evaluate(model, parts, images, judge, seed=args.seed)
    if args.json:
        about = {name: record[name] for name in ("task", "seed", "labels", "preset")}
        about |= {"trained": record.get("source"), "measured": provenance() | {"seed": args.seed}}
        report = json.dumps(report.to_dict() | {"about": about}, indent=1)
    print(report)


def run_film(args) -> None:
    """film: a walk by relations, each step read by the judge."""
    from wdlib.data import load
    from wdlib.files import whole
    from wdlib.metrics.judge import kept_judge
    from wdlib.navigator.film import gif, strip_png
    from wdlib.navigator.walk import Walk
    from wdlib.relations import relation
    from wdlib.training.saved import load_model

    makers = {".gif": gif, ".png": strip_png}
    if args.out.suffix.lower() not in makers:
        raise ValueError(f"--out is a .gif or a .png, got {args.out}")
    folder = _trained(args.folder)
    model, record = load_model(folder)
    parts = _parts(model.task, record["seed"], record["labels"])
    if not 0 <= args.image < len(parts.test):
        raise ValueError(f"the test images are 0 to {len(parts.test) - 1}, got {args.image}")
    asked = [relation(name, model.task) for name in args.relations]
    images = load(model.task.dataset, args.data)
    walk = Walk(model, kept_judge(folder, parts, images))
    walk.start(images.draw(model.task.classes(parts.test[[args.image]]))[0])
    for one in asked:
        walk.relate(one)
    film = makers[args.out.suffix.lower()](walk.steps, model.task)
    with whole(args.out) as file:
        file.write(film)
    right = [step.right for step in walk.steps[1:]]
    print(f"{sum(right)} of {len(right)} steps lead where they should, says the judge; {args.out}")


def run_ship(args) -> None:
    """ship: a trained model becomes its task's shipped weights, measured as they are stored."""
    from wdlib.data import load
    from wdlib.evaluation import evaluate
    from wdlib.metrics.judge import kept_judge
    from wdlib.pretrained import WEIGHTS, ship
    from wdlib.provenance import provenance
    from wdlib.training.saved import load_model

    model, record = load_model(args.folder)
    parts = _parts(model.task, record["seed"], record["labels"])
    images = load(model.task.dataset)
    judge = kept_judge(args.folder, parts, images)
    folder = ship(
        args.folder,
        judge,
        lambda stored: evaluate(
            stored, parts, images, judge, importances=args.importances
        ).to_dict(),
        home=args.home or WEIGHTS,
        source=provenance(),
        importances=args.importances,
    )
    print(f"the weights of {model.task.name} are in {folder}")


def run_score(args) -> None:
    """score: arrays in, numbers out."""
    from wdlib.data.npz import read_npz
    from wdlib.metrics import score

    names = ("codes_train", "factors_train", "codes_test", "factors_test")
    arrays = read_npz(args.arrays, names)
    metrics = [name for name in args.metrics.split(",") if name]
    numbers = score(*arrays, metrics=metrics, seed=args.seed)
    if args.json:
        print(json.dumps(numbers, indent=1))
    else:
        for name, value in numbers.items():
            print(f"{name:24s} {value:.4f}")


def run_table(args) -> None:
    """table: finished cells stay in the folder, so a run that was stopped goes on."""
    from wdlib import experiments, grid, tables
    from wdlib.ablations import ABLATIONS
    from wdlib.methods import METHODS

    try:
        seeds = [int(seed) for seed in args.seeds.split(",")]
    except ValueError:
        raise ValueError(f"--seeds takes integers like 0,1,2, got {args.seeds!r}") from None
    asked = {"tasks": args.tasks.split(",")} if args.tasks else {}
    if args.name in ("2", "ablations"):
        asked |= {"methods": args.methods.split(",") if args.methods else None}
        asked |= {"seconds": args.seconds}
    cells = experiments.EXPERIMENTS[args.name](seeds=seeds, **asked)
    folder = args.folder or Path("runs") / f"table{args.name}"
    with grid.Processes(args.workers) as executor:
        table = grid.run(
            cells, executor, folder=folder, methods=METHODS | ABLATIONS, progress=grid.suited()
        )
    print(tables.format_summary(table) if args.name == "1" else table)
    if args.csv:
        (tables.write_wide_csv if args.name == "1" else tables.write_csv)(table, args.csv)
    for cell, trace in table.failed.items():
        last = trace.strip().splitlines()[-1]
        print(f"failed: {cell.task}, {cell.method}, seed {cell.seed}: {last}", file=sys.stderr)


def _parts(task, seed: int, labels: int):
    """The split that train and evaluate share: of the largest tasks, MOST images take part."""
    from wdlib.cells import MOST
    from wdlib.data.split import split

    return split(task, seed=seed, labels=labels, limit=MOST)


def _write_npy(path: Path, array) -> None:
    import numpy as np

    from wdlib.files import whole

    with whole(path) as file:
        np.save(file, array, allow_pickle=False)


def _device(name: str) -> str:
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        first = str(error).splitlines()[0]
        raise ValueError(f"the device {name!r} cannot be used: {first}") from None
    return name


def _trained(folder: Path) -> Path:
    """The folder itself, or where it names a task and no folder, the task's shipped weights."""
    from wdlib.pretrained import folder_of
    from wdlib.tasks import TASKS

    if folder.exists() or str(folder).lower() not in {name.lower() for name in TASKS}:
        return folder
    return folder_of(str(folder))


def _quoted(path: Path) -> str:
    import shlex

    return shlex.quote(str(path))


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    args = parser().parse_args(argv)
    try:
        args.run(args)
    except (ValueError, OSError, FloatingPointError) as error:
        print(f"wdlib: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
