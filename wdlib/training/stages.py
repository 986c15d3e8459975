"""One training step, read top to bottom as the paper's algorithm.

Stage 1, warm-up: reconstruct, and match the codes to a simple prior through the critic (Eq. 1 and
2). Stage 2, full training: the same with the adaptive prior, and beside it the relational learner
(Eq. 3). Which stage a step belongs to is the phase's ``prior``. What is ours says so; its weights
are zero in PAPER.

Source: Valenti and Bacciu (2022), section 3; the corrupted copies: the authors' earlier code.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from wdlib.data import to_float
from wdlib.model.modular import ModularModel
from wdlib.model.prior import simple_prior
from wdlib.relations import Relation
from wdlib.tasks import Task
from wdlib.training import losses
from wdlib.training.phases import Phase
from wdlib.training.views import corrupted, moved, still_seen

Update = Callable[[str, Tensor], None]  # (whose weights, loss) -> one optimiser step


def step(
    model: ModularModel,
    phase: Phase,
    moves: Moves,
    images: Tensor,
    labelled: tuple[Tensor, Tensor],
    beliefs: Tensor | None,
    update: Update,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """One step of either stage on uint8 images [B, C, 64, 64]; returns every loss, unweighted.

    labelled: (uint8 images [L, C, 64, 64], values [L, n]); used where ``phase.labels`` is not 0.
    beliefs: what ``read`` made of these images, [B, n]; used where ``phase.taught`` is not 0.
    """
    x = to_float(images)
    if phase.corrupt:
        x = corrupted(x, generator)
    views = {"plain": x}
    if phase.labels:
        views["labelled"] = moved(to_float(labelled[0]), phase, generator)
    if phase.pseudo or phase.balanced:
        views["moved"] = moved(x, phase, generator)
    codes = model.autoencoder.encode(torch.cat(list(views.values())))  # one pass for every loss
    views = dict(zip(views, codes.split([len(view) for view in views.values()])))
    z = views["plain"]

    terms = {}
    if phase.adversarial:
        critic_loss = losses.critic(
            model.critic(prior_samples(model, phase, len(z), generator)), model.critic(z.detach())
        )
        update("critic", critic_loss)
        terms["adversarial"] = losses.adversarial(model.critic(z))
    if phase.reconstruction:
        terms["reconstruction"] = losses.reconstruction(model.autoencoder.decode(z), x)
    if phase.labels:  # ours
        scores = value_scores(model, phase, views["labelled"])
        known = still_seen(model.task, phase, len(labelled[1]), x.device)
        terms["labels"] = losses.labels(scores, torch.where(known, labelled[1], -1))
    if phase.pseudo:  # ours
        known = still_seen(model.task, phase, len(z), x.device)
        believed = [
            s.detach().softmax(1) * known[:, i, None]
            for i, s in enumerate(value_scores(model, phase, z))
        ]
        scores = value_scores(model, phase, views["moved"])
        terms["pseudo"] = losses.pseudo_labels(scores, believed, phase.confidence)
    if phase.taught:  # ours
        seen = z
        if phase.balanced:
            seen, known = views["moved"], still_seen(model.task, phase, len(z), x.device)
            beliefs = torch.where(known, beliefs, -1)
        terms["taught"] = losses.labels(value_scores(model, phase, seen), beliefs)
    if phase.cycle:  # ours
        terms["cycle"] = cycle_loss(model, phase, z, generator)
    update("autoencoder", sum(getattr(phase, name) * loss for name, loss in terms.items()))

    if phase.adversarial:
        terms["critic"] = critic_loss
    if phase.relational:
        terms["relational"] = relational_loss(model, phase, moves, z.detach(), generator)
        update("learner", phase.relational * terms["relational"])
    return {name: loss.detach() for name, loss in terms.items()}


def step_on_codes(
    model: ModularModel,
    phase: Phase,
    moves: Moves,
    images: Tensor,
    z: Tensor,
    swaps: Tensor,
    update: Update,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Ours. The end of stage 2 with the encoder frozen: ReL and decoder on cached codes [B, n, d].

    Half of the codes get noise, so that the decoder is smooth where samples of the prior fall. The
    partitions that ``swaps`` [n] admits are swapped for samples of their own component with
    probability ``phase.swap``, under the same picture: a partition then says its value, and
    nothing about the others'. With ``phase.cycle``, a quarter of the codes is also recomposed.
    """
    half = len(z) // 2
    noise = torch.randn(z[:half].shape, generator=generator, device=z.device)
    given = torch.cat([z[:half] + phase.code_noise * noise, z[half:]])
    if phase.swap:
        own = model.prior.sample(model.prior.values(z), generator=generator)
        chance = torch.rand(z.shape[:2], generator=generator, device=z.device)
        given = torch.where((swaps & (chance < phase.swap))[:, :, None], own, given)
    logits = model.autoencoder.decode(given)
    terms = {"reconstruction": losses.reconstruction(logits, to_float(images))}
    if phase.cycle:
        terms["cycle"] = recomposed_loss(model, phase, z[: max(len(z) // 4, 1)], generator)
    update("autoencoder", sum(getattr(phase, name) * loss for name, loss in terms.items()))
    if phase.relational:
        terms["relational"] = relational_loss(model, phase, moves, z, generator)
        update("learner", phase.relational * terms["relational"])
    return {name: loss.detach() for name, loss in terms.items()}


@torch.no_grad()
def refresh_statistics(model: ModularModel, images: Tensor) -> None:
    """Batch norm's running statistics from real uint8 images [N, C, 64, 64] alone: decoded ones
    have moved them. Leaves the model in training mode."""
    norms = [m for m in model.modules() if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d))]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain average over what follows
    model.train()
    for part in images.tensor_split(math.ceil(len(images) / 256)):  # none of them of one image
        model.autoencoder.encode(to_float(part))
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum


@torch.no_grad()
def swap_costs(
    model: ModularModel, images: Tensor, z: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Reconstruction losses of uint8 images [B, C, 64, 64] from their codes z [B, n, d]: as they
    are (a scalar), and with one partition after the other swapped within its component ([n])."""
    x = to_float(images)
    own = model.prior.sample(model.prior.values(z), generator=generator)
    decode = model.autoencoder.decode
    swapped = []
    for i in range(z.shape[1]):
        codes = z.clone()
        codes[:, i] = own[:, i]
        swapped.append(losses.reconstruction(decode(codes), x))
    return losses.reconstruction(decode(z), x), torch.stack(swapped)


def prior_samples(model: ModularModel, phase: Phase, count: int, generator) -> Tensor:
    """What the critic takes for real: [count, n, d] samples of the phase's prior."""
    if phase.prior == "adaptive":
        values = model.prior.random_values(count, generator=generator)
        return model.prior.sample(values, generator=generator)
    shape = (count, len(model.task.factors), model.config.dim)
    return simple_prior(phase.prior, shape, generator=generator, device=model.device)


class Moves:
    """f_r of every learned relation, as tensors that stay on the device."""

    def __init__(self, task: Task, relations: tuple[Relation, ...], device):
        n, most = len(task.sizes), max(task.sizes)
        rows = torch.arange(most)[:, None].minimum(torch.tensor(task.sizes) - 1)  # [K, n]
        after = [torch.from_numpy(relation(rows.numpy(), task)) for relation in relations]
        self.after = torch.stack(after).to(device)  # [R, K, n]
        affected = [[i in r.affects(task) for i in range(n)] for r in relations]
        self.affected = torch.tensor(affected, device=device)  # [R, n]

    def random(self, count: int, generator: torch.Generator) -> Tensor:
        """[count] relation numbers, uniform."""
        return torch.randint(
            len(self.after), (count,), generator=generator, device=self.after.device
        )

    def __call__(self, values: Tensor, relation: Tensor) -> Tensor:
        """f_r(k): values [B, n] and relation numbers [B] -> values afterwards [B, n]."""
        partition = torch.arange(values.shape[1], device=values.device)
        return self.after[relation[:, None], values, partition[None]]


def relational_loss(
    model: ModularModel, phase: Phase, moves: Moves, codes: Tensor, generator
) -> Tensor:
    """Eq. 3 on ``phase.learner_batch`` triples (z_in, r, z_out), drawn from the prior.

    Ours: a share of z_in, ``phase.encodings``, are encoded images (``codes`` [B, n, d]).
    """
    count = phase.learner_batch
    values = model.prior.random_values(count, generator=generator)
    z = model.prior.sample(values, generator=generator)
    encoded = int(phase.encodings * count)
    if encoded:
        pick = torch.randint(len(codes), (encoded,), generator=generator, device=z.device)
        z = torch.cat([codes[pick], z[encoded:]])
        values = torch.cat([model.prior.values(codes[pick]), values[encoded:]])
    r = moves.random(count, generator)
    arrived = model.prior.sample(moves(values, r), generator=generator)
    target = torch.where(moves.affected[r][:, :, None], arrived, z)
    return losses.relational(model.learner(z, r), target)


def value_scores(model: ModularModel, phase: Phase, z: Tensor) -> list[Tensor]:
    """Ours. What each partition says of its value, [B, K_i] scores a partition.

    Linear heads before there are components, tempered log densities of the components after.
    """
    if phase.prior == "adaptive":
        density = model.prior.log_density(z) * phase.temperature
        return [density[:, i, :size] for i, size in enumerate(model.task.sizes)]
    return [head(z[:, i]) for i, head in enumerate(model.heads)]


@torch.no_grad()
def read(model: ModularModel, phase: Phase, images: Tensor, balanced: float = 0.0) -> Tensor:
    """Ours. The values that the model reads off uint8 images [N, C, 64, 64]: [N, n] integers.

    -1 where it gives its best guess less than ``phase.confidence``. With ``balanced``, a share:
    where the guess is not among the surest of its value, that share of N / K_i of them.

    After Zou et al. (2018), "class-balanced self-training", each partition by itself; there the
    share is of the images that were given the value, not of an even part of all.
    """
    scores = value_scores(model, phase, model.encode(images))
    if balanced:
        return torch.stack([_surest(score.log_softmax(1), balanced) for score in scores], 1)
    best = [score.softmax(1).max(1) for score in scores]
    return torch.stack([torch.where(p >= phase.confidence, v, -1) for p, v in best], 1)


def _surest(log_probabilities: Tensor, share: float) -> Tensor:
    """The best guesses [N] of log probabilities [N, K]; -1 but for the surest of each value, at
    most ``share`` of N / K."""
    count, size = log_probabilities.shape
    sure, guess = log_probabilities.max(1)
    believed = torch.full_like(guess, -1)
    for value in range(size):
        mine = (guess == value).nonzero()[:, 0]
        most = min(int(share * count / size), len(mine))
        believed[mine[sure[mine].topk(most).indices]] = value
    return believed


def cycle_loss(model: ModularModel, phase: Phase, z: Tensor, generator) -> Tensor:
    """Ours. Decode codes whose values are known, encode the pictures, ask for the values.

    Half of the codes are samples of the prior, half are encodings whose partitions are shuffled
    among the images: compositions that no label was ever given for. Where the prior has no
    components yet, there are the shuffled ones alone, and the heads say what they stand for.
    """
    half, parts = len(z) // 2, []
    if phase.prior == "adaptive":
        values = model.prior.random_values(half, generator=generator)
        parts.append((model.prior.sample(values, generator=generator), values))
    order = torch.rand((half, z.shape[1]), generator=generator, device=z.device).argsort(0)
    shuffled = torch.gather(z[:half].detach(), 0, order[:, :, None].expand(-1, -1, z.shape[2]))
    found = [score.argmax(1) for score in value_scores(model, phase, shuffled)]
    parts.append((shuffled, torch.stack(found, 1)))
    codes, values = (torch.cat(part) for part in zip(*parts))
    pictures = model.autoencoder.decode(codes).sigmoid()
    return losses.labels(value_scores(model, phase, model.autoencoder.encode(pictures)), values)


def recomposed_loss(model: ModularModel, phase: Phase, z: Tensor, generator) -> Tensor:
    """Ours. Move one partition of each code z [B, n, d] to a value drawn at random, decode, and ask
    the frozen encoder for all values: what a relation does to an image, and no image shows."""
    n = z.shape[1]
    values = model.prior.random_values(len(z), generator=generator)
    which = torch.randint(n, (len(z), 1), generator=generator, device=z.device)
    moves = which == torch.arange(n, device=z.device)
    wanted = torch.where(moves, values, model.prior.values(z))
    sampled = model.prior.sample(values, generator=generator)
    pictures = model.autoencoder.decode(torch.where(moves[:, :, None], sampled, z)).sigmoid()
    return losses.labels(value_scores(model, phase, model.autoencoder.encode(pictures)), wanted)
