"""The whole system: modular auto-encoder, adaptive prior and relational learner of one task."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wdlib.data import to_float
from wdlib.model.autoencoder import Critic, ModularAutoencoder, NetworkConfig
from wdlib.model.learner import RelationalLearner
from wdlib.model.prior import AdaptivePrior
from wdlib.relations import Relation, relations_of
from wdlib.tasks import Task


class ModularModel(nn.Module):
    """Everything that is trained for one task, and what it is used for: encode, decode, move.

    Args:
        task: its relevant factors make the partitions, its relations the learner's input.
        config: sizes of the networks.

    partitions: for each factor, its dimensions of the flattened code.
    """

    def __init__(self, task: Task, config: NetworkConfig = NetworkConfig()):  # noqa: B008
        super().__init__()
        self.task, self.config = task, config
        self.relations = relations_of(task)
        n, d = len(task.factors), config.dim
        self.partitions = tuple(tuple(range(i * d, (i + 1) * d)) for i in range(n))
        self.autoencoder = ModularAutoencoder(n, task.channels, config)
        self.critic = Critic(n, config)
        self.prior = AdaptivePrior(task.sizes, config.dim)
        self.learner = RelationalLearner(n, len(self.relations), config)
        # Ours: read a partition's value before its components exist.
        self.heads = nn.ModuleList(nn.Linear(config.dim, size) for size in task.sizes)

    @property
    def device(self) -> torch.device:
        return self.prior.mean.device

    @torch.no_grad()
    def encode(self, images: Tensor, *, batch: int = 512) -> Tensor:
        """Images [N, C, 64, 64], uint8 or float in [0, 1] -> codes [N, n, d], in eval mode.

        Raises ValueError for images that hold NaN or infinity.
        """

        def encode(x: Tensor) -> Tensor:
            x = x.to(self.device)
            if not torch.isfinite(x).all():
                raise ValueError("the images to encode hold NaN or infinity; a pixel is 0 to 1")
            return self.autoencoder.encode(x if x.is_floating_point() else to_float(x))

        return self._in_batches(encode, images, batch)

    @torch.no_grad()
    def decode(self, codes: Tensor, *, batch: int = 512) -> Tensor:
        """Codes [N, n, d] -> images [N, C, 64, 64] float in [0, 1], in eval mode."""
        return self._in_batches(
            lambda z: self.autoencoder.decode(z.to(self.device)).sigmoid(), codes, batch
        )

    def sample(self, values: Tensor, *, generator: torch.Generator) -> Tensor:
        """A latent of the prior for each row of values [N, n] -> codes [N, n, d]."""
        return self.prior.sample(values, generator=generator)

    def values(self, codes: Tensor) -> Tensor:
        """The most likely component of each partition: codes [N, n, d] -> [N, n] integers."""
        return self.prior.values(codes)

    @torch.no_grad()
    def move(self, codes: Tensor, relation: Relation) -> Tensor:
        """Codes [N, n, d] -> codes after the relation, by the relational learner.

        A relation of several steps, or by several values, is walked one learned step at a time.
        Raises ValueError for a step that was never learned: an unknown one, or one that goes round
        where the learned one stops, or stops where it goes round.
        """
        for number in self.numbers_of(relation):
            codes = self.learner(
                codes, torch.full((len(codes),), number, dtype=torch.long, device=codes.device)
            )
        return codes

    def numbers_of(self, relation: Relation) -> list[int]:
        """The learned relations, by number, that walk ``relation``'s steps in order."""
        learned = {
            (s.factor, s.axis, s.by): number
            for number, r in enumerate(self.relations)
            for s in r.steps
        }
        walk = []
        for step in relation.steps:
            unit = (step.factor, step.axis, 1 if step.by > 0 else -1)
            if unit not in learned:
                raise ValueError(
                    f"{relation.name}: a step of {unit[2]:+d} on {step.factor} was never learned; "
                    f"the learned relations are {', '.join(r.name for r in self.relations)}"
                )
            round_trip = self.task.factors[self.task.factor(step.factor)].cyclic
            if step.cyclic not in (None, round_trip):
                raise ValueError(
                    f"{relation.name}: the learned steps on {step.factor} "
                    f"{'go round' if round_trip else 'stop at the ends'}, and this one does not"
                )
            walk += [learned[unit]] * abs(step.by)
        return walk

    def _in_batches(self, function, inputs: Tensor, batch: int) -> Tensor:
        was_training = self.training
        self.eval()
        try:
            return torch.cat([function(part) for part in inputs.split(batch)])
        finally:
            self.train(was_training)
