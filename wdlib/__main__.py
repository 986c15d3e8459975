"""The command line, python -m wdlib VERB: the verbs and their arguments as data.

Wrong input, or a machine that is too small, ends with one sentence on standard error and exit code
2, Ctrl-C with 130. An existing file stays until its replacement is complete.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from pathlib import Path

from wdlib import commands

# What torch's errors about a device or its memory contain; its other errors are faults of wdlib.
DEVICE = re.compile(r"out of memory|allocate memory|CUDA|cuDNN|\bMPS\b|\bXPU\b|\bdevices?\b")


def _argument(*names: str, **settings) -> tuple[tuple[str, ...], dict]:
    return names, settings


FOLDER = _argument(
    "folder", type=Path, help="folder of a trained model (--out of train), or a task with shipped "
    "weights"
)  # fmt: skip
DATA = _argument("--data", help="original file of the dataset; by default, images are drawn")
DEVICE_NAME = _argument("--device", default="auto", help="auto, cpu, cuda, ... (default: auto)")
SEED = _argument("--seed", type=int, default=0, help="seed of all random choices (default: 0)")
JSON = _argument("--json", action="store_true", help="print JSON")


def _trees(default: str) -> tuple[tuple[str, ...], dict]:
    return _argument(
        "--importances", default=default, choices=["gradient_boosting", "hist_gradient_boosting"],
        help=f"the trees of DCI; those with hist are faster, and tables use them "
        f"(default: {default})",
    )  # fmt: skip


VERBS = {  # name -> (what runs, help, arguments)
    "draw": (
        commands.run_draw,
        "draw images from their factor classes",
        _argument("dataset", help="dsprites or shapes3d"),
        _argument("classes", type=Path, help="npy file of integer classes [N, 6]"),
        _argument("out", type=Path, help="npy file to write, with uint8 images"),
        DATA,
    ),
    "train": (
        commands.run_train,
        "train a model of a task",
        _argument("task", help="such as dSprites.v2"),
        _argument("--preset", default="COURSE", help="COURSE (minutes; the default), FEW (the same "
                  "for a hundred labels) or PAPER (needs a GPU)"),
        SEED,
        _argument("--labels", type=int, default=1000, help="labelled images (default: 1000)"),
        DEVICE_NAME,
        DATA,
        _argument("--out", type=Path, help="folder of the model (default: runs/TASK-PRESET-SEED)"),
        _argument("--resume", action="store_true", help="continue from the checkpoint in --out"),
        _argument("--compile", action="store_true", help="use torch.compile, for long runs"),
    ),
    "evaluate": (
        commands.run_evaluate,
        "print every score of a trained model",
        FOLDER, DATA, DEVICE_NAME, SEED, JSON, _trees("gradient_boosting"),
    ),
    "film": (
        commands.run_film,
        "apply relations to a test image, and write the steps as a GIF or a PNG",
        FOLDER,
        _argument("relations", nargs="+", help="in this order, such as right bigger next-shape"),
        _argument("--out", type=Path, required=True, help="FILE.gif or FILE.png"),
        _argument("--image", type=int, default=0, help="number of the test image (default: 0)"),
        DATA,
    ),
    "ship": (
        commands.run_ship,
        "make trained models the shipped weights of their tasks",
        _argument("folders", type=Path, nargs="+", help="folders of trained models"),
        _argument("--home", type=Path, help="folder of the weights (default: inside wdlib)"),
        _trees("hist_gradient_boosting"),
    ),
    "score": (
        commands.run_score,
        "print scores of any representation",
        _argument("arrays", type=Path, help="npz file of codes_train, factors_train, codes_test "
                  "and factors_test"),
        _argument("--metrics", default="mig,sap,sap_r2,dci",
                  help="names of scores, with commas (default: mig,sap,sap_r2,dci)"),
        SEED, JSON,
    ),
    "table": (
        commands.run_table,
        "run the missing cells of a table, and print it",
        _argument("name", choices=["1", "long", "2", "pace", "labels", "unseen", "ablations",
                                   "published"], help="1 and 2 are the paper's tables"),
        _argument("--folder", type=Path, help="keeps finished cells (default: runs/tableNAME)"),
        _argument("--csv", type=Path, help="file of the results; cells that it holds count as "
                  "finished"),
        _argument("--seeds", help="with commas (default: those of the table)"),
        _argument("--tasks", help="with commas (default: those of the table)"),
        _argument("--methods", help="with commas (default: those of the table); not for unseen"),
        _argument("--seconds", type=float, help="training time per cell, for tables with a budget: "
                  "2, pace, published, and the published schedule in 1"),
        _argument("--device", default="cpu", help="auto, cpu, cuda, ... (default: cpu)"),
        _argument("--workers", type=int, default=1, help="number of processes, with one thread "
                  "each (default: 1)"),
    ),
    "recipe": (
        commands.run_recipe,
        "print the settings behind a row of a table as JSON",
        _argument("digest", help="the row's twelve letters in the column recipe"),
    ),
    "report": (commands.run_report, "render the results pages of a checkout again"),
}  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """The parser of all verbs."""
    top = argparse.ArgumentParser(prog="python -m wdlib", description="Modular representations.")
    verbs = top.add_subparsers(dest="command", required=True, metavar="VERB")
    for name, (run, text, *arguments) in VERBS.items():
        verb = verbs.add_parser(name, help=text, description=f"{text.capitalize()}.")
        verb.set_defaults(run=run)
        for names, settings in arguments:
            verb.add_argument(*names, **settings)
    return top


def main(argv: list[str] | None = None) -> int:
    """Run one verb; returns the exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # to print paths that its encoding lacks
        sys.stdout.reconfigure(errors="backslashreplace")
    args = parser().parse_args(argv)
    try:
        args.run(args)
    except (ValueError, OSError, FloatingPointError) as error:
        return _say(str(error), 2)
    except MemoryError as error:
        what = str(error) or "something does not fit"
        return _say(f"{args.command} needs more memory than there is: {what}", 2)
    except RuntimeError as error:
        if not DEVICE.search(str(error)):
            raise
        device = getattr(args, "device", "cpu")
        return _say(f"the device {device!r} failed: {str(error).strip().splitlines()[0]}", 2)
    except KeyboardInterrupt as error:
        return _say(str(error) or "interrupted", 130)
    return 0


def _say(sentence: str, code: int) -> int:
    print(f"wdlib: {sentence}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
