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
) -> dict[str, float]:
    """Apply one random relation to every code, and see what became of its values.

    Args:
        system: has ``move(codes, relation) -> codes``, ``values(codes) -> [N, n]`` and, for the
            judge, ``decode(codes) -> images [N, C, 64, 64]``.
        codes: [N, n, d], samples of the prior or encoded images.
        values: [N, n] integers, what they stand for.

    Returns ``target`` and ``all`` (shares of the codes), and with a judge ``judged_target``,
    ``judged_all`` and ``judged_before`` (the unmoved codes, decoded and judged).
    """
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
    scores = _shares(system.values(moved), wanted, affected)
    if judge is not None:
        judged = _shares(judge.read(system.decode(moved)), wanted, affected)
        scores |= {f"judged_{name}": share for name, share in judged.items()}
        before = judge.read(system.decode(codes)) == values
        scores["judged_before"] = float(before.all(1).float().mean())
    return scores


def _shares(found: Tensor, wanted: Tensor, affected: Tensor) -> dict[str, float]:
    right = found == wanted
    return {
        "target": float((right | ~affected).all(1).float().mean()),
        "all": float(right.all(1).float().mean()),
    }
