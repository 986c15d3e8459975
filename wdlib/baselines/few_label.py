"""Few labels: a VAE of the family whose first dimensions learn the factors of a few images.

    L = L_unsupervised + gamma R_s
    R_s = sum_j -v_j log sigmoid(r_j(x)) - (1 - v_j) log(1 - sigmoid(r_j(x))),    v_j in (0, 1)

r_j is dimension j of the mean of q(z|x); v_j is the scaled value of the factor, so labels are used
as numbers in their order. With several candidate configurations, each trains on nine tenths of the
labels and on an equal part of the budget; the one with the lowest R_s on the held-out tenth is
kept.

Source: Locatello et al. (2020), "Disentangling factors of variation using few labels", section 4:
the semi-supervised methods, without the DIP-VAEs, and selection on held-out labels. Different here:
a position, whose values are the cells of a grid, has one dimension per axis; v is the middle of the
interval of its value in (0, 1), so that every target is finite.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from wdlib.baselines import annealed_vae, beta_tcvae, beta_vae, factor_vae, vae
from wdlib.baselines.system import FlatSystem, Partitions, consecutive
from wdlib.baselines.vae import Objective, Unsupervised, VAERun
from wdlib.tasks import Task
from wdlib.training.loop import FitRequest, Run
from wdlib.training.method import Terms


@dataclass(frozen=True)
class Candidate:
    """One configuration: of an unsupervised member of the family, and the weight of R_s.

    The reference weighs the sum of R_s over 64 images; its gamma of 1 is 64 here.
    """

    unsupervised: Unsupervised = beta_vae.Config()
    gamma: float = 64.0


@dataclass(frozen=True)
class Config:
    """Hyper-parameters."""

    candidates: tuple[Candidate, ...] = (Candidate(),)
    held_out: float = 0.1  # share of the labels that selects and trains none
    labelled_batch: int = 64
    shift: int = 2  # labelled images are moved by up to so many pixels, as in Modular


# The supervised versions of the paper that this package has, and of the annealed VAE. Their weights
# lie inside the ranges of Locatello et al. (2019). Four candidates cut the budget in four.
FAMILY = (
    Candidate(beta_vae.Config(beta=4)),
    Candidate(factor_vae.Config(gamma=30)),
    Candidate(beta_tcvae.Config(beta=4)),
    Candidate(annealed_vae.Config(capacity=25)),
)

# beta-VAE and R_s inside the published ranges (beta 1 to 16, gamma 1 to 16), trained as published.
PUBLISHED = Config(
    candidates=(Candidate(beta_vae.Config(beta=4, training=vae.PUBLISHED), gamma=4 * 64.0),),
    shift=0,
)


def fit(request: FitRequest, config: Config = Config()) -> FlatSystem:  # noqa: B008
    """Train every candidate on all train images and the labels, and return the best one.

    The candidates share the budget equally. With several candidates, the last ``config.held_out``
    of the labels selects by R_s, and trains none.

    Raises ValueError for no candidates or fewer steps than candidates, a held-out share that leaves
    no label to train or to select, and a code that is too short.
    """
    count, steps = len(config.candidates), request.steps
    if not 0 < count <= (steps or count):
        raise ValueError(f"{count} candidates in {steps} steps: each needs at least one step")
    data = Run.of(request)
    labels = len(data.labelled)
    known = labels if count == 1 else labels - round(config.held_out * labels)
    if count > 1 and not 0 < known < labels:
        parts = f"of {labels} labels, {known} train and {labels - known} select"
        raise ValueError(f"held_out is {config.held_out}: {parts}; both need at least one")
    done = []
    for number, candidate in enumerate(config.candidates, 1):
        run = VAERun(data, candidate.unsupervised.training)
        objective = objective_of(run, candidate, known, config)
        run.train(objective, f"candidate {number}", None if number == count else 1 / count)
        done.append((held_out_loss(run, known) if count > 1 else 0.0, run))
    _, best = min(done, key=lambda one: one[0])
    return best.system(dimensions(data.task))


def targets(values: Tensor, task: Task) -> Tensor:
    """Values [N, n] -> the targets v of the first dimensions, [N, m] in (0, 1).

    One column for each axis of each factor's grid: place k of K is (k + 1/2) / K.
    """
    columns = []
    for column, factor in zip(values.T, task.factors):
        for axis, size in enumerate(factor.grid):
            below = math.prod(factor.grid[axis + 1 :])  # values per step along this axis
            columns.append((column // below % size + 0.5) / size)
    return torch.stack(columns, dim=1)


def dimensions(task: Task) -> Partitions:
    """The dimensions of each factor: in order, one for each axis of its grid."""
    return consecutive([len(factor.grid) for factor in task.factors])


def supervised(mean: Tensor, target: Tensor) -> Tensor:
    """R_s, mean over images: mean [N, d] of q(z|x), target [N, m] of its first m dimensions."""
    first = mean[:, : target.shape[1]]
    return F.binary_cross_entropy_with_logits(first, target, reduction="sum") / len(target)


def objective_of(run: VAERun, candidate: Candidate, known: int, config: Config) -> Objective:
    """L_unsupervised + gamma R_s; R_s on the first ``known`` labelled images."""
    data = run.data
    target = targets(data.values[:known], data.task)
    if target.shape[1] > run.vae.dim:
        axes = f"{target.shape[1]} axes of factors"
        raise ValueError(f"{axes} do not fit into a code of {run.vae.dim}: use a larger dim")
    regulariser = candidate.unsupervised.regulariser(run)

    def objective(pick: Tensor, at: float) -> tuple[Tensor, Terms]:
        batch = (config.labelled_batch,)
        mine = torch.randint(known, batch, generator=run.generator, device=data.device)
        x, mean, log_variance = run.encode(pick, mine, config.shift)
        label_loss = supervised(mean[len(pick) :], target[mine])
        plain = (part[: len(pick)] for part in (x, mean, log_variance))
        loss, terms = run.loss(*plain, regulariser, at)
        return loss + candidate.gamma * label_loss, {**terms, "supervised": label_loss}

    return objective


def held_out_loss(run: VAERun, known: int) -> float:
    """R_s of a run on the labels after the first ``known``."""
    codes, values = run.codes(run.data.labelled[known:]), run.data.values[known:]
    return float(supervised(codes, targets(values, run.data.task)))
