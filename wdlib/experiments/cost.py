"""What training costs: images a second, what each speed-up gains, minutes to 90% of the result.

``python -m wdlib.experiments.cost`` measures tasks of 27, 1080 and 12000 combinations and prints
three tables; ``--csv FILE`` keeps the figures (``make cost``). On one thread the time is processor
time, so that other programs don't count; a GPU is waited for.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median

import pandas as pd
import torch
from pandas import DataFrame
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from wdlib.data import device_images, load
from wdlib.data.split import split
from wdlib.files import provenance, whole
from wdlib.metrics.judge import train_judge
from wdlib.tasks import task
from wdlib.training import COURSE, Preset, Trainer, ours
from wdlib.training.loop import computed

TASKS = ("dSprites.v2", "dSprites.v4", "Shapes3D.v5")  # 27, 1080 and 12000 combinations
SOURCE = ("commit", "python", "wdlib", "torch", "numpy", "scikit-learn", "machine")
COLUMNS = ("task", "combinations", "factors", "seed", "threads", "device", "phase", "way",
           "measure", "value", *SOURCE)  # fmt: skip
SIDE = 1024  # of the square matrices whose product gives the machine's rate
BATCHES = (32, 64, 128, 256)
ROUNDS, WARM = 3, 3  # rounds in which the ways take turns; steps before the clock starts


def now(device: str | torch.device = "cpu") -> float:
    """Seconds of computing; a GPU is waited for."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
    return computed(device)


def matrix_rate(repeats: int = 10, device: str | torch.device = "cpu") -> float:
    """Floating-point operations a second in products of float32 matrices, the best of a few."""
    side = SIDE if torch.device(device).type == "cpu" else 8 * SIDE  # enough to fill a GPU
    a, b = torch.randn((2, side, side), device=device)
    best = 0.0
    for _ in range(repeats):
        start = now(device)
        a @ b
        best = max(best, 2 * side**3 / (now(device) - start))
    return best


def phase_costs(trainer: Trainer, number: int, *, steps: int = 30) -> tuple[float, float]:
    """Seconds (the median) and floating-point operations of a step of a phase, after WARM steps.

    The operations are those of matrix products and convolutions, forwards and backwards.
    """
    phase, taken = trainer.preset.phases[number], []
    trainer.begin(phase, trainer.preset.phases[max(number - 1, 0)])
    for at in range(WARM + steps):
        start = now(trainer.device)
        trainer.step(phase, at, at / phase.steps)
        taken.append(now(trainer.device) - start)
    with FlopCounterMode(display=False) as counter:
        trainer.step(phase, WARM + steps, 0.5)
    return median(taken[WARM:]), counter.get_total_flops()


def _contiguous(trainer: Trainer) -> None:
    """Weights and images channels-first, as torch makes them."""
    auto = trainer.model.autoencoder
    auto.to(memory_format=torch.contiguous_format)

    def encode(x: Tensor) -> Tensor:
        z = auto.standardise(auto.encoder(x.contiguous()))
        return z.view(-1, auto.partitions, auto.dim)

    auto.encode = encode


def _plain_adam(trainer: Trainer) -> None:
    for optimiser in trainer.optimisers.values():
        for group in optimiser.param_groups:
            group["fused"] = False


def _pass_a_view(trainer: Trainer) -> None:
    """In the warm-up: one encoder pass for the plain images, one for the labelled ones, one for the
    shifted ones of the pseudo-labels."""
    encode, batch = trainer.model.autoencoder.encode, trainer.preset.phases[0].batch
    trainer.model.autoencoder.encode = lambda x: torch.cat([encode(v) for v in x.split(batch)])


def _before(trainer: Trainer) -> None:
    for change in (_contiguous, _plain_adam, _pass_a_view):
        change(trainer)


AS_IT_IS, UNDONE = "as it is", "without any of these"
TRICKS: dict[str, Callable[[Trainer], None]] = {
    AS_IT_IS: lambda trainer: None,
    "without channels-last": _contiguous,
    "without fused Adam": _plain_adam,
    "with an encoder pass for each view": _pass_a_view,
    UNDONE: _before,
}


def step_costs(
    name: str, *, preset: Preset = COURSE, seed: int = 0, limit: int = 6000, steps: int = 30,
    device: str | torch.device = "cpu",
) -> list[dict]:  # fmt: skip
    """Rows for the steps of each phase, with and without each trick, and for the warm-up's batch.

    ``limit``: number of images; the cost of a step doesn't depend on it.
    """
    parts, images, preset = _data(name, preset, seed, limit)
    rate, rows = matrix_rate(device=device), []

    def trainer(preset: Preset, change=TRICKS[AS_IT_IS]) -> Trainer:
        made = Trainer(parts, images, preset, seed=seed, device=device)
        change(made)
        return made

    for number, phase in enumerate(preset.phases):
        skipped = _pass_a_view if phase.finish else None
        ways = {way: trainer(preset, how) for way, how in TRICKS.items() if how is not skipped}
        rows += _in_turns(ways, number, steps, rate)
    first, ways = preset.phases[0], {}
    for batch in BATCHES:
        one = first.changed(batch=batch, labels={"batch": batch})
        ways[f"batch {batch}"] = trainer(replace(preset, phases=(one,)))
    return rows + _in_turns(ways, 0, steps, rate)


def _in_turns(ways: Mapping[str, Trainer], number: int, steps: int, rate: float) -> list[dict]:
    """Rows for a phase of each trainer. They take turns, and the fastest round of each counts, so
    that other load on the machine hits all alike."""
    costs = [
        {way: phase_costs(one, number, steps=max(steps // ROUNDS, 1)) for way, one in ways.items()}
        for _ in range(ROUNDS)
    ]
    rows = []
    for way, trainer in ways.items():
        phase, (seconds, work) = trainer.preset.phases[number], min(one[way] for one in costs)
        figures = {"ms a step": 1000 * seconds, "images/s": phase.batch / seconds}
        rows += _rows(phase.name, way, figures | {"matrix share": work / seconds / rate})
    return rows


def _data(name: str, preset: Preset, seed: int, limit: int):
    wanted = task(name)
    parts = split(wanted, seed=seed, labels=1000 if limit > 2000 else limit // 2, limit=limit)
    return parts, load(wanted.dataset), preset.for_task(wanted.name)


def _rows(phase: str, way: str, figures: Mapping[str, float]) -> list[dict]:
    return [{"phase": phase, "way": way, "measure": measure, "value": float(value)}
            for measure, value in figures.items()]  # fmt: skip


def milestones(trainer: Trainer, images, read, *, points: int = 40, most: int = 1000) -> DataFrame:
    """Seconds of training, encoder accuracy and judged relation accuracy at ``points`` of a run, on
    validation images, all factors right.

    For the last figure a random relation moves the code of an image, and ``read`` reads the decoded
    image (images [N, C, 64, 64] -> values [N, n]).
    """
    some, device = trainer.split.validation[:most], trainer.device
    x = device_images(images, trainer.split.task.classes(some), device)
    values = torch.from_numpy(trainer.split.task.labels(some)).to(device)
    relation = trainer.moves.random(len(x), torch.Generator(device).manual_seed(trainer.seed))
    wanted, model = trainer.moves(values, relation), trainer.model
    every = max(trainer.preset.steps // points, 1)
    seconds, curve = 0.0, []
    while trainer.done < trainer.preset.steps:
        start = now(device)
        trainer.run(every)
        seconds += now(device) - start
        phase = trainer.preset.phase_at(trainer.done - 1)[0].changed(labels={"confidence": 0.0})
        with torch.no_grad():
            moved = read(model.decode(model.learner(model.encode(x), relation)))
        found = (ours.teach(model, phase, x) == values, moved == wanted)
        curve.append([seconds, *(float(right.all(1).float().mean()) for right in found)])
    return DataFrame(curve, columns=["seconds", "encoder", "judged"])


def training_costs(
    name: str, *, preset: Preset = COURSE, seed: int = 0, minutes: float = 10.0,
    limit: int = 40_000, points: int = 40, reading: int = 1000, device: str | torch.device = "cpu",
) -> list[dict]:  # fmt: skip
    """Rows for one training: minutes to 90% of either final accuracy, and to the end.

    If the preset takes more than ``minutes``, all its phases are shortened in proportion.
    ``reading``: training steps of the judge.
    """
    parts, images, preset = _data(name, preset, seed, limit)
    few = replace(parts, train=parts.train[: max(6000, len(parts.labelled))])
    how = {"seed": seed, "device": device}
    each = [phase_costs(Trainer(few, images, preset, **how), number, steps=10)[0] * phase.steps
            for number, phase in enumerate(preset.phases)]  # fmt: skip
    shorter = replace(preset, lengths={parts.task.name: min(60 * minutes / sum(each), 1.0)})
    trainer = Trainer(parts, images, shorter.for_task(parts.task.name), **how)
    judge = train_judge(parts, images, seed=seed, steps=reading, device=device)
    curve = milestones(trainer, images, judge.read, points=points)
    rows = _rows("all", "training", {
        "minutes": curve.seconds.iloc[-1] / 60, "steps": trainer.preset.steps,
        "steps of the preset": preset.steps,
    })  # fmt: skip
    for way, column in (("encoder", curve.encoder), ("judged, encoded", curve.judged)):
        first = curve.seconds[column >= 0.9 * column.iloc[-1]].iloc[0] / 60
        rows += _rows("all", way, {"final accuracy": column.iloc[-1], "minutes to 90%": first})
    return rows


def measure(
    name: str, *, minutes: float = 10.0, device: str = "cpu", step: Mapping = {},
    training: Mapping = {},
) -> DataFrame:  # fmt: skip
    """A frame of COLUMNS for one task. ``minutes``: of training at most, 0 for none; everything
    else takes about three. ``step``, ``training``: settings of the two functions above."""
    rows = step_costs(name, device=device, **step)
    if minutes:
        rows += training_costs(name, minutes=minutes, device=device, **training)
    wanted = task(name)
    about = {"task": wanted.name, "combinations": wanted.combinations, "device": device, "seed": 0}
    about |= {"factors": len(wanted.factors), "threads": torch.get_num_threads(), **provenance()}
    return DataFrame([about | row for row in rows])[[*COLUMNS]]


def read_costs(path: Path | str) -> DataFrame:
    """A file that ``main`` wrote. Raises ValueError for another file."""
    frame = pd.read_csv(path)
    if tuple(frame) != COLUMNS:
        raise ValueError(f"{path} is not a file of costs: its columns aren't {', '.join(COLUMNS)}")
    return frame


def cost_tables(frame: DataFrame) -> dict[str, DataFrame]:
    """Name -> table: "steps" of each phase (with and without each trick, images/s), the warm-up's
    "batches" (images/s), and "training" as a whole if it was measured."""
    frame = frame.assign(task=pd.Categorical(frame.task, frame.task.unique()))  # keeps their order
    frame["phase"] = pd.Categorical(frame.phase, frame.phase.unique())
    steps, batches, training = (
        frame[rows].pivot(index=lines, columns=["way", "measure"], values="value")
        for rows, lines in (
            (frame.way.isin(TRICKS), ["task", "phase"]),
            (frame.way.str.startswith("batch "), "task"),
            (frame.phase == "all", "task"),
        )
    )
    rates = {way: steps[way, "images/s"] for way in TRICKS}
    shown = {"ms a step": _digits(steps[AS_IT_IS, "ms a step"], 1)}
    shown |= {"images/s": _digits(rates[AS_IT_IS], 0)}
    shown |= {"of the matrix rate": steps[AS_IT_IS, "matrix share"].map("{:.0%}".format)}
    shown |= {way: _digits(rate, 0) for way, rate in rates.items() if way != AS_IT_IS}
    shown |= {"gain": _digits(rates[AS_IT_IS] / rates[UNDONE], 2)}
    tables = {"steps": DataFrame(shown)}
    found = {f"batch {n}": batches[f"batch {n}", "images/s"] for n in BATCHES}
    tables["batches"] = DataFrame({way: _digits(rate, 0) for way, rate in found.items()})
    if len(training):
        shown = {"combinations": frame.groupby("task", observed=True).combinations.first()}
        for way in ("encoder", "judged, encoded"):
            shown[way] = _digits(training[way, "final accuracy"], 3)
            shown[f"{way}: minutes to 90%"] = _digits(training[way, "minutes to 90%"], 1)
        shown["minutes"] = _digits(training["training", "minutes"], 1)
        shown["steps"] = _digits(training["training", "steps"], 0)
        shown["of"] = _digits(training["training", "steps of the preset"], 0)
        tables["training"] = DataFrame(shown)
    return tables


def _digits(values: pd.Series, digits: int) -> pd.Series:
    return values.map(f"{{:.{digits}f}}".format, na_action="ignore").fillna("")


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m wdlib.experiments.cost")
    parser.add_argument("tasks", nargs="*", default=TASKS, help=f"default {' '.join(TASKS)}")
    parser.add_argument("--csv", type=Path, help="also write the figures to this file")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, ...; default cpu")
    parser.add_argument("--minutes", type=float, default=10, help="of training a task at most")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    frame = pd.concat([measure(t, minutes=args.minutes, device=args.device) for t in args.tasks])
    if args.csv:
        with whole(args.csv) as file:
            file.write(frame.to_csv(index=False, float_format="%.6g").encode())
    for table in cost_tables(frame).values():
        print(table.to_markdown(), end="\n\n")


if __name__ == "__main__":
    main()
