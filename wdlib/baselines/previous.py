"""The authors' earlier model: one latent, and one prior component for every combination of values.

It is what the modular model grew out of. Its mixture is estimated from 10 labelled images of each
combination, so its need of labels multiplies with every factor (1350 on dSprites.v3, 120,000 on
Shapes3D.v5) where the modular model's stays. And a relation moves the whole latent to a sample of
the component of the new combination, so what no label speaks of (nuisance) is not kept.

    L = E[-log p(x | z)] + 0.2 L_adv(q(z), p(z)),      p(z) = sum_c N(z; mu_c, Sigma_c) / #c
    L_ReL = || ReL(z, r) - z' ||^2,                     z ~ N_c, z' ~ N_{f_r(c)}

Source: Valenti and Bacciu (2022), "Leveraging Relational Information for Learning Weakly
Disentangled Representations", arXiv 2205.10056. From their code (which does not run as published):
8 dimensions, weight 0.2 beside a reconstruction that is the mean over pixels, a uniform warm-up
prior for 1000 of 6000 epochs, covariance times 0.1 estimated once, ReL batch 128, and a critic that
is told of classes but is always given zeros, so it is unconditional. (These are its values on
dSprites. Those on 3D Shapes are 16 dimensions, 5000 of 15,001 epochs of warm-up, rates of 1e-5, and
no adversarial training, under a name that says "test".) That code takes the labels of its first 20
batches of 1024 images on dSprites, 30 on 3D Shapes; the 10 of each combination is the count that
the modular paper compares itself with. It takes the encoder's two losses in two steps of Adam, one
after the other; their sum in one step is a reading of ours. Ours, too: the networks that all
systems share; rates, batch and a smaller adversarial weight for minutes, in which 0.2 hardly lets
anything be reconstructed; a ridge where a covariance is singular; their noisy copies of every image
are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from wdlib.baselines.loop import Loop, anneal, batches, check_budget, pictures, update, with_labels
from wdlib.data import Images, Split, device_images
from wdlib.model.autoencoder import Critic, ModularAutoencoder, NetworkConfig
from wdlib.model.learner import RelationalLearner
from wdlib.model.modular import ModularModel
from wdlib.model.prior import AdaptivePrior, FitConfig, simple_prior
from wdlib.tasks import Task
from wdlib.training import method
from wdlib.training.progress import Progress

EACH = 10  # labelled images of each combination, the count that the modular paper compares with


@dataclass(frozen=True)
class Config:
    """Sizes, weights and shares of the budget.

    Args:
        networks: ``dim`` is the length of the one latent.
        prior: how a component is estimated; as published but for the ridge.
        each: labelled images that every combination must have.
        own_labels: take ``each`` images a combination from train, whatever the split's labels are.
        warm_up: share of the budget before the prior is estimated; the rest is full training.
        refit_every: steps between estimates of the prior in full training; 0 is once, as published.
        adversarial: weight beside a reconstruction that is the mean over pixels; published is 0.2.
            With 240 s on validation images of seed 0, relations are judged .01 right on Shapes3D.v3
            and .22 on dSprites.v3 with 0.2, and .12 and .55 with a 64th of it.
    """

    networks: NetworkConfig = NetworkConfig()
    prior: FitConfig = FitConfig()
    each: int = EACH
    own_labels: bool = False
    warm_up: float = 1 / 6
    refit_every: int = 0
    adversarial: float = 0.2 / 64
    batch: int = 64
    learner_batch: int = 128
    lr: float = 2e-3
    critic_lr: float = 1e-3
    learner_lr: float = 1e-3
    critic_betas: tuple[float, float] = (0.5, 0.99)


# What they ran, but for their noisy copies, and with rates that fall along a cosine as everywhere.
PUBLISHED = Config(
    networks=NetworkConfig(decoder="conv", width=1024, activation="tanh", residual=False),
    batch=1024,
    lr=1e-4,
    critic_lr=1e-4,
    learner_lr=1e-4,
    adversarial=0.2,
    critic_betas=(0.9, 0.999),
)


def labels_needed(task: Task, each: int = EACH) -> int:
    """Labelled images that the earlier model needs: ``each`` of every combination."""
    return each * task.combinations


def combine(values: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Values [N, n] -> number of their combination [N], the last factor counting fastest."""
    number = torch.zeros_like(values[:, 0])
    for column, size in zip(values.T, sizes, strict=True):
        number = number * size + column
    return number


def separate(numbers: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Numbers of combinations [N] -> their values [N, n]."""
    columns = []
    for size in reversed(sizes):
        columns.append(numbers % size)
        numbers = numbers // size
    return torch.stack(columns[::-1], dim=1)


class PreviousModel(ModularModel):
    """The modular model with its n partitions made one, whose factor is the combination.

    Codes are [N, 1, d]. Encoding, decoding, and walking a relation step by step are the modular
    model's own. ``partitions`` is None: no dimension belongs to one factor.
    """

    def __init__(self, task: Task, config: NetworkConfig = NetworkConfig()):  # noqa: B008
        super().__init__(task, config)
        self.autoencoder = ModularAutoencoder(1, task.channels, config)
        self.critic = Critic(1, config)
        self.prior = AdaptivePrior((task.combinations,), config.dim)
        self.learner = RelationalLearner(1, len(self.relations), config)
        del self.heads  # nothing reads single values off this latent
        self.partitions = None
        self.labels = 0
        self.history: list[dict] = []
        everything = separate(torch.arange(task.combinations), task.sizes)  # [K, n]
        after = [torch.from_numpy(r(everything.numpy(), task)) for r in self.relations]
        self.register_buffer("after", torch.stack([combine(v, task.sizes) for v in after]))

    @torch.no_grad()
    def values(self, codes: Tensor) -> Tensor:
        """Codes [N, 1, d] -> [N, n] int64: the values of the most likely combination."""
        at_once = max(1, 2_000_000 // self.task.combinations)  # each is weighed against all
        numbers = self._in_batches(self.prior.values, codes, at_once)
        return separate(numbers[:, 0], self.task.sizes)

    def sample(self, values: Tensor, *, generator: torch.Generator) -> Tensor:
        """A latent of each combination, values [N, n] -> codes [N, 1, d]."""
        return self.prior.sample(combine(values, self.task.sizes)[:, None], generator=generator)


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
) -> PreviousModel:
    """Train the earlier model for so many steps, or seconds, and return it in eval mode.

    ``labels``: the first so many of the split's labelled images (None: all).
    Raises ValueError for a budget that is not exactly one, and where a combination has fewer
    labelled images than ``config.each``.
    """
    check_budget(steps, seconds)
    task = split.task
    labelled = _own_labels(split, config) if config.own_labels else _labels(split, labels, config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = PreviousModel(task, config.networks)
    model.to(device)
    generator = torch.Generator(device).manual_seed(seed)
    unlabelled = device_images(images, task.classes(split.train), device)
    known = device_images(images, task.classes(labelled), device)
    values = torch.from_numpy(task.labels(labelled)).to(device)
    combinations = combine(values, task.sizes)[:, None]

    def adam(part, lr, betas=(0.9, 0.999)):
        return torch.optim.Adam(part.parameters(), lr=lr, betas=betas, fused=True)

    autoencoder = adam(model.autoencoder, config.lr)
    critic = adam(model.critic, config.critic_lr, config.critic_betas)
    learner = adam(model.learner, config.learner_lr)
    stream = batches(len(unlabelled), config.batch, generator)
    loop = Loop(steps=steps, seconds=seconds, progress=progress, device=device)

    def match(at: float, real: Tensor) -> dict[str, Tensor]:
        """One step of the auto-encoder, whose codes are to look like ``real``."""
        for optimiser in (autoencoder, critic):
            anneal(optimiser, at)
        x = pictures(unlabelled[next(stream)])
        z = model.autoencoder.encode(x)
        critic_loss = method.critic(model.critic(real), model.critic(z.detach()))
        update(critic, critic_loss)
        terms = {
            "reconstruction": F.binary_cross_entropy_with_logits(model.autoencoder.decode(z), x),
            "adversarial": method.adversarial(model.critic(z)),
        }
        update(autoencoder, terms["reconstruction"] + config.adversarial * terms["adversarial"])
        return terms | {"critic": critic_loss}

    def refit() -> None:
        model.prior.fit(model.encode(known), combinations, config.prior)

    shape = (config.batch, 1, config.networks.dim)
    model.train()
    for at in loop.phase("warm-up", config.warm_up):
        real = simple_prior("uniform", shape, generator=generator, device=device)
        loop.report(config.batch, **match(at, real))

    refit()
    for number, at in enumerate(loop.phase("full")):
        if number and config.refit_every and number % config.refit_every == 0:
            refit()
        any_combination = model.prior.random_values(config.batch, generator=generator)
        terms = match(at, model.prior.sample(any_combination, generator=generator))
        terms["relational"] = relational_loss(model, config.learner_batch, generator)
        anneal(learner, at)
        update(learner, terms["relational"])
        loop.report(config.batch, **terms)
    model.labels, model.history = len(labelled), loop.history
    return model.eval()


def relational_loss(model: PreviousModel, count: int, generator: torch.Generator) -> Tensor:
    """L_ReL on ``count`` triples (z, r, z'): the whole latent goes to the new combination."""
    device = model.device
    before = model.prior.random_values(count, generator=generator)  # [count, 1] combinations
    r = torch.randint(len(model.relations), (count,), generator=generator, device=device)
    after = model.after[r, before[:, 0]][:, None]
    z = model.prior.sample(before, generator=generator)
    target = model.prior.sample(after, generator=generator)
    return method.relational(model.learner(z, r), target)


def _labels(split: Split, labels: int | None, config: Config) -> np.ndarray:
    """The split's labelled images; ValueError where they are too few for this model."""
    task = split.task
    labelled = with_labels(split, labels).labelled
    counts = np.bincount(_numbers(task, labelled), minlength=task.combinations)
    if counts.min() < config.each:
        raise ValueError(
            f"the earlier model needs {config.each} labelled images of each of the "
            f"{task.combinations} combinations of {task.name}, "
            f"{labels_needed(task, config.each)} in all; of the {len(labelled)} given, "
            f"{_named(task, int(counts.argmin()))} has {counts.min()}. Give it its own labels, "
            f"drawn from train, with Config(own_labels=True)"
        )
    return labelled


def _own_labels(split: Split, config: Config) -> np.ndarray:
    """The first ``config.each`` images of every combination in train, in train's seeded order."""
    task = split.task
    numbers = _numbers(task, split.train)
    counts = np.bincount(numbers, minlength=task.combinations)
    if counts.min() < config.each:
        raise ValueError(
            f"the earlier model needs {config.each} images of every combination of {task.name}, "
            f"and train has {counts.min()} of {_named(task, int(counts.argmin()))}"
        )
    order = np.argsort(numbers, kind="stable")
    starts = np.cumsum(counts) - counts
    chosen = (starts[:, None] + np.arange(config.each)).ravel()
    return split.train[order[chosen]]


def _numbers(task: Task, indices: np.ndarray) -> np.ndarray:
    """Image numbers [N] -> the number of each one's combination [N]."""
    return np.ravel_multi_index(tuple(task.labels(indices).T), task.sizes)


def _named(task: Task, number: int) -> str:
    values = np.unravel_index(number, task.sizes)
    return ", ".join(
        f"{factor.name} {factor.value_names[v]}" for factor, v in zip(task.factors, values)
    )
