"""How to read and move a code that was trained without labels: a read-out of labelled codes.

Two questions remain after unsupervised training: which dimensions carry which factor, and which
value does a code stand for? The labelled images answer both, in the same way for every VAE:

- A dimension belongs to the factor that explains most of its variance, if it explains enough.
  Every factor gets at least one dimension.
- A support vector machine with a Gaussian kernel reads each factor from all dimensions. (A linear
  reader misses much of what a VAE encodes about shape.) The dimensions are not rescaled: the scale
  of a dimension shows how much the VAE uses it, and an unused one is nearly constant.
- A relation sets the dimensions of the affected factors to their mean among the labelled codes of
  the new value.

The papers of these methods have no relations, so this read-out is wdlib's. Their latent traversals
set dimensions, too. The share of explained variance (the correlation ratio) decides, instead of
mutual information, because a move writes means: where the mean of a dimension does not depend on
the value, a move would change nothing.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from wdlib.baselines.system import Partitions
from wdlib.tasks import Task

NOTICED = 0.1  # share of a dimension's variance that its factor must explain


@dataclass(frozen=True, eq=False)
class ReadOut:
    """A fitted read-out: for each factor the dimensions that carry it, the mean labelled code of
    each value [K_i, d], and a scikit-learn classifier of codes [N, d]."""

    partitions: Partitions
    means: list[Tensor]
    readers: list

    def values(self, codes: Tensor) -> Tensor:
        """Codes [N, d] -> the most likely value of each factor, [N, n] int64."""
        if not len(codes):  # scikit-learn needs at least one
            return torch.zeros(0, len(self.readers), dtype=torch.long, device=codes.device)
        z = codes.detach().cpu().double().numpy()
        columns = [torch.from_numpy(reader.predict(z)) for reader in self.readers]
        return torch.stack(columns, dim=1).to(codes.device)

    def place(self, factor: int, values: Tensor) -> Tensor:
        """Values [N] of a factor -> the mean of its dimensions for each, [N, width]."""
        return self.means[factor][values][:, list(self.partitions[factor])]


def fit(codes: Tensor, values: Tensor, task: Task, partitions: Partitions | None = None) -> ReadOut:
    """The read-out of labelled codes [N, d] with values [N, n], in which every value occurs.

    ``partitions``: the dimensions of each factor where training has fixed them; None finds them.
    Raises ValueError for fewer dimensions than factors.
    """
    from sklearn.svm import SVC

    z, v = codes.detach().cpu().double().numpy(), values.cpu().numpy()
    if z.shape[1] < v.shape[1]:
        raise ValueError(
            f"a code of {z.shape[1]} dimensions cannot carry {v.shape[1]} factors: each factor "
            f"needs one dimension"
        )
    means = [
        np.stack([z[column == value].mean(0) for value in range(size)])
        for column, size in zip(v.T, task.sizes)
    ]
    means = [torch.from_numpy(m).to(codes.device, codes.dtype) for m in means]
    # A fixed state leaves numpy's global one as it was.
    readers = [SVC(C=10, random_state=0).fit(z, column) for column in v.T]
    return ReadOut(partitions or carriers(explained(z, v)), means, readers)


def explained(codes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Share of the variance of each dimension that each factor explains: [d, n].

    1 - (variance within a value) / (variance), codes [N, d], values [N, n]. Both variances are
    unbiased: a dimension that does not depend on the factor has a share of about 0, however few
    labels there are, and the share may be negative. A constant dimension has 0.
    """
    total = codes.var(axis=0, ddof=1)
    shares = np.zeros((codes.shape[1], values.shape[1]))
    for j, column in enumerate(values.T):
        present = np.unique(column)
        within = sum(codes[column == v].var(axis=0) * (column == v).sum() for v in present)
        within = within / max(len(codes) - len(present), 1)
        shares[:, j] = 1 - np.divide(within, total, out=np.ones_like(total), where=total > 0)
    return shares


def carriers(shares: np.ndarray) -> Partitions:
    """The dimensions of each factor, from the explained shares [d, n].

    Every factor gets one dimension such that the sum of their shares is as large as possible. Each
    other dimension goes to the factor that explains most of it, if that is at least NOTICED.
    """
    from scipy.optimize import linear_sum_assignment

    owner = np.where(shares.max(axis=1) >= NOTICED, shares.argmax(axis=1), -1)
    dims, factors = linear_sum_assignment(shares, maximize=True)
    owner[dims] = factors
    return tuple(tuple(np.flatnonzero(owner == j).tolist()) for j in range(shares.shape[1]))
