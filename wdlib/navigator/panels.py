"""What the navigator says in HTML: the picture, the reading of its factors, the film strip.

Pictures are ``img`` elements with alt text, which an ipywidgets Image cannot have.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from wdlib.navigator import film
from wdlib.navigator.walk import Confidence, Step
from wdlib.tasks import Task

TITLE = "font-size:11px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis"
FILM = 8  # steps that the strip on the screen shows; the files hold all


def url(data: bytes, kind: str = "image/png") -> str:
    """A file as a data URL."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def picture(data: bytes, alt: str, side: int) -> str:
    """A 64 by 64 PNG file as an element of ``side`` pixels, its own pixels kept sharp."""
    return (
        f'<img src="{url(data)}" alt="{escape(alt)}" width="{side}" height="{side}" '
        'style="image-rendering:pixelated;display:block;max-width:none;border:1px solid #767676">'
    )


def decoded(step: Step, task: Task, *, side: int = 220) -> str:
    """The decoded picture of a step, large."""
    alt = f"decoded picture, read as {film.words(step.values, task)}"
    return picture(film.picture_png(step.picture), alt, side)


def readings(step: Step, task: Task, further: Sequence[float]) -> str:
    """A table: for each factor the most likely value and its share, by the prior and the judge.

    further: for each partition, the share of the test images whose codes lie further out.
    """
    readers = {"prior": step.prior} | ({"judge": step.judge} if step.judge else {})
    names = [*readers, "test images<br>further out"]
    head = "".join(
        f'<th scope="col" style="text-align:left;vertical-align:bottom">{name}</th>'
        for name in names
    )
    rows = []
    for i, factor in enumerate(task.factors):
        cells = "".join(_cell(reader, i, factor.value_names) for reader in readers.values())
        cells += f"<td>{further[i]:.0%}</td>"
        rows.append(
            f'<tr><th scope="row" style="text-align:left">{escape(factor.name)}</th>{cells}</tr>'
        )
    return (
        '<table style="border-spacing:8px 2px;font-size:12px;line-height:1.35;margin-left:-8px">'
        f"<tr><td></td>{head}</tr>{''.join(rows)}</table>"
    )


def _cell(confidence: Confidence, i: int, names: Sequence[str]) -> str:
    value = int(confidence[i].argmax())
    share = confidence[i][value]
    return (
        f'<td style="white-space:nowrap">{escape(names[value])}<br>'
        f'<meter min="0" max="1" value="{share:.3f}" style="width:56px">{share:.2f}</meter> '
        f"{share:.2f}</td>"
    )


def status(number: int, step: Step, task: Task) -> str:
    """One sentence on the step, which screen readers are told of."""
    reader = "the judge reads" if step.judge else "the prior reads"
    said = f"Step {number}, {step.name}: {reader} {film.words(step.values, task)}"
    if step.right is not None:
        said += (
            " ✓ as the relation asks"
            if step.right
            else f" ✗ where the relation asks for {film.words(step.wanted, task)}"
        )
    return f'<div role="status" aria-live="polite" class="wdlib-status">{escape(said)}.</div>'


def strip(steps: Sequence[Step], task: Task, *, side: int = 88) -> str:
    """The last steps as small pictures with number, name and reading."""
    first = max(len(steps) - FILM, 0)
    frames = []
    for number, step in enumerate(steps[first:], start=first):
        said = "<br>".join(escape(part) for part in film.caption(step, task).split(", "))
        image = picture(film.picture_png(step.picture), f"step {number}", side)
        frames.append(
            f'<figure style="margin:0;width:{side + 8}px;line-height:1.25;font-size:12px">'
            f'<b title="{escape(step.name)}" style="display:block;{TITLE}">'
            f"{number}: {escape(step.name)}</b>{image}<figcaption>{said}</figcaption></figure>"
        )
    before = f"<span>{first} steps before,</span>" if first else ""
    row = "display:flex;flex-wrap:wrap;gap:6px;align-items:start"
    return f'<div style="{row}">{before}{"".join(frames)}</div>'


def links(steps: Sequence[Step], task: Task) -> str:
    """The whole film as two files to download."""
    files = {
        "walk.gif": url(film.gif(steps, task), "image/gif"),
        "walk.png": url(film.strip_png(steps, task)),
    }
    return " &nbsp; ".join(
        f'<a download="{name}" href="{data}" style="text-decoration:underline">save {name}</a>'
        for name, data in files.items()
    )
