"""The paper's model of one task: modular auto-encoder, critic, adaptive prior, relational learner.

The latent is n partitions of d dimensions, one partition per relevant factor.

Source: Valenti and Bacciu (2022), section 3. M-AE: encoder x -> z = (z_1, ..., z_n), decoder
z -> x, and a critic D that tells codes from samples of the prior (Eq. 1 and 2; here D sees all
partitions at once). ReL: the relational learner (z, r) -> z' (Eq. 3).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from wdlib.data import as_input
from wdlib.files import recordable
from wdlib.model import saved
from wdlib.model.networks import ConvDecoder, ConvEncoder, SeparableDecoder, Shape, mlp
from wdlib.model.prior import AdaptivePrior
from wdlib.relations import Relation, Step, relations_of
from wdlib.relations import relation as relation_called
from wdlib.tasks import Task

Factory = Callable[..., nn.Module]  # see ``encoder`` and ``decoder``
TEMPERATURE = 0.3  # factor on log densities for a confidence, as in the label loss
WIDEST = 1 << 16  # of any layer; a layer between two of these would take 17 GB


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes of all networks. Raises ValueError for a setting that no network can have."""

    dim: int = 8  # of a partition, as in the paper
    dims: tuple[int, ...] = ()  # of each partition, up to ``dim``; the others of its code are 0
    encoder_widths: tuple[int, ...] = (32, 32, 32)
    encoder_norm: bool = True  # batch normalisation after each convolution
    hidden: int = 256  # width of the linear layers of encoder and decoder
    standard: bool = False  # normalise code dimensions over a batch, to the scale of the prior
    decoder: str = "separable"  # or "conv"
    rank: int = 16  # profiles per side of the separable decoder
    width: int = 256  # of the layers of critic and relational learner (1024 in the paper)
    activation: str = "relu"  # between these; "tanh" in the authors' earlier code
    weighted: bool = False  # components weigh as their values occur among the labels; else alike
    residual: bool = True  # the relational learner adds its output to its input (in Modular)

    def __post_init__(self):
        for name, value in vars(self).copy().items():  # numbers of numpy become Python's
            object.__setattr__(self, name, recordable(value))
        for size in (
            self.dim,
            *self.dims,
            self.hidden,
            self.rank,
            self.width,
            *self.encoder_widths,
        ):
            if type(size) is not int or not 1 <= size <= WIDEST:
                raise ValueError(f"a size is an integer from 1 to {WIDEST}, got {size!r:.40}")
        if not 1 <= len(self.encoder_widths) <= 5:
            raise ValueError(f"an encoder has 1 to 5 widths, got {len(self.encoder_widths)}")
        if self.activation not in ("relu", "tanh"):
            raise ValueError(f"no activation called {self.activation!r}; there are relu and tanh")


def encoder(config: NetworkConfig, shape: Shape, outputs: int) -> ConvEncoder:
    """Images [B, C, H, W] -> [B, outputs]. Its weights are channels-last: faster on a CPU."""
    sizes = {"widths": config.encoder_widths, "hidden": config.hidden, "norm": config.encoder_norm}
    return ConvEncoder(shape, outputs, **sizes).to(memory_format=torch.channels_last)


def decoder(config: NetworkConfig, inputs: int, shape: Shape) -> nn.Module:
    """[B, inputs] -> logits [B, C, H, W]. Raises ValueError for an unknown ``config.decoder``."""
    if config.decoder == "separable":
        return SeparableDecoder(inputs, shape, rank=config.rank, hidden=config.hidden)
    if config.decoder == "conv":
        network = ConvDecoder(inputs, shape, hidden=config.hidden)
        return network.to(memory_format=torch.channels_last)
    raise ValueError(f"no decoder called {config.decoder!r}; there are separable and conv")


class Used(nn.Module):
    """Codes [B, n, d] with zeros in the dimensions that a partition does not use."""

    def __init__(self, dims: tuple[int, ...], most: int):
        super().__init__()
        mask = torch.tensor([[float(place < width) for place in range(most)] for width in dims])
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, z: Tensor) -> Tensor:
        """Codes [B, n, d] -> [B, n, d]."""
        return z * self.mask


def used_dims(partitions: int, config: NetworkConfig) -> nn.Module:
    """The module that keeps to ``config.dims``. Raises ValueError where they do not fit."""
    if not config.dims:
        return nn.Identity()
    if len(config.dims) != partitions or max(config.dims) > config.dim:
        raise ValueError(
            f"dims are {config.dims}, but there are {partitions} partitions of up to {config.dim} "
            f"dimensions"
        )
    return Used(config.dims, config.dim)


class ModularAutoencoder(nn.Module):
    """M-AE: encoder and decoder around a latent of n = ``partitions``, one per relevant factor.
    Raises ValueError for an unknown decoder."""

    def __init__(
        self,
        partitions: int,
        shape: Shape,
        config: NetworkConfig,
        make_encoder: Factory | None = None,
        make_decoder: Factory | None = None,
    ):
        super().__init__()
        self.partitions, self.dim = partitions, config.dim
        code = partitions * config.dim
        self.used = used_dims(partitions, config)
        self.encoder = (make_encoder or encoder)(config, shape, code)
        self.standardise = nn.BatchNorm1d(code, affine=False) if config.standard else nn.Identity()
        self.decoder = (make_decoder or decoder)(config, code, shape)

    def encode(self, x: Tensor) -> Tensor:
        """Images [B, C, H, W] in [0, 1] -> codes [B, n, d]."""
        z = self.standardise(self.encoder(x.contiguous(memory_format=torch.channels_last)))
        return self.used(z.view(-1, self.partitions, self.dim))

    def decode(self, z: Tensor) -> Tensor:
        """Codes [B, n, d] -> logits [B, C, H, W]; the sigmoid of the logits is the image."""
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
        self.used = used_dims(partitions, config)
        code = partitions * config.dim
        self.change = mlp(code + relations, config.width, code, activation=config.activation)

    def forward(self, z: Tensor, relation: Tensor) -> Tensor:
        """Codes [B, n, d] and numbers of relations [B] -> moved codes [B, n, d]."""
        numbers = torch.arange(self.relations, device=z.device)
        r = (relation[:, None] == numbers).to(z.dtype)  # one-hot; torch's own waits for the host
        moved = self.used(self.change(torch.cat([z.flatten(1), r], dim=1)).view_as(z))
        return z + moved if self.residual else moved


class ModularModel(nn.Module):
    """All that is trained for one task, and what it can do: encode, decode, move.

    Args:
        relations: those that are learned; by default all of the task.
        encoder: function (config, shape of an image, number of outputs) -> network, instead of
            ``encoder``.
        decoder: function (config, number of inputs, shape) -> network, instead of ``decoder``.

    Attributes: ``partitions``, for each relevant factor its dimensions of the flattened code;
    ``record``, how the model was trained.
    """

    def __init__(
        self,
        task: Task,
        config: NetworkConfig = NetworkConfig(),  # noqa: B008
        *,
        relations: Sequence[Relation] | None = None,
        encoder: Factory | None = None,
        decoder: Factory | None = None,
    ):
        super().__init__()
        self.task, self.config, self.record = task, config, {}
        self.relations = relations_of(task) if relations is None else tuple(relations)
        self.factories = {"encoder": encoder, "decoder": decoder}
        n, d = len(task.factors), config.dim
        widths = config.dims or (d,) * n
        self.partitions = tuple(
            tuple(range(i * d, i * d + width)) for i, width in enumerate(widths)
        )
        self.autoencoder = ModularAutoencoder(n, task.shape, config, encoder, decoder)
        self.critic = Critic(n, config)
        self.prior = AdaptivePrior(task.sizes, d, used_dims(n, config), config.weighted)
        self.learner = RelationalLearner(n, len(self.relations), config)
        # In Modular, linear heads read a partition's value before its components exist.
        self.heads = nn.ModuleList(nn.Linear(config.dim, size) for size in task.sizes)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images [B, C, H, W], float in [0, 1] -> values [B, n] int64 and confidences [B, n], as in
        ``read``. As in every module of torch, call ``eval`` first, unless the model was loaded.
        """
        confidences, values = self._shares(self.autoencoder.encode(images)).max(-1)
        return values, confidences

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.prior.mean.device

    @torch.no_grad()
    def encode(self, images: Tensor, *, batch: int = 512) -> Tensor:
        """Images [N, C, H, W] or [N, H, W], as ``wdlib.data.as_input`` takes them -> codes
        [N, n, d], in eval mode. Raises as it does.
        """

        def encode(x: Tensor) -> Tensor:
            return self.autoencoder.encode(as_input(x, self.task).to(self.device))

        return self._in_batches(encode, images, batch)

    @torch.no_grad()
    def decode(self, codes: Tensor, *, batch: int = 512) -> Tensor:
        """Codes [N, n, d] -> images [N, C, H, W] float in [0, 1], in eval mode."""
        decode = self.autoencoder.decode
        return self._in_batches(lambda z: decode(z.to(self.device)).sigmoid(), codes, batch)

    def sample(self, values: Tensor, *, generator: torch.Generator) -> Tensor:
        """One sample of the prior for each row of values [N, n] -> codes [N, n, d]."""
        return self.prior.sample(values, generator=generator)

    def values(self, codes: Tensor) -> Tensor:
        """The most likely component of each partition: codes [N, n, d] -> [N, n] integers."""
        return self._in_batches(self.prior.values, codes, 4096)

    def read(self, images):
        """Images [N, C, H, W] (see ``encode``), or paths of files -> the values that they show.

        Returns a frame: each factor with the names of its values, and ``<factor>_confidence``, the
        tempered share of the component in the density at the code. Raises as ``encode`` does.
        """
        return self.read_codes(self.encode(self.images_of(images)))

    def read_codes(self, codes: Tensor):
        """Codes [N, n, d] -> the frame of ``read``."""
        from pandas import DataFrame

        columns: dict[str, object] = {}
        values, sure = self.values(codes).cpu(), self.confidence(codes).amax(-1).cpu()  # [N, n]
        for factor, value, share in zip(self.task.factors, values.T, sure.expand_as(values).T):
            columns[factor.name] = [factor.value_names[v] for v in value.tolist()]
            columns[f"{factor.name}_confidence"] = share.numpy()
        return DataFrame(columns)

    def confidence(self, codes: Tensor) -> Tensor:
        """Codes [N, n, d] -> the probability of each value, [N, n, K]."""
        return self._in_batches(self._shares, codes, 512)

    def _shares(self, codes: Tensor) -> Tensor:
        """``confidence`` of few codes."""
        return (self.prior.log_density(codes.to(self.device)) * TEMPERATURE).softmax(-1)

    def images_of(self, images):
        """Images as they are; of paths, the images in their files."""
        if isinstance(images, (str, Path)):
            images = [images]
        if len(images) and isinstance(images[0], (str, Path)):
            from wdlib.data.table import pictures

            return pictures(images, self.task)
        return images

    def save(self, folder: Path | str) -> None:
        """Save the model, with its whole task, in ``folder``: see ``wdlib.load_model``.

        Raises FloatingPointError, before anything is written, for weights with NaN or infinity.
        """
        networks = {"networks": asdict(self.config)}
        record = {"task": self.task.name, "seed": 0, "labels": 0, "preset": networks}
        record |= self.record | {"described": self.task.record}
        if self.relations != relations_of(self.task):
            record["relations"] = [asdict(relation) for relation in self.relations]
        made = {part: make for part, make in self.factories.items() if make is not None}
        record["factories"] = {part: make.__qualname__ for part, make in made.items()}
        saved.save(folder, saved.MODEL, self.state_dict(), record)

    @torch.no_grad()
    def move(self, codes: Tensor, relation: Relation | str) -> Tensor:
        """Codes [N, n, d] -> codes after the relation, by the relational learner, one learned step
        at a time. Images (see ``read``) -> images [N, C, H, W] float in [0, 1] after it.

        Raises ValueError for a step that was never learned.
        """
        if isinstance(relation, str):
            relation = relation_called(relation, self.task, self.relations)
        code = self.autoencoder.partitions, self.autoencoder.dim
        if tuple(getattr(codes, "shape", ())[1:]) != code:
            return self.decode(self.move(self.encode(self.images_of(codes)), relation))
        for number, one in enumerate(self.relations):
            if one.steps == relation.steps:
                return self._learned(codes, number)
        units = self._units()
        for step in relation.steps:
            if step.to is not None:
                codes = self._set(codes, step, units)
            for _ in range(abs(step.by) if step.to is None else 0):
                codes = self._learned(codes, self._number_of(step, relation, units))
        return codes

    def _learned(self, codes: Tensor, number: int) -> Tensor:
        """Codes [N, n, d] after the learned relation with this number."""
        numbers = torch.full((len(codes),), number, dtype=torch.long, device=codes.device)
        return self.learner(codes, numbers)

    def _units(self) -> dict[tuple[str, int, int], int]:
        """(factor, axis, +1 or -1) -> the number of the learned relation that does this step."""
        alone = [(n, r.steps[0]) for n, r in enumerate(self.relations) if len(r.steps) == 1]
        return {(s.factor, s.axis, s.by): n for n, s in alone if s.to is None and abs(s.by) == 1}

    def _number_of(self, step: Step, relation: Relation, units: dict) -> int:
        """The number of the learned relation that does one step of ``relation``."""
        unit = (step.factor, step.axis, 1 if step.by > 0 else -1)
        if unit not in units:
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
        return units[unit]

    def _set(self, codes: Tensor, step: Step, units: dict) -> Tensor:
        """Codes [N, n, d] after learned single steps towards the value ``step.to``, along each axis
        of the factor's grid."""
        column = self.task.factor(step.factor)
        factor, codes = self.task.factors[column], codes.clone()
        wanted = np.unravel_index(step.to, factor.grid)
        for axis, size in enumerate(factor.grid):
            for _ in range(size - 1):
                values = self.values(codes)[:, column].cpu().numpy()
                away = wanted[axis] - np.unravel_index(values, factor.grid)[axis]
                if not away.any():
                    break
                if (step.factor, axis, -1) not in units and factor.cyclic:
                    away = np.abs(away)  # forwards only, round the end
                for by in (1, -1):
                    if len(rows := np.flatnonzero(np.sign(away) == by)):
                        one = replace(step, axis=axis, by=by, to=None)
                        number = self._number_of(one, Relation(f"set {step.factor}", (one,)), units)
                        codes[rows] = self._learned(codes[rows], number)
        return codes

    def _in_batches(self, function, inputs: Tensor, batch: int) -> Tensor:
        was_training = self.training
        self.eval()
        try:
            batch, count = int(batch), len(inputs)
            first = function(inputs[:batch])
            if count <= batch:
                return first
            found = first.new_empty((count, *first.shape[1:]))  # many parts would split the heap
            found[:batch] = first
            for i in range(batch, count, batch):
                found[i : i + batch] = function(inputs[i : i + batch])
            return found
        finally:
            self.train(was_training)
