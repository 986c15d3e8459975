"""Views of images: moved ones, whose values are known all the same, and the corrupted copies.

A picture that moves keeps its values: all of them where it moves by a few pixels, and all but its
position where it moves anywhere. Labels thereby speak of more images than they were given for.
Moving is ours; corrupting is the authors' earlier code's.
"""

from __future__ import annotations

import torch
from torch import Tensor

from wdlib.tasks import Task
from wdlib.training.phases import Phase


def corrupted(x: Tensor, generator: torch.Generator) -> Tensor:
    """The earlier code's copies of x [B, C, 64, 64]: one in seven as it is, three noisy, three
    with dropped pixels.

    Noise of standard deviation 0.3 falls on the pixels that are fully on (clipped to [0, 1]);
    dropping sets each pixel to 0 with probability 0.3.
    """
    kind = torch.randint(7, (len(x), 1, 1, 1), generator=generator, device=x.device)
    noise = torch.randn(x.shape, generator=generator, device=x.device)
    noisy = torch.where(x == 1, x + 0.3 * noise, x).clamp(0, 1)
    dropped = x * (torch.rand(x.shape, generator=generator, device=x.device) >= 0.3)
    return torch.where(kind == 0, x, torch.where(kind <= 3, noisy, dropped))


def moved(x: Tensor, phase: Phase, generator: torch.Generator) -> Tensor:
    """Ours. x [B, C, 64, 64]: the first of them, a share of ``phase.roam``, moved anywhere, the
    others by up to ``phase.shift`` pixels."""
    far = int(phase.roam * len(x))
    near = shifted(x[far:], phase.shift, generator)
    return torch.cat([roamed(x[:far], generator), near]) if far else near


def still_seen(task: Task, phase: Phase, count: int, device) -> Tensor:
    """[count, n], False for the values that images no longer show once ``moved`` has moved them:
    where the thing is, in those that it moved anywhere."""
    near = torch.arange(count, device=device) >= int(phase.roam * count)
    every = torch.ones_like(near)
    places = [bool({"posX", "posY"} & set(factor.source)) for factor in task.factors]
    return torch.stack([near if place else every for place in places], 1)


def roamed(x: Tensor, generator: torch.Generator) -> Tensor:
    """Ours. x [B, C, 64, 64], each one thing on black, moved to a place drawn at random among all
    where the whole of it is seen."""
    seen, side = (x > 0).any(1), x.shape[-1]
    by = []
    for lines in (seen.any(2).int(), seen.any(1).int()):  # [B, 64]: rows, columns that show it
        first, last = lines.argmax(1), side - 1 - lines.flip(1).argmax(1)
        places = side - (last - first)
        drawn = torch.rand(len(x), generator=generator, device=x.device)
        by.append(first - (drawn * places).long())
    rows, columns = ((torch.arange(side, device=x.device) + b[:, None]) % side for b in by)
    return _taken(x, rows, columns)


def shifted(x: Tensor, pixels: int, generator: torch.Generator) -> Tensor:
    """Ours. x [B, C, 64, 64], each image moved by its own -pixels..pixels along y and x.

    What comes in at an edge repeats the edge.
    """
    by = torch.randint(-pixels, pixels + 1, (2, len(x), 1), generator=generator, device=x.device)
    side = torch.arange(x.shape[-1], device=x.device)
    return _taken(x, *(side + by).clamp(0, x.shape[-1] - 1))


def _taken(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """x [B, C, 64, 64], each image's rows and columns [B, 64] taken from where these say."""
    count, channels, height, width = x.shape
    image = torch.arange(count, device=x.device)[:, None, None]
    pixel = (image * height + rows[:, :, None]) * width + columns[:, None, :]
    pixels = x.permute(0, 2, 3, 1).reshape(-1, channels)  # a view, for x is channels-last
    taken = pixels.index_select(0, pixel.flatten())  # in colour, a third of what x[...] takes
    return taken.view(count, height, width, channels).permute(0, 3, 1, 2)
