"""Relation accuracy: did the right factor move, and only that one?

Always reported together (METRICS.md): on codes, the affected partition is classified as the new
value (target only), and every other partition also keeps its own (all partitions); and on decoded
images, where an independent judge must read all of it. From samples of the prior, and from encoded
held-out images. The paper reports the first kind only, from samples of the prior.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from wdlib.metrics.judge import Judge
from wdlib.metrics.result import Score
from wdlib.relations import Relation
from wdlib.tasks import Task


def relation_accuracy(
    system,
    task: Task,
    relations: Sequence[Relation],
    codes: Tensor,
    values: Tensor,
    *,
    seed: int = 0,
    judge: Judge | None = None,
) -> Score:
    """Apply one random relation to every code, and see what became of its values.

    Args:
        system: has ``move(codes, relation) -> codes``, ``values(codes) -> [N, n]`` and, for the
            judge, ``decode(codes) -> images [N, C, 64, 64]``.
        codes: [N, n, d], samples of the prior or encoded images.
        values: [N, n] integers, what they stand for.

    Returns a Score with ``target`` and ``all`` (shares of the codes), and with a judge
    ``judged_target``, ``judged_all`` and ``judged_before`` (the unmoved codes, decoded and judged).
    matrix: for each relation (row) and factor (column) the share of codes whose factor has the
    wanted value afterwards; read by the judge where there is one. Range: 0 to 1; guessing all n
    factors is right once in the number of combinations.
    Fails: on codes alone a decoder that shows nothing of them goes unseen, so ask the judge.

    Source: Valenti and Bacciu (2022), section 4, for samples of the prior and codes.
    """
    draw, moved, wanted, affected = _moved(system, task, relations, codes, values, seed)
    found = system.values(moved)
    scores = _shares(found, wanted, affected)
    if judge is not None:
        found = judge.read(system.decode(moved))
        judged = _shares(found, wanted, affected)
        scores |= {f"judged_{name}": share for name, share in judged.items()}
        before = judge.read(system.decode(codes)) == values
        scores["judged_before"] = float(before.all(1).float().mean())
    right = (found == wanted).cpu().numpy()
    matrix = np.stack([right[draw == number].mean(0) for number in range(len(relations))])
    settings = {"samples": len(codes), "relations": len(relations), "seed": seed}
    return Score("relation accuracy", scores, matrix, settings, "share right")


def composed_accuracy(
    system,
    task: Task,
    relations: Sequence[Relation],
    codes: Tensor,
    values: Tensor,
    unseen: Tensor,
    *,
    judge: Judge,
    seed: int = 0,
) -> Score:
    """Relations that lead into combinations of values that training never saw. Ours.

    Args:
        unseen: bool [K_1, ..., K_n], which combinations of values were left out of training.
        the rest: as for ``relation_accuracy``.

    Returns a Score with ``judged_unseen`` and ``judged_seen``: the share of decoded images of which
    the judge reads every factor as wanted, among the moves that end in an unseen combination and
    among the rest; NaN where there are none.
    """
    _, moved, wanted, _ = _moved(system, task, relations, codes, values, seed)
    right = (judge.read(system.decode(moved)) == wanted).all(1).float()
    into = unseen.to(wanted.device)[tuple(wanted.T)]
    scores = {
        "judged_unseen": float(right[into].mean()),
        "judged_seen": float(right[~into].mean()),
    }
    settings = {"samples": len(codes), "into_unseen": int(into.sum()), "seed": seed}
    return Score("relation accuracy, composed", scores, None, settings, "share right")


def _moved(system, task, relations, codes, values, seed):
    """One random relation each: its number, the code after it, the values wanted, and which
    partitions it affects."""
    draw = np.random.default_rng(seed).integers(len(relations), size=len(codes))
    moved, wanted = torch.empty_like(codes), values.clone()
    affected = torch.zeros(values.shape, dtype=torch.bool, device=values.device)
    for number, relation in enumerate(relations):
        rows = torch.from_numpy(np.flatnonzero(draw == number)).to(codes.device)
        moved[rows] = system.move(codes[rows], relation)
        after = relation(values[rows].cpu().numpy(), task)
        wanted[rows] = torch.from_numpy(after).to(values.device)
        affected[rows] = torch.tensor(
            [i in relation.affects(task) for i in range(values.shape[1])], device=values.device
        )
    return draw, moved, wanted, affected


def _shares(found: Tensor, wanted: Tensor, affected: Tensor) -> dict[str, float]:
    right = found == wanted
    return {
        "target": float((right | ~affected).all(1).float().mean()),
        "all": float(right.all(1).float().mean()),
    }
