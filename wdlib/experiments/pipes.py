"""A table as Markdown."""

from __future__ import annotations

from collections.abc import Sequence


def piped(lines: Sequence[Sequence[str]]) -> str:
    """Lines of cells, the first of which is the head -> a Markdown table."""
    head, *rest = lines
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *rest])
