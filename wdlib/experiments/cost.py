"""What training costs: images a second, what each speed-up gains, minutes to 90% of the result.

``python -m wdlib.experiments.cost`` measures tasks of 27, 1080 and 12000 combinations and prints
three tables; ``--csv FILE`` keeps the figures (``make cost``). Time on a processor is processor
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
BATCHES = (32, 64, 128, 256)
ROUNDS, WARM = 3, 3  # rounds in which the ways take turns; steps before the clock starts


def now(device: str | torch.device = "cpu") -> float:
    """Seconds of computing. A GPU is waited for."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
    return computed(device)


def step_seconds(trainer: Trainer, number: int, *, steps: int = 30) -> float:
    """Seconds of a step of a phase: the median of ``steps`` steps, after WARM others."""
    phase, taken = trainer.preset.phases[number], []
    trainer.begin(phase, trainer.preset.phases[max(number - 1, 0)])
    for at in range(WARM + steps):
        start = now(trainer.device)
        trainer.step(phase, at, at / phase.steps)
        taken.append(now(trainer.device) - start)
    return median(taken[WARM:])


def _contiguous(trainer: Trainer) -> None:
    """Weights and images channels-first, as torch makes them."""
    auto = trainer.model.autoencoder
    auto.to(memory_format=torch.contiguous_format)
    auto.encode = lambda x: auto.standardise(auto.encoder(x.contiguous())).view(
        -1, auto.partitions, auto.dim
    )


def _plain_adam(trainer: Trainer) -> None:
    for optimiser in trainer.optimisers.values():
        for group in optimiser.param_groups:
            group["fused"] = False


def _pass_a_view(trainer: Trainer) -> None:
    """An encoder pass each for plain, labelled and shifted images in the warm-up."""
    encode, batch = trainer.model.autoencoder.encode, trainer.preset.phases[0].batch
    trainer.model.autoencoder.encode = lambda x: torch.cat([encode(v) for v in x.split(batch)])


AS_IT_IS, UNDONE = "as it is", "without any of these"
TRICKS: dict[str, list[Callable[[Trainer], None]]] = {  # what is undone
    AS_IT_IS: [],
    "without channels-last": [_contiguous],
    "without fused Adam": [_plain_adam],
    "with an encoder pass for each view": [_pass_a_view],
    UNDONE: [_contiguous, _plain_adam, _pass_a_view],
}


def step_costs(
    name: str, *, preset: Preset = COURSE, limit: int = 6000, steps: int = 30, device: str = "cpu"
) -> list[dict]:
    """Rows for the steps of each phase, with and without each trick, and for the warm-up's batch;
    on ``limit`` images, whose number doesn't change the cost of a step."""
    parts, images, preset = _data(name, preset, limit)

    def trainer(preset: Preset, undone=()) -> Trainer:
        made = Trainer(parts, images, preset, device=device)
        for change in undone:
            change(made)
        return made

    rows = []
    for number, phase in enumerate(preset.phases):
        skipped = [_pass_a_view] if phase.finish else None
        ways = {way: trainer(preset, how) for way, how in TRICKS.items() if how != skipped}
        rows += _in_turns(ways, number, steps)
    ways = {}
    for batch in BATCHES:
        first = preset.phases[0].changed(batch=batch, labels={"batch": batch})
        ways[f"batch {batch}"] = trainer(replace(preset, phases=(first,)))
    return rows + _in_turns(ways, 0, steps)


def _in_turns(ways: Mapping[str, Trainer], number: int, steps: int) -> list[dict]:
    """Rows for a phase of each trainer. They take turns, and the fastest round of each counts, so
    that other load on the machine hits all alike."""
    each = max(steps // ROUNDS, 1)
    costs = [{way: step_seconds(one, number, steps=each) for way, one in ways.items()}
             for _ in range(ROUNDS)]  # fmt: skip
    rows = []
    for way, trainer in ways.items():
        phase, seconds = trainer.preset.phases[number], min(one[way] for one in costs)
        figures = {"ms a step": 1000 * seconds, "images/s": phase.batch / seconds}
        rows += _rows(phase.name, way, figures)
    return rows


def _data(name: str, preset: Preset, limit: int):
    wanted = task(name)
    parts = split(wanted, seed=0, labels=1000 if limit > 2000 else limit // 2, limit=limit)
    return parts, load(wanted.dataset), preset.for_task(wanted.name)


def _rows(phase: str, way: str, figures: Mapping[str, float]) -> list[dict]:
    return [{"phase": phase, "way": way, "measure": measure, "value": float(value)}
            for measure, value in figures.items()]  # fmt: skip


def milestones(trainer: Trainer, images, read, *, points: int = 40, most: int = 1000) -> DataFrame:
    """Seconds of training, encoder accuracy and judged accuracy of a random relation at ``points``
    of a run, on validation images. ``read``: decoded images [N, C, 64, 64] -> values [N, n]."""
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
    return DataFrame(curve, columns=["seconds", "encoder", "judged, encoded"])


def training_costs(
    name: str, *, preset: Preset = COURSE, minutes: float = 10.0, limit: int = 40_000,
    points: int = 40, reading: int = 1000, device: str = "cpu",
) -> list[dict]:  # fmt: skip
    """Rows for one training: minutes to 90% of either final accuracy, and to the end. All phases
    are shortened in proportion to end after ``minutes``. ``reading``: steps of the judge."""
    parts, images, preset = _data(name, preset, limit)
    few = replace(parts, train=parts.train[: max(6000, len(parts.labelled))])
    each = [step_seconds(Trainer(few, images, preset, device=device), n, steps=10) * phase.steps
            for n, phase in enumerate(preset.phases)]  # fmt: skip
    shorter = replace(preset, lengths={parts.task.name: min(60 * minutes / sum(each), 1.0)})
    trainer = Trainer(parts, images, shorter.for_task(parts.task.name), device=device)
    judge = train_judge(parts, images, steps=reading, device=device)
    curve = milestones(trainer, images, judge.read, points=points)
    rows = _rows("all", "training", {
        "minutes": curve.seconds.iloc[-1] / 60, "steps": trainer.preset.steps,
        "steps of the preset": preset.steps,
    })  # fmt: skip
    for way in ("encoder", "judged, encoded"):
        last = curve[way].iloc[-1]
        first = curve.seconds[curve[way] >= 0.9 * last].iloc[0]
        rows += _rows("all", way, {"final accuracy": last, "minutes to 90%": first / 60})
    return rows


def measure(name: str, *, minutes: float = 10.0, device: str = "cpu") -> DataFrame:
    """A frame of COLUMNS for one task; with 0 ``minutes``, the steps alone (about 3 minutes)."""
    rows, wanted = step_costs(name, device=device), task(name)
    rows += training_costs(name, minutes=minutes, device=device) if minutes else []
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
    names = {name: pd.Categorical(frame[name], frame[name].unique()) for name in ("task", "phase")}
    frame = frame.assign(**names)  # keeps their order
    whole_run, batches = frame.phase == "all", frame.way.str.startswith("batch ")

    def values(rows, *lines: str) -> DataFrame:
        return frame[rows].pivot(index=lines, columns=["way", "measure"], values="value")

    def text(numbers: pd.Series, digits: int = 0) -> pd.Series:
        return numbers.map(f"{{:.{digits}f}}".format, na_action="ignore").fillna("")

    found = values(~whole_run & ~batches, "task", "phase")
    rates = {way: found[way, "images/s"] for way in TRICKS}
    shown = {"ms a step": text(found[AS_IT_IS, "ms a step"], 1), "images/s": text(rates[AS_IT_IS])}
    shown |= {way: text(rate) for way, rate in rates.items() if way != AS_IT_IS}
    shown |= {"gain": text(rates[AS_IT_IS] / rates[UNDONE], 2)}
    found = values(batches, "task")
    sizes = {f"batch {n}": text(found[f"batch {n}", "images/s"]) for n in BATCHES}
    tables = {"steps": DataFrame(shown), "batches": DataFrame(sizes)}
    if whole_run.any():
        found = values(whole_run, "task")
        shown = {"combinations": frame.groupby("task", observed=True).combinations.first()}
        for way in ("encoder", "judged, encoded"):
            shown[way] = text(found[way, "final accuracy"], 3)
            shown[f"{way}: minutes to 90%"] = text(found[way, "minutes to 90%"], 1)
        for name, digits in (("minutes", 1), ("steps", 0), ("steps of the preset", 0)):
            shown[name] = text(found["training", name], digits)
        tables["training"] = DataFrame(shown)
    return tables


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
        print(table.reset_index().to_markdown(index=False), end="\n\n")


if __name__ == "__main__":
    main()
