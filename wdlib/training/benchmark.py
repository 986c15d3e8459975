"""What training costs: images a second, share of the machine's matrix rate, what each trick gains,
and how many minutes a task takes to 90% of what it ends with.

``python -m wdlib.training.benchmark`` measures a task of 27 combinations, one of 1080 and one of
12000, and prints three tables; ``--csv FILE`` keeps the figures (``make cost``). On one thread time
is the processor's, so that what other programs take does not count. ``--draw`` prints how fast the
images of the tasks are drawn, with one thread and with two.
"""

from __future__ import annotations

import argparse
import csv
import io
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from wdlib.data import device_images, load, to_float
from wdlib.data.split import split
from wdlib.files import whole
from wdlib.model.networks import ConvEncoder
from wdlib.provenance import provenance
from wdlib.tasks import task
from wdlib.training import stages
from wdlib.training.clock import computed
from wdlib.training.presets import COURSE, Preset
from wdlib.training.trainer import Trainer

TASKS = ("dSprites.v2", "dSprites.v4", "Shapes3D.v5")  # 27, 1080 and 12000 combinations
SIDE = 1024  # of the square matrices whose product is the machine's rate
BATCHES = (32, 64, 128, 256)
SOURCE = ("commit", "python", "wdlib", "torch", "numpy", "scikit-learn", "machine")
COLUMNS = ("task", "combinations", "factors", "seed", "threads", "phase", "way", "measure",
           "value", *SOURCE)  # fmt: skip


def _now() -> float:
    return computed("cpu") if torch.get_num_threads() == 1 else time.perf_counter()


def matrix_rate(repeats: int = 10) -> float:
    """Floating-point operations a second in products of float32 matrices: the best of a few."""
    a, b = torch.randn(2, SIDE, SIDE)
    best = 0.0
    for _ in range(repeats):
        start = _now()
        a @ b
        best = max(best, 2 * SIDE**3 / (_now() - start))
    return best


def phase_costs(trainer: Trainer, number: int, *, steps: int = 30) -> tuple[float, float]:
    """Seconds (the median) and floating-point operations of a step of a phase, after three to
    warm up.

    The operations are those of matrix products and convolutions, forwards and backwards.
    """
    phase = trainer.preset.phases[number]
    trainer.done = sum(p.steps for p in trainer.preset.phases[:number])
    trainer._begin(phase)
    for at in range(3):
        trainer._step(phase, at)
    taken = []
    for at in range(3, 3 + steps):
        start = _now()
        trainer._step(phase, at)
        taken.append(_now() - start)
    seconds = median(taken)
    with FlopCounterMode(display=False) as counter:
        trainer._step(phase, 3 + steps)
    return seconds, counter.get_total_flops()


def drawing_rate(name: str, threads: int, *, count: int = 20_000, repeats: int = 3) -> float:
    """Images of a task drawn a second, random ones, by the clock on the wall: the best of a few.

    Warm: whatever is cached has been drawn before.
    """
    wanted = task(name)
    images = replace(load(wanted.dataset), threads=threads)
    numbers = np.random.default_rng(0).integers(len(wanted), size=count)
    classes, taken = wanted.classes(numbers), []
    images.draw(classes)
    for _ in range(repeats):
        start = time.perf_counter()
        images.draw(classes)
        taken.append(time.perf_counter() - start)
    return count / min(taken)


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
    """In the warm-up: one for the plain images that are reconstructed, one for the labelled ones,
    one for the shifted ones of the pseudo-labels."""
    encode, batch = trainer.model.autoencoder.encode, trainer.preset.phases[0].batch
    trainer.model.autoencoder.encode = lambda x: torch.cat([encode(v) for v in x.split(batch)])


def _before(trainer: Trainer) -> None:
    for change in (_contiguous, _plain_adam, _pass_a_view):
        change(trainer)


TRICKS: dict[str, Callable[[Trainer], None]] = {
    "as it is": lambda trainer: None,
    "without channels-last": _contiguous,
    "without fused Adam": _plain_adam,
    "with an encoder pass for each view": _pass_a_view,
    "without any of these": _before,
}


def step_costs(
    name: str, *, preset: Preset = COURSE, seed: int = 0, limit: int = 6000, steps: int = 30
) -> list[dict]:
    """Rows of each phase's steps, as they are and without each trick, and of the warm-up's batch.

    ``limit``: images; a step costs the same whatever their number.
    """
    wanted = task(name)
    images, preset = load(wanted.dataset), preset.for_task(wanted.name)
    parts = split(wanted, seed=seed, labels=1000 if limit > 2000 else limit // 2, limit=limit)
    rate, rows = matrix_rate(), []

    def say(phase: str, way: str, batch: int, seconds: float, work: float) -> None:
        figures = {"ms a step": 1000 * seconds, "images/s": batch / seconds}
        figures |= {"matrix share": work / seconds / rate}
        rows.extend({"phase": phase, "way": way, "measure": m, "value": v}
                    for m, v in figures.items())  # fmt: skip

    for number, phase in enumerate(preset.phases):
        for way, change in TRICKS.items():
            if phase.freeze_encoder and change is _pass_a_view:
                continue
            trainer = Trainer(parts, images, preset, seed=seed)
            change(trainer)
            say(phase.name, way, phase.batch, *phase_costs(trainer, number, steps=steps))
    for batch in BATCHES:
        one = replace(preset.phases[0], batch=batch, labelled_batch=batch)
        trainer = Trainer(parts, images, replace(preset, phases=(one,)), seed=seed)
        costs = phase_costs(trainer, 0, steps=max(steps // 2, 1))
        say(one.name, f"batch {batch}", batch, *costs)
    return rows


def train_reader(
    trainer: Trainer, *, steps: int = 1000, batch: int = 64, seed: int = 0
) -> Callable[[Tensor], Tensor]:
    """Pictures [N, C, 64, 64] -> values [N, n]: a classifier trained with every value of train.

    It reads what the decoder makes, as the judge of ``wdlib.metrics`` does, which lies above this
    floor; half of its images are lightly blurred, as a decoder's are.
    """
    wanted, x = trainer.split.task, trainer.unlabelled
    values = torch.from_numpy(wanted.labels(trainer.split.train))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ConvEncoder(wanted.channels, sum(wanted.sizes), widths=(32, 32, 32))
    network.to(memory_format=torch.channels_last)
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.AdamW(network.parameters(), fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    for _ in range(steps):
        pick = torch.randint(len(x), (batch,), generator=generator)
        pictures = to_float(x[pick])
        half = batch // 2
        pictures[:half] = F.avg_pool2d(pictures[:half], 3, 1, 1, count_include_pad=False)
        scores = network(pictures.contiguous(memory_format=torch.channels_last))
        parts = zip(scores.split(wanted.sizes, 1), values[pick].T)
        optimiser.zero_grad(set_to_none=True)
        sum(F.cross_entropy(score, value) for score, value in parts).backward()
        optimiser.step()
        schedule.step()
    network.eval()

    @torch.no_grad()
    def read(pictures: Tensor) -> Tensor:
        scores = torch.cat([network(part) for part in pictures.split(512)])
        return torch.stack([s.argmax(1) for s in scores.split(wanted.sizes, 1)], 1)

    return read


def milestones(
    trainer: Trainer,
    images,
    read: Callable[[Tensor], Tensor],
    *,
    points: int = 40,
    most: int = 1000,
) -> list[tuple[float, float, float]]:
    """(seconds of training, encoder accuracy, judged relation accuracy) at ``points`` of a run, on
    validation images, all factors right.

    Values are read by what the phase trains: the heads in the warm-up, then the components. For the
    second figure a random relation moves the code of an image, and ``read`` reads its picture.
    """
    some = trainer.split.validation[:most]
    x = device_images(images, trainer.split.task.classes(some))
    values = torch.from_numpy(trainer.split.task.labels(some))
    relation = trainer.moves.random(len(x), torch.Generator().manual_seed(trainer.seed))
    wanted, model = trainer.moves(values, relation), trainer.model
    every = max(trainer.preset.steps // points, 1)
    seconds, curve = 0.0, []
    while trainer.done < trainer.preset.steps:
        start = _now()
        trainer.run(every)
        seconds += _now() - start
        phase = replace(trainer.preset.phase_at(trainer.done - 1)[0], confidence=0.0)
        with torch.no_grad():
            moved = read(model.decode(model.learner(model.encode(x), relation)))
        encoder = (stages.read(model, phase, x) == values).all(1)
        right = [float(r.float().mean()) for r in (encoder, (moved == wanted).all(1))]
        curve.append((seconds, *right))
    return curve


def training_costs(
    name: str,
    *,
    preset: Preset = COURSE,
    seed: int = 0,
    minutes: float = 10.0,
    limit: int = 40_000,
    points: int = 40,
    reading: int = 1000,
) -> list[dict]:
    """Rows of one training: minutes to 90% of either final accuracy, and to the end.

    Where the preset would take more than ``minutes``, all its phases are shortened in proportion.
    ``reading``: steps of the classifier that reads pictures.
    """
    wanted = task(name)
    images, preset = load(wanted.dataset), preset.for_task(wanted.name)
    parts = split(wanted, seed=seed, labels=1000 if limit > 2000 else limit // 2, limit=limit)
    few = replace(parts, train=parts.train[: max(6000, len(parts.labelled))])
    each = [phase_costs(Trainer(few, images, preset, seed=seed), number, steps=10)[0] * phase.steps
            for number, phase in enumerate(preset.phases)]  # fmt: skip
    whole_steps, shorter = preset.steps, min(60 * minutes / sum(each), 1.0)
    preset = replace(preset, lengths=((wanted.name, shorter),)).for_task(wanted.name)
    trainer = Trainer(parts, images, preset, seed=seed)
    read = train_reader(trainer, steps=reading, seed=seed)
    curve = milestones(trainer, images, read, points=points)
    figures = {("training", "minutes"): curve[-1][0] / 60, ("training", "steps"): preset.steps,
               ("training", "steps of the preset"): whole_steps}  # fmt: skip
    for way, column in (("encoder", 1), ("judged, encoded", 2)):
        final = curve[-1][column]
        first = next(point[0] for point in curve if point[column] >= 0.9 * final)
        figures |= {(way, "final accuracy"): final, (way, "minutes to 90%"): first / 60}
    return [{"phase": "all", "way": way, "measure": measure, "value": float(value)}
            for (way, measure), value in figures.items()]  # fmt: skip


def measure(
    names: Sequence[str] = TASKS,
    *,
    seed: int = 0,
    minutes: float = 10.0,
    path: Path | str | None = None,
    **tiny,
) -> list[dict]:
    """All rows of some tasks; ``path`` has those of the finished ones at any time.

    ``minutes``: of training a task at most, 0 for none; with the rest a task takes about three
    more. ``tiny``: other settings, {"step": ..., "training": ...}, of the two functions above.
    """
    rows: list[dict] = []
    for name in names:
        found = step_costs(name, seed=seed, **tiny.get("step", {}))
        if minutes:
            found += training_costs(name, seed=seed, minutes=minutes, **tiny.get("training", {}))
        wanted, made = task(name), provenance()
        about = {"task": wanted.name, "combinations": wanted.combinations}
        about |= {"factors": len(wanted.factors), "seed": seed}
        about |= {"threads": torch.get_num_threads()}
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
    return "\n\n".join(_markdown(table) for table in (steps, batches, whole) if len(table) > 1)


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    head, *rest = lines
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *rest])


def main(argv: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m wdlib.training.benchmark")
    parser.add_argument("tasks", nargs="*", default=TASKS, help=f"default {' '.join(TASKS)}")
    parser.add_argument("--csv", type=Path, help="also write the figures to this file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1, help="of torch; default 1")
    capped = "training a task at most, its schedule shortened to that; 0: steps only"
    parser.add_argument("--minutes", type=float, default=10, help=capped)
    parser.add_argument("--draw", action="store_true", help="measure drawing, and nothing else")
    args = parser.parse_args(argv)
    if args.draw:
        for name in args.tasks:
            one, two = (f"{drawing_rate(name, threads):,.0f}" for threads in (1, 2))
            print(f"{name}: {one} images/s drawn with one thread, {two} with two")
        return
    torch.set_num_threads(args.threads)
    print(format_costs(measure(args.tasks, seed=args.seed, minutes=args.minutes, path=args.csv)))


if __name__ == "__main__":
    main()
