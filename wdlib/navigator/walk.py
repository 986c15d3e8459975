"""A walk through the latent space: where it has been, what was seen there, and the way back.

A state machine that knows no screen. Every move leaves one step: the code, its decoded picture, and
what the prior and an independent judge read off it, with their confidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from wdlib.data import to_float
from wdlib.metrics.judge import Judge
from wdlib.model import AdaptivePrior, ModularModel
from wdlib.relations import Relation

Confidence = tuple[np.ndarray, ...]  # for each factor [K_i], which sums to one


@dataclass(frozen=True, eq=False)
class Step:
    """A place on a walk.

    Args:
        name: what led here, such as "right".
        code: [n, d].
        picture: the decoded image, float [C, 64, 64] in [0, 1].
        prior: how sure the prior is of every value: the components' share of the density at the
            code, all values being equally frequent.
        judge: how sure the judge is, from the picture alone; None without a judge.
        density: [n] log p_i(z_i) of every partition. Confidence only weighs the values against each
            other and can be 1 where no code ever lies; the density says so.
        wanted: the values [n] that a relation asks for here; None where none was applied.
    """

    name: str
    code: Tensor
    picture: Tensor
    prior: Confidence
    judge: Confidence | None
    density: np.ndarray
    wanted: np.ndarray | None = None

    @property
    def values(self) -> np.ndarray:
        """[n] the values read off here: by the judge, or by the prior where there is no judge."""
        return np.array([c.argmax() for c in self.judge or self.prior])

    @property
    def right(self) -> bool | None:
        """Whether a relation led to all the values that it asks for; None where there was none."""
        return None if self.wanted is None else bool((self.values == self.wanted).all())


class Walk:
    """Steps from one picture on, each of which can be taken back.

    Args:
        model: a trained model.
        judge: reads the decoded pictures; without one the prior's reading counts.

    ``start`` comes first; every other method raises ValueError before it.
    """

    def __init__(self, model: ModularModel, judge: Judge | None = None):
        self.model, self.judge = model, judge
        self._walks: list[list[Step]] = []  # one a start, so that a new start can be undone too

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps since the last start, which is the first of them."""
        if not self._walks:
            raise ValueError("the walk has no picture to go from: call start first")
        return tuple(self._walks[-1])

    @property
    def here(self) -> Step:
        """The step that was taken last."""
        return self.steps[-1]

    def start(self, picture) -> Step:
        """Begin at the code of a picture: one image as ``to_float`` takes a batch of them.

        picture: uint8 [64, 64] or [64, 64, 3], or float [C, 64, 64] in [0, 1].
        """
        picture = torch.as_tensor(picture)[None]
        picture = picture if picture.is_floating_point() else to_float(picture)
        step = self._look("start", self.model.encode(picture))
        self._walks.append([step])
        return step

    def relate(self, relation: Relation) -> Step:
        """Let the relational learner move the code; the step says what that should lead to.

        Raises ValueError, staying where it is, for a relation that was never learned.
        """
        moved = self.model.move(self.here.code[None].to(self.model.device), relation)
        wanted = relation(self.here.values[None], self.model.task)[0]
        return self._add(self._look(relation.name, moved, wanted))

    def put(self, partition: int, code, name: str, *, merge: bool = False) -> Step:
        """Put one partition's code [d] somewhere by hand; the other partitions stay.

        merge: replace the step before where that has the same name, so that one drag is one step.

        Raises ValueError for a partition that does not exist or a code of another shape.
        """
        whole = self.here.code.clone()
        code = torch.as_tensor(code, dtype=whole.dtype)
        if not 0 <= partition < len(whole) or code.shape != whole.shape[1:]:
            raise ValueError(
                f"the code of one partition has shape {tuple(whole.shape[1:])}, and there are "
                f"{len(whole)} partitions; got shape {tuple(code.shape)} for partition {partition}"
            )
        whole[partition] = code
        step = self._look(name, whole[None])
        if merge and len(self.steps) > 1 and self.here.name == name:
            self._walks[-1].pop()
        return self._add(step)

    def put_value(self, partition: int, value: int) -> Step:
        """Put one partition on the mean of a value's component.

        Raises ValueError for a value that the factor lacks.
        """
        factor = self.model.task.factors[partition]
        if not 0 <= value < factor.size:
            raise ValueError(f"{factor.name} has values 0 to {factor.size - 1}, got {value}")
        name = f"to {factor.value_names[value]}"
        return self.put(partition, self.model.prior.mean[partition, value].cpu(), name)

    def undo(self) -> Step:
        """Take the last step back: the last start too, where a walk came before it."""
        if len(self.steps) > 1:
            self._walks[-1].pop()
        elif len(self._walks) > 1:
            self._walks.pop()
        return self.here

    def trail(self, partition: int) -> np.ndarray:
        """The codes [M, d] of one partition at every step since the start."""
        return torch.stack([step.code[partition] for step in self.steps]).numpy()

    def _add(self, step: Step) -> Step:
        self._walks[-1].append(step)
        return step

    @torch.no_grad()
    def _look(self, name: str, codes: Tensor, wanted: np.ndarray | None = None) -> Step:
        """codes [1, n, d]"""
        codes = codes.to(self.model.device)
        picture = self.model.decode(codes)
        prior = [
            log[:size].softmax(0)
            for log, size in zip(self.model.prior.log_density(codes)[0], self.model.task.sizes)
        ]
        density = log_density(self.model.prior, codes)[0]
        judge = None
        if self.judge is not None:
            logits = self.judge.eval()(picture.to(next(self.judge.parameters()).device))
            judge = _arrays([scores[0].softmax(0) for scores in logits])
        prior = _arrays(prior)
        return Step(name, codes[0].cpu(), picture[0].cpu(), prior, judge, density, wanted)


def log_density(prior: AdaptivePrior, codes: Tensor) -> np.ndarray:
    """log p_i(z_i) of codes [N, n, d] -> [N, n], all values being equally frequent."""
    components = prior.log_density(codes).logsumexp(2) - prior.n_values.log()
    return components.double().cpu().numpy()


def _arrays(confidences: Sequence[Tensor]) -> Confidence:
    return tuple(c.double().cpu().numpy() for c in confidences)
