"""How a training gets on: accuracies along the way, and minutes to 90% of what it ends with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from wdlib.data import device_images, load, to_float
from wdlib.data.split import split
from wdlib.experiments.costs import now, phase_costs
from wdlib.model.networks import ConvEncoder
from wdlib.tasks import task
from wdlib.training import ours
from wdlib.training.schedule import COURSE, Preset
from wdlib.training.trainer import Trainer


def train_reader(
    trainer: Trainer, *, steps: int = 1000, batch: int = 64, seed: int = 0
) -> Callable[[Tensor], Tensor]:
    """Pictures [N, C, 64, 64] -> values [N, n]: a classifier trained with every value of train.

    It reads what the decoder makes, as the judge of ``wdlib.metrics`` does, which lies above this
    floor; half of its images are lightly blurred, as a decoder's are.
    """
    wanted, x, device = trainer.split.task, trainer.unlabelled, trainer.device
    values = torch.from_numpy(wanted.labels(trainer.split.train)).to(device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ConvEncoder(wanted.channels, sum(wanted.sizes), widths=(32, 32, 32))
    network.to(device, memory_format=torch.channels_last)
    generator = torch.Generator(device).manual_seed(seed)
    optimiser = torch.optim.AdamW(network.parameters(), fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    for _ in range(steps):
        pick = torch.randint(len(x), (batch,), generator=generator, device=device)
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
        encoder = (ours.teach(model, phase, x) == values).all(1)
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
    device: str | torch.device = "cpu",
) -> list[dict]:
    """Rows of one training: minutes to 90% of either final accuracy, and to the end.

    Where the preset would take more than ``minutes``, all its phases are shortened in proportion.
    ``reading``: steps of the classifier that reads pictures.
    """
    wanted = task(name)
    images, preset = load(wanted.dataset), preset.for_task(wanted.name)
    parts = split(wanted, seed=seed, labels=1000 if limit > 2000 else limit // 2, limit=limit)
    few = replace(parts, train=parts.train[: max(6000, len(parts.labelled))])
    how = {"seed": seed, "device": device}
    each = [phase_costs(Trainer(few, images, preset, **how), number, steps=10)[0] * phase.steps
            for number, phase in enumerate(preset.phases)]  # fmt: skip
    whole_steps, shorter = preset.steps, min(60 * minutes / sum(each), 1.0)
    preset = replace(preset, lengths={wanted.name: shorter}).for_task(wanted.name)
    trainer = Trainer(parts, images, preset, **how)
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
