"""The paper's model of one task: modular auto-encoder, critic, adaptive prior, relational learner.

The latent is n partitions of d dimensions, one partition per relevant factor.

Source: Valenti and Bacciu (2022), section 3. M-AE: encoder x -> z = (z_1, ..., z_n), decoder
z -> x, and a critic D that tells codes from samples of the prior (Eq. 1 and 2; here D sees all
partitions at once). ReL: the relational learner (z, r) -> z' (Eq. 3).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from wdlib.data import to_float
from wdlib.files import recordable
from wdlib.model.networks import ConvDecoder, ConvEncoder, SeparableDecoder, mlp
from wdlib.model.prior import AdaptivePrior
from wdlib.relations import Relation, relations_of
from wdlib.tasks import Task

WIDEST = 1 << 16  # of any layer; a layer between two of these would take 17 GB


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of all networks. Raises ValueError for a setting that no network can have."""

    dim: int = 8  # of a partition, as in the paper
    encoder_widths: tuple[int, ...] = (32, 32, 32)
    encoder_norm: bool = True  # batch normalisation after each convolution
    hidden: int = 256  # width of the linear layers of encoder and decoder
    standard: bool = False  # normalise code dimensions over a batch, to the scale of the prior
    decoder: str = "separable"  # or "conv"
    rank: int = 16  # profiles per side of the separable decoder
    width: int = 256  # of the layers of critic and relational learner (1024 in the paper)
    activation: str = "relu"  # between these; "tanh" in the authors' earlier code
    residual: bool = True  # the relational learner adds its output to its input (in Modular)

    def __post_init__(self):
        for name, value in vars(self).copy().items():  # numbers of numpy become Python's
            object.__setattr__(self, name, recordable(value))
        for size in (self.dim, self.hidden, self.rank, self.width, *self.encoder_widths):
            if type(size) is not int or not 1 <= size <= WIDEST:
                raise ValueError(f"a size is an integer from 1 to {WIDEST}, got {size!r:.40}")
        if not 1 <= len(self.encoder_widths) <= 5:  # 64 pixels by 4, then by 2, end at 1
            raise ValueError(f"an encoder has 1 to 5 widths, got {len(self.encoder_widths)}")
        if self.activation not in ("relu", "tanh"):
            raise ValueError(f"no activation called {self.activation!r}; there are relu and tanh")


def encoder(config: NetworkConfig, channels: int, outputs: int) -> ConvEncoder:
    """Images [B, C, 64, 64] -> [B, outputs]. Its weights are channels-last: faster on a CPU."""
    sizes = {"widths": config.encoder_widths, "hidden": config.hidden, "norm": config.encoder_norm}
    return ConvEncoder(channels, outputs, **sizes).to(memory_format=torch.channels_last)


def decoder(config: NetworkConfig, inputs: int, channels: int) -> nn.Module:
    """[B, inputs] -> logits [B, C, 64, 64]. Raises ValueError for an unknown ``config.decoder``."""
    if config.decoder == "separable":
        return SeparableDecoder(inputs, channels, rank=config.rank, hidden=config.hidden)
    if config.decoder == "conv":
        network = ConvDecoder(inputs, channels, hidden=config.hidden)
        return network.to(memory_format=torch.channels_last)
    raise ValueError(f"no decoder called {config.decoder!r}; there are separable and conv")


class ModularAutoencoder(nn.Module):
    """M-AE: encoder and decoder around a latent of n = ``partitions``, one per relevant factor.
    Raises ValueError for an unknown decoder."""

    def __init__(self, partitions: int, channels: int, config: NetworkConfig):
        super().__init__()
        self.partitions, self.dim = partitions, config.dim
        code = partitions * config.dim
        self.encoder = encoder(config, channels, code)
        self.standardise = nn.BatchNorm1d(code, affine=False) if config.standard else nn.Identity()
        self.decoder = decoder(config, code, channels)

    def encode(self, x: Tensor) -> Tensor:
        """Images [B, C, 64, 64] in [0, 1] -> codes [B, n, d]."""
        z = self.standardise(self.encoder(x.contiguous(memory_format=torch.channels_last)))
        return z.view(-1, self.partitions, self.dim)

    def decode(self, z: Tensor) -> Tensor:
        """Codes [B, n, d] -> logits [B, C, 64, 64]; the sigmoid of the logits is the image."""
        return self.decoder(z.flatten(1))


class Critic(nn.Module):
    """D of Eq. 2: codes [B, n, d] -> one logit each, high for samples of the prior."""

    def __init__(self, partitions: int, config: NetworkConfig):
        super().__init__()
        self.score = mlp(partitions * config.dim, config.width, 1, activation=config.activation)

    def forward(self, z: Tensor) -> Tensor:
        """Codes [B, n, d] -> logits [B]."""
        return self.score(z.flatten(1)).squeeze(1)


class RelationalLearner(nn.Module):
    """ReL of Eq. 3: (codes [B, n, d], relation numbers [B]) -> moved codes [B, n, d].

    It is a 3-layer MLP, as in the paper. In Modular it adds its output to its input.
    """

    def __init__(self, partitions: int, relations: int, config: NetworkConfig):
        super().__init__()
        self.relations, self.residual = relations, config.residual
        code = partitions * config.dim
        self.change = mlp(code + relations, config.width, code, activation=config.activation)

    def forward(self, z: Tensor, relation: Tensor) -> Tensor:
        """Codes [B, n, d] and numbers of relations [B] -> moved codes [B, n, d]."""
        numbers = torch.arange(self.relations, device=z.device)
        r = (relation[:, None] == numbers).to(z.dtype)  # one-hot; torch's own waits for the host
        moved = self.change(torch.cat([z.flatten(1), r], dim=1)).view_as(z)
        return z + moved if self.residual else moved


class ModularModel(nn.Module):
    """All that is trained for one task, and what it can do: encode, decode, move.

    partitions: for each relevant factor, its dimensions of the flattened code.
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
        # In Modular, linear heads read a partition's value before its components exist.
        self.heads = nn.ModuleList(nn.Linear(config.dim, size) for size in task.sizes)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images [B, C, 64, 64], float in [0, 1] -> values [B, n] int64 and confidences [B, n].

        A confidence is the probability of the value among the components of its partition. As in
        every module of torch, call ``eval`` first, unless the model was loaded.
        """
        log = self.prior.log_density(self.autoencoder.encode(images))
        confidences, values = log.softmax(-1).max(-1)
        return values, confidences

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.prior.mean.device

    @torch.no_grad()
    def encode(self, images: Tensor, *, batch: int = 512) -> Tensor:
        """Images [N, C, 64, 64], uint8 or float in [0, 1] -> codes [N, n, d], in eval mode.

        Raises ValueError for images that hold NaN or infinity.
        """

        def encode(x: Tensor) -> Tensor:
            x = x.to(self.device)
            if not torch.isfinite(x).all():
                raise ValueError("the images to encode hold NaN or infinity; pixels lie in 0 to 1")
            return self.autoencoder.encode(x if x.is_floating_point() else to_float(x))

        return self._in_batches(encode, images, batch)

    @torch.no_grad()
    def decode(self, codes: Tensor, *, batch: int = 512) -> Tensor:
        """Codes [N, n, d] -> images [N, C, 64, 64] float in [0, 1], in eval mode."""
        decode = self.autoencoder.decode
        return self._in_batches(lambda z: decode(z.to(self.device)).sigmoid(), codes, batch)

    def sample(self, values: Tensor, *, generator: torch.Generator) -> Tensor:
        """One sample of the prior for each row of values [N, n] -> codes [N, n, d]."""
        return self.prior.sample(values, generator=generator)

    def values(self, codes: Tensor) -> Tensor:
        """The most likely component of each partition: codes [N, n, d] -> [N, n] integers."""
        return self.prior.values(codes)

    @torch.no_grad()
    def move(self, codes: Tensor, relation: Relation) -> Tensor:
        """Codes [N, n, d] -> codes after the relation, by the relational learner, one learned step
        at a time. Raises ValueError for a step that was never learned."""
        for number in self._numbers_of(relation):
            numbers = torch.full((len(codes),), number, dtype=torch.long, device=codes.device)
            codes = self.learner(codes, numbers)
        return codes

    def _numbers_of(self, relation: Relation) -> list[int]:
        """The numbers of the learned relations that together do the steps of ``relation``."""
        known = enumerate(self.relations)
        learned = {(s.factor, s.axis, s.by): number for number, r in known for s in r.steps}
        walk = []
        for step in relation.steps:
            unit = (step.factor, step.axis, 1 if step.by > 0 else -1)
            if unit not in learned:
                raise ValueError(
                    f"{relation.name}: a step of {unit[2]:+d} on {step.factor} was never learned; "
                    f"the learned relations are {', '.join(r.name for r in self.relations)}"
                )
            goes_round = self.task.factors[self.task.factor(step.factor)].cyclic
            if step.cyclic not in (None, goes_round):
                raise ValueError(
                    f"{relation.name}: the learned steps on {step.factor} "
                    f"{'go round' if goes_round else 'stop at the ends'}, and this step does not"
                )
            walk += [learned[unit]] * abs(step.by)
        return walk

    def _in_batches(self, function, inputs: Tensor, batch: int) -> Tensor:
        was_training = self.training
        self.eval()
        try:
            return torch.cat([function(part) for part in inputs.split(int(batch))])
        finally:
            self.train(was_training)
