"""An exercise: the right answer, the known slips, and words for what is wrong with an answer.

The answer key uses the library where it can, so it cannot fall behind the code. An answer is a
value, or a function that is called on inputs. A message names the fault and never contains the
right answer. Its numbers are rounded, so every machine prints the same message.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

TOLERANCE = 1e-3  # for numbers with a fraction; integers must be equal


@dataclass(frozen=True)
class Exercise:
    """One exercise of a notebook.

    Args:
        expected: the right answer of a type that ``fault`` knows, or a function that computes it.
        inputs: where the answer is a function: the arguments of each call that tries it and
            ``expected``.
        slips: known mistakes, as pairs (message, wrong answer). The message follows the words "it
            looks as if"; the wrong answer is a value or a function, like ``expected``.
        parts: names of the parts, where the answer is a tuple.
        choices: the words to choose from, where the answer is a word.
        tolerance: see ``fault``.
    """

    expected: object
    inputs: tuple[tuple, ...] = ()
    slips: tuple[tuple[str, object], ...] = ()
    parts: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    tolerance: float = TOLERANCE

    def fault(self, answer) -> str | None:
        """Describe what is wrong with an answer in one phrase; None if the answer is right."""
        if answer is None or answer is Ellipsis:
            return "there is no answer yet"
        if self.inputs:
            return self._function_fault(answer)
        if callable(answer):
            return f"the answer should be a value, but it is {kind(answer)}; call the function"
        return self._slip([answer]) or self._compare(_result(self.expected), answer)

    def _function_fault(self, answer) -> str | None:
        if not callable(answer):
            return f"the answer should be a function, but it is {kind(answer)}"
        answers = []
        for arguments in self.inputs:
            try:  # copies, because an answer may change its arguments, or return them
                answers.append(copy.deepcopy(answer(*copy.deepcopy(arguments))))
            except (Exception, SystemExit) as error:
                text = " ".join(str(error).split())[:120]
                return f"{_for(arguments)} your function raises {type(error).__name__}: {text}"
            if answers[-1] is None:
                return f"{_for(arguments)} your function returns None; check its return statement"
        if answers[0] is Ellipsis:
            return "there is no answer yet"
        return self._slip(answers) or self._first_fault(answers)

    def _first_fault(self, answers: list) -> str | None:
        wanted = [_result(self.expected, arguments) for arguments in self.inputs]
        faults = list(map(self._compare, wanted, answers))
        for arguments, found in zip(self.inputs, faults):
            if found:
                right = f"right for {faults.count(None)} of {len(faults)} inputs"
                return f"{_for(arguments)}: {found} ({right})"
        return None

    def _slip(self, answers: list) -> str | None:
        """Name the first slip that explains all answers; None if they are right or none does."""
        inputs = self.inputs or ((),)
        for text, what in (("", self.expected), *self.slips):
            wrong = [_result(what, arguments) for arguments in inputs]
            if not any(fault(w, a, self.tolerance) for w, a in zip(wrong, answers)):
                return f"it looks as if {text}" if text else None
        return None

    def _compare(self, wanted, answer) -> str | None:
        known = {_word(choice) for choice in self.choices}
        if known and isinstance(answer, str) and _word(answer) not in known:
            return f"{answer!r} is not one of the words: {', '.join(self.choices)}"
        return fault(wanted, answer, self.tolerance, self.parts)


def fault(wanted, answer, tolerance: float = TOLERANCE, parts: tuple[str, ...] = ()) -> str | None:
    """Describe what is wrong with a value in one phrase; None if the value is right.

    ``wanted`` is a number, an array or tensor or list of numbers, a word, a frozenset of words (the
    order of the answer does not matter), a dict of columns of words (the answer may be a DataFrame;
    None, NaN and empty text are missing words), or a tuple of several such answers, with the names
    ``parts``. A number may differ by ``tolerance * max(1, |wanted|)``.
    """
    if answer is None or answer is Ellipsis:
        return "there is no answer yet"
    if isinstance(wanted, tuple):
        return _tuple_fault(wanted, answer, tolerance, parts)
    if isinstance(wanted, frozenset):
        return _set_fault(wanted, answer)
    if isinstance(wanted, dict):
        return _table_fault(pd.DataFrame(wanted), answer)
    if isinstance(wanted, str) and not isinstance(answer, str):
        return f"the answer should be a word, but it is {kind(answer)}"
    if isinstance(wanted, str):
        return None if _word(answer) == _word(wanted) else f"{answer!r} is wrong"
    wanted = _array(wanted)
    try:
        found = _array(answer)
    except Exception:  # a foreign object may raise anything
        return f"{kind(answer)} is no array of numbers; check that all rows have the same length"
    if found.dtype.kind not in "iuf" or found.size == 0 < wanted.size:
        should = "a number" if wanted.ndim == 0 else "numbers"
        content = kind(found.ravel().tolist()[0]) if found.size else "nothing"
        it = f"{kind(answer)} with {content} in it" if found.ndim else kind(answer)
        return f"the answer should be {should}, but it is {it}"
    return _shape_fault(wanted.shape, found.shape) or _number_fault(wanted, found, tolerance)


def kind(answer) -> str:
    """The type of an answer in words, such as "a list" or "an array of shape (3, 8)"."""
    name = type(answer).__name__
    if name in ("ndarray", "Tensor"):
        return f"{'a tensor' if name == 'Tensor' else 'an array'} of shape {tuple(answer.shape)}"
    words = {"str": "a word", "bool": "True or False", "function": "a function", "type": "a class"}
    return words.get(name) or f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def _array(answer) -> np.ndarray:
    if isinstance(answer, list | tuple):
        return np.array([_array(entry) for entry in answer])
    if hasattr(answer, "detach"):  # numpy has no bfloat16, so floats become double
        answer = answer.detach().cpu()
        answer = answer.double() if answer.is_floating_point() else answer
    return np.asarray(answer)


def _tuple_fault(wanted: tuple, answer, tolerance: float, parts: tuple[str, ...]) -> str | None:
    names = parts or tuple(f"part {place + 1}" for place in range(len(wanted)))
    if getattr(answer, "ndim", 0) == 1:  # an array of as many numbers is as good
        answer = answer.tolist()
    listed = isinstance(answer, tuple | list)
    if not listed or len(answer) != len(wanted):
        it = f"has {len(answer)}" if listed else f"is {kind(answer)}"
        return f"the answer should have {len(wanted)} parts ({', '.join(names)}), but it {it}"
    for name, *pair in zip(names, wanted, answer):
        if found := fault(*pair, tolerance):
            return f"{name}: {found}"
    return None


def _set_fault(wanted: frozenset[str], answer) -> str | None:
    if isinstance(answer, str) or not hasattr(answer, "__iter__"):
        return f"the answer should be a list, but it is {kind(answer)}"
    wanted, found = ({_word(word) for word in words} for words in (wanted, answer))
    if wanted == found:
        return None
    missing = f"{len(wanted - found)} of {len(wanted)} entries are missing"
    return f"{missing}, and {len(found - wanted)} should not be in the list"


def _table_fault(wanted: pd.DataFrame, answer) -> str | None:
    if not isinstance(answer, dict | pd.DataFrame):
        return f"the answer should be a dict of columns, but it is {kind(answer)}"
    try:
        found = pd.DataFrame(answer).reset_index(drop=True)
    except ValueError:
        return "the columns do not fit together; check that all have the same length"
    if set(found.columns) != set(wanted.columns):
        names = (", ".join(map(str, table.columns)) for table in (found, wanted))
        return "the columns are {}, but they should be {}".format(*names)
    if len(found) != len(wanted):
        return f"there are {len(found)} rows, but there should be {len(wanted)}"
    for name in wanted:
        pair = (table[name].fillna("").map(_word) for table in (wanted, found))
        if (bad := np.not_equal(*map(np.array, pair))).any():
            return f"column {name!r}: {_entries(bad)} wrong"
    return None


def _shape_fault(wanted: tuple[int, ...], found: tuple[int, ...]) -> str | None:
    if wanted == found:
        return None
    if not wanted:
        return f"the answer should be one number, but its shape is {found}"
    text = f"the shape is {found}, but it should be {wanted}"
    if len(found) > 1 and found == wanted[::-1]:
        return f"{text}; transpose it"
    if [s for s in found if s != 1] == [s for s in wanted if s != 1]:
        return f"{text}; {'remove' if len(found) > len(wanted) else 'add'} an axis of length 1"
    return text


def _number_fault(wanted: np.ndarray, found: np.ndarray, tolerance: float) -> str | None:
    tolerance = 1e-9 if wanted.dtype.kind in "iu" else tolerance
    wanted, found = wanted.astype(np.float64), found.astype(np.float64)
    if (bad := ~np.isfinite(found) & np.isfinite(wanted)).any():
        what = "NaN" if np.isnan(found[bad]).any() else "infinite"
        return f"{_entries(bad)} {what}; look for a division by 0, log(0) or a huge exponential"

    def wrong(a: np.ndarray) -> np.ndarray:
        far = ~(np.abs(a - wanted) <= tolerance * np.maximum(1, np.abs(wanted)))
        return far & (a != wanted)  # infinities may be equal

    with np.errstate(invalid="ignore", divide="ignore"):
        if not wrong(found).any():
            return None
        if not wrong(-found).any():
            return "the sign is wrong"
        if wanted.ndim == 0:
            return _one_number(float(wanted), float(found))
        return _pattern(wanted, found, wrong)


def _one_number(wanted: float, found: float) -> str:
    """Too large or too small, in steps too coarse to compute the right answer from them."""
    side = f"the number is too {'large' if found > wanted else 'small'}"
    if wanted * found <= 0:
        return f"{side}, and its sign is wrong" if wanted * found else side
    ratio = max(found / wanted, wanted / found)
    sizes = "less than 10 %", "less than a factor of 2", "a factor of 2 to 10", "more than 10 times"
    return f"{side}, by {sizes[np.searchsorted((1.1, 2, 10), ratio, side='right')]}"


def _pattern(wanted: np.ndarray, found: np.ndarray, wrong: Callable) -> str:
    """Name a change of all entries that makes the answer right, or else count the wrong entries."""
    ranked = np.empty_like(found)
    ranked.flat[np.argsort(wanted, axis=None)] = np.sort(found, axis=None)
    if not wrong(ranked).any():
        return "the numbers are right, but their order is wrong"
    finite = np.isfinite(wanted)
    if len(np.unique(wanted[finite & (wanted != 0)])) > 1:
        ratio = np.median((found / wanted)[finite & (wanted != 0)])
        shift = np.median((found - wanted)[finite])
        if ratio and not wrong(found / ratio).any():
            return f"every entry is {ratio:.2g} times the right one; look for a constant factor"
        if not wrong(found - shift).any():
            side = "large" if shift > 0 else "small"
            return f"every entry is too {side} by {abs(shift):.2g}; look for a constant term"
    largest = np.abs(found - wanted)[finite].max()
    return f"{_entries(wrong(found))} wrong; the largest error is {largest:.1g}"


def _entries(wrong: np.ndarray) -> str:
    """For example "3 of 8 entries (the first at [0, 2]) are", or "it is" of a single number."""
    if wrong.ndim == 0:
        return "it is"
    count = f"{wrong.sum()} of {wrong.size} entries"
    first = np.argwhere(wrong)[0].tolist()
    return f"{count} (the first at {first}) {'is' if wrong.sum() == 1 else 'are'}"


def _word(text) -> str:
    return " ".join(str(text).lower().split())


def _result(expected, arguments: tuple = ()):
    return expected(*copy.deepcopy(arguments)) if callable(expected) else expected


def _for(arguments: tuple) -> str:
    """For example "for (2, 3)"; long arrays are shown by their shapes."""

    def shown(argument) -> str:
        if not hasattr(argument, "tolist"):
            return f"{argument!r:.40}"
        if argument.ndim == 1 and len(argument) <= 4:
            return f"[{', '.join(f'{number:g}' for number in argument.tolist())}]"
        return f"shape {tuple(argument.shape)}"

    return f"for ({', '.join(map(shown, arguments))})"
