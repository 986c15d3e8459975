"""FactorVAE score: which code varies least when a factor is held, and does that name the factor?"""

import numpy as np

from wdlib.metrics.arrays import train_and_test
from wdlib.metrics.codes import describe, members
from wdlib.metrics.interventions import Interventions, chunks
from wdlib.metrics.result import Score


def factor_vae(
    codes_train,
    factors_train,
    codes_test=None,
    factors_test=None,
    *,
    batch: int = 64,
    train_draws: int = 10_000,
    test_draws: int = 5_000,
    groups=None,
    seed: int = 0,
) -> Score:
    """Accuracy of a majority vote that names the held factor from the code that varies least.

    A draw holds a random factor at a random value, takes ``batch`` samples, and votes for the code
    with the smallest variance relative to its variance over all training samples. Each code is
    then given the factor it was most often the vote of (training draws), and the score is how
    often that is right (test draws).

    codes_*, factors_*: ``[n, d]`` and ``[n, k]``; without test arrays a seeded third is held out.
    The reference renders new images for each draw; here a draw takes rows that share the factor's
    value, with replacement (training rows to vote, test rows to check).
    groups: one partition = one code: the relative variances of its dimensions are averaged.

    Source: Kim and Mnih 2018, "Disentangling by factorising", section 4; 64 samples, 10,000 and
    5,000 draws as disentanglement_lib.
    Range: 1/k (chance) to 1. A perfect code scores 1 under any factors; so do duplicated codes.
    Fails: it is lenient: a code that knows several factors passes while it varies least for
    one of them, and nothing is asked of the other codes.
    Constant codes have no relative variance; they are left out. (The reference keeps them, and
    their 0/0 wins every vote, so that one constant code takes the score to chance.) With no code
    left the score is 0.

    matrix: training votes, codes x factors. Raises ValueError as ``mig`` does, for a batch below
    2, and if a factor has no value that two rows share.
    """
    if batch < 2 or train_draws < 1 or test_draws < 1:
        raise ValueError(
            f"batch {batch}, train_draws {train_draws}, test_draws {test_draws}: "
            "a variance needs a batch of at least 2, and each stage at least 1 draw"
        )
    codes, factors, test_codes, test_factors, split = train_and_test(
        codes_train, factors_train, codes_test, factors_test, seed
    )
    rng = np.random.default_rng(seed)
    d = codes.shape[1]
    active = codes.max(axis=0) > codes.min(axis=0)
    parts = members([1] * d if groups is None else groups, d)
    share = np.zeros((d, len(parts)))  # variance of a partition = mean over its active dimensions
    for i, part in enumerate(parts):
        living = part[active[part]]
        share[living, i] = 1 / max(len(living), 1)
    voting = share.any(axis=0)
    settings = {"codes": describe(groups, d), "active": int(active.sum()), "batch": batch}
    settings |= {"train_draws": train_draws, "test_draws": test_draws, "samples": len(codes)}
    settings |= {"split": split, "seed": seed}
    votes = np.zeros((2, len(parts), factors.shape[1]), dtype=np.int64)
    if not voting.any():
        values = {"factor_vae": 0.0, "factor_vae_train": 0.0}
        return Score("FactorVAE score", values, votes[0], settings, "votes")

    variance = np.where(active, codes.var(axis=0, ddof=1), 1.0)
    stages = (
        (codes, factors, train_draws, "train"),
        (test_codes, test_factors, test_draws, "test"),
    )
    for stage, (rows, labels, draws, name) in enumerate(stages):
        interventions = Interventions(labels, f"factors_{name}")
        held = interventions.draw_factors(draws, rng)
        for j, count in enumerate(np.bincount(held, minlength=factors.shape[1])):
            for part in chunks(count, batch * d):
                chosen = interventions.share(j, part.stop - part.start, batch, rng)
                spread = rows[chosen].var(axis=1, ddof=1) / variance @ share  # [draws, parts]
                winner = np.where(voting, spread, np.inf).argmin(axis=1)
                votes[stage, :, j] += np.bincount(winner, minlength=len(parts))
    names = votes[0].argmax(axis=1)  # the factor each code stands for
    right = votes[:, np.arange(len(parts)), names].sum(axis=1) / votes.sum(axis=(1, 2))
    values = {"factor_vae": right[1], "factor_vae_train": right[0]}
    return Score("FactorVAE score", values, votes[0], settings, "votes")
