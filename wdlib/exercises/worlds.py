"""Exercises of notebooks/01_worlds."""

from wdlib.exercises.exercise import Exercise

EXERCISES: tuple[Exercise, ...] = ()
