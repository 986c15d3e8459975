"""The variational autoencoder of the whole family, and how every member is trained.

The encoder gives a normal distribution over codes, q(z|x) = N(mean, exp(log variance)), independent
in each dimension. The decoder turns a sample of it into an image. Training maximises

    ELBO = E_q(z|x)[log p(x|z)] - KL(q(z|x) || N(0, I))

with a Bernoulli likelihood per pixel, in nats per image. A member of the family replaces the second
term by a regulariser of its own, or adds a term.

Source: Kingma and Welling (2014), "Auto-encoding variational Bayes", Eq. 3 and appendix B.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from wdlib.baselines import readout
from wdlib.baselines.system import FlatSystem, Partitions, decoder, encoder
from wdlib.model.modular import NetworkConfig
from wdlib.training import method
from wdlib.training.loop import Batches, FitRequest, Run, adam, anneal, network_input, update
from wdlib.training.method import Terms


@dataclass(frozen=True)
class Training:
    """What all members share. The defaults are chosen for two CPU cores and four minutes.

    Args:
        networks: sizes; ``dim`` is the number of latent dimensions.
        batch: images per step.
        lr: Adam's learning rate.
        cosine: the rate falls to zero along half a cosine over the budget.
    """

    networks: NetworkConfig = NetworkConfig(dim=10)
    batch: int = 64
    lr: float = 1e-3
    cosine: bool = True


# As in Locatello et al. (2019), "Challenging common assumptions", appendix: 10 dimensions, batches
# of 64, Adam at a constant 1e-4. Their encoder has four convolutions of stride 2 and no
# normalisation; this is the shared network nearest to it.
PUBLISHED = Training(
    networks=NetworkConfig(dim=10, encoder_widths=(32, 64, 64), encoder_norm=False, decoder="conv"),
    lr=1e-4,
    cosine=False,
)


class VAE(nn.Module):
    """Images [B, C, 64, 64] in [0, 1] -> q(z|x) -> logits of images.

    Args:
        channels: C of the images.
        config: sizes; ``dim`` is the length d of the code.
    """

    def __init__(self, channels: int, config: NetworkConfig):
        super().__init__()
        self.dim = config.dim
        self.encoder = encoder(config, channels, 2 * config.dim)
        self.decoder = decoder(config, config.dim, channels)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Images [B, C, 64, 64] -> mean and log variance of q(z|x), [B, d] each."""
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        return mean, log_variance

    def decode(self, z: Tensor) -> Tensor:
        """Codes [B, d] -> logits [B, C, 64, 64]; the image is their sigmoid."""
        return self.decoder(z)


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
    """-E[log p(x|z)] in nats per image (64 times the loss of the modular model)."""
    return x.shape[-1] * method.reconstruction(logits, x)


# (mean, log variance and sample of q(z|x), each [B, d], spent share of the budget) -> the weighted
# loss that replaces the KL, and its unweighted terms
Regulariser = Callable[[Tensor, Tensor, Tensor, float], tuple[Tensor, Terms]]
# (numbers of unlabelled images [B], spent share of the budget) -> the loss, and its terms
Objective = Callable[[Tensor, float], tuple[Tensor, Terms]]


class Unsupervised(Protocol):
    """The configuration of a member that is only a regulariser."""

    training: Training

    def regulariser(self, run: VAERun) -> Regulariser:
        """The regulariser for one training run."""


class VAERun:
    """A VAE in training.

    Args:
        data: the run whose images, seed and loop it uses.
        training: sizes, batch and rate.

    Attributes: ``vae``; ``generator``, whose random numbers start from the seed.
    """

    def __init__(self, data: Run, training: Training):
        self.data, self.training = data, training
        self.vae = data.build(lambda: VAE(data.task.channels, training.networks))
        self.generator = torch.Generator(data.device).manual_seed(data.seed)

    def loss(
        self, x: Tensor, mean: Tensor, log_variance: Tensor, regulariser: Regulariser, at: float
    ) -> tuple[Tensor, Terms]:
        """Reconstruction and regulariser of images x [B, C, 64, 64] that are encoded as q(z|x)."""
        z = sample(mean, log_variance, self.generator)
        fidelity = reconstruction(self.vae.decode(z), x)
        penalty, terms = regulariser(mean, log_variance, z, at)
        return fidelity + penalty, {"reconstruction": fidelity, **terms}

    def regularised(self, regulariser: Regulariser) -> Objective:
        """The objective of an unsupervised member."""

        def objective(pick: Tensor, at: float) -> tuple[Tensor, Terms]:
            x = network_input(self.data.unlabelled[pick])
            return self.loss(x, *self.vae.encode(x), regulariser, at)

        return objective

    def train(self, objective: Objective, name: str = "train", share: float | None = None) -> None:
        """Minimise the objective over a share of the budget; None takes what is left of it.

        Raises FloatingPointError where a reported loss is not finite.
        """
        loop, training = self.data.loop, self.training
        optimiser = adam(self.vae.parameters(), training.lr)
        # Not data.batches: each candidate of few_label starts with the same random numbers.
        order = Batches(len(self.data.unlabelled), training.batch, self.generator)
        self.vae.train()
        for at in loop.phase(name, share):
            if training.cosine:
                anneal(optimiser, at)
            loss, terms = objective(next(order), at)
            update(optimiser, loss)
            loop.report(training.batch, **terms)
        self.vae.eval()

    @torch.no_grad()
    def codes(self, images: Tensor) -> Tensor:
        """uint8 images [N, C, 64, 64] on the device -> the means of q(z|x) [N, d]."""
        return torch.cat([self.vae.encode(network_input(part))[0] for part in images.split(512)])

    def system(self, partitions: Partitions | None = None) -> FlatSystem:
        """The trained VAE with its read-out; a code is the mean of q(z|x).

        ``partitions``: the dimensions of each factor where training has fixed them.
        """
        data, vae = self.data, self.vae
        read = readout.fit(self.codes(data.labelled), data.values, data.task, partitions=partitions)
        return FlatSystem(data, lambda x: vae.encode(x)[0], vae.decode, read)


def fit_unsupervised(request: FitRequest, config: Unsupervised) -> FlatSystem:
    """Train on the unlabelled images; the labels only serve the read-out.

    Raises ValueError where a value has no labelled image, and FloatingPointError for a loss that
    diverges.
    """
    run = VAERun(Run.of(request), config.training)
    run.train(run.regularised(config.regulariser(run)))
    return run.system()
