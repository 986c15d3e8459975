"""What is wrong with an answer: a comparison that names the fault and keeps the right answer back.

``fault(wanted, answer)`` looks for the coarse mistakes first (no answer, another type, another
shape, NaN), then for the ones with a pattern (sign, order, one factor off everywhere), and only
then counts the entries. Numbers in its words are rounded, so that every machine says the same.
"""

from __future__ import annotations

import numpy as np

TOLERANCE = 1e-3  # of numbers with a fraction; integers must be equal


def fault(wanted, answer, tolerance: float = TOLERANCE, parts: tuple[str, ...] = ()) -> str | None:
    """What is off about ``answer``, in a few words; None where it is right.

    Args:
        wanted: a string, a number, an array or tensor, a list of them, a frozenset (the order of
            the answer does not matter), or a tuple of several such answers.
        tolerance: a number may differ by ``tolerance * max(1, |wanted|)``.
        parts: where ``wanted`` is a tuple, what its parts are called.
    """
    if answer is None or answer is Ellipsis:
        return "there is no answer yet"
    if isinstance(wanted, tuple):
        return _tuple_fault(wanted, answer, tolerance, parts)
    if isinstance(wanted, frozenset):
        return _set_fault(wanted, answer)
    if isinstance(wanted, str):
        if not isinstance(answer, str):
            return f"a word is wanted, not {kind(answer)}"
        return None if _word(answer) == _word(wanted) else f"{answer!r} is not it"
    try:
        wanted, found = as_array(wanted), as_array(answer)
    except ValueError as error:
        return str(error)
    if found_fault := _kind_fault(wanted, found, answer) or _shape_fault(wanted, found):
        return found_fault
    if wanted.dtype.kind == "U":
        return _words_fault(wanted, found)
    if wanted.dtype.kind == "b":
        return _entries(wanted != found) if (wanted != found).any() else None
    return _number_fault(wanted, found, tolerance)


def as_array(answer) -> np.ndarray:
    """A number, list, array or tensor as a numpy array.

    Raises ValueError for what is none, such as rows of different lengths.
    """
    if hasattr(answer, "detach"):
        answer = answer.detach().cpu()
        answer = answer.float() if str(answer.dtype) == "torch.bfloat16" else answer
    elif isinstance(answer, list | tuple):
        answer = [as_array(entry) if hasattr(entry, "detach") else entry for entry in answer]
    try:
        array = np.asarray(answer)
    except Exception:  # whatever a foreign object raises when it is asked for numbers
        raise ValueError(f"{kind(answer)} cannot be read as an array; are rows equally long") from (
            None
        )
    if array.dtype.kind not in "biufU":
        raise ValueError(f"numbers or words are wanted, not {kind(answer)}")
    return array


def kind(answer) -> str:
    """How a message calls the type of an answer: "a list", "an int", "an array of shape (3, 8)"."""
    name = type(answer).__name__
    if name in ("ndarray", "Tensor"):
        shape = tuple(getattr(answer, "shape", ()))
        return f"{'a tensor' if name == 'Tensor' else 'an array'} of shape {shape}"
    names = {"str": "a word", "bool": "True or False", "function": "a function", "type": "a class"}
    return names.get(name) or f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def _tuple_fault(wanted: tuple, answer, tolerance: float, parts: tuple[str, ...]) -> str | None:
    names = ", ".join(parts) or f"{len(wanted)} things"
    if getattr(answer, "ndim", 0) == 1:  # an array of as many numbers says the same
        answer = answer.tolist()
    if not isinstance(answer, tuple | list):
        return f"{len(wanted)} things are wanted ({names}), not {kind(answer)}"
    if len(answer) != len(wanted):
        return f"{len(wanted)} things are wanted ({names}), not {len(answer)}"
    faults = [fault(w, a, tolerance) for w, a in zip(wanted, answer)]
    if all(fault(w, a, tolerance) is None for w, a in zip(wanted, reversed(answer))):
        return None if not any(faults) else f"the order is wrong: wanted are {names}"
    for place, found in enumerate(faults):
        if found:
            return f"{parts[place] if parts else f'part {place + 1}'}: {found}"
    return None


def _set_fault(wanted: frozenset, answer) -> str | None:
    if isinstance(answer, str) or not hasattr(answer, "__iter__"):
        return f"a list is wanted, not {kind(answer)}"
    answer = as_array(list(answer)).reshape(-1).tolist()
    wanted = {_word(w) if isinstance(w, str) else w for w in wanted}
    found = {_word(a) if isinstance(a, str) else a for a in answer}
    missing, stray = len(wanted - found), len(found - wanted)
    if not missing and not stray:
        return None
    return f"{missing} of {len(wanted)} missing, and {stray} that should not be there"


def _kind_fault(wanted: np.ndarray, found: np.ndarray, answer) -> str | None:
    def family(array):
        return {"b": "True or False", "U": "words"}.get(array.dtype.kind, "numbers")

    if found.size == 0 and wanted.size:
        return f"{kind(answer)} with nothing in it"
    if found.size and family(wanted) != family(found):
        one = "a number" if wanted.ndim == 0 and family(wanted) == "numbers" else family(wanted)
        verb = "is" if one == "a number" else "are"
        return f"{one} {verb} wanted, not {family(found) if found.ndim else kind(answer)}"
    return None


def _shape_fault(wanted: np.ndarray, found: np.ndarray) -> str | None:
    if wanted.shape == found.shape:
        return None
    if wanted.ndim == 0:
        return f"one number is wanted, not {found.size} in shape {found.shape}"
    said = f"the shape is {found.shape}, wanted {wanted.shape}"
    if found.ndim > 1 and found.shape == wanted.shape[::-1]:
        return f"{said}: transposed"
    if [s for s in found.shape if s != 1] == [s for s in wanted.shape if s != 1]:
        return f"{said}: an axis of length 1 too {'many' if found.ndim > wanted.ndim else 'few'}"
    return said


def _words_fault(wanted: np.ndarray, found: np.ndarray) -> str | None:
    w, f = np.vectorize(_word)(wanted), np.vectorize(_word)(found)
    if (w == f).all():
        return None
    if sorted(w.flat) == sorted(f.flat):
        return "the right words in another order"
    return _entries(w != f)


def _number_fault(wanted: np.ndarray, found: np.ndarray, tolerance: float) -> str | None:
    if wanted.dtype.kind in "iu":
        tolerance = 1e-9
    wanted, found = wanted.astype(np.float64), found.astype(np.float64)
    bad = ~np.isfinite(found) & np.isfinite(wanted)
    if bad.any():
        what = "NaN" if np.isnan(found[bad]).any() else "infinite"
        return f"it is {what}" if found.ndim == 0 else f"{_entries(bad, verb='are')} {what}"

    def off(a: np.ndarray) -> np.ndarray:
        same = a == wanted  # infinities, too
        with np.errstate(invalid="ignore"):
            far = np.abs(a - wanted) > tolerance * np.maximum(1, np.abs(wanted))
        return ~same & (far | ~np.isfinite(a - wanted))

    def fits(a: np.ndarray) -> bool:
        return not off(a).any()

    with np.errstate(invalid="ignore", divide="ignore"):
        if fits(found):
            return None
        if fits(-found):
            return "the sign is the wrong way round"
        return (
            _one_number(wanted, found) if wanted.ndim == 0 else _pattern(wanted, found, fits, off)
        )


def _one_number(wanted: float, found: float) -> str:
    """Too large or too small, and by how much, in steps too coarse to solve for the answer."""
    side = "too large" if found > wanted else "too small"
    if wanted * found <= 0:
        return f"{side}, and the sign differs" if wanted * found else side
    ratio = max(found / wanted, wanted / found)
    steps = ((1.1, "less than 10 %"), (2, "less than a factor of 2"), (10, "a factor of 2 to 10"))
    return f"{side}, by {next((text for top, text in steps if ratio < top), 'more than 10 times')}"


def _pattern(wanted: np.ndarray, found: np.ndarray, fits, off) -> str:
    wrong = off(found)
    if fits(np.where(wrong, -found, found)):
        return f"the sign is the wrong way round: {_entries(wrong)}"
    if found.ndim == 2 and found.shape[0] == found.shape[1] and fits(found.T):
        return "it is transposed"
    if found.ndim == 1 and fits(found[::-1]):
        return "it is in reverse order"
    if len(wanted) > 1:
        order = np.argsort(wanted, axis=None), np.argsort(found, axis=None)
        sorted_found = np.empty_like(found)
        sorted_found.flat[order[0]] = found.flat[order[1]]
        if fits(sorted_found):
            return "the right numbers in another order"
    nonzero = (wanted != 0) & np.isfinite(wanted)
    if nonzero.sum() > 1 and len(np.unique(wanted[nonzero])) > 1:
        ratio = np.median(found[nonzero] / wanted[nonzero])
        if ratio and np.isfinite(ratio) and fits(found / ratio):
            return f"every entry is {ratio:.2g} times what it should be"
        shift = np.median((found - wanted)[np.isfinite(wanted)])
        if np.isfinite(shift) and fits(found - shift):
            return f"every entry is too {'large' if shift > 0 else 'small'} by {abs(shift):.2g}"
    largest = np.abs(found - wanted)[np.isfinite(wanted)].max()
    return f"{_entries(wrong)}, by {largest:.1g} at most"


def _entries(wrong: np.ndarray, verb: str = "are off") -> str:
    """ "3 of 8 entries are off, the first at [0, 2]"."""
    first = np.argwhere(wrong)[0].tolist() if wrong.ndim else []
    place = f" (the first at {first})" if wrong.ndim else ""
    entries = "1 entry" if wrong.size == 1 else f"{wrong.sum()} of {wrong.size} entries"
    return f"{entries}{place} {verb if wrong.sum() > 1 else verb.replace('are', 'is')}"


def _word(text: str) -> str:
    return " ".join(str(text).lower().split())
