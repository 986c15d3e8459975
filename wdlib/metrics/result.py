"""What comes out of a score: its numbers, the matrix behind them, and how they were made.

Two libraries that print "SAP .65" and "SAP .31" for the same codes have usually chosen another
classifier, another split or another number of bins. So a score here carries every setting that
changes the number, and prints them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np


@dataclass(frozen=True)
class Score:
    """The outcome of one score.

    name:     the score's name, as the field writes it
    values:   its numbers by name; the first is the headline
    matrix:   codes x factors (importances, mutual information, accuracies, ...), or None
    settings: everything that changes the numbers: bins, split, classifier, grouping, seed
    meaning:  what a cell of the matrix is
    """

    name: str
    values: Mapping[str, float]
    matrix: np.ndarray | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    meaning: str = ""

    def __post_init__(self):
        values = {key: float(value) for key, value in self.values.items()}
        object.__setattr__(self, "values", MappingProxyType(values))
        object.__setattr__(self, "settings", MappingProxyType(dict(self.settings)))
        if self.matrix is not None:
            matrix = np.array(self.matrix, dtype=np.float64)
            matrix.flags.writeable = False
            object.__setattr__(self, "matrix", matrix)

    @property
    def value(self) -> float:
        """The headline number."""
        return next(iter(self.values.values()))

    def __getitem__(self, key: str) -> float:
        return self.values[key]

    def __float__(self) -> float:
        return self.value

    def __reduce__(self):  # a mapping proxy does not pickle; a score must cross processes
        return type(self), (
            self.name,
            dict(self.values),
            self.matrix,
            dict(self.settings),
            self.meaning,
        )

    def __str__(self) -> str:
        numbers = "  ".join(f"{key} {value:.4f}" for key, value in self.values.items())
        settings = ", ".join(f"{key}={value}" for key, value in self.settings.items())
        return f"{self.name}: {numbers}  ({settings})"

    __repr__ = __str__

    def heatmap(self, factor_names=None, code_names=None):
        """The matrix as a matplotlib Figure: one row per code, one column per factor."""
        if self.matrix is None:
            raise ValueError(f"{self.name} has no matrix to draw")
        from matplotlib.figure import Figure  # only here: scores work without matplotlib

        codes, factors = self.matrix.shape
        figure = Figure(figsize=(1.5 + 0.6 * factors, 1 + 0.25 * codes), layout="constrained")
        axes = figure.add_subplot()
        image = axes.imshow(self.matrix, aspect="auto", cmap="viridis")
        axes.set_xticks(range(factors), factor_names or [str(j) for j in range(factors)])
        axes.set_yticks(range(codes), code_names or [str(i) for i in range(codes)])
        axes.set_xlabel("factor")
        axes.set_ylabel("code")
        axes.set_title(f"{self.name} {self.value:.3f}")
        figure.colorbar(image, ax=axes, label=self.meaning)
        return figure
