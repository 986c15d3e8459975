"""A walk through the latent space: its steps, what was read at each of them, and the way back.

Every move adds one step: the code, its decoded image, and the values that the prior and an
independent judge read there, with their confidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from wdlib.data import as_tensor
from wdlib.metrics.judge import Judge
from wdlib.model import AdaptivePrior, ModularModel
from wdlib.relations import Relation

Confidence = tuple[np.ndarray, ...]  # for each factor [K_i], with sum one


@dataclass(frozen=True, eq=False)
class Step:
    """One place on a walk.

    The prior's confidence in a value is the share of its component in the density at the code, if
    all values are equally frequent. A confidence compares the values with each other and can be 1
    far away from all codes; the density shows that.
    """

    name: str  # what led here, such as "right"
    code: Tensor  # [n, d]
    image: Tensor  # decoded, float [C, H, W] in [0, 1]
    prior: Confidence
    judge: Confidence | None  # from the image alone; None without a judge
    density: np.ndarray  # [n], log p_i(z_i) of each partition
    wanted: np.ndarray | None = None  # values [n] to which a relation should lead

    @property
    def values(self) -> np.ndarray:
        """The values [n] read here: by the judge, or without a judge by the prior."""
        return np.array([c.argmax() for c in self.judge or self.prior])

    @property
    def right(self) -> bool | None:
        """Whether a relation led to all the wanted values; None for other moves."""
        return None if self.wanted is None else bool((self.values == self.wanted).all())


class Walk:
    """Steps from an image through the latent space. Each of them can be undone.

    The judge reads the decoded images. Without a judge, the prior reads the codes instead.
    Call ``start`` first; before it, every other method raises ValueError.
    """

    def __init__(self, model: ModularModel, judge: Judge | None = None):
        self.model, self.judge = model, judge
        self._walks: list[list[Step]] = []  # one for each start, since a start can be undone too

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps since the last start, which is the first of them."""
        if not self._walks:
            raise ValueError("the walk has no step yet: call start with an image first")
        return tuple(self._walks[-1])

    @property
    def here(self) -> Step:
        """The last step."""
        return self.steps[-1]

    def start(self, image) -> Step:
        """Begin at the code of an image: uint8 [H, W] or [H, W, 3], or float [C, H, W], 0 to 1."""
        codes = self.model.encode(as_tensor(image)[None])
        self._walks.append([])
        return self._add("start", codes)

    def relate(self, relation: Relation) -> Step:
        """Let the relational learner move the code.

        Raises ValueError, without a move, for a relation that the model has not learned.
        """
        moved = self.model.move(self.here.code[None].to(self.model.device), relation)
        wanted = relation(self.here.values[None], self.model.task)[0]
        return self._add(relation.name, moved, wanted)

    def put(self, partition: int, code, name: str, *, merge: bool = False) -> Step:
        """Replace the code [d] of one partition. The other partitions stay.

        With ``merge``, a step of the same name replaces the last one, so that a drag is one step.
        Raises ValueError for an unknown partition, and for a code of another shape.
        """
        whole = self.here.code.clone()
        code = torch.as_tensor(code, dtype=whole.dtype)
        if not 0 <= partition < len(whole) or code.shape != whole.shape[1:]:
            raise ValueError(
                f"partition {partition} and a code of shape {tuple(code.shape)} do not fit: there "
                f"are {len(whole)} partitions, with codes of shape {tuple(whole.shape[1:])}"
            )
        whole[partition] = code
        if merge and len(self.steps) > 1 and self.here.name == name:
            self._walks[-1].pop()
        return self._add(name, whole[None])

    def put_value(self, partition: int, value: int) -> Step:
        """Move one partition to the mean of a value's component.

        Raises ValueError for a value that the factor does not have.
        """
        factor = self.model.task.factors[partition]
        if not 0 <= value < factor.size:
            raise ValueError(f"{factor.name} has values 0 to {factor.size - 1}, got {value}")
        name = f"to {factor.value_names[value]}"
        return self.put(partition, self.model.prior.mean[partition, value].cpu(), name)

    def undo(self) -> Step:
        """Undo the last step; after the first step, undo the last start."""
        if len(self.steps) > 1:
            self._walks[-1].pop()
        elif len(self._walks) > 1:
            self._walks.pop()
        return self.here

    def trail(self, partition: int) -> np.ndarray:
        """The codes [M, d] of one partition at all steps."""
        return torch.stack([step.code[partition] for step in self.steps]).numpy()

    @torch.no_grad()
    def _add(self, name: str, codes: Tensor, wanted: np.ndarray | None = None) -> Step:
        """Add the step at codes [1, n, d]."""
        codes = codes.to(self.model.device)
        image = self.model.decode(codes)
        logs = self.model.prior.log_density(codes)[0]
        prior = _shares([log[:size] for log, size in zip(logs, self.model.task.sizes)])
        judge = None
        if self.judge is not None:
            logits = self.judge.eval()(image.to(next(self.judge.parameters()).device))
            judge = _shares([scores[0] for scores in logits])
        density = log_density(self.model.prior, codes)[0]
        step = Step(name, codes[0].cpu(), image[0].cpu(), prior, judge, density, wanted)
        self._walks[-1].append(step)
        return step


def log_density(prior: AdaptivePrior, codes: Tensor) -> np.ndarray:
    """log p_i(z_i) of codes [N, n, d] -> [N, n], if all values are equally frequent."""
    logs = prior.log_density(codes).cpu().double()  # some devices have no float64
    return (logs.logsumexp(2) - prior.n_values.cpu().log()).numpy()


def _shares(logs: Sequence[Tensor]) -> Confidence:
    return tuple(log.softmax(0).cpu().double().numpy() for log in logs)
