"""Records: the small JSON files that say what lies beside them. One object, or one clear error."""

from __future__ import annotations

import json
from pathlib import Path

LARGEST = 1 << 23  # bytes; the longest training of PAPER leaves a quarter of it
MOST = 200_000  # lists and objects in it; an empty one takes thirty times its two signs


def read_record(path: Path) -> dict:
    """The JSON object that the file holds.

    Raises FileNotFoundError where there is none; ValueError, naming file and cause, for what is no
    JSON, is nested deeper than Python counts, is no object, or is larger than LARGEST or MOST.
    """
    size = path.stat().st_size
    if size > LARGEST:
        raise ValueError(f"{path} is no record of wdlib: it has {size} bytes")
    try:
        text = path.read_text(encoding="utf-8")
        if (count := text.count("[") + text.count("{")) > MOST:
            raise ValueError(f"it holds {count} lists and objects")
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no record of wdlib: {error}") from None
    if not isinstance(record, dict):
        raise ValueError(f"{path} is no record of wdlib: it holds no JSON object")
    return record
