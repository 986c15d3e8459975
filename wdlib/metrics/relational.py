"""Relation accuracy: did the right factor move, and only that one?

Several figures answer this together. On codes: does the affected partition get the new value
(target only), and do all other partitions keep theirs, too (all partitions)? On decoded images:
does an independent judge read all this? The codes are samples of the prior, or encoded test images.
The paper reports one figure, on codes from the prior.
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
    """Apply a random relation to each code, and compare the values afterwards with those expected.

    Args:
        system: has ``move(codes, relation) -> codes``, ``values(codes) -> [N, n]`` and, for the
            judge, ``decode(codes) -> images [N, C, H, W]``.
        codes: [N, n, d] or [N, d], samples of the prior or encoded images.
        values: [N, n] integers, the values of the codes.

    Returns a Score with ``target`` and ``all`` (shares of the codes); with a judge, also with
    ``judged_target``, ``judged_all``, and ``judged_before`` for the codes before the relation. Its
    matrix holds for each relation (row) and factor (column) the share of codes whose factor has
    the expected value afterwards, read by the judge if there is one.

    Source: Valenti and Bacciu (2022), section 4, for codes from the prior.
    Range: 0 to 1. The chance to guess all n factors is 1 over the number of combinations.
    Limits: without a judge, a decoder that ignores its codes is not noticed.
    """
    draw, moved, wanted, affected = _moved(system, task, relations, codes, values, seed)
    found = system.values(moved)
    scores = _shares(found, wanted, affected)
    if judge is not None:
        found = _judged(system, judge, moved)
        judged = _shares(found, wanted, affected)
        scores |= {f"judged_{name}": share for name, share in judged.items()}
        before = _judged(system, judge, codes) == values
        scores["judged_before"] = float(before.all(1).float().mean())
    right = (found == wanted).cpu().numpy()
    by_relation = [right[draw == number] for number in range(len(relations))]
    matrix = np.stack([each.mean(0) if len(each) else each.sum(0) * np.nan for each in by_relation])
    settings = {"samples": len(codes), "relations": len(relations), "seed": seed}
    return Score("relation accuracy", scores, matrix, settings)


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
    """Relation accuracy into combinations of values that training has not seen (not in the paper).

    Args:
        unseen: bool [K_1, ..., K_n], the combinations of values that were left out of training.
        the rest: as in ``relation_accuracy``.

    Returns a Score with ``judged_unseen`` and ``judged_seen``: the share of decoded images whose
    factors the judge reads all as expected, among relations that lead into an unseen combination
    and among the others; NaN if there are none.
    """
    _, moved, wanted, _ = _moved(system, task, relations, codes, values, seed)
    right = (_judged(system, judge, moved) == wanted).all(1).float()
    into = unseen.to(wanted.device)[tuple(wanted.T)]
    scores = {
        "judged_unseen": float(right[into].mean()),
        "judged_seen": float(right[~into].mean()),
    }
    settings = {"samples": len(codes), "into_unseen": int(into.sum()), "seed": seed}
    return Score("relation accuracy, composed", scores, None, settings)


def _moved(system, task, relations, codes, values, seed):
    """A random relation for each code: its number [N], the codes afterwards, the values expected
    [N, n], and the factors that it affects, bool [N, n]."""
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


def _judged(system, judge: Judge, codes: Tensor) -> Tensor:
    """What the judge reads in the decoded images of N codes, [N, n]; few are kept at once."""
    return torch.cat([judge.read(system.decode(part)) for part in codes.split(512)])


def _shares(found: Tensor, wanted: Tensor, affected: Tensor) -> dict[str, float]:
    right = found == wanted
    return {
        "target": float((right | ~affected).all(1).float().mean()),
        "all": float(right.all(1).float().mean()),
    }
