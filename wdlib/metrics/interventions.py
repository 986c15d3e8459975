"""Interventions on one factor, made of samples: rows that share its value.

The FactorVAE and beta-VAE scores hold one factor fixed and draw the others anew. With a simulator
one would render new images; with arrays the rows that share the factor's value are drawn,
with replacement, which is the same when the factors of the rows are independent.
"""

import numpy as np

CHUNK = 2_000_000  # numbers gathered at a time: 16 MB, whatever the number of draws


class Interventions:
    """Rows by factor value, for one set of factors ``[n, k]``.

    A value that only one row has cannot be varied around, so rows are only drawn among values that
    at least two rows share; ValueError when a factor has none.
    """

    def __init__(self, factors: np.ndarray, name: str):
        self.k = factors.shape[1]
        self.tables = []
        for j in range(self.k):
            _, labels, counts = np.unique(factors[:, j], return_inverse=True, return_counts=True)
            order = np.argsort(labels, kind="stable")
            start = np.cumsum(counts) - counts
            usable = np.flatnonzero(counts[labels[order]] > 1)  # positions in ``order``
            if not usable.size:
                raise ValueError(f"factor {j} has no value that two rows of {name} share")
            self.tables.append((order, start, counts, labels[order], usable))

    def draw_factors(self, draws: int, rng: np.random.Generator) -> np.ndarray:
        """Which factor is held in each draw: ``[draws]``."""
        return rng.integers(self.k, size=draws)

    def share(self, j: int, draws: int, batch: int, rng: np.random.Generator) -> np.ndarray:
        """``[draws, batch]`` rows; those of one draw share the value of factor j."""
        order, start, counts, labels, usable = self.tables[j]
        value = labels[usable[rng.integers(len(usable), size=draws)]]
        within = (rng.random((draws, batch)) * counts[value, None]).astype(np.int64)
        return order[start[value, None] + within]

    def pairs(self, j: int, draws: int, batch: int, rng: np.random.Generator):
        """Two ``[draws, batch]`` arrays of rows; each pair shares factor j and is two rows."""
        order, start, counts, labels, usable = self.tables[j]
        position = usable[rng.integers(len(usable), size=(draws, batch))]
        value = labels[position]
        step = 1 + (rng.random((draws, batch)) * (counts[value] - 1)).astype(np.int64)
        partner = start[value] + (position - start[value] + step) % counts[value]
        return order[position], order[partner]


def chunks(draws: int, numbers_each: int):
    """Consecutive slices of the draws, each gathering at most CHUNK numbers."""
    step = max(1, CHUNK // numbers_each)
    return [slice(begin, min(begin + step, draws)) for begin in range(0, draws, step)]
