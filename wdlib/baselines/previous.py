"""The authors' earlier model: one latent, and one prior component per combination of values.

    L = E[-log p(x | z)] + 0.2 L_adv(q(z), p(z)),      p(z) = sum_c N(z; mu_c, Sigma_c) / #c
    L_ReL = || ReL(z, r) - z' ||^2,                     z ~ N_c, z' ~ N_{f_r(c)}

The modular model grew out of it. The mixture is estimated from 10 labelled images per combination:
the labels it needs multiply with every factor (1350 on dSprites.v3, 120,000 on Shapes3D.v5). A
relation replaces the whole latent by a sample for the new combination, so nuisance is not kept.

Source: Valenti and Bacciu (2022), "Leveraging Relational Information for Learning Weakly
Disentangled Representations", arXiv 2205.10056, and their code for dSprites (which does not run as
published): 8 dimensions, adversarial weight 0.2 with a reconstruction that is the mean over pixels,
a uniform prior for the first 1000 of 6000 epochs, covariances times 0.1, estimated once, ReL batch
128, a critic whose input for classes is always zero. It takes the labels of 20 batches of 1024
images; 10 per combination is the number in the modular paper. (For 3D Shapes it has 16 dimensions,
5000 of 15,001 epochs of warm-up, rates of 1e-5, and no adversarial training.)

Different here: the encoder's two losses are summed in one step (they take two steps of Adam);
networks, rates and batch are those of all systems; a singular covariance gets a ridge; there are no
noisy copies of the images. The adversarial weight is a 64th of theirs, which hardly leaves room for
reconstruction in a few minutes: in 240 s (validation images, seed 0), judged relation accuracy is
.01 on Shapes3D.v3 and .22 on dSprites.v3 with 0.2, and .12 and .55 with a 64th of it.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from wdlib.data import Split
from wdlib.model.modular import (
    Critic,
    ModularAutoencoder,
    ModularModel,
    NetworkConfig,
    RelationalLearner,
)
from wdlib.model.prior import AdaptivePrior, FitConfig, simple_prior
from wdlib.tasks import Task
from wdlib.training import method
from wdlib.training.loop import FitRequest, Run, adam, anneal, network_input, update
from wdlib.training.method import Terms


@dataclass(frozen=True)
class Config:
    """Hyper-parameters."""

    networks: NetworkConfig = NetworkConfig()  # ``dim`` is the length of the latent
    prior: FitConfig = FitConfig()  # as published, with a ridge
    each: int = 10  # labelled images of every combination, as in the modular paper
    warm_up: float = 1 / 6  # share of the budget before the prior is estimated
    adversarial: float = 0.2 / 64  # with a reconstruction that is the mean over pixels
    batch: int = 64
    learner_batch: int = 128
    lr: float = 2e-3
    critic_lr: float = 1e-3
    learner_lr: float = 1e-3
    critic_betas: tuple[float, float] = (0.5, 0.99)


class PreviousModel(ModularModel):
    """The modular model with a single partition, whose factor is the combination of all values.

    Codes are [N, 1, d]. ``partitions`` is None: no dimension belongs to one factor. ``labels`` is
    the number of labelled images that it was trained with.
    """

    def __init__(self, task: Task, config: NetworkConfig = NetworkConfig()):  # noqa: B008
        super().__init__(task, config)
        self.autoencoder = ModularAutoencoder(1, task.shape, config)
        self.critic = Critic(1, config)
        self.prior = AdaptivePrior((task.combinations,), config.dim)
        self.learner = RelationalLearner(1, len(self.relations), config)
        del self.heads  # they would read single factors
        self.partitions = None
        self.labels = 0
        self.history: list[dict] = []
        everything = separate(torch.arange(task.combinations), task.sizes)  # [K, n]
        after = [torch.from_numpy(r(everything.numpy(), task)) for r in self.relations]
        after = torch.stack([combine(values, task.sizes) for values in after])
        self.register_buffer("after", after)  # [R, K]

    @torch.no_grad()
    def values(self, codes: Tensor) -> Tensor:
        """Codes [N, 1, d] -> [N, n] int64: the values of the most likely combination."""
        at_once = max(1, 2_000_000 // self.task.combinations)  # each is compared with all
        numbers = self._in_batches(self.prior.values, codes, at_once)
        return separate(numbers[:, 0], self.task.sizes)

    def sample(self, values: Tensor, *, generator: torch.Generator) -> Tensor:
        """A sample of the prior for each row of values [N, n] -> codes [N, 1, d]."""
        return self.prior.sample(combine(values, self.task.sizes)[:, None], generator=generator)


def fit(request: FitRequest, config: Config = Config()) -> PreviousModel:  # noqa: B008
    """Train the earlier model and return it in eval mode.

    Raises ValueError where a combination has fewer than ``config.each`` train images.
    """
    split = labelled_split(request.split, config.each)
    run = Run.of(replace(request, split=split, labels=None))
    model = run.build(lambda: PreviousModel(split.task, config.networks))
    stages, batch, share = Stages(run, model, config), config.batch, config.warm_up
    optimiser = adam(model.autoencoder.parameters(), config.lr)
    run.minimise(stages.warm_up, optimiser, batch, name="warm-up", share=share)
    combinations = combine(run.values, split.task.sizes)[:, None]
    model.prior.fit(model.encode(run.labelled), combinations, config.prior)
    run.minimise(stages.full, optimiser, batch, name="full")
    model.labels, model.history = len(run.labelled), run.loop.history
    return model.eval()


class Stages:
    """The losses of the autoencoder; critic and relational learner take their steps first."""

    def __init__(self, run: Run, model: PreviousModel, config: Config):
        self.run, self.model, self.config = run, model, config
        self.order = run.batches(config.batch)
        self.critic = adam(model.critic.parameters(), config.critic_lr, config.critic_betas)
        self.learner = adam(model.learner.parameters(), config.learner_lr)

    def warm_up(self, at: float) -> tuple[Tensor, Terms]:
        """Match the codes to a uniform prior."""
        shape, generator = (self.config.batch, 1, self.config.networks.dim), self.run.generator
        real = simple_prior("uniform", shape, generator=generator, device=self.run.device)
        return self.match(at, real)

    def full(self, at: float) -> tuple[Tensor, Terms]:
        """Match the codes to the mixture, and train the relational learner."""
        prior, generator = self.model.prior, self.run.generator
        numbers = prior.random_values(self.config.batch, generator=generator)
        loss, terms = self.match(at, prior.sample(numbers, generator=generator))
        relational = relational_loss(self.model, self.config.learner_batch, generator)
        anneal(self.learner, at)
        update(self.learner, relational)
        return loss, {**terms, "relational": relational}

    def match(self, at: float, real: Tensor) -> tuple[Tensor, Terms]:
        """L for a batch; ``real`` [B, 1, d] are samples of the prior."""
        model = self.model
        x = network_input(self.run.unlabelled[next(self.order)])
        z = model.autoencoder.encode(x)
        critic = method.critic(model.critic(real), model.critic(z.detach()))
        anneal(self.critic, at)
        update(self.critic, critic)
        fidelity = F.binary_cross_entropy_with_logits(model.autoencoder.decode(z), x)
        adversarial = method.adversarial(model.critic(z))
        terms = {"reconstruction": fidelity, "adversarial": adversarial, "critic": critic}
        return fidelity + self.config.adversarial * adversarial, terms


def relational_loss(model: PreviousModel, count: int, generator: torch.Generator) -> Tensor:
    """L_ReL on ``count`` triples (z, r, z'): the whole latent goes to the new combination."""
    before = model.prior.random_values(count, generator=generator)  # [count, 1] combinations
    r = torch.randint(len(model.relations), (count,), generator=generator, device=model.device)
    after = model.after[r, before[:, 0]][:, None]
    z = model.prior.sample(before, generator=generator)
    target = model.prior.sample(after, generator=generator)
    return method.relational(model.learner(z, r), target)


def labelled_split(split: Split, each: int) -> Split:
    """The split whose labelled images are the first ``each`` ones of every combination in train,
    whatever its own labels are.

    Raises ValueError, naming the combination, where there are fewer.
    """
    task = split.task
    values = task.labels(split.train)
    whole = (values >= 0).all(1)  # rows of a table may lack labels
    train, numbers = (
        split.train[whole],
        combine(torch.from_numpy(values[whole]), task.sizes).numpy(),
    )
    counts = np.bincount(numbers, minlength=task.combinations)
    if counts.min() < each:
        values = np.unravel_index(counts.argmin(), task.sizes)
        named = [f"{f.name} {f.value_names[v]}" for f, v in zip(task.factors, values)]
        raise ValueError(
            f"the earlier model needs {each} labelled images of each of the {task.combinations} "
            f"combinations of {task.name}, {each * task.combinations} in all; the "
            f"{len(train)} train images have {counts.min()} of {', '.join(named)}. Use a "
            f"larger split"
        )
    chosen = [np.flatnonzero(numbers == c)[:each] for c in range(task.combinations)]
    return replace(split, labelled=train[np.concatenate(chosen)])


def combine(values: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Values [N, n] -> the number of their combination [N]; the last factor counts fastest."""
    number = torch.zeros_like(values[:, 0])
    for column, size in zip(values.T, sizes, strict=True):
        number = number * size + column
    return number


def separate(numbers: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Numbers of combinations [N] -> their values [N, n]."""
    return torch.stack(torch.unravel_index(numbers, sizes), dim=1)
