"""A regression tree as the boosting needs it: where samples end, and what each code was worth."""

from dataclasses import dataclass, field

import numpy as np

DEPTH = 3  # of every tree, as in sklearn's gradient boosting


@dataclass
class Tree:
    """A grown tree: nodes in the order they were made, and where the training samples ended."""

    feature: list = field(default_factory=list)  # -1 in a leaf
    threshold: list = field(default_factory=list)
    child: list = field(default_factory=list)  # [left, right]
    samples: dict = field(default_factory=dict)  # leaf -> ascending sample indices
    importances: np.ndarray | None = None  # [d] impurity decrease per code, not normalised

    def apply(self, columns: np.ndarray) -> np.ndarray:
        """The leaf of each sample of ``columns [d, m]`` (float32): ``[m]``."""
        feature, threshold = np.array(self.feature), np.array(self.threshold)
        left, right = np.array(self.child).T
        rows, node = np.arange(columns.shape[1]), np.zeros(columns.shape[1], dtype=np.int64)
        for _ in range(DEPTH):
            inner = feature[node] >= 0
            goes_left = columns[feature[node], rows] <= threshold[node]
            node = np.where(inner, np.where(goes_left, left[node], right[node]), node)
        return node
