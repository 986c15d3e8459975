"""What is made from the notebooks: badges, a student edition, slides, a table of memory.

Commands of this repository, no part of the package: run them from its root, as `make` does.
"""

from pathlib import Path

ROOT = Path(__file__).parents[2]


def notebooks() -> list[Path]:
    """The notebooks of the course, in their order."""
    return sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
