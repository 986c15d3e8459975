"""The exercises of the notebooks, one file a notebook; ``wdlib.check`` judges answers to them."""

from wdlib.exercises import evaluation, navigator, relations, training, worlds
from wdlib.exercises.exercise import Exercise

NOTEBOOKS = (worlds, relations, training, evaluation, navigator)  # in the order of the course
EXERCISES = {exercise.name: exercise for notebook in NOTEBOOKS for exercise in notebook.EXERCISES}

__all__ = ["EXERCISES", "Exercise"]
