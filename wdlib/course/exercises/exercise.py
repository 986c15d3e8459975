"""An exercise: what the library answers, and how an answer is judged beside it.

The library is the answer key: ``expected`` computes the right answer each time, so no list of
solutions can fall behind the code. An answer is a value, or a function that is called on inputs.
"""

from __future__ import annotations

import copy
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from wdlib.course.exercises.compare import TOLERANCE, fault, kind

LIMIT = 10.0  # seconds that a function may take on all inputs
LONGEST = 60  # characters of an input that a message still shows
FEW = 4  # numbers of an array that it still shows


@dataclass(frozen=True)
class Exercise:
    """One exercise of a notebook.

    Args:
        name: notebook and number, "03.2".
        expected: the library's answer: a function without arguments; or, where the answer is a
            function, one with the arguments that the answer takes. See ``compare.fault`` for what
            it may return.
        inputs: for a function: returns a list of tuples of arguments to try it on.
        slips: known mistakes: (what was done, in words that follow "it looks as if", a function
            like ``expected`` that makes the mistake).
        tolerance: see ``compare.fault``.
        parts: what the parts of a tuple are called.
        choices: for a word: the words to choose from.
    """

    name: str
    expected: Callable
    inputs: Callable[[], list[tuple]] | None = None
    slips: tuple[tuple[str, Callable], ...] = ()
    tolerance: float = TOLERANCE
    parts: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()

    def fault(self, answer) -> str | None:
        """What is off about the answer, in a few words; None where it is right."""
        if self.inputs is not None:
            return self._function_fault(answer)
        if callable(answer):
            return f"a value is wanted, not {kind(answer)}; call it?"
        found = self._compare(self.expected(), answer)
        if found and answer is not None and answer is not Ellipsis:
            if self.choices and isinstance(answer, str):
                known = {choice.lower() for choice in self.choices}
                if answer.strip().lower() not in known:
                    return f"{answer!r} is none of: {', '.join(self.choices)}"
            return self._slip([()], [answer]) or found
        return found

    def _function_fault(self, answer) -> str | None:
        if answer is None or answer is Ellipsis:
            return "there is no answer yet"
        if not callable(answer):
            return f"a function is wanted, not {kind(answer)}"
        inputs = self.inputs()
        given, answers, faults = copy.deepcopy(inputs), [], []
        with deadline(LIMIT):
            for arguments in given:
                try:
                    answers.append(answer(*arguments))
                except TooLong:
                    return f"it runs for more than {LIMIT:g} s; does a loop ever end?"
                except (Exception, SystemExit) as error:
                    said = " ".join(str(error).split())[:120]
                    return f"{_for(arguments)} it raises {type(error).__name__}: {said}"
        if all(value is Ellipsis for value in answers):
            return "there is no answer yet"
        for arguments, value in zip(inputs, answers):
            if value is None:
                return f"{_for(arguments)} it returns nothing; does it end in return?"
            faults.append(self._compare(self.expected(*copy.deepcopy(arguments)), value))
        if not any(faults):
            for arguments, now in zip(inputs, given):
                if not _same(arguments, now):
                    return f"{_for(arguments)} it changes what it was given; work on a copy"
            return None
        if slip := self._slip(inputs, answers):
            return slip
        first = next(i for i, found in enumerate(faults) if found)
        return f"{_for(inputs[first])}: {faults[first]} (right for {faults.count(None)} of " + (
            f"{len(inputs)} inputs)"
        )

    def _slip(self, inputs: list[tuple], answers: list) -> str | None:
        for said, slip in self.slips:
            if all(
                self._compare(slip(*copy.deepcopy(arguments)), value) is None
                for arguments, value in zip(inputs, answers)
            ):
                return f"it looks as if {said}"
        return None

    def _compare(self, wanted, answer) -> str | None:
        return fault(wanted, answer, self.tolerance, self.parts)


class TooLong(BaseException):
    """No ``except Exception`` of a student's function may swallow this."""


class deadline:  # noqa: N801, a context manager reads as a verb
    """Within it, Python code that runs longer than ``seconds`` raises TooLong.

    By a trace function, which every platform and every thread has; a debugger's is put back.
    """

    def __init__(self, seconds: float):
        self.seconds = seconds

    def __enter__(self):
        self.before, self.end = sys.gettrace(), time.monotonic() + self.seconds
        sys.settrace(self._look)

    def __exit__(self, *_):
        sys.settrace(self.before)

    def _look(self, frame, event, argument):
        if time.monotonic() > self.end:
            raise TooLong
        return self._look


def _for(arguments: tuple) -> str:
    """ "for (2, 3)", or the shapes where the arguments are long."""
    told = ", ".join(map(_shown, arguments))
    if len(told) > LONGEST or "\n" in told or "tensor" in told or "array" in told:
        shapes = (tuple(a.shape) if hasattr(a, "shape") else a for a in arguments)
        told = ", ".join(f"shape {s}" if isinstance(s, tuple) else f"{s!r:.30}" for s in shapes)
    return f"for ({told})"


def _same(before, now) -> bool:
    """Whether numbers, words and what holds them are as they were; of other things, True."""
    if hasattr(before, "tolist"):
        return before.shape == now.shape and bool((before == now).all())
    if isinstance(before, dict):
        return before.keys() == now.keys() and all(_same(before[k], now[k]) for k in before)
    if isinstance(before, list | tuple):
        return len(before) == len(now) and all(map(_same, before, now))
    return before == now if isinstance(before, str | int | float) else True


def _shown(argument) -> str:
    """A short array as the list of its numbers, anything else as Python writes it."""
    if hasattr(argument, "tolist") and argument.ndim == 1 and len(argument) <= FEW:
        return "[" + ", ".join(f"{number:g}" for number in argument.tolist()) + "]"
    return repr(argument)
