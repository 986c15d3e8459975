"""The exercises of the notebooks, one file a notebook; ``wdlib.course.check`` judges answers."""

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

# In the order of the course.
NOTEBOOKS = (
    tour,
    worlds,
    warmup,
    priors,
    relations,
    training,
    evaluation,
    baselines,
    navigator,
    tables,
)
EXERCISES = {exercise.name: exercise for notebook in NOTEBOOKS for exercise in notebook.EXERCISES}

__all__ = ["EXERCISES", "Exercise"]
