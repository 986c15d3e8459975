"""The results that the notebooks show: CSV files beside them, or the copies that a wheel carries.

In a checkout the files are in notebooks/results; where only a notebook is at hand, as on Colab, the
installed package has them in this folder. Who makes new ones beside the notebook sees those.
"""

from __future__ import annotations

from pathlib import Path


def result_file(name: str, beside: Path | str = "results") -> Path | None:
    """The file ``NAME.csv``, or None where there is none.

    beside: the folder that is looked at first, before the package and the checkout around it.
    """
    here = Path(__file__).parent / "csv"
    for folder in (Path(beside), here, here.parents[2] / "notebooks" / "results"):
        if (path := folder / f"{name}.csv").is_file():
            return path
    return None
