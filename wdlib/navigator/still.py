"""The navigator where no kernel runs: the same view as one still picture."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wdlib.navigator import film
from wdlib.navigator.maps import PartitionMap
from wdlib.navigator.walk import Step, Walk
from wdlib.plots.figure import MEDIUM, SMALL
from wdlib.plots.names import spread
from wdlib.tasks import Task

FILM = 8  # the last steps that fit into a row


def figure(walk: Walk, maps: Sequence[PartitionMap]) -> Figure:
    """Maps with the trail of the walk, and the decoded picture; below, the last steps as a film."""
    task, steps = walk.model.task, walk.steps
    columns = len(maps) + 1
    whole = Figure(figsize=(max(3.3 * columns, 8.0), 5.9), layout="constrained")
    above, below = whole.subfigures(2, 1, height_ratios=(3.7, 2.2))
    *seen, large = above.subplots(1, columns)
    for panel, m in zip(seen, maps):
        m.draw(panel)
        trail = m.place(walk.trail(m.partition))
        panel.plot(*trail.T, color="black", ls="--", lw=1.2, marker="o", ms=4, mfc="white")
        panel.plot(*trail[:1].T, "s", color="black", mfc="white", ms=8)
        panel.plot(*trail[-1:].T, "o", color="black", mfc="none", ms=13, mew=2)
        panel.set_title(f"partition {m.partition + 1}: {m.factor.name}", fontsize=MEDIUM)
    _picture(large, steps[-1], task)
    large.set_title("decoded picture", fontsize=MEDIUM)

    row = below.subplots(1, FILM)
    first = max(len(steps) - FILM, 0)
    for number, (panel, step) in enumerate(zip(row, steps[first:]), start=first):
        _picture(panel, step, task)
        panel.set_title(f"{number}: {step.name}", fontsize=SMALL)
    for panel in row[len(steps) - first :]:
        panel.set_axis_off()
    spread(whole)
    return whole


def alt(walk: Walk) -> str:
    """What the picture shows, in words."""
    task, steps = walk.model.task, walk.steps
    film_names = ", ".join(step.name for step in steps[-FILM:])
    return (
        f"the latent navigator: maps of the partitions {', '.join(task.factor_names)} with the "
        f"trail of {len(steps) - 1} steps; the decoded picture, read as "
        f"{film.words(steps[-1].values, task)}; the steps as a film: {film_names}"
    )


def _picture(panel: Axes, step: Step, task: Task) -> None:
    panel.imshow(film.pixels(step.picture), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    panel.set_xlabel(film.caption(step, task).replace(", ", "\n"), fontsize=SMALL)
    panel.set_xticks([])
    panel.set_yticks([])
