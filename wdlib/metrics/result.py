"""The result of a score: its numbers, the matrix behind them, and how they were made.

If two libraries print "SAP .65" and "SAP .31" for the same codes, they usually use another
classifier, another split or another number of bins. So a score here keeps each setting that changes
the numbers, and prints it.
"""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Score:
    """The result of one score.

    name:     the name that the field uses
    values:   its numbers by name; the first one is the main number
    matrix:   codes x factors (importances, mutual information, accuracies, ...), or None;
              ``plots.heat_maps`` draws it
    settings: all that changes the numbers: bins, split, classifier, grouping, seed
    """

    name: str
    values: dict[str, float]
    matrix: np.ndarray | None = None
    settings: dict[str, object] = field(default_factory=dict)

    def __post_init__(self):
        values = {name: float(value) for name, value in self.values.items()}
        object.__setattr__(self, "values", values)
        if self.matrix is not None:
            object.__setattr__(self, "matrix", np.array(self.matrix, dtype=np.float64))

    @property
    def value(self) -> float:
        """The main number."""
        return next(iter(self.values.values()))

    def __getitem__(self, name: str) -> float:
        return self.values[name]

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        numbers = "  ".join(f"{name} {value:.4f}" for name, value in self.values.items())
        settings = ", ".join(f"{name}={value}" for name, value in self.settings.items())
        return f"{self.name}: {numbers}  ({settings})"

    __repr__ = __str__
