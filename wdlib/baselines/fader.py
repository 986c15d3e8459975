"""Fader networks: a code that holds nothing of the attributes, and a decoder that is told them.

An encoder E writes what is left of the image, a decoder D gets that and the attributes y (one-hot
values of the relevant factors). A latent discriminator tries to read the attributes off the code;
the encoder learns to be unreadable, so the decoder must believe what it is told, and to swap an
attribute is to tell another.

    L_dis = -log P_dis(y | E(x))
    L     = L_rec(D(E(x), y), x) - lambda log P_dis(y' | E(x)),      y' another value than y

lambda rises from 0 in a straight line over the first part of training.

Source: Lample et al. (2017), "Fader Networks: Manipulating Images by Sliding Attributes",
section 3; from their code: y' for attributes of more than two values is any of the others, and the
ramp takes about a third of training. Their lambda is 1e-4 beside a squared error a pixel. Ours
stands beside BCE in nats an image / 64; it is a guess for short codes, not a tuned value. The log
probabilities are means over attributes, where theirs are sums; their encoder is in eval mode when
the discriminator learns, and gradients are clipped: not so here.

They have the attributes of every image. Here only some are labelled, so a classifier is trained on
those first (ours), the attributes of all other images are what it reads, and it is also how an
image's attributes are known at test. Networks of COURSE; no dropout in the discriminator.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from wdlib.baselines.factored import FactoredModel, decoder, encoder
from wdlib.baselines.loop import Loop, anneal, batches, check_budget, pictures, update, with_labels
from wdlib.baselines.system import System
from wdlib.data import Images, Split, device_images
from wdlib.model.autoencoder import NetworkConfig
from wdlib.model.networks import mlp
from wdlib.tasks import Task
from wdlib.training import method, ours
from wdlib.training.ours import shifted
from wdlib.training.progress import Progress


@dataclass(frozen=True)
class Config:
    """Sizes, weights and shares of the budget.

    Args:
        networks: ``dim`` is the length of the residual code; the discriminator is ``width`` wide.
        read: share of the budget for the classifier; the rest is the auto-encoder's.
        shift: labelled images are moved by up to so many pixels for the classifier, as for ours.
        adversarial: lambda at its full height.
        ramp: share of the auto-encoder's training over which lambda rises.
    """

    networks: NetworkConfig = NetworkConfig()
    read: float = 0.25
    shift: int = 2
    adversarial: float = 0.1
    ramp: float = 1 / 3
    batch: int = 64
    lr: float = 2e-3
    discriminator_lr: float = 1e-3
    discriminator_betas: tuple[float, float] = (0.5, 0.99)


class Fader(FactoredModel):
    """Classifier, encoder, latent discriminator and decoder.

    Codes are [N, sum of sizes + dim]: the attributes, one-hot, then what E wrote.
    """

    def __init__(self, task: Task, config: NetworkConfig = NetworkConfig()):  # noqa: B008
        super().__init__(task, task.sizes)
        attributes = sum(task.sizes)
        self.classifier = encoder(config, task.channels, attributes)
        self.encoder = encoder(config, task.channels, config.dim)
        self.discriminator = mlp(config.dim, config.width, attributes, activation=config.activation)
        self.decoder = decoder(config, attributes + config.dim, task.channels)

    def read(self, x: Tensor) -> list[Tensor]:
        """Float images [B, C, 64, 64] -> the classifier's logits [B, K_i], one tensor a factor."""
        return list(self.classifier(x).split(self.task.sizes, dim=1))

    def discriminate(self, z: Tensor) -> list[Tensor]:
        """Residual codes [B, dim] -> what the discriminator finds, logits [B, K_i] a factor."""
        return list(self.discriminator(z).split(self.task.sizes, dim=1))

    def attributes(self, values: Tensor) -> Tensor:
        """Values [B, n] -> one-hot [B, sum of sizes]."""
        return torch.cat([self.place(i, column) for i, column in enumerate(values.T)], dim=1)

    def code(self, x: Tensor) -> Tensor:
        values = torch.stack([s.argmax(1) for s in self.read(x)], dim=1)
        return torch.cat([self.attributes(values), self.encoder(x)], dim=1)

    def logits(self, codes: Tensor) -> Tensor:
        return self.decoder(codes)

    def values(self, codes: Tensor) -> Tensor:
        """Codes [N, D] -> [N, n] int64: the attributes that the code carries."""
        return torch.stack([codes[:, list(dims)].argmax(1) for dims in self.partitions], dim=1)

    def place(self, factor: int, values: Tensor) -> Tensor:
        numbers = torch.arange(self.task.sizes[factor], device=values.device)
        return (values[:, None] == numbers).float()  # torch's own one-hot waits for the host


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
    config: Config = Config(),  # noqa: B008
) -> System:
    """Train a Fader network for so many steps, or seconds.

    ``labels``: the first so many of the split's labelled images (None: all).
    Raises ValueError for a budget that is not exactly one, for more labels than the split has, and
    where a factor's value has no labelled image.
    """
    check_budget(steps, seconds)
    split = with_labels(split, labels)
    task, unlabelled = split.task, device_images(images, split.task.classes(split.train), device)
    given = torch.from_numpy(task.labels(split.labelled)).to(device)
    known = len(given)  # the labelled images are the first of train
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Fader(task, config.networks)
    model.to(device).train()
    generator = torch.Generator(device).manual_seed(seed)
    loop = Loop(steps=steps, seconds=seconds, progress=progress, device=device)

    def adam(parts, lr, betas=(0.9, 0.999)):
        weights = [w for part in parts for w in part.parameters()]
        return torch.optim.Adam(weights, lr=lr, betas=betas, fused=True)

    classifier = adam([model.classifier], config.lr)
    stream = batches(known, config.batch, generator)
    for at in loop.phase("read", config.read):
        anneal(classifier, at)
        pick = next(stream)
        x = pictures(shifted(pictures(unlabelled[pick]), config.shift, generator))
        loss = ours.cross_entropy(model.read(x), given[pick])
        update(classifier, loss)
        loop.report(config.batch, labels=loss)

    model.classifier.eval()
    values = torch.cat([given, _read(model, unlabelled[known:])])  # [N, n], of every image
    autoencoder = adam([model.encoder, model.decoder], config.lr)
    discriminator = adam([model.discriminator], config.discriminator_lr, config.discriminator_betas)
    stream = batches(len(unlabelled), config.batch, generator)
    for at in loop.phase("swap"):
        for optimiser in (autoencoder, discriminator):
            anneal(optimiser, at)
        pick = next(stream)
        x, y = pictures(unlabelled[pick]), values[pick]
        z = model.encoder(x)
        found = ours.cross_entropy(model.discriminate(z.detach()), y)
        update(discriminator, found)
        logits = model.logits(torch.cat([model.attributes(y), z], dim=1))
        terms = {
            "reconstruction": method.reconstruction(logits, x),
            "adversarial": hidden(model.discriminate(z), y, generator),
        }
        weight = config.adversarial * risen(at, config.ramp)
        update(autoencoder, terms["reconstruction"] + weight * terms["adversarial"])
        loop.report(config.batch, **terms, discriminator=found)
    return model.system(loop.history, device)


def hidden(scores: list[Tensor], values: Tensor, generator: torch.Generator) -> Tensor:
    """-log P_dis(y' | z), mean over images and factors: the encoder's side.

    scores: the discriminator's logits [B, K_i], one tensor a factor; values [B, n] are y. For each
    image and factor y' is drawn from all the values that y is not.
    """
    others = [
        (column + 1 + torch.randint(k - 1, column.shape, generator=generator, device=column.device))
        % k
        for k, column in ((s.shape[1], column) for s, column in zip(scores, values.T))
    ]
    return ours.cross_entropy(scores, torch.stack(others, dim=1))


def risen(at: float, ramp: float) -> float:
    """How much of lambda is up when ``at`` of training is over: 1 from ``ramp`` on."""
    return min(at / ramp, 1.0) if ramp else 1.0


@torch.no_grad()
def _read(model: Fader, images: Tensor) -> Tensor:
    """What the classifier reads off uint8 images [N, C, 64, 64]: values [N, n]."""
    parts = [
        torch.stack([s.argmax(1) for s in model.read(pictures(part))], dim=1)
        for part in images.split(512)
    ]
    empty = torch.zeros((0, len(model.task.sizes)), dtype=torch.long, device=images.device)
    return torch.cat(parts) if len(images) else empty
