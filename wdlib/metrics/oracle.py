"""What each score is compared to: perfect codes, codes without knowledge, and ceilings.

A SAP of .66 looks poor, but perfect integer codes of three factors with three values score .657. An
informativeness of .40 looks like knowledge, but guessing scores .38.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from wdlib.metrics.arrays import as_codes
from wdlib.metrics.factors import as_factors
from wdlib.relations import Relation
from wdlib.tasks import Task


def oracle_codes(factors) -> np.ndarray:
    """Perfect codes of factors ``[n, k]``: classes and real values themselves, as float64.

    Their score is the ceiling for representations of the same samples; it is not always 1.
    """
    return as_factors(factors).array.astype(np.float64)


def chance_codes(codes, *, seed: int = 0) -> np.ndarray:
    """Codes ``[n, d]`` with their rows permuted, so that they know nothing about the factors.

    The distribution of the codes stays the same.
    """
    codes = as_codes(codes)
    return codes[np.random.default_rng(seed).permutation(len(codes))]


def ceilings(task: Task, relations: Sequence[Relation]) -> dict[str, float]:
    """The figures of a perfect system, averaged over all combinations of values.

    They are 1 unless some values look alike. An image shows a factor with the certainty of
    ``Task.seen``, which is 1 over the number of values that look alike; it shows all factors with
    the product of their certainties.

    - encoder_*: an image is read.
    - relation_encoded*: the code guesses what the image does not show, and the relation carries
      the guess along.
    - decoded_prior, judged_prior*: the code is given, but its decoded image (after the relation)
      shows no more than any image of these values.
    - decoded_encoded, judged_encoded*: both. The image of a wrong guess looks like the right one,
      so there is one guess, not two. If a relation turns a square into an ellipse, the shape that
      shows less decides.
    - *_target: the affected factors alone. All other keys are about all factors.

    relation_latent* has no key: it starts at the prior and ends at codes, so its ceiling is 1.
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
        for key, shown in (
            ("relation_encoded", before),
            ("judged_prior", after),
            ("judged_encoded", np.minimum(before, after)),
        ):
            whole = "relation_encoded_all" if key == "relation_encoded" else key
            found[whole].append(shown.prod(1).mean())
            found[f"{key}_target"].append(shown[:, target].prod(1).mean())
    return {key: float(np.mean(each)) for key, each in found.items()}


def encoder_key(factor: str) -> str:
    """The key of the encoder's accuracy on the relevant factor with this name."""
    return f"encoder_{factor.replace(' ', '_')}"
