"""The command line: python -m wdlib draw | train | evaluate | film | ship | score | table | recipe.

Bad input, and a machine that is too small, end with one sentence on standard error and exit code 2,
Ctrl-C with 130; files that exist stay as they are until their replacement is whole.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from pathlib import Path

from wdlib import commands

# What torch says where a device, or memory for it, is the matter; its other errors are ours.
DEVICE = re.compile(r"out of memory|allocate memory|CUDA|cuDNN|\bMPS\b|\bXPU\b|\bdevices?\b")


def parser() -> argparse.ArgumentParser:
    """All commands with their help."""
    top = argparse.ArgumentParser(prog="python -m wdlib", description="Modular representations.")
    parsers = top.add_subparsers(dest="command", required=True)

    draw = parsers.add_parser("draw", help="draw images of a dataset from their factor classes")
    draw.add_argument("dataset", help="dsprites or shapes3d")
    draw.add_argument("classes", type=Path, help=".npy of integer classes [N, 6]")
    draw.add_argument("out", type=Path, help=".npy to write: uint8 images")
    draw.add_argument("--data", help="read the original file at this path instead of drawing")
    draw.set_defaults(run=commands.run_draw)

    train = parsers.add_parser("train", help="train a model of a task")
    train.add_argument("task", help="such as dSprites.v2")
    train.add_argument(
        "--preset",
        default="COURSE",
        help="COURSE (minutes), FEW (the same, for a hundred labels) or PAPER (a GPU)",
    )
    train.add_argument("--seed", type=int, default=0, help="of split, weights and training")
    train.add_argument("--labels", type=int, default=1000, help="number of labelled images")
    train.add_argument("--device", default="auto", help="auto, cpu, cuda, ...")
    train.add_argument("--data", help="the original dataset's file; drawn by default")
    train.add_argument(
        "--out", type=Path, help="folder for the model; default runs/TASK-PRESET-SEED"
    )
    train.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    train.add_argument("--compile", action="store_true", help="torch.compile; pays on long runs")
    train.set_defaults(run=commands.run_train)

    trees = {
        "choices": ["gradient_boosting", "hist_gradient_boosting"],
        "help": "the trees behind DCI; hist: binned ones, faster, those of records and tables",
    }
    evaluate = parsers.add_parser("evaluate", help="every score of a trained model")
    evaluate.add_argument(
        "folder", type=Path, help="what train wrote (--out), or a task, for its shipped weights"
    )
    evaluate.add_argument("--data", help="the original dataset's file; drawn by default")
    evaluate.add_argument("--device", default="auto", help="auto, cpu, cuda, ...")
    evaluate.add_argument("--seed", type=int, default=0, help="of samples, relations and scores")
    evaluate.add_argument("--json", action="store_true", help="print JSON instead of tables")
    evaluate.add_argument("--importances", default="gradient_boosting", **trees)
    evaluate.set_defaults(run=commands.run_evaluate)

    film = parsers.add_parser("film", help="relations on a test image, as an animated GIF or a PNG")
    film.add_argument("folder", type=Path, help="what train wrote, or a task with shipped weights")
    film.add_argument("relations", nargs="+", help="in order, such as right bigger next-shape")
    film.add_argument("--out", type=Path, required=True, help="FILE.gif or FILE.png")
    film.add_argument("--image", type=int, default=0, help="which of the test images to begin with")
    film.add_argument("--data", help="the original dataset's file; drawn by default")
    film.set_defaults(run=commands.run_film)

    ship = parsers.add_parser("ship", help="keep trained models as their tasks' shipped weights")
    ship.add_argument("folders", type=Path, nargs="+", help="what train wrote (--out)")
    ship.add_argument("--home", type=Path, help="where the weights go; default inside wdlib")
    ship.add_argument("--importances", default="hist_gradient_boosting", **trees)
    ship.set_defaults(run=commands.run_ship)

    score = parsers.add_parser("score", help="scores of any representation")
    score.add_argument(
        "arrays", type=Path, help=".npz with codes_train, factors_train, codes_test, factors_test"
    )
    score.add_argument("--metrics", default="mig,sap,sap_r2,dci", help="comma-separated names")
    score.add_argument("--seed", type=int, default=0)
    score.add_argument("--json", action="store_true", help="print JSON instead of lines")
    score.set_defaults(run=commands.run_score)
    table = parsers.add_parser("table", help="run the cells of a table that are missing; print it")
    table.add_argument(
        "name",
        choices=["1", "long", "2", "pace", "labels", "unseen", "ablations", "published"],
        help="one of the paper's two, or an experiment of ours",
    )
    table.add_argument("--folder", type=Path, help="keeps finished cells; default runs/tableNAME")
    table.add_argument(
        "--csv",
        type=Path,
        help="also write the figures to this file; cells in it count as finished",
    )
    table.add_argument("--seeds", help="comma-separated; default those of the experiment")
    table.add_argument("--tasks", help="comma-separated; default those of the experiment")
    table.add_argument("--methods", help="not of unseen: comma-separated; default all")
    table.add_argument(
        "--seconds",
        type=float,
        help="training a cell: of 2 (steps that 480 buy), of pace (240), of 1's published schedule "
        "(3600), of published (its steps)",
    )
    table.add_argument("--device", default="cpu", help="auto, cpu, cuda, ...; default cpu")
    table.add_argument("--workers", type=int, default=1, help="processes, of one thread each")
    table.set_defaults(run=commands.run_table)
    recipe = parsers.add_parser("recipe", help="the configuration behind a row of a table")
    recipe.add_argument("digest", help="twelve letters from the column recipe")
    recipe.set_defaults(run=commands.run_recipe)
    report = parsers.add_parser("report", help="render the results pages of a checkout again")
    report.set_defaults(run=commands.run_report)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a path that it cannot print is no error
        sys.stdout.reconfigure(errors="backslashreplace")
    args = parser().parse_args(argv)
    try:
        args.run(args)
    except (ValueError, OSError, FloatingPointError) as error:
        return _said(str(error), 2)
    except MemoryError as error:
        what = str(error) or "something was asked for that does not fit"
        return _said(f"{args.command} needs more memory than there is: {what}", 2)
    except RuntimeError as error:
        if not DEVICE.search(str(error)):
            raise
        device = getattr(args, "device", "cpu")
        return _said(f"the device {device!r} failed: {str(error).strip().splitlines()[0]}", 2)
    except KeyboardInterrupt as error:
        return _said(str(error) or "interrupted", 130)
    return 0


def _said(sentence: str, code: int) -> int:
    print(f"wdlib: {sentence}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
