"""The variational autoencoder of the whole family, and how every member is trained.

The encoder gives a normal distribution over codes, q(z|x) = N(mean, exp(log variance)), independent
in each dimension. The decoder turns a sample of it into an image. Training maximises

    ELBO = E_q(z|x)[log p(x|z)] - KL(q(z|x) || N(0, I))

with a Bernoulli likelihood per pixel, in nats per image. A member of the family replaces the second
term by a regulariser of its own, or adds a term.

Source: Kingma and Welling (2014), "Auto-encoding variational Bayes", Eq. 3 and appendix B.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from wdlib.baselines import readout
from wdlib.baselines.system import FlatSystem, Partitions
from wdlib.model.modular import NetworkConfig, decoder, encoder
from wdlib.model.networks import Shape
from wdlib.training import method
from wdlib.training.loop import Batches, FitRequest, Run, adam, network_input
from wdlib.training.method import Terms
from wdlib.training.ours import shifted


@dataclass(frozen=True)
class Training:
    """Settings of all members. The defaults suit two CPU cores and four minutes."""

    networks: NetworkConfig = NetworkConfig(dim=10)  # ``dim``: latent dimensions
    batch: int = 64
    lr: float = 1e-3
    cosine: bool = True  # the rate falls to zero along half a cosine


# As in Locatello et al. (2019), "Challenging common assumptions", appendix: 10 dimensions, batches
# of 64, Adam at a constant 1e-4. Their encoder has four convolutions of stride 2 and no
# normalisation; this is the shared network nearest to it.
PUBLISHED = Training(
    networks=NetworkConfig(dim=10, encoder_widths=(32, 64, 64), encoder_norm=False, decoder="conv"),
    lr=1e-4,
    cosine=False,
)


class VAE(nn.Module):
    """Encoder and decoder: images [B, C, H, W] -> q(z|x), codes [B, d] -> logits of images."""

    def __init__(self, shape: Shape, config: NetworkConfig):
        super().__init__()
        self.dim = config.dim
        self.encoder = encoder(config, shape, 2 * config.dim)
        self.decoder = decoder(config, config.dim, shape)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Images [B, C, H, W] in [0, 1] -> mean and log variance of q(z|x), [B, d] each."""
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        return mean, log_variance


def sample(mean: Tensor, log_variance: Tensor, generator: torch.Generator) -> Tensor:
    """z = mean + standard deviation * noise, [B, d]; gradients reach mean and variance."""
    noise = torch.randn(mean.shape, generator=generator, device=mean.device)
    return mean + (0.5 * log_variance).exp() * noise


def kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, exp(log_variance)) || N(0, 1)) per dimension, in nats: [B, d] -> [B, d].

    Source: Kingma and Welling (2014), appendix B.
    """
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)


def reconstruction(logits: Tensor, x: Tensor) -> Tensor:
    """-E[log p(x|z)] in nats per image (at 64 x 64, 64 times the modular model's loss)."""
    return x[0, 0].numel() / 64 * method.reconstruction(logits, x)


class Posterior(NamedTuple):
    """q(z|x) of a batch: mean, log variance and a sample, [B, d] each, and its KL in nats."""

    mean: Tensor
    log_variance: Tensor
    z: Tensor
    kl: Tensor  # summed over dimensions, mean over images


# (posterior, spent share of the budget) -> the weighted loss that replaces the KL, and its terms
Regulariser = Callable[[Posterior, float], tuple[Tensor, Terms]]
# (numbers of unlabelled images [B], spent share of the budget) -> the loss, and its terms
Objective = Callable[[Tensor, float], tuple[Tensor, Terms]]


class VAERun:
    """A VAE in training, on the images and the loop of ``data``.

    Attributes: ``vae``; ``generator``, whose random numbers start from the seed.
    """

    def __init__(self, data: Run, training: Training):
        self.data, self.training = data, training
        self.vae = data.build(lambda: VAE(data.task.shape, training.networks))
        self.generator = torch.Generator(data.device).manual_seed(data.seed)

    def encode(self, pick: Tensor, labelled: Tensor, shift: int) -> tuple[Tensor, Tensor, Tensor]:
        """Unlabelled images ``pick`` [B] and moved labelled images [L], encoded in one pass.

        Returns the images [B + L, C, H, W], and mean and log variance [B + L, d].
        """
        moved = shifted(network_input(self.data.labelled[labelled]), shift, self.generator)
        x = network_input(self.data.unlabelled[pick])
        x = network_input(torch.cat([x, moved]))
        return x, *self.vae.encode(x)

    def loss(
        self, x: Tensor, mean: Tensor, log_variance: Tensor, regulariser: Regulariser, at: float
    ) -> tuple[Tensor, Terms]:
        """Reconstruction and regulariser of images x [B, C, H, W] that are encoded as q(z|x)."""
        z = sample(mean, log_variance, self.generator)
        fidelity = reconstruction(self.vae.decoder(z), x)
        q = Posterior(mean, log_variance, z, kl(mean, log_variance).sum(1).mean())
        penalty, terms = regulariser(q, at)
        return fidelity + penalty, {"reconstruction": fidelity, "kl": q.kl, **terms}

    def regularised(self, regulariser: Regulariser) -> Objective:
        """The objective of an unsupervised member."""

        def objective(pick: Tensor, at: float) -> tuple[Tensor, Terms]:
            x = network_input(self.data.unlabelled[pick])
            return self.loss(x, *self.vae.encode(x), regulariser, at)

        return objective

    def train(self, objective: Objective, name: str = "train", share: float | None = None) -> None:
        """Minimise the objective over a share of the budget; None takes what is left of it."""
        batch, least = self.training.batch, 0.0 if self.training.cosine else None
        order = Batches(len(self.data.unlabelled), batch, self.generator)
        optimiser = adam(self.vae.parameters(), self.training.lr)
        how = {"name": name, "share": share, "least": least}
        self.data.minimise(lambda at: objective(next(order), at), optimiser, batch, **how)
        self.vae.eval()

    @torch.no_grad()
    def codes(self, images: Tensor) -> Tensor:
        """uint8 images [N, C, H, W] on the device -> the means of q(z|x) [N, d]."""
        return torch.cat([self.vae.encode(network_input(part))[0] for part in images.split(512)])

    def system(self, partitions: Partitions | None = None) -> FlatSystem:
        """The trained VAE with its read-out; a code is the mean of q(z|x).

        ``partitions``: the dimensions of each factor where training has fixed them.
        """
        data, vae = self.data, self.vae
        read = readout.fit(self.codes(data.labelled), data.values, data.task, partitions)
        encoder, spread = (lambda x: vae.encode(x)[0]), (lambda x: (vae.encode(x)[1] / 2).exp())
        return FlatSystem(data, encoder, vae.decoder, read, spread)


class Unsupervised(Protocol):
    """The configuration of a member that is only a regulariser."""

    training: Training

    def regulariser(self, run: VAERun) -> Regulariser:
        """The regulariser for one training run."""


def fit_unsupervised(request: FitRequest, config: Unsupervised) -> FlatSystem:
    """Train on the unlabelled images; the labels only serve the read-out.

    Raises ValueError where a value has no labelled image.
    """
    run = VAERun(Run.of(request), config.training)
    run.train(run.regularised(config.regulariser(run)))
    return run.system()
