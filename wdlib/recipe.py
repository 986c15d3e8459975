"""What a run was configured with, as twelve letters that change when the configuration does."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, is_dataclass


def recipe_of(settings) -> str:
    """The digest of a configuration: a dataclass, of values that JSON holds and of dataclasses.

    What is off (0, False, None, empty) counts as absent, so that a new field which is off changes
    no digest. Raises TypeError for other values.
    """
    text = json.dumps(_plain(settings), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _plain(value):
    if is_dataclass(value):
        own = {field.name: getattr(value, field.name) for field in fields(value)}
        return {"": type(value).__name__} | {k: _plain(v) for k, v in own.items() if v}
    return [_plain(v) for v in value] if isinstance(value, tuple | list) else value
