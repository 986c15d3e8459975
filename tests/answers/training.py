"""Answers to the exercises of notebooks/05_training."""

import math

import numpy as np

WEIGHTS = ("reconstruction", "adversarial", "labels", "pseudo", "teacher", "cycle")


def autoencoders_loss(terms, phase):
    return sum(phase.weight(name) * terms.get(name, 0) for name in WEIGHTS)


def written_out(t, phase):
    total = (
        phase.weight("reconstruction") * t["reconstruction"]
        + phase.weight("adversarial") * t["adversarial"]
    )
    for name in ("labels", "pseudo", "teacher", "cycle"):
        if name in t:
            total += phase.weight(name) * t[name]
    return total


def weighted(terms, phase):
    """Every term that has a weight."""
    return sum(phase.weight(name) * loss for name, loss in terms.items())


def steps(images):
    return 6000 * math.ceil(7 * images / 1024)


def says(level):
    """The word for a level of the critic's loss."""
    if level < 0.5:
        return "critic too strong"
    return "critic does not learn" if level > 1.6 else "balanced"


ANSWERS = {
    "05.1": (
        [autoencoders_loss, written_out],
        [
            (..., "no answer yet"),
            (weighted, "included the ReL's loss"),
            (lambda t, p: autoencoders_loss(t, p) + t["critic"], "it would help the critic"),
            (
                lambda t, p: autoencoders_loss(t, p) + p.weight("adversarial") * t["critic"],
                "not yet",
            ),
            (lambda t, p: weighted(t, p) + t["critic"], "not yet"),
            (
                lambda t, p: sum(t[name] for name in WEIGHTS if name in t),
                "did not multiply the terms by their",
            ),
            (
                lambda t, p: autoencoders_loss(t, p) - p.weight("adversarial") * t["adversarial"],
                "left out the adversarial loss",
            ),
            (
                lambda t, p: (
                    autoencoders_loss(t, p) - 2 * p.weight("adversarial") * t["adversarial"]
                ),
                "not yet",
            ),
            (
                lambda t, p: (
                    p.weight("reconstruction") * t["reconstruction"]
                    + p.weight("adversarial") * t["adversarial"]
                ),
                "not yet",
            ),
            (
                lambda t, p: autoencoders_loss(t, p) / sum(name in t for name in WEIGHTS),
                "not yet",
            ),
            (
                lambda t, p: sum(p.weight(name) * t[name] for name in WEIGHTS),
                "raises KeyError",
            ),
            (
                lambda t, p: sum(p.losses[name] * t[name] for name in t),
                "raises KeyError",
            ),
            (lambda t, p: sum(t.values()), "too large"),
            (
                lambda t, p: autoencoders_loss({k: v for k, v in t.items() if k != "teacher"}, p),
                "not yet",
            ),
        ],
    ),
    "05.2": (
        [0.08, 0.4**2 / 2],
        [
            (..., "no answer yet"),
            (0.16, "both partitions"),
            (0.2, "did not square the standard"),
            (0.4, "not yet"),
            (1.28, "not yet"),
            (0.0, "let the ReL know the sample"),
            (0.32, "counted the spread twice, as if the"),
            (0.64, "too large"),
            (0.01, "too small"),
        ],
    ),
    "05.3": (
        [
            lambda c: says(c[-50:].mean()),
            lambda c: says(np.median(c.numpy()[-100:])),
            lambda c: says(c[-20:].mean()).upper(),
            lambda c: says(c[-50:].mean() - 0.1),  # a threshold of .6
        ],
        [
            (..., "no answer yet"),
            (lambda c: says(c[:50].mean()), "the first steps"),
            (lambda c: says(c[-1]), "looked at one step"),
            (lambda c: says(c.mean()), "averaged all steps"),
            (lambda c: "balanced", "'balanced' is wrong"),
            (lambda c: says(2.8 - c[-50:].mean()), "not yet"),
            (
                lambda c: "critic too strong" if c[-50:].mean() < 0.7 else "balanced",
                "not yet",
            ),
            (
                lambda c: "critic does not learn" if c[-50:].mean() > 2 else "balanced",
                "not yet",
            ),
            (lambda c: says(c[-50:].mean() - 0.5), "not yet"),
            (lambda c: says(c[-50:].mean() - 0.2), "not yet"),
            (lambda c: "critic strong", "is not one of the words"),
            (lambda c: c[-50:].mean(), "should be a word"),
            (["balanced", "critic too strong", "critic does not learn"], "should be a function"),
        ],
    ),
    "05.4": (
        [steps, lambda n: 1000 * math.ceil(7 * n / 1024) + 5000 * math.ceil(7 * n / 1024)],
        [
            (..., "no answer yet"),
            (lambda n: 6000 * math.ceil(n / 1024), "six corrupted copies"),
            (lambda n: 6000 * math.ceil(6 * n / 1024), "not the image itself"),
            (lambda n: 1000 * math.ceil(7 * n / 1024), "not yet"),
            (lambda n: 5000 * math.ceil(7 * n / 1024), "not yet"),
            (lambda n: 6000 * (7 * n // 1024), "left out the last, smaller batch of"),
            (lambda n: 6000 * math.ceil(7 * n / 128), "not yet"),
            (lambda n: math.ceil(6000 * 7 * n / 1024), "rounded up the total"),
            (lambda n: 6000 * 7 * n, "not yet"),
            (526_000, "should be a function"),
        ],
    ),
}
