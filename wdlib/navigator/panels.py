"""The navigator in HTML: the decoded image, what was read there, and the latest steps.

Images are ``img`` elements, because an ipywidgets Image has no alt text.
"""

import base64
from collections.abc import Sequence
from html import escape

from wdlib.navigator import film
from wdlib.navigator.walk import Step
from wdlib.tasks import Task

IMG = """<img src="{url}" alt="{alt}" width="{side}" height="{side}" \
style="image-rendering:pixelated;display:block;max-width:none;border:1px solid #767676">"""
TABLE = """<table style="border-spacing:8px 2px;font-size:12px;line-height:1.35;margin-left:-8px">\
<tr><td></td>{head}</tr>{rows}</table>"""
CELL = """<td style="white-space:nowrap">{name}<br>\
<meter min="0" max="1" value="{share:.3f}" style="width:56px">{share:.2f}</meter> \
{share:.2f}</td>"""
FRAME = """<figure style="margin:0;width:96px;line-height:1.25;font-size:12px">\
<b title="{name}" style="display:block;font-size:11px;white-space:nowrap;overflow:hidden;\
text-overflow:ellipsis">{number}: {name}</b>{image}<figcaption>{below}</figcaption></figure>"""


def url(data: bytes, kind: str = "image/png") -> str:
    """A file as a data URL."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def img(data: bytes, alt: str, side: int) -> str:
    """A PNG file as an element of ``side`` pixels, with sharp pixels."""
    return IMG.format(url=url(data), alt=escape(alt), side=side)


def decoded(step: Step, task: Task) -> str:
    """The decoded image of a step, large."""
    alt = f"decoded image, read as {film.words(step.values, task)}"
    return img(film.image_png(step.image), alt, 220)


def readings(step: Step, task: Task, further: Sequence[float]) -> str:
    """A table: the most likely value of each factor by the prior and by the judge, with confidence.

    further: for each partition, the share of the test images whose codes lie further out.
    """
    readers = {"prior": step.prior} | ({"judge": step.judge} if step.judge else {})
    head = "".join(
        f'<th scope="col" style="text-align:left;vertical-align:bottom">{name}</th>'
        for name in (*readers, "test images<br>further out")
    )
    rows = ""
    for i, factor in enumerate(task.factors):
        rows += f'<tr><th scope="row" style="text-align:left">{escape(factor.name)}</th>'
        for reader in readers.values():
            name, share = factor.value_names[reader[i].argmax()], reader[i].max()
            rows += CELL.format(name=escape(name), share=share)
        rows += f"<td>{further[i]:.0%}</td></tr>"
    return TABLE.format(head=head, rows=rows)


def status(number: int, step: Step, task: Task) -> str:
    """One sentence on the step. Screen readers announce it."""
    reader = "judge" if step.judge else "prior"
    text = f"Step {number}, {step.name}: the {reader} reads {film.words(step.values, task)}"
    if step.right:
        text += " ✓ as wanted"
    elif step.right is False:
        text += f" ✗ wanted: {film.words(step.wanted, task)}"
    return f'<div role="status" aria-live="polite" class="wdlib-status">{escape(text)}.</div>'


def strip(steps: Sequence[Step], task: Task) -> str:
    """The latest steps as small images with number, name and reading."""
    first = max(len(steps) - film.LATEST, 0)
    frames = f"<span>{first} earlier steps,</span>" if first else ""
    for number, step in enumerate(steps[first:], start=first):
        below = "<br>".join(escape(part) for part in film.caption(step, task).split(", "))
        image = img(film.image_png(step.image), f"step {number}", 88)
        name = escape(step.name)
        frames += FRAME.format(name=name, number=number, image=image, below=below)
    row = "display:flex;flex-wrap:wrap;gap:6px;align-items:start"
    return f'<div style="{row}">{frames}</div>'


def link(steps: Sequence[Step], task: Task) -> str:
    """The whole film as a file to download."""
    data = url(film.gif(steps, task), "image/gif")
    return (
        f'<a download="walk.gif" href="{data}" style="text-decoration:underline">save walk.gif</a>'
    )
