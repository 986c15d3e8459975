"""Where the notebooks are: student edition, slides and badges are made from them.

These commands belong to a checkout, not to an installed package: run them from its root.
"""

from pathlib import Path

ROOT = Path(__file__).parents[2]


def notebooks() -> list[Path]:
    """The notebooks of the course, in their order."""
    return sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
