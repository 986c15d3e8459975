"""The variational auto-encoder that the whole family shares, and how any of them is trained.

The encoder answers with a normal distribution over codes, q(z|x) = N(mean, exp(log variance)), each
dimension by itself; the decoder turns a sample of it back into an image. Training maximises

    ELBO = E_q(z|x)[log p(x|z)] - KL(q(z|x) || N(0, I))

under a Bernoulli likelihood of each pixel, in nats an image. A member of the family changes the
second term (a regulariser: see ``Regulariser``), or adds one of its own. Networks, batches, budget
and read-out are the same for all.

Source: Kingma and Welling (2014), "Auto-encoding variational Bayes", Eq. 3 and appendix B.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from wdlib.baselines import readout
from wdlib.baselines.factored import decoder, encoder
from wdlib.baselines.loop import Loop, anneal, batches, check_budget, pictures, update, with_labels
from wdlib.baselines.system import System
from wdlib.data import Images, Split, device_images
from wdlib.model.autoencoder import NetworkConfig
from wdlib.tasks import Task
from wdlib.training import method
from wdlib.training.progress import Progress


@dataclass(frozen=True)
class Training:
    """What all members share. The defaults are ours, for two cores and four minutes.

    Args:
        networks: sizes; ``dim`` is the number of latent dimensions.
        batch: images a step.
        lr: Adam's learning rate.
        cosine: let it fall to zero along a half cosine over the budget.
    """

    networks: NetworkConfig = NetworkConfig(dim=10)
    batch: int = 64
    lr: float = 1e-3
    cosine: bool = True


# 10 dimensions, batches of 64, Adam at 1e-4 without a schedule, for 300,000 steps: Locatello et al.
# (2019), "Challenging common assumptions", appendix. The encoder is the shared one nearest to
# theirs (four convolutions of stride 2, no normalisation).
PUBLISHED = Training(
    networks=NetworkConfig(dim=10, encoder_widths=(32, 64, 64), encoder_norm=False, decoder="conv"),
    lr=1e-4,
    cosine=False,
)


class VAE(nn.Module):
    """Images [B, C, 64, 64] in [0, 1] -> q(z|x) -> logits of images.

    Args:
        channels: C.
        config: sizes, the latent's among them (``dim``).
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
        """Codes [B, d] -> logits [B, C, 64, 64]; the sigmoid is the image."""
        return self.decoder(z)


def sample(mean: Tensor, log_variance: Tensor, generator: torch.Generator) -> Tensor:
    """z = mean + standard deviation * noise, so that gradients reach both. [B, d]."""
    noise = torch.randn(mean.shape, generator=generator, device=mean.device)
    return mean + (0.5 * log_variance).exp() * noise


def kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, exp(log_variance)) || N(0, 1)) of each dimension, in nats: [B, d] -> [B, d].

    Source: Kingma and Welling (2014), appendix B.
    """
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)


def reconstruction(logits: Tensor, x: Tensor) -> Tensor:
    """-E[log p(x|z)] in nats an image (wdlib's own loss divides it by the side of 64 pixels)."""
    return x.shape[-1] * method.reconstruction(logits, x)


Terms = dict[str, Tensor]  # what training says, unweighted


class Regulariser(Protocol):
    """What a member of the family puts in the place of the KL.

    Takes mean, log variance and sample of q(z|x) [B, d] each, and the share of the budget that is
    spent (0 to 1). Returns the weighted loss and its unweighted terms.
    """

    def __call__(
        self, mean: Tensor, log_variance: Tensor, z: Tensor, at: float
    ) -> tuple[Tensor, Terms]: ...


Objective = Callable[[Tensor, float], tuple[Tensor, Terms]]  # (numbers of images, share) -> loss


@dataclass(frozen=True, eq=False)
class Data:
    """What a run trains on, resident on the device.

    Args:
        task: whose images they are.
        split: the split that they come from, with the labels in use.
        unlabelled: uint8 images of train [N, C, 64, 64], in the split's order.
        labelled, values: uint8 images [L, C, 64, 64] and their relevant values [L, n].
    """

    task: Task
    split: Split
    unlabelled: Tensor
    labelled: Tensor
    values: Tensor


def resident(
    split: Split, images: Images, *, labels: int | None, device: str | torch.device
) -> Data:
    """The images of a split on the device, with the first ``labels`` labels (None: all of them).

    Raises ValueError for more labels than the split has, and where a factor's value is left with no
    labelled image.
    """
    split = with_labels(split, labels)
    task = split.task
    return Data(
        task,
        split,
        device_images(images, task.classes(split.train), device),
        device_images(images, task.classes(split.labelled), device),
        torch.from_numpy(task.labels(split.labelled)).to(device),
    )


class Run:
    """A VAE in training: the model, its data and its random numbers.

    Args:
        seed: of the weights and of every random number.
    """

    def __init__(self, data: Data, training: Training, *, seed: int):
        self.data, self.training, self.seed = data, training, seed
        self.device = data.unlabelled.device
        with seeded(seed):
            self.vae = VAE(data.task.channels, training.networks)
        self.vae.to(self.device)
        self.generator = torch.Generator(self.device).manual_seed(seed)

    def regularised(self, regulariser: Regulariser) -> Objective:
        """Reconstruction and a regulariser, on a batch of images: what most of the family is."""

        def objective(pick: Tensor, at: float) -> tuple[Tensor, Terms]:
            x = pictures(self.data.unlabelled[pick])
            mean, log_variance = self.vae.encode(x)
            z = sample(mean, log_variance, self.generator)
            fidelity = reconstruction(self.vae.decode(z), x)
            penalty, terms = regulariser(mean, log_variance, z, at)
            return fidelity + penalty, {"reconstruction": fidelity, **terms}

        return objective

    def train(
        self, objective: Objective, loop: Loop, *, name: str = "train", share: float | None = None
    ) -> None:
        """Minimise ``objective`` over a phase of the loop, or over all that is left of it.

        Raises FloatingPointError where a reported loss is not finite.
        """
        training = self.training
        optimiser = torch.optim.Adam(self.vae.parameters(), lr=training.lr, fused=True)
        order = batches(len(self.data.unlabelled), training.batch, self.generator)
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
        return torch.cat([self.vae.encode(pictures(part))[0] for part in images.split(512)])

    def system(self, loop: Loop, partitions: readout.Partitions | None = None) -> System:
        """The trained model with its read-out; a code is the mean of q(z|x).

        ``partitions``: the dimensions of each factor where training has decided them.
        """
        data = self.data
        read = readout.fit(self.codes(data.labelled), data.values, data.task, partitions=partitions)
        return System(
            task=data.task,
            encoder=lambda x: self.vae.encode(pictures(x))[0],
            decoder=lambda z: self.vae.decode(z).sigmoid(),
            values=read.values,
            move=read.move,
            device=self.device,
            partitions=read.partitions,
            history=tuple(loop.history),
        )


class Unsupervised(Protocol):
    """The configuration of a member that is a regulariser and no more."""

    training: Training

    def regulariser(self, run: Run) -> Regulariser: ...


def unsupervised(default: Unsupervised) -> Callable[..., System]:
    """The ``fit`` of such a member; ``default`` is its configuration where none is given."""

    def fit(
        split: Split,
        images: Images,
        *,
        labels: int | None = None,
        seed: int,
        steps: int | None = None,
        seconds: float | None = None,
        device: str | torch.device = "cpu",
        progress: Progress | None = None,
        config: Unsupervised = default,
    ) -> System:
        """Train on all of train without labels, for so many steps or seconds.

        ``labels``: the first so many labelled images (None: all) serve the read-out alone. Raises
        ValueError for a budget that is not exactly one, and as ``resident`` does.
        """
        check_budget(steps, seconds)
        data = resident(split, images, labels=labels, device=device)
        run = Run(data, config.training, seed=seed)
        loop = Loop(steps=steps, seconds=seconds, progress=progress, device=device)
        run.train(run.regularised(config.regulariser(run)), loop)
        return run.system(loop)

    return fit


@contextmanager
def seeded(seed: int):
    """Weights made inside depend on ``seed`` alone, and the global random state stays as it was."""
    generator = torch.random.default_generator
    state = generator.get_state()
    generator.manual_seed(seed)
    try:
        yield
    finally:
        generator.set_state(state)
