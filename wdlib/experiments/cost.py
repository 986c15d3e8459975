"""What training costs: images a second, share of the machine's matrix rate, what each trick gains,
and how many minutes a task takes to 90% of what it ends with.

``python -m wdlib.experiments.cost`` measures a task of 27 combinations, one of 1080 and one of
12000, and prints three tables; ``--csv FILE`` keeps the figures (``make cost``).
"""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch

from wdlib.experiments.costs import BATCHES, TRICKS, step_costs
from wdlib.experiments.milestones import training_costs
from wdlib.experiments.pipes import piped
from wdlib.files import provenance, whole
from wdlib.tasks import task

TASKS = ("dSprites.v2", "dSprites.v4", "Shapes3D.v5")  # 27, 1080 and 12000 combinations
SOURCE = ("commit", "python", "wdlib", "torch", "numpy", "scikit-learn", "machine")
COLUMNS = ("task", "combinations", "factors", "seed", "threads", "device", "phase", "way",
           "measure", "value", *SOURCE)  # fmt: skip


def measure(
    names: Sequence[str] = TASKS,
    *,
    seed: int = 0,
    minutes: float = 10.0,
    path: Path | str | None = None,
    device: str = "cpu",
    **tiny,
) -> list[dict]:
    """All rows of some tasks; ``path`` has those of the finished ones at any time.

    ``minutes``: of training a task at most, 0 for none; with the rest a task takes about three
    more on a processor. ``tiny``: other settings, {"step": ..., "training": ...}, of
    ``step_costs`` and ``training_costs``.
    """
    rows: list[dict] = []
    for name in names:
        how = {"seed": seed, "device": device}
        found = step_costs(name, **how, **tiny.get("step", {}))
        if minutes:
            found += training_costs(name, minutes=minutes, **how, **tiny.get("training", {}))
        wanted, made = task(name), provenance()
        about = {"task": wanted.name, "combinations": wanted.combinations}
        about |= {"factors": len(wanted.factors), "seed": seed}
        about |= {"threads": torch.get_num_threads(), "device": device}
        rows += [about | row | {key: made[key] for key in SOURCE} for row in found]
        if path is not None:
            write_costs(rows, path)
    return rows


def write_costs(rows: Iterable[Mapping], path: Path | str) -> None:
    """Write the rows as CSV, whole or not at all; values with six digits."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(dict(row) | {"value": f"{row['value']:.6g}"} for row in rows)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with whole(Path(path)) as file:
        file.write(text.getvalue().encode())


def read_costs(path: Path | str) -> list[dict]:
    """Read back what ``write_costs`` wrote.

    Raises FileNotFoundError where there is no such file, ValueError for another one.
    """
    kinds = {"combinations": int, "factors": int, "seed": int, "threads": int, "value": float}
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        try:
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise ValueError(f"its columns are not {', '.join(COLUMNS)}")
            return [row | {k: kind(row[k]) for k, kind in kinds.items()} for row in reader]
        except (TypeError, ValueError, csv.Error) as error:
            raise ValueError(f"{path}, line {reader.line_num}: {error}") from None


def format_costs(rows: Iterable[Mapping]) -> str:
    """Three tables as Markdown: each phase's steps, as they are and without each trick (images/s;
    the gain is that of all tricks together), the warm-up's batch, the training as a whole."""
    found: dict[str, dict[tuple[str, str, str], float]] = {}
    about = {}
    for row in rows:
        key = row["phase"], row["way"], row["measure"]
        found.setdefault(row["task"], {})[key] = row["value"]
        about[row["task"]] = [row["task"], str(row["combinations"]), str(row["factors"])]
    others = list(TRICKS)[1:]
    steps = [["task, phase", "ms a step", "images/s", "of the matrix rate", *others, "gain"]]
    batches = [["task, images/s", *(f"batch {batch}" for batch in BATCHES)]]
    whole = [["task", "combinations", "factors", "encoder", "minutes to 90% of it",
              "judged, encoded", "minutes to 90% of it", "minutes", "steps"]]  # fmt: skip
    for name, values in found.items():
        for phase in dict.fromkeys(phase for phase, way, _ in values if way in TRICKS):
            rate = {way: values.get((phase, way, "images/s")) for way in TRICKS}
            gain = rate["as it is"] / rate["without any of these"]
            share = values[phase, "as it is", "matrix share"]
            steps.append([f"{name}, {phase}", f"{values[phase, 'as it is', 'ms a step']:.1f}",
                          f"{rate['as it is']:.0f}", f"{share:.0%}",
                          *(f"{rate[way]:.0f}" if rate[way] else "" for way in others),
                          f"{gain:.2f}"])  # fmt: skip
        kinds = {way: v for (_, way, m), v in values.items() if m == "images/s"}
        batches.append([name, *(f"{kinds[f'batch {batch}']:.0f}" for batch in BATCHES)])
        if ("all", "training", "minutes") in values:
            mine = {key[1:]: value for key, value in values.items() if key[0] == "all"}
            line = list(about[name])
            for way in ("encoder", "judged, encoded"):
                line.append(f"{mine[way, 'final accuracy']:.3f}")
                line.append(f"{mine[way, 'minutes to 90%']:.1f}")
            taken, of = (mine["training", k] for k in ("steps", "steps of the preset"))
            line.append(f"{mine['training', 'minutes']:.1f}")
            whole.append([*line, f"{taken:.0f}" if taken == of else f"{taken:.0f} of {of:.0f}"])
    return "\n\n".join(piped(table) for table in (steps, batches, whole) if len(table) > 1)


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m wdlib.experiments.cost")
    parser.add_argument("tasks", nargs="*", default=TASKS, help=f"default {' '.join(TASKS)}")
    parser.add_argument("--csv", type=Path, help="also write the figures to this file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="of torch; default 1")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, ...; default cpu")
    capped = "training a task at most, its schedule shortened to that; 0: steps only"
    parser.add_argument("--minutes", type=float, default=10, help=capped)
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    how = {"seed": args.seed, "minutes": args.minutes, "device": args.device}
    print(format_costs(measure(args.tasks, path=args.csv, **how)))


if __name__ == "__main__":
    main()
