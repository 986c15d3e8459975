"""Where the notebooks are. Student edition, slides and address work in a checkout only."""

from pathlib import Path

ROOT = Path(__file__).parents[2]


def notebooks(root: Path = ROOT) -> list[Path]:
    """The notebooks of the course, in their order."""
    return sorted((root / "notebooks").glob("[0-9]*.ipynb"))
