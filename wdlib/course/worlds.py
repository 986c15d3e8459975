"""Small worlds that several notebooks share, and the images and judges that they test with."""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wdlib.data import Images, Split, device_images, to_float
from wdlib.metrics.judge import Judge, kept_judge
from wdlib.pretrained import folder_of
from wdlib.tasks import Task, task


def little_sprites() -> Task:
    """dSprites.v2 with two large scales and upright shapes only: models train on it in seconds."""
    return replace(task("dSprites.v2"), nuisance=(("scale", (4, 5)), ("orientation", (0,))))


def hearts(images: Images) -> Tensor:
    """An upright heart of dSprites at 32 x 32 places: [1024, 1, 16, 16] in [0, 1], x outermost."""
    places = torch.cartesian_prod(torch.arange(32), torch.arange(32))  # [1024, 2]: x, y
    heart = torch.tensor([0, 2, 5, 0]).expand(len(places), 4)  # white, heart, full size, upright
    classes = torch.cat([heart, places], dim=1)  # [1024, 6]
    return F.avg_pool2d(to_float(device_images(images, classes.numpy())), 4)


def perceptron(inputs: int, outputs: int, width: int = 64) -> nn.Sequential:
    """A network with two hidden layers."""
    hidden = nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()
    return nn.Sequential(*hidden, nn.Linear(width, outputs))


def examples(split: Split, images: Images, count: int | None = None) -> tuple[Tensor, Tensor]:
    """The first ``count`` test images [N, C, H, W], uint8, and their values [N, n]."""
    test = split.test[:count]
    values = torch.from_numpy(split.task.labels(test))
    return device_images(images, split.task.classes(test)), values


def shipped_judge(split: Split, images: Images) -> Judge:
    """The judge that is shipped with the model of the split's task; see ``kept_judge``."""
    return kept_judge(folder_of(split.task.name), split, images)
