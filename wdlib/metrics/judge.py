"""The judge: an independent classifier that reads the relevant factors off an image.

It sees no codes, and no model that it judges is trained with it. Unlike these models it is trained
with the labels of all images of train, so its readings of decoded images can be trusted. A report
prints its accuracy on held-out images next to the figures that it judged.
"""

from __future__ import annotations

from operator import index
from pathlib import Path
from warnings import warn

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wdlib.data import Images, Split, as_input, by_place, device_of, scaled
from wdlib.data.split import digest
from wdlib.files import provenance
from wdlib.model import saved
from wdlib.model.networks import ConvEncoder
from wdlib.tasks import Task


class Judge(nn.Module):
    """Images [N, C, H, W] in [0, 1] -> values [N, n] of the task's relevant factors."""

    def __init__(self, task: Task):
        super().__init__()
        self.task, self.sizes = task, task.sizes
        self.network = ConvEncoder(task.shape, sum(task.sizes), widths=(32, 32, 32), hidden=256)
        self.network.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Logits [N, K_i] for each factor."""
        x = x.contiguous(memory_format=torch.channels_last)
        return list(self.network(x).split(self.sizes, dim=1))

    @torch.no_grad()
    def read(self, x: Tensor, *, batch: int = 512) -> Tensor:
        """Images [N, C, H, W], as ``wdlib.data.as_input`` takes them -> values [N, n] int64.

        Raises as it does.
        """
        self.eval()
        device, parts, batch = next(self.parameters()).device, [], int(batch)
        for start in range(0, max(len(x), 1), batch):
            part = as_input(x[start : start + batch], self.task).to(device)
            parts.append(torch.stack([s.argmax(1) for s in self(part)], dim=1))
        return torch.cat(parts)


def train_judge(
    split: Split,
    images: Images,
    *,
    seed: int = 0,
    steps: int = 1000,
    batch: int = 64,
    device="cpu",
    limit: int = 40_000,
) -> Judge:
    """A judge, trained on images of train with their labels.

    Args:
        steps, batch: length of the training, and images per step.
        limit: number of images of train that are drawn, at most.
    """
    task, device = split.task, device_of(device)
    seed, steps, batch = index(seed), index(steps), index(batch)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        judge = Judge(task).to(device)
    generator = torch.Generator(device).manual_seed(seed)
    train = split.train[task.has_labels(split.train)][:limit]
    x = by_place(images, task.classes(train), device)
    y = torch.from_numpy(task.labels(train)).to(device)
    optimiser = torch.optim.AdamW(judge.parameters(), fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    judge.train()
    for _ in range(steps):
        pick = torch.randint(len(x), (batch,), generator=generator, device=device)
        scores = judge(soften(scaled(x[pick]), generator))
        loss = sum(label_loss(s, v) for s, v in zip(scores, y[pick].T))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
    return judge.eval()


def label_loss(scores: Tensor, values: Tensor) -> Tensor:
    """Cross-entropy of values [B] with logits [B, K], mean over the labels that exist (not -1)."""
    known = (values >= 0).sum().clamp(min=1)
    return F.cross_entropy(scores, values, ignore_index=-1, reduction="sum") / known


def kept_judge(folder: Path | str, split: Split, images: Images, *, device="cpu") -> Judge:
    """The judge that ``folder`` holds; if there is none yet, it is trained and saved there.

    Where nothing can be saved, it warns, and returns the judge all the same. Raises ValueError if
    the saved judge is damaged, or of another task, seed or training set.
    """
    device = device_of(device)
    mine = {"task": split.task.name, "seed": split.seed, "train": digest(split.train)}
    if saved.exists(folder, "judge"):
        weights, record = saved.load(folder, "judge")
        theirs = {name: record.get(name) for name in mine}
        theirs["train"] = theirs["train"] or mine["train"]  # early records lack it
        if theirs != mine:
            raise ValueError(
                f"the judge in {folder} was trained on {theirs}, not on {mine}: use another folder"
            )
        judge = Judge(split.task)
        saved.check_fit(weights, judge.state_dict(), folder)
        judge.load_state_dict(weights)
        return judge.to(device).eval()
    judge = train_judge(split, images, device=device)
    try:
        saved.save(folder, "judge", judge.state_dict(), mine | {"source": provenance()})
    except OSError as error:
        why = error.strerror or error
        warn(f"the new judge cannot be kept in {folder}, only used: {why}", stacklevel=2)
    return judge


def accuracy(judge: Judge, x: Tensor, values: Tensor) -> float:
    """The share of images x [N, C, H, W] whose values [N, n] are all read right, of those that have
    a label (not -1)."""
    right = judge.read(x).to(values.device) == values
    return float((right | (values < 0)).all(1).float().mean())


def soften(x: Tensor, generator: torch.Generator) -> Tensor:
    """Half of the images lightly blurred, so that the soft edges of a decoder are not new."""
    half = len(x) // 2
    share = torch.rand((half, 1, 1, 1), generator=generator, device=x.device)
    blurred = F.avg_pool2d(x[:half], 3, 1, 1, count_include_pad=False)
    return torch.cat([x[:half] + share * (blurred - x[:half]), x[half:]])
