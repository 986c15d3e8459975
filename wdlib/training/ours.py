"""What Modular adds to the paper, one function per idea.

- label loss: a linear classifier reads each partition; later the components do;
- shifted and roaming images: a moved image keeps its labels;
- pseudo-labels: values that the model is sure of count as labels of unlabelled images;
- cycle loss: decode codes of known values, encode the images, ask for the values;
- frozen-encoder finish with noisy, swapped and recomposed codes;
- relations that start from encoded images.

``step`` is one training step with all of them; without them it is ``method.step``.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from wdlib.data import scaled
from wdlib.model.modular import ModularModel
from wdlib.tasks import Task
from wdlib.training.method import (
    Moves,
    Terms,
    Update,
    autoencoder_losses,
    corrupted,
    detached,
    latents,
    learn_relations,
    reconstruction,
    weighted,
)
from wdlib.training.schedule import Phase


def step(
    model: ModularModel,
    phase: Phase,
    moves: Moves,
    images: Tensor,
    labelled: tuple[Tensor, Tensor],
    taught: Tensor | None,
    update: Update,
    generator: torch.Generator,
) -> Terms:
    """One step of warm-up or full training; returns every loss, unweighted.

    Args:
        images: unlabelled, uint8 [B, C, H, W].
        labelled: uint8 images [L, C, H, W] and their values [L, n].
        taught: the teacher's pseudo-labels of ``images``, [B, n], -1 where it has none.
    """
    x = corrupted(scaled(images), generator) if phase.views.corrupt else scaled(images)
    views = {"plain": x}
    if phase.weight("labels"):
        views["labelled"] = moved(scaled(labelled[0]), phase, generator)
    if phase.weight("pseudo") or phase.labels.balanced:
        views["moved"] = moved(x, phase, generator)
    codes = model.autoencoder.encode(torch.cat(list(views.values())))  # one pass for all losses
    views = dict(zip(views, codes.split([len(view) for view in views.values()])))
    z = views["plain"]  # [B, n, d]

    terms = autoencoder_losses(model, phase, x, z, update, generator)
    if phase.weight("labels"):
        terms["labels"] = label_loss(model, phase, views["labelled"], labelled[1])
    if phase.weight("pseudo"):
        terms["pseudo"] = pseudo_label_loss(model, phase, z, views["moved"])
    if phase.weight("teacher"):
        terms["teacher"] = teacher_loss(model, phase, views.get("moved"), z, taught)
    if phase.weight("cycle"):
        terms["cycle"] = cycle_loss(model, phase, z, generator)
    update("autoencoder", weighted(terms, phase.losses))
    if phase.weight("relational"):
        terms |= relations_step(model, phase, moves, z.detach(), update, generator)
    return detached(terms)


def finish_step(
    model: ModularModel,
    phase: Phase,
    moves: Moves,
    images: Tensor,
    z: Tensor,
    swaps: Tensor,
    update: Update,
    generator: torch.Generator,
) -> Terms:
    """One step of the frozen-encoder finish: decoder and ReL on cached codes z [B, n, d].

    Half of the codes get noise, so that the decoder is smooth where prior samples lie. Partitions
    that ``swaps`` [n] allows become samples of their own component while the target image stays, so
    that they tell the decoder their value alone. A quarter of the codes is also recomposed.
    """
    half = len(z) // 2
    noise = torch.randn(z[:half].shape, generator=generator, device=z.device)
    noise = model.prior.used(phase.finish.code_noise * noise)
    given = torch.cat([z[:half] + noise, z[half:]])
    if phase.finish.swap:
        own = model.prior.sample(model.prior.values(z), generator=generator)
        chance = torch.rand(z.shape[:2], generator=generator, device=z.device)  # [B, n]
        given = torch.where((swaps & (chance < phase.finish.swap))[:, :, None], own, given)
    logits = model.autoencoder.decode(given)
    terms = {"reconstruction": reconstruction(logits, scaled(images))}
    if phase.weight("recomposition"):
        some = z[: max(len(z) // 4, 1)]
        terms["recomposition"] = recomposition_loss(model, phase, some, generator)
    update("autoencoder", weighted(terms, phase.losses))
    if phase.weight("relational"):
        terms |= relations_step(model, phase, moves, z, update, generator)
    return detached(terms)


# Labels


def value_scores(model: ModularModel, phase: Phase, z: Tensor) -> list[Tensor]:
    """Logits [B, K_i] of the values of each partition of z [B, n, d]: from the linear heads while
    there are no components, then the components' tempered log densities."""
    if phase.prior == "adaptive":
        density = model.prior.log_density(z) * phase.labels.temperature
        return [density[:, i, :size] for i, size in enumerate(model.task.sizes)]
    return [head(z[:, i]) for i, head in enumerate(model.heads)]


def cross_entropy(scores: list[Tensor], values: Tensor) -> Tensor:
    """Cross-entropy of values [B, n] with logits [B, K_i] per partition, mean over both; an unknown
    value, -1, adds nothing to the sum, and counts in the mean."""
    how = {"ignore_index": -1, "reduction": "sum"}
    each = [F.cross_entropy(s, v, **how) / len(v) for s, v in zip(scores, values.T)]
    return sum(each) / len(scores)


def label_loss(model: ModularModel, phase: Phase, z: Tensor, values: Tensor) -> Tensor:
    """Label loss: cross-entropy of the values [L, n] of moved labelled images, encoded as z."""
    known = still_known(model.task, phase, len(values), z.device)
    return cross_entropy(value_scores(model, phase, z), torch.where(known, values, -1))


def pseudo_label_loss(model: ModularModel, phase: Phase, z: Tensor, z_moved: Tensor) -> Tensor:
    """Pseudo-labels: the values read from images, z [B, n, d], are the labels of moved copies.

    Source: Sohn et al. (2020), "FixMatch", Eq. 4, for each partition separately.
    """
    known = still_known(model.task, phase, len(z), z.device)
    scores = value_scores(model, phase, z)
    believed = [s.detach().softmax(1) * known[:, i, None] for i, s in enumerate(scores)]
    return fixmatch(value_scores(model, phase, z_moved), believed, phase.labels.confidence)


def fixmatch(scores: list[Tensor], believed: list[Tensor], confidence: float) -> Tensor:
    """Cross-entropy of the most probable values, where they have at least ``confidence``.

    scores: logits [B, K_i] of changed images per partition; believed: probabilities [B, K_i] of the
    unchanged ones. The mean is over all images and partitions.
    """
    total = 0.0
    for score, belief in zip(scores, believed):
        sure, value = belief.max(1)
        each = F.cross_entropy(score, value, reduction="none")
        total = total + (each * (sure >= confidence)).mean()
    return total / len(scores)


def teacher_loss(
    model: ModularModel, phase: Phase, z_moved: Tensor | None, z: Tensor, taught: Tensor
) -> Tensor:
    """Pseudo-labels ``taught`` [B, n] that the model of the previous phase gave (see ``teach``).

    The images are as they are, z [B, n, d]; or moved, ``z_moved``, in balanced self-training.
    """
    if not phase.labels.balanced:
        return cross_entropy(value_scores(model, phase, z), taught)
    known = still_known(model.task, phase, len(z), z.device)
    return cross_entropy(value_scores(model, phase, z_moved), torch.where(known, taught, -1))


@torch.no_grad()
def teach(model: ModularModel, phase: Phase, images: Tensor, balanced: float = 0.0) -> Tensor:
    """The model's pseudo-labels of uint8 images [N, C, H, W]: [N, n] integers, -1 for none.

    A value needs a probability of ``phase.labels.confidence``. With ``balanced``, the surest images
    of every value count instead: at most this share of N / K_i per value.

    Source: after Zou et al. (2018), "class-balanced self-training", where the share is of the
    images with the value; here for each partition separately.
    """
    found = []
    for codes in model.encode(images).split(4096):
        scores = value_scores(model, phase, codes)
        found.append([(s.log_softmax(1) if balanced else s.softmax(1)).max(1) for s in scores])
    best = [[torch.cat(part) for part in zip(*one)] for one in zip(*found)]  # [N] and [N], n times
    if balanced:
        sizes = model.task.sizes
        return torch.stack([_surest(p, v, k, balanced) for (p, v), k in zip(best, sizes)], 1)
    return torch.stack([torch.where(p >= phase.labels.confidence, v, -1) for p, v in best], 1)


def _surest(sure: Tensor, guess: Tensor, size: int, share: float) -> Tensor:
    """The guessed values [N] of ``size`` values; -1 except for the surest images of each value."""
    chosen = torch.full_like(guess, -1)
    for value in range(size):
        mine = (guess == value).nonzero()[:, 0]
        most = min(int(share * len(guess) / size), len(mine))
        chosen[mine[sure[mine].topk(most).indices]] = value
    return chosen


# Moved images


def moved(x: Tensor, phase: Phase, generator: torch.Generator) -> Tensor:
    """Moved copies of x [B, C, H, W]: a share ``roam`` to any place, the others by ``shift``."""
    far = int(phase.views.roam * len(x))
    near = shifted(x[far:], phase.views.shift, generator)
    return torch.cat([roamed(x[:far], generator), near]) if far else near


def still_known(task: Task, phase: Phase, count: int, device) -> Tensor:
    """[count, n] booleans: whether ``moved`` images keep each value. Roaming ones lose position."""
    near = torch.arange(count, device=device) >= int(phase.views.roam * count)
    every = torch.ones_like(near)
    places = [bool({"posX", "posY"} & set(factor.source)) for factor in task.factors]
    return torch.stack([near if place else every for place in places], 1)


def shifted(x: Tensor, pixels: int, generator: torch.Generator) -> Tensor:
    """x [B, C, H, W], each image moved by -pixels..pixels in y and x; the edge is repeated.

    ``pixels`` is for images with sides of 64, and grows with the size of an image.
    """
    pixels = max(round(pixels * max(x.shape[-2:]) / 64), min(pixels, 1))
    by = torch.randint(-pixels, pixels + 1, (2, len(x), 1), generator=generator, device=x.device)
    rows, columns = (
        (torch.arange(side, device=x.device) + b).clamp(0, side - 1)
        for side, b in zip(x.shape[2:], by)
    )
    return _taken(x, rows, columns)


def roamed(x: Tensor, generator: torch.Generator) -> Tensor:
    """x [B, C, H, W], one object on black each, moved to a random place where all of it fits."""
    seen, side = (x > 0).any(1), x.shape[-1]  # sprites are square images
    by = []
    for lines in (seen.any(2).int(), seen.any(1).int()):  # [B, 64]: rows, columns of the object
        first, last = lines.argmax(1), side - 1 - lines.flip(1).argmax(1)
        places = side - (last - first)
        drawn = torch.rand(len(x), generator=generator, device=x.device)
        by.append(first - (drawn * places).long())
    rows, columns = ((torch.arange(side, device=x.device) + b[:, None]) % side for b in by)
    return _taken(x, rows, columns)


def _taken(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """x [B, C, H, W] with the given rows [B, H] and columns [B, W] of each image."""
    count, channels, height, width = x.shape
    image = torch.arange(count, device=x.device)[:, None, None]
    pixel = (image * height + rows[:, :, None]) * width + columns[:, None, :]
    pixels = x.permute(0, 2, 3, 1).reshape(-1, channels)  # a view, since x is channels-last
    taken = pixels.index_select(0, pixel.flatten())  # for colour, 3 times as fast as x[...]
    return taken.view(count, height, width, channels).permute(0, 3, 1, 2)


# Codes that no image has


def cycle_loss(model: ModularModel, phase: Phase, z: Tensor, generator) -> Tensor:
    """Cycle loss: decode codes of known values, encode the images, ask for the values.

    Half of the codes are prior samples, once the prior has components. The others are codes z
    [B, n, d] whose partitions are shuffled among the images: combinations without any label.
    """
    half, parts = len(z) // 2, []
    if phase.prior == "adaptive":
        values, sampled = latents(model, half, generator)
        parts.append((sampled, values))
    order = torch.rand((half, z.shape[1]), generator=generator, device=z.device).argsort(0)
    shuffled = torch.gather(z[:half].detach(), 0, order[:, :, None].expand(-1, -1, z.shape[2]))
    found = [score.argmax(1) for score in value_scores(model, phase, shuffled)]
    parts.append((shuffled, torch.stack(found, 1)))
    codes, values = (torch.cat(part) for part in zip(*parts))
    images = model.autoencoder.decode(codes).sigmoid()
    return cross_entropy(value_scores(model, phase, model.autoencoder.encode(images)), values)


def recomposition_loss(model: ModularModel, phase: Phase, z: Tensor, generator) -> Tensor:
    """Recomposition loss: move one partition of each code z [B, n, d] to a random value, decode,
    and ask the frozen encoder for all values, as after a relation."""
    n = z.shape[1]
    values = model.prior.random_values(len(z), generator=generator)
    which = torch.randint(n, (len(z), 1), generator=generator, device=z.device)
    moves = which == torch.arange(n, device=z.device)  # [B, n]
    wanted = torch.where(moves, values, model.prior.values(z))
    sampled = model.prior.sample(values, generator=generator)
    images = model.autoencoder.decode(torch.where(moves[:, :, None], sampled, z)).sigmoid()
    return cross_entropy(value_scores(model, phase, model.autoencoder.encode(images)), wanted)


def relations_step(
    model: ModularModel, phase: Phase, moves: Moves, codes: Tensor, update: Update, generator
) -> Terms:
    """One step of ReL: Eq. 3, with a share of the latents taken from encoded images, ``codes``."""
    count = phase.relations.batch
    values, z = latents(model, count, generator)
    if encoded := int(phase.relations.encodings * count):
        pick = torch.randint(len(codes), (encoded,), generator=generator, device=z.device)
        z = torch.cat([codes[pick], z[encoded:]])
        values = torch.cat([model.prior.values(codes[pick]), values[encoded:]])
    return learn_relations(model, phase, moves, values, z, update, generator)


# Before a phase


@torch.no_grad()
def refresh_statistics(model: ModularModel, images: Tensor) -> None:
    """Take batch norm's running statistics from uint8 images [N, C, H, W] alone.

    Decoded images, which the cycle loss encodes, have shifted them. Leaves training mode on.
    """
    norms = [m for m in model.modules() if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d))]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain average over what follows
    model.train()
    for part in images.tensor_split(math.ceil(len(images) / 256)):  # no part has a single image
        model.autoencoder.encode(scaled(part))
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum


@torch.no_grad()
def swap_costs(
    model: ModularModel, images: Tensor, z: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Reconstruction loss of uint8 images [B, C, H, W] from their codes z [B, n, d] (a scalar),
    and with each partition swapped for a sample of its own component ([n])."""
    x = scaled(images)
    own = model.prior.sample(model.prior.values(z), generator=generator)
    decode = model.autoencoder.decode
    swapped = []
    for i in range(z.shape[1]):
        codes = z.clone()
        codes[:, i] = own[:, i]
        swapped.append(reconstruction(decode(codes), x))
    return reconstruction(decode(z), x), torch.stack(swapped)
