"""The exercises of the notebooks, one file a notebook; ``wdlib.course.check`` checks answers.

To add one: an ``Exercise`` in the notebook's file here, its three cells in the notebook (see
``wdlib.course.check``), and right and wrong answers in ``tests/answers``.
"""

from wdlib.course.exercises import (
    baselines,
    evaluation,
    navigator,
    priors,
    relations,
    tables,
    tour,
    training,
    warmup,
    worlds,
)
from wdlib.course.exercises.exercise import Exercise

EXERCISES: dict[str, Exercise] = (
    tour.EXERCISES
    | worlds.EXERCISES
    | warmup.EXERCISES
    | priors.EXERCISES
    | relations.EXERCISES
    | training.EXERCISES
    | evaluation.EXERCISES
    | baselines.EXERCISES
    | navigator.EXERCISES
    | tables.EXERCISES
)

__all__ = ["EXERCISES", "Exercise"]
