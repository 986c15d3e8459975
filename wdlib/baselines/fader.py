"""Fader networks: a code without information about the attributes, and a decoder that gets them.

    L_dis = -log P_dis(y | E(x))
    L     = L_rec(D(E(x), y), x) - lambda log P_dis(y' | E(x)),      y' another value than y

The attributes y are the one-hot values of the relevant factors. A latent discriminator reads them
from the code E(x), and the encoder learns to prevent this. So the decoder D must rely on y, and a
change of y changes the image. lambda rises linearly from 0 over the first part of training.

Source: Lample et al. (2017), "Fader Networks: Manipulating Images by Sliding Attributes",
section 3. From their code: for attributes with more than two values, y' is any other value; the
rise takes about a third of training. Different here: lambda (theirs is 1e-4 with a squared error
per pixel; the one for nats per image / 64 and short codes is a guess, not tuned); log probabilities
are means over attributes, not sums; their encoder is in eval mode while the discriminator learns,
their discriminator has dropout, and they clip gradients.

They have the attributes of every image. Here a classifier is trained on the labelled images first;
it supplies the attributes of all other images, also at test time.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from wdlib.baselines.system import FlatSystem, consecutive
from wdlib.model.modular import NetworkConfig, decoder, encoder
from wdlib.model.networks import mlp
from wdlib.tasks import Task
from wdlib.training import method
from wdlib.training.loop import Batches, FitRequest, Run, adam, anneal, network_input, update
from wdlib.training.method import Terms
from wdlib.training.ours import cross_entropy, shifted


@dataclass(frozen=True)
class Config:
    """Hyper-parameters."""

    networks: NetworkConfig = NetworkConfig()  # ``dim`` is the length of the residual code E(x)
    read: float = 0.25  # share of the budget for the classifier
    shift: int = 2  # labelled images are moved by up to so many pixels, as in Modular
    adversarial: float = 0.1  # the final lambda
    ramp: float = 1 / 3  # share of the autoencoder's training in which lambda rises
    batch: int = 64
    lr: float = 2e-3
    discriminator_lr: float = 1e-3
    discriminator_betas: tuple[float, float] = (0.5, 0.99)


class Fader(nn.Module):
    """Classifier, encoder, latent discriminator and decoder.

    Codes are [N, sum of sizes + dim]: the one-hot attributes, then the residual code.
    """

    def __init__(self, task: Task, config: NetworkConfig = NetworkConfig()):  # noqa: B008
        super().__init__()
        self.sizes, self.partitions = task.sizes, consecutive(task.sizes)
        attributes = sum(task.sizes)
        self.classifier = encoder(config, task.shape, attributes)
        self.encoder = encoder(config, task.shape, config.dim)
        self.discriminator = mlp(config.dim, config.width, attributes, activation=config.activation)
        self.decoder = decoder(config, attributes + config.dim, task.shape)

    def read(self, x: Tensor) -> list[Tensor]:
        """Float images [B, C, H, W] -> the classifier's logits [B, K_i] per factor."""
        return list(self.classifier(x).split(self.sizes, dim=1))

    def discriminate(self, z: Tensor) -> list[Tensor]:
        """Residual codes [B, dim] -> the discriminator's logits [B, K_i] per factor."""
        return list(self.discriminator(z).split(self.sizes, dim=1))

    def attributes(self, values: Tensor) -> Tensor:
        """Values [B, n] -> one-hot [B, sum of sizes]."""
        return torch.cat([self.place(i, column) for i, column in enumerate(values.T)], dim=1)

    def code(self, x: Tensor) -> Tensor:
        """Float images [B, C, H, W] -> codes [B, D]."""
        return torch.cat([self.attributes(most_likely(self.read(x))), self.encoder(x)], dim=1)

    def values(self, codes: Tensor) -> Tensor:
        """Codes [N, D] -> the values in their attributes, [N, n] int64."""
        return most_likely([codes[:, list(dims)] for dims in self.partitions])

    def place(self, factor: int, values: Tensor) -> Tensor:
        """Values [N] of one factor -> one-hot [N, K_i]."""
        numbers = torch.arange(self.sizes[factor], device=values.device)
        return (values[:, None] == numbers).float()  # torch's own one-hot waits for the host


def fit(request: FitRequest, config: Config = Config()) -> FlatSystem:  # noqa: B008
    """Train the classifier on the labelled images, then the Fader network on all images.

    Raises ValueError where a value has no labelled image.
    """
    run = Run.of(request)
    model = run.build(lambda: Fader(run.task, config.networks))
    optimiser, batch = adam(model.classifier.parameters(), config.lr), config.batch
    run.minimise(reading(run, model, config), optimiser, batch, name="read", share=config.read)
    model.classifier.eval()
    optimiser = adam([*model.encoder.parameters(), *model.decoder.parameters()], config.lr)
    run.minimise(swapping(run, model, config), optimiser, batch, name="swap")
    return FlatSystem(run, model.eval().code, model.decoder, model)


def reading(run: Run, model: Fader, config: Config) -> Callable[[float], tuple[Tensor, Terms]]:
    """The loss of the classifier, on labelled images."""
    order = Batches(len(run.labelled), config.batch, run.generator)

    def objective(at: float) -> tuple[Tensor, Terms]:
        pick = next(order)
        x = shifted(network_input(run.labelled[pick]), config.shift, run.generator)
        loss = cross_entropy(model.read(network_input(x)), run.values[pick])
        return loss, {"labels": loss}

    return objective


def swapping(run: Run, model: Fader, config: Config) -> Callable[[float], tuple[Tensor, Terms]]:
    """L, on all images; the discriminator takes its step first."""
    values, order = read_all(run, model), run.batches(config.batch)
    weights, betas = model.discriminator.parameters(), config.discriminator_betas
    discriminator = adam(weights, config.discriminator_lr, betas)

    def objective(at: float) -> tuple[Tensor, Terms]:
        pick = next(order)
        x, y = network_input(run.unlabelled[pick]), values[pick]
        z = model.encoder(x)
        found = cross_entropy(model.discriminate(z.detach()), y)
        anneal(discriminator, at)
        update(discriminator, found)
        logits = model.decoder(torch.cat([model.attributes(y), z], dim=1))
        fidelity = method.reconstruction(logits, x)
        adversarial = hidden(model.discriminate(z), y, run.generator)
        terms = {"reconstruction": fidelity, "adversarial": adversarial, "discriminator": found}
        risen = min(at / config.ramp, 1.0) if config.ramp else 1.0
        return fidelity + config.adversarial * risen * adversarial, terms

    return objective


@torch.no_grad()
def read_all(run: Run, model: Fader) -> Tensor:
    """The values [N, n] of all train images; the classifier reads those without a label."""
    starts = range(len(run.labelled), len(run.unlabelled), 512)  # labelled ones come first in train
    parts = (network_input(run.unlabelled[start : start + 512]) for start in starts)
    read = [most_likely(model.read(part)) for part in parts]
    return torch.cat([run.values, *read])


def hidden(scores: list[Tensor], values: Tensor, generator: torch.Generator) -> Tensor:
    """-log P_dis(y' | z), mean over images and factors: the encoder's loss.

    scores: the discriminator's logits [B, K_i] per factor; values [B, n] are y. For each image and
    factor, y' is drawn from all values except y.
    """
    others = []
    for score, column in zip(scores, values.T):
        size, shape = score.shape[1], column.shape
        by = torch.randint(size - 1, shape, generator=generator, device=column.device)
        others.append((column + 1 + by) % size)
    return cross_entropy(scores, torch.stack(others, dim=1))


def most_likely(scores: list[Tensor]) -> Tensor:
    """Scores [B, K_i] per factor -> the values with the highest scores, [B, n] int64."""
    return torch.stack([s.argmax(1) for s in scores], dim=1)
