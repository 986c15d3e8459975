"""The steps of a walk as a film: pictures in a row (PNG), or one after the other (GIF)."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

from wdlib import plots
from wdlib.navigator.walk import Step
from wdlib.tasks import Task

SCALE = 4  # screen pixels for each of a picture's in the GIF
CAPTION = 52  # pixels below it for two lines of text


def words(values, task: Task) -> str:
    """Values [n] -> their names, such as "heart, middle left"."""
    return ", ".join(f.value_names[v] for f, v in zip(task.factors, values))


def caption(step: Step, task: Task) -> str:
    """What is read off a step's picture, with a tick or a cross where a relation led to it."""
    mark = {None: "", True: "✓ ", False: "✗ "}[step.right]
    return mark + words(step.values, task)


def pixels(picture) -> np.ndarray:
    """One picture, drawn or decoded -> uint8 [64, 64], or [64, 64, 3], 0 to 255."""
    return np.rint(255 * plots.pixels(picture[None])[0]).astype(np.uint8)


def picture_png(picture) -> bytes:
    """One picture, drawn or decoded, as a PNG file."""
    return _file(Image.fromarray(pixels(picture)), "PNG")


def strip_png(steps: Sequence[Step], task: Task, *, columns: int = 8, dpi: int = 100) -> bytes:
    """A PNG file with the picture of every step in reading order, under its number and name."""
    titles = [
        f"{number}: {step.name}\n" + caption(step, task).replace(", ", "\n")
        for number, step in enumerate(steps)
    ]
    pictures = np.stack([step.picture for step in steps])
    figure = plots.image_grid(pictures.astype(np.float32), titles, columns=columns)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


def gif(steps: Sequence[Step], task: Task, *, seconds: float = 0.8) -> bytes:
    """An animated GIF that shows each step for some seconds, with its caption, again and again."""
    font = ImageFont.truetype(font_manager.findfont("DejaVu Sans"), 14)
    frames = []
    for number, step in enumerate(steps):
        picture = Image.fromarray(pixels(step.picture)).resize(
            (64 * SCALE,) * 2, Image.Resampling.NEAREST
        )
        frame = Image.new(picture.mode, (picture.width, picture.height + CAPTION), "white")
        frame.paste(picture)
        text = f"{number}: {step.name}\n{caption(step, task)}"
        ImageDraw.Draw(frame).text((6, picture.height + 6), text, fill="black", font=font)
        frames.append(frame)
    # Equal frames would be merged, and a number of steps could no longer be counted off the film;
    # the number in the caption keeps them apart.
    options = {"save_all": True, "append_images": frames[1:], "loop": 0}
    return _file(frames[0], "GIF", duration=round(1000 * seconds), **options)


def _file(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
