"""Every method there is, of whatever table: by its name, and by the digest of its configuration."""

from __future__ import annotations

import dataclasses

from wdlib.experiments.ablations import ABLATIONS, FEWER
from wdlib.experiments.replications import REPLICATIONS
from wdlib.files import provenance
from wdlib.methods import METHODS
from wdlib.tasks import ELSEWHERE, TASKS

KNOWN = METHODS | ABLATIONS | FEWER | REPLICATIONS


def behind(digest: str) -> dict:
    """What stands behind a digest in the column ``recipe`` of a table: {"recipe", "methods": name
    -> tasks, "settings": every field of the configuration}, plain enough for JSON.

    Raises ValueError where nothing in this version of the code has it.
    """
    methods: dict[str, list[str]] = {}
    for name, method in KNOWN.items():
        for task in TASKS | ELSEWHERE:
            if method.recipe(task) == digest:
                methods.setdefault(name, []).append(task)
    if not methods:
        raise ValueError(
            f"no method of commit {provenance()['commit'] or 'unknown'} has the recipe "
            f"{digest!r}; check out the commit that stands in the row, and ask there"
        )
    name, (task, *_) = next(iter(methods.items()))
    settings = dataclasses.asdict(KNOWN[name].fit.settings(task))
    return {"recipe": digest, "methods": methods, "settings": settings}
