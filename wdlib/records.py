"""Records: the small JSON files that say what lies beside them. One object, or one clear error."""

from __future__ import annotations

import json
from pathlib import Path

LARGEST = 1 << 26  # bytes; a night's training leaves a hundredth of it


def read_record(path: Path) -> dict:
    """The JSON object that the file holds.

    Raises FileNotFoundError where there is none; ValueError, naming file and cause, for what is no
    JSON, is nested deeper than Python counts, is no object, or is larger than LARGEST.
    """
    size = path.stat().st_size
    if size > LARGEST:  # as Python objects it can take thirty times as much
        raise ValueError(f"{path} is no record of wdlib: it has {size} bytes")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no record of wdlib: {error}") from None
    if not isinstance(record, dict):
        raise ValueError(f"{path} is no record of wdlib: it holds no JSON object")
    return record
