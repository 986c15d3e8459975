"""``check("01.2", answer)``: whether the answer to an exercise is right, and if not, what is wrong.

An exercise in a notebook has three cells with tags: ``exercise`` (code: a stub with ``...`` where
the answer belongs), ``check`` (code: a call of ``check``) and ``solution`` (markdown: ``<details>``
around a fenced block of Python that runs by itself after the notebook's imports).

To add an exercise, declare an ``Exercise`` in the notebook's file here, write its three cells, and
put right and wrong answers into ``tests/answers``.
"""

# ruff: noqa: I001
# fmt: off

import difflib

from wdlib.course.exercises import baselines, evaluation, navigator, priors, relations, tables
from wdlib.course.exercises import tour, training, warmup, worlds
from wdlib.course.exercises.exercise import Exercise

EXERCISES: dict[str, Exercise] = {}  # in the order of the course
for notebook in (tour, worlds, warmup, priors, relations, training, evaluation, baselines,
                 navigator, tables):  # fmt: skip
    EXERCISES |= notebook.EXERCISES


def check(name: str, answer=...) -> None:
    """Print one line: whether ``answer`` to the exercise ``name`` is right, or what is wrong.

    It never raises: an error in the answer becomes part of the line.
    """
    print(verdict(name, answer))


def verdict(name: str, answer=...) -> str:
    """The line that ``check`` prints."""
    if not isinstance(name, str):
        return 'There is no exercise without a name; write check("01.1", answer).'
    if name not in EXERCISES:
        near = difflib.get_close_matches(name, EXERCISES, n=1, cutoff=0.0)
        return f"There is no exercise {name!r}; did you mean {', '.join(near)}?"
    try:
        found = EXERCISES[name].fault(answer)
    except (Exception, SystemExit) as error:
        found = f"your answer cannot be checked: it raises {type(error).__name__}"
    return f"{name}: right" if found is None else f"{name}: not yet, {found}"
