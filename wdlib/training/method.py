"""The paper on one page: Eq. 1, 2 and 3, and one training step.

A modular autoencoder encodes an image x as z = (z_1, ..., z_n), one partition of d dimensions per
factor. Stage 1, the warm-up, reconstructs images and matches the codes to a simple prior (Eq. 1 and
2). Stage 2, full training, matches them to the adaptive prior instead, and trains the relational
learner ReL at the same time (Eq. 3).

Shapes: B images, n partitions, d dimensions, K values at most, R relations.

Source: Valenti and Bacciu (2022), "Modular Representations for Weak Disentanglement", section 3;
the corrupted copies: the authors' earlier code (arXiv 2205.10056).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from wdlib.data import scaled
from wdlib.model.modular import ModularModel
from wdlib.model.prior import simple_prior
from wdlib.relations import Relation
from wdlib.tasks import Task
from wdlib.training.schedule import Phase

Update = Callable[[str, Tensor], None]  # (name of an optimiser, loss) -> one optimiser step
Terms = dict[str, Tensor]  # name of a loss -> its value, unweighted


def reconstruction(logits: Tensor, x: Tensor) -> Tensor:
    """-E[log p(x | z)], the first term of Eq. 1, with one Bernoulli distribution per pixel.

    logits and x [B, C, H, W]. In nats per row of a 64 x 64 image, so that a weight of 1 suits the
    other losses, whatever the size of an image is.
    """
    total = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    return total / (len(x) * x.shape[-2] * x.shape[-1] / 64)


def critic(prior_logits: Tensor, code_logits: Tensor) -> Tensor:
    """-(E_prior[log D(z)] + E_data[log(1 - D(enc(x)))]): Eq. 2, which the critic D maximises.

    The critic's logits of prior samples [B] and of codes [B].
    """
    return F.softplus(-prior_logits).mean() + F.softplus(code_logits).mean()


def adversarial(code_logits: Tensor) -> Tensor:
    """-E_data[log D(enc(x))]: the encoder's side of Eq. 2, which stands for the second term of
    Eq. 1, in its non-saturating form. code_logits [B]."""
    return F.softplus(-code_logits).mean()


def relational(moved: Tensor, target: Tensor) -> Tensor:
    """Eq. 3: mean squared error between ReL(z, r) and its target. Both [B, n, d]."""
    return F.mse_loss(moved, target)


class Moves:
    """f_r of every learned relation r: which value follows which, as tensors on the device."""

    def __init__(self, task: Task, relations: tuple[Relation, ...], device):
        n, most = len(task.sizes), max(task.sizes)
        rows = torch.arange(most)[:, None].minimum(torch.tensor(task.sizes) - 1)  # [K, n]
        after = [torch.from_numpy(relation(rows.numpy(), task)) for relation in relations]
        self.after = torch.stack(after).to(device)  # [R, K, n]
        affected = [[i in r.affects(task) for i in range(n)] for r in relations]
        self.affected = torch.tensor(affected, device=device)  # [R, n]

    def random(self, count: int, generator: torch.Generator) -> Tensor:
        """[count] numbers of relations, uniform."""
        device = self.after.device
        return torch.randint(len(self.after), (count,), generator=generator, device=device)

    def __call__(self, values: Tensor, relation: Tensor) -> Tensor:
        """f_r(k): values [B, n] and numbers of relations [B] -> new values [B, n]."""
        partition = torch.arange(values.shape[1], device=values.device)  # [n]
        return self.after[relation[:, None], values, partition[None]]


def step(
    model: ModularModel,
    phase: Phase,
    moves: Moves,
    images: Tensor,
    update: Update,
    generator: torch.Generator,
) -> Terms:
    """One step of either stage on uint8 images [B, C, H, W]; returns every loss, unweighted."""
    x = scaled(images)  # [B, C, H, W] in [0, 1]
    if phase.views.corrupt:
        x = corrupted(x, generator)
    z = model.autoencoder.encode(x)  # [B, n, d]
    terms = autoencoder_losses(model, phase, x, z, update, generator)
    update("autoencoder", weighted(terms, phase.losses))
    if phase.weight("relational"):  # stage 2
        values, z = latents(model, phase.relations.batch, generator)
        terms |= learn_relations(model, phase, moves, values, z, update, generator)
    return detached(terms)


def autoencoder_losses(
    model: ModularModel, phase: Phase, x: Tensor, z: Tensor, update: Update, generator
) -> Terms:
    """The two terms of Eq. 1 for images x [B, C, H, W] and their codes z [B, n, d]. The critic,
    which the second one needs, takes its own step first (Eq. 2)."""
    terms = {}
    if phase.weight("adversarial"):
        real = prior_samples(model, phase.prior, len(z), generator)  # [B, n, d]
        terms["critic"] = critic(model.critic(real), model.critic(z.detach()))
        update("critic", terms["critic"])
        terms["adversarial"] = adversarial(model.critic(z))
    if phase.weight("reconstruction"):
        terms["reconstruction"] = reconstruction(model.autoencoder.decode(z), x)
    return terms


def prior_samples(model: ModularModel, prior: str, count: int, generator) -> Tensor:
    """[count, n, d] samples of the prior: what the critic takes for real."""
    if prior == "adaptive":
        return latents(model, count, generator)[1]
    shape = (count, len(model.task.factors), model.config.dim)
    samples = simple_prior(prior, shape, generator=generator, device=model.device)
    return model.prior.used(samples)


def latents(model: ModularModel, count: int, generator) -> tuple[Tensor, Tensor]:
    """Random values [count, n], and a sample of the component of each, [count, n, d]."""
    values = model.prior.random_values(count, generator=generator)
    return values, model.prior.sample(values, generator=generator)


def learn_relations(
    model: ModularModel,
    phase: Phase,
    moves: Moves,
    values: Tensor,
    z: Tensor,
    update: Update,
    generator,
) -> Terms:
    """One step of ReL on latents z [B, n, d] with known values [B, n]: Eq. 3."""
    loss = relational_loss(model, moves, values, z, generator)
    update("learner", phase.weight("relational") * loss)
    return {"relational": loss}


def relational_loss(
    model: ModularModel, moves: Moves, values: Tensor, z: Tensor, generator
) -> Tensor:
    """Eq. 3 on triples (z, r, target), with a random relation r for each z [B, n, d].

    In the target, the partition that r affects is a sample of the component of the new value
    f_r(k); the other partitions stay.
    """
    r = moves.random(len(z), generator)  # [B]
    arrived = model.prior.sample(moves(values, r), generator=generator)  # [B, n, d]
    target = torch.where(moves.affected[r][:, :, None], arrived, z)  # [B, n, d]
    return relational(model.learner(z, r), target)


def weighted(terms: Terms, weights: Mapping[str, float]) -> Tensor:
    """The weighted sum of the losses that have a weight; the critic's own loss has none."""
    return sum(weights[name] * loss for name, loss in terms.items() if name in weights)


def detached(terms: Terms) -> Terms:
    """The losses without their graphs, for the log."""
    return {name: loss.detach() for name, loss in terms.items()}


def corrupted(x: Tensor, generator: torch.Generator) -> Tensor:
    """Copies of x [B, C, H, W]: one in seven unchanged, three noisy, three with dropped pixels.

    Noise of standard deviation 0.3 falls on pixels that are fully on, clipped to [0, 1]; dropping
    sets each pixel to 0 with probability 0.3.
    """
    kind = torch.randint(7, (len(x), 1, 1, 1), generator=generator, device=x.device)
    noise = torch.randn(x.shape, generator=generator, device=x.device)
    noisy = torch.where(x == 1, x + 0.3 * noise, x).clamp(0, 1)
    dropped = x * (torch.rand(x.shape, generator=generator, device=x.device) >= 0.3)
    return torch.where(kind == 0, x, torch.where(kind <= 3, noisy, dropped))
