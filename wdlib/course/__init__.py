"""What only the notebooks need: exercises and their checks, student edition, slides, badges."""

from wdlib.course.check import check

__all__ = ["check"]
