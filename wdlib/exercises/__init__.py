"""The exercises of the notebooks, one file a notebook; ``wdlib.check`` judges answers to them."""

from wdlib.exercises import worlds
from wdlib.exercises.exercise import Exercise

EXERCISES = {exercise.name: exercise for notebook in (worlds,) for exercise in notebook.EXERCISES}

__all__ = ["EXERCISES", "Exercise"]
