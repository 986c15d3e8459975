"""A walk as images and files: an animated GIF, and a still view with maps."""

import io
from collections.abc import Sequence

import numpy as np
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

from wdlib import plots
from wdlib.navigator.maps import PartitionMap
from wdlib.navigator.walk import Step, Walk
from wdlib.plots.figure import MEDIUM, Described
from wdlib.plots.images import draw
from wdlib.tasks import Task

SCALE = 4  # screen pixels for each pixel of an image in the GIF
CAPTION = 52  # height of the caption in screen pixels: two lines of text
LATEST = 8  # steps that a view shows; the film holds all of them


def words(values, task: Task) -> str:
    """Values [n] -> their names, such as "heart, middle left"."""
    return plots.words([values], task, between=", ")[0]


def caption(step: Step, task: Task) -> str:
    """The values read at a step; after a relation, with a tick or a cross before them."""
    return {None: "", True: "✓ ", False: "✗ "}[step.right] + words(step.values, task)


def pixels(image) -> np.ndarray:
    """One image, drawn or decoded -> uint8 [H, W], or [H, W, 3], 0 to 255."""
    return np.rint(255 * plots.pixels(image[None])[0]).astype(np.uint8)


def image_png(image) -> bytes:
    """One image, drawn or decoded, as a PNG file."""
    return _file(Image.fromarray(pixels(image)), "PNG")


def gif(steps: Sequence[Step], task: Task, *, seconds: float = 0.8) -> bytes:
    """An animated GIF that shows each step for some seconds with its caption, in a loop."""
    font = ImageFont.truetype(font_manager.findfont("DejaVu Sans"), 14)
    frames = []
    for number, step in enumerate(steps):
        image = Image.fromarray(pixels(step.image))
        image = image.resize((SCALE * image.width, SCALE * image.height), Image.Resampling.NEAREST)
        frame = Image.new(image.mode, (image.width, image.height + CAPTION), "white")
        frame.paste(image)
        # The number also keeps PIL from merging equal frames.
        text = f"{number}: {step.name}\n{caption(step, task)}"
        ImageDraw.Draw(frame).text((6, image.height + 6), text, fill="black", font=font)
        frames.append(frame)
    options = {"save_all": True, "append_images": frames[1:], "loop": 0}
    return _file(frames[0], "GIF", duration=round(1000 * seconds), **options)


def summary(steps: Sequence[Step], task: Task) -> str:
    """The latest steps in words: names and readings."""
    return "; ".join(f"{step.name}: {words(step.values, task)}" for step in steps[-LATEST:])


def still(walk: Walk, maps: Sequence[PartitionMap]) -> Described:
    """Maps with the trail of the walk, and the decoded image."""
    task, here, columns = walk.model.task, walk.here, len(maps) + 1
    names = ", ".join(task.factor_names)
    what = f"the latent navigator: maps of the partitions {names}, and the decoded image"
    size = (max(3.3 * columns, 8.0), 3.7)
    figure = Described(what, summary(walk.steps, task), figsize=size, layout="constrained")
    *seen, large = figure.subplots(1, columns)
    for panel, m in zip(seen, maps):
        m.draw(panel)
        trail = m.place(walk.trail(m.partition))
        panel.plot(*trail.T, color="black", ls="--", lw=1.2, marker="o", ms=4, mfc="white")
        panel.plot(*trail[:1].T, "s", color="black", mfc="white", ms=8)
        panel.plot(*trail[-1:].T, "o", color="black", mfc="none", ms=13, mew=2)
        panel.set_title(m.title, fontsize=MEDIUM)
    below = caption(here, task).replace(", ", "\n")
    draw(large, plots.pixels(here.image[None])[0], title=here.name, below=below)
    plots.spread(figure)
    return figure


def _file(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
