"""``check("01.2", answer)``: is the answer to an exercise right, and if not, what is off?

It prints one line, keeps the right answer back, and never raises: whatever an answer does wrong
becomes part of the line.

An exercise in a notebook is three cells, told apart by their tags so that a student edition can be
made from the same file: ``exercise`` (a code cell with a stub, ``...`` where the answer belongs),
``check`` (a code cell with the call of ``check``) and ``solution`` (a markdown cell: ``<details>``
around a fenced block of Python that runs by itself after the notebook's imports). The exercise is
declared in ``wdlib.course.exercises``.
"""

from __future__ import annotations

import difflib

from wdlib.course.exercises import EXERCISES


def check(name: str, answer=...) -> None:
    """Print one line: whether ``answer`` to the exercise ``name`` is right, or what is off."""
    print(verdict(name, answer))


def verdict(name: str, answer=...) -> str:
    """The line that ``check`` prints."""
    if not isinstance(name, str):
        return 'There is no exercise without a name; say check("01.1", answer).'
    if name not in EXERCISES:
        near = difflib.get_close_matches(name, EXERCISES, n=1, cutoff=0.0)
        return f"There is no exercise {name!r}; did you mean {', '.join(near)}?"
    try:
        found = EXERCISES[name].fault(answer)
    except (Exception, SystemExit) as error:  # an answer that fails when it is looked at
        found = f"looking at it raises {type(error).__name__}"
    return f"{name}: right" if found is None else f"{name}: not yet, {found}"
