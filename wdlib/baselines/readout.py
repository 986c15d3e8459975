"""How a code that no label shaped is read and moved: a read-out fitted to the labelled codes.

Training without labels leaves two questions that only labels answer: which dimensions carry which
factor, and which value a code stands for. The labelled images, encoded, answer both, in the same
way for every VAE of this room:

- a dimension belongs to the factor whose value explains most of its variance, if that is enough to
  be noticed; every factor owns at least one;
- the values of a code are read by a support vector machine with a Gaussian kernel, one a factor (a
  linear reader misses much of what a VAE says of a shape). It sees all dimensions as they are: the
  scale of each says how much it is used, and one that is not used is nearly constant;
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
        readers: for each factor a fitted sklearn classifier of codes [N, d].
    """

    task: Task
    partitions: Partitions
    means: tuple[Tensor, ...]
    readers: tuple

    def values(self, codes: Tensor) -> Tensor:
        """Codes [N, d] -> the most likely value of each factor [N, n] int64."""
        if not len(codes):  # sklearn wants at least one
            return torch.zeros(0, len(self.readers), dtype=torch.long, device=codes.device)
        z = codes.detach().cpu().double().numpy()
        columns = [torch.from_numpy(reader.predict(z)) for reader in self.readers]
        return torch.stack(columns, dim=1).to(codes.device)

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
    from sklearn.svm import SVC

    z = codes.detach().cpu().double().numpy()
    v = values.cpu().numpy()
    if z.shape[1] < v.shape[1]:
        raise ValueError(f"{z.shape[1]} dimensions cannot carry {v.shape[1]} factors, one each")
    if partitions is None:
        partitions = carriers(explained(z, v))
    means = [
        np.stack([z[column == value].mean(0) for value in range(size)])
        for column, size in zip(v.T, task.sizes)
    ]
    means = [torch.from_numpy(m).to(codes.device, codes.dtype) for m in means]
    # A fixed state, so that numpy's global one stays as it was.
    readers = tuple(SVC(C=10, random_state=0).fit(z, column) for column in v.T)
    return ReadOut(task, partitions, tuple(means), readers)


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
