"""The two rows that every score needs beside it: perfect codes, and codes that know nothing.

A SAP of .66 looks poor until one sees that perfect integer codes of three ternary factors score
.657, and an informativeness of .40 looks like something until one sees that guessing gives .38.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from wdlib.metrics.arrays import as_codes, as_factors
from wdlib.relations import Relation
from wdlib.tasks import Task


def oracle_codes(factors) -> np.ndarray:
    """Perfect codes of these factors: one integer-valued code per factor, float64 ``[n, k]``.

    They are the factor classes themselves, so the score of these codes is the ceiling that a
    representation of these very samples can be held against (it is not always 1).
    """
    return as_factors(factors).astype(np.float64)


def chance_codes(codes, *, seed: int = 0) -> np.ndarray:
    """The same codes with their rows permuted: every marginal kept, every dependence on a factor
    lost. What a score gives for them is what it gives for nothing.
    """
    codes = as_codes(codes)
    return codes[np.random.default_rng(seed).permutation(len(codes))]


def ceilings(task: Task, relations: Sequence[Relation]) -> dict[str, float]:
    """What a perfect system gets for each figure that asks images, over all combinations alike.

    1 where no values look alike. An image shows a factor as surely as ``Task.seen`` says, 1 over
    the values that look alike, and all factors with the product of that.

    - encoder_*, judge_accuracy: an image is read.
    - relation_encoded*: what the image does not show, the code guesses, and the relation carries
      the guess along.
    - decoded_prior, judged_prior*: the code is given, but the picture of it, after the relation,
      shows its reader no more than an image of these values does.
    - decoded_encoded, judged_encoded*: both. The picture of a wrong guess looks like the one
      wanted, so one guess is made and not two; where a relation turns a square into an ellipse,
      whichever shows less decides.
    - *_target: the affected factors alone; all others are the product over the factors.

    relation_latent* begins at the prior and ends at codes: no image is asked, and the ceiling is 1.
    """
    alike = min(task.ceilings.values()) < 1
    values = task.every_combination() if alike else np.zeros((1, len(task.factors)), np.int64)
    before = task.seen(values)  # [combinations, n]
    found: dict[str, list[float]] = defaultdict(list)
    for key in ("encoder_all", "decoded_prior", "decoded_encoded"):
        found[key] = [before.prod(1).mean()]
    for name, ceiling in task.ceilings.items():
        found[encoder_key(name)] = [ceiling]
    for relation in relations:
        after = task.seen(relation(values, task))
        target = list(relation.affects(task))
        for whole, part, shown in (
            ("relation_encoded_all", "relation_encoded_target", before),
            ("judged_prior", "judged_prior_target", after),
            ("judged_encoded", "judged_encoded_target", np.minimum(before, after)),
        ):
            found[whole].append(shown.prod(1).mean())
            found[part].append(shown[:, target].prod(1).mean())
    return {key: float(np.mean(each)) for key, each in found.items()}


def encoder_key(factor: str) -> str:
    """The key of the encoder's accuracy on the relevant factor called ``factor``."""
    return f"encoder_{factor.replace(' ', '_')}"
