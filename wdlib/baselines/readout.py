"""How a code that no label shaped is read and moved: a read-out fitted to the labelled codes.

Training without labels leaves two questions that only labels answer: which dimensions carry which
factor, and which value a code stands for. The labelled images, encoded, answer both, in the same
way for every VAE of this room:

- a dimension belongs to the factor whose value explains most of its variance, if that is enough to
  be noticed; every factor owns at least one;
- the values of a code are read by a logistic regression on all of its dimensions, one a factor;
- a relation reads the values, works out the new ones, and sets the dimensions of the affected
  factors to their mean among the labelled codes of the new value. Everything else stays.

Ours: the papers of these methods have no relations. Setting dimensions is what their latent
traversals do. The share of explained variance (the correlation ratio) rather than mutual
information, because a mean is what a move writes: a dimension whose mean does not depend on the
value would be moved nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from wdlib.relations import Relation
from wdlib.tasks import Task

NOTICED = 0.1  # share of a dimension's variance below which no factor owns it

Partitions = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, eq=False)
class ReadOut:
    """The two answers, for one task.

    Args:
        task: whose factors are read.
        partitions: for each factor the dimensions that carry it.
        means: for each factor [K_i, d]: mean code of the labelled images with each value.
        weights: for each factor ([K_i, d], [K_i]): slope and offset of its logistic regression.
    """

    task: Task
    partitions: Partitions
    means: tuple[Tensor, ...]
    weights: tuple[tuple[Tensor, Tensor], ...]

    def values(self, codes: Tensor) -> Tensor:
        """Codes [N, d] -> the most likely value of each factor [N, n] int64."""
        return torch.stack([(codes @ w.T + b).argmax(1) for w, b in self.weights], dim=1)

    def move(self, codes: Tensor, relation: Relation) -> Tensor:
        """Codes [N, d] -> codes whose affected dimensions stand at the mean of the new value."""
        after = torch.from_numpy(relation(self.values(codes).cpu().numpy(), self.task))
        moved = codes.clone()
        for i in relation.affects(self.task):
            dims = list(self.partitions[i])
            moved[:, dims] = self.means[i][after[:, i].to(codes.device)][:, dims]
        return moved


def fit(
    codes: Tensor, values: Tensor, task: Task, *, partitions: Partitions | None = None
) -> ReadOut:
    """The read-out of labelled codes [N, d] with values [N, n], every value of which occurs.

    ``partitions``: the dimensions of each factor where training has decided them already. Without,
    they are found. Raises ValueError for fewer dimensions than factors.
    """
    z = codes.detach().cpu().double().numpy()
    v = values.cpu().numpy()
    if z.shape[1] < v.shape[1]:
        raise ValueError(f"{z.shape[1]} dimensions cannot carry {v.shape[1]} factors, one each")
    if partitions is None:
        partitions = carriers(explained(z, v))

    def tensor(array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(codes.device, codes.dtype)

    means = [
        np.stack([z[column == value].mean(0) for value in range(size)])
        for column, size in zip(v.T, task.sizes)
    ]
    weights = [[tensor(part) for part in _regression(z, column)] for column in v.T]
    return ReadOut(
        task, partitions, tuple(tensor(m) for m in means), tuple(tuple(w) for w in weights)
    )


def explained(codes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Share of each dimension's variance that each factor's value explains: [d, n].

    1 - (variance within a value) / (variance), both without bias, so that a dimension that has
    nothing to do with a factor scores about 0 however few labels there are (and may fall below).
    A dimension that does not vary scores 0.
    """
    count = len(codes)
    total = codes.var(axis=0, ddof=1)
    shares = np.zeros((codes.shape[1], values.shape[1]))
    for j, column in enumerate(values.T):
        present = np.unique(column)
        within = sum(codes[column == v].var(axis=0) * (column == v).sum() for v in present)
        within = within / max(count - len(present), 1)
        shares[:, j] = 1 - np.divide(within, total, out=np.ones_like(total), where=total > 0)
    return shares


def carriers(shares: np.ndarray, noticed: float = NOTICED) -> Partitions:
    """The dimensions of each factor from the shares [d, n] that factors explain of dimensions.

    First every factor gets one dimension, such that their sum is the largest possible; then every
    other dimension goes to the factor that explains most of it, if at least ``noticed``.
    """
    from scipy.optimize import linear_sum_assignment

    owner = np.where(shares.max(axis=1) >= noticed, shares.argmax(axis=1), -1)
    dims, factors = linear_sum_assignment(shares, maximize=True)
    owner[dims] = factors
    return tuple(tuple(np.flatnonzero(owner == j).tolist()) for j in range(shares.shape[1]))


def _regression(codes: np.ndarray, column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slope [K, d] and offset [K] of a logistic regression on standardised codes."""
    from sklearn.linear_model import LogisticRegression

    centre, scale = codes.mean(axis=0), codes.std(axis=0)
    scale[scale == 0] = 1
    model = LogisticRegression(C=10, max_iter=1000).fit((codes - centre) / scale, column)
    slope, offset = model.coef_, model.intercept_
    if len(slope) == 1:  # two values: sklearn keeps the second one's logit alone
        slope, offset = np.concatenate([-slope, slope]), np.concatenate([-offset, offset])
    slope = slope / scale
    return slope, offset - slope @ centre
