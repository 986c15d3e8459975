"""What each part of our recipe buys: the preset without it, and the published recipe with it.

A variant is a change to a task's preset, so the one trainer runs them all. Every variant takes as
many steps as ours does on the task (HALVED half as many, of twice the images); its own phases share
them as they are to one another. What a step costs is another question: fit_seconds stands beside
every cell's figures.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from wdlib.factors import DSPRITES
from wdlib.methods import METHODS, Method, modular
from wdlib.tasks import task
from wdlib.training import COURSE, FEW, PAPER, Preset

Change = Callable[[Preset], Preset]


def networks(preset: Preset, **fields) -> Preset:
    """The preset with networks that differ in these fields."""
    return replace(preset, networks=replace(preset.networks, **fields))


WITHOUT: dict[str, Change] = {
    "labels": lambda p: p.changed(losses={"labels": 0.0, "pseudo": 0.0, "teacher": 0.0}),
    "pseudo-labels": lambda p: p.changed(losses={"pseudo": 0.0, "teacher": 0.0}),
    "early pseudo-labels": lambda p: p.changed(losses={"pseudo": 0.0}),
    "leading labels": lambda p: p.changed(losses={"reconstruction": 1.0}),
    "standard codes": lambda p: networks(p, standard=False),
    "separable decoder": lambda p: networks(p, decoder="conv"),
    "cycle": lambda p: p.changed(losses={"cycle": 0.0, "recomposition": 0.0}),
    "recomposed codes": lambda p: p.changed(losses={"recomposition": 0.0}),
    "adversary": lambda p: p.changed(losses={"adversarial": 0.0}),
    "refits": lambda p: p.changed(refit_every=0),
    "shrunk components": lambda p: replace(p, fit=PAPER.fit),
    "label shifts": lambda p: p.changed(views={"shift": 0, "roam": 0.0}),
    "roaming labels": lambda p: p.changed(views={"roam": 0.0}),
    "fresh moments": lambda p: p.changed(rates={"fresh": False}),
    "swaps": lambda p: p.changed(finish={"swap": 0.0}),
    "code noise": lambda p: p.changed(finish={"code_noise": 0.0}),
    "encodings in ReL": lambda p: p.changed(relations={"encodings": 0.0}),
    "change in ReL": lambda p: networks(p, residual=False),
    "finish": lambda p: replace(p, phases=tuple(q for q in p.phases if not q.finish)),
}


def _full(preset: Preset, **parts) -> Preset:
    warm_up, full = preset.phases
    return replace(preset, phases=(warm_up, full.changed(**parts)))


# The published schedule has 6000 epochs. Cut to our number of steps, its batches of 1024 would be
# too few, so batches here have 64 images, rates fall along a cosine, and the learner has our rate.
# Autoencoder and critic keep the published 1e-4 (on 3D Shapes, too, where 1e-5 would leave tiny
# steps). At rates near ours the published weights, an adversary 13 times as heavy as
# reconstruction, drove the codes of most runs into one point.
FAITHFUL = replace(
    PAPER.changed(epochs=0, batch=64, rates={"learner": 1e-3, "cosine": True}),
    name="FAITHFUL",
    changes={"Shapes3D": {"losses": {"reconstruction": 1 / 192}}},
)
FAITHFUL = replace(
    FAITHFUL,
    phases=tuple(replace(p, steps=n) for p, n in zip(FAITHFUL.phases, (1000, 5000), strict=True)),
)

FINISH = replace(COURSE.phases[-1], steps=3000)


def _finish(preset: Preset, **parts) -> Preset:
    """A last phase with the encoder frozen that has only ``parts`` of Modular's finish."""
    bare = FINISH.changed(
        finish={"code_noise": 0.0, "swap": 0.0},
        losses={"recomposition": 0.0},
        relations={"encodings": 0.0},
    )
    return replace(preset, phases=(*preset.phases, bare.changed(**parts)))


def _as_reconstruction(preset: Preset, loss: str) -> dict[str, float]:
    return {loss: preset.phases[0].weight("reconstruction")}


WITH: dict[str, Change] = {
    # An ingredient weighs as much as reconstruction, which the published recipe has far below 1;
    # "leading labels" weigh 1, as in Modular, and pseudo-labels with them. Labelled images are
    # shifted except for "- shifts". Parts of the finish are added to a bare finish.
    "labels": lambda p: p.changed(losses=_as_reconstruction(p, "labels")),
    "leading labels": lambda p: p.changed(losses={"labels": 1.0}),
    "leading labels - shifts": lambda p: p.changed(losses={"labels": 1.0}, views={"shift": 0}),
    "leading labels + roaming": lambda p: p.changed(losses={"labels": 1.0}, views={"roam": 0.5}),
    "leading labels + pseudo-labels": lambda p: p.changed(losses={"labels": 1.0, "pseudo": 1.0}),
    "standard codes": lambda p: networks(p, standard=True),
    "separable decoder": lambda p: networks(p, decoder="separable"),
    "cycle": lambda p: _full(p, losses=_as_reconstruction(p, "cycle")),
    "refits": lambda p: _full(p, refit_every=100),
    "shrunk components": lambda p: replace(p, fit=COURSE.fit),
    "encodings in ReL": lambda p: _full(p, relations={"encodings": 0.5}),
    "change in ReL": lambda p: networks(p, residual=True),
    "fresh moments": lambda p: _full(p, rates={"fresh": True}),
    "finish": lambda p: replace(p, phases=(*p.phases, FINISH)),
    "bare finish": _finish,
    "bare finish + code noise": lambda p: _finish(
        p, finish={"code_noise": FINISH.finish.code_noise}
    ),
    "bare finish + swaps": lambda p: _finish(p, finish={"swap": FINISH.finish.swap}),
    "bare finish + recomposed codes": lambda p: _finish(
        p, losses={"recomposition": FINISH.weight("recomposition")}
    ),
}


def _warm_up_critic(preset: Preset) -> Preset:
    """The published match to a simple prior from the first step on, added to Modular."""
    warm_up, *later = preset.phases
    return replace(preset, phases=(warm_up.changed(losses={"adversarial": 0.003}), *later))


def _by_the_prior(preset: Preset) -> Preset:
    """Pseudo-labels from the components, with their own confidence; none from the heads."""
    warm_up, full, finish = preset.phases
    full = full.changed(losses={"pseudo": 1.0, "teacher": 0.0})
    return replace(preset, phases=(warm_up.changed(losses={"pseudo": 0.0}), full, finish))


def _larger_batches(preset: Preset) -> Preset:
    """Twice the images, labels and relations per step; rates times the root of two. What is counted
    in steps comes after half as many."""
    root = math.sqrt(2)
    return replace(preset, phases=tuple(
        p.changed(
            batch=2 * p.batch,
            labels={"batch": 2 * p.labels.batch},
            relations={"batch": 2 * p.relations.batch},
            rates={
                **{k: root * getattr(p.rates, k) for k in ("autoencoder", "critic", "learner")},
                "rise": p.rates.rise // 2,
            },
            refit_every=p.refit_every // 2,
        )
        for p in preset.phases
    ))  # fmt: skip


def _no_cycle_before_components(preset: Preset) -> Preset:
    """The cycle loss begins where COURSE begins it, and weighs as much as there."""
    *before, full, finish = preset.phases
    full = full.changed(losses={"cycle": COURSE.phases[1].weight("cycle")})
    before = [p.changed(losses={"cycle": 0.0}) for p in before]
    return replace(preset, phases=(*before, full, finish))


HALVED = "ours + half as many batches of 128"

CHANGES: dict[str, Change] = {
    "ours + critic in the warm-up": _warm_up_critic,
    "ours + pseudo-labels by the prior": _by_the_prior,
    HALVED: _larger_batches,
    **{f"ours - {name}": change for name, change in WITHOUT.items()},
    "ours - pseudo-labels - label shifts": lambda p: WITHOUT["label shifts"](
        WITHOUT["pseudo-labels"](p)
    ),
    **{f"faithful + {name}": change for name, change in WITH.items()},
    "few - pseudo-labels": lambda p: p.changed(losses={"teacher": 0.0}, labels={"balanced": 0.0}),
    # without balance, confidence decides, and the images are as they are
    "few - balance": lambda p: p.changed(labels={"balanced": 0.0}),
    "few - early cycle": _no_cycle_before_components,
}


def ablation(preset: Preset, change: str | None = None, **about) -> Method:
    """Modular or Modular (paper) with one of CHANGES made to the preset of each task."""
    return modular(partial(_changed, preset, change), "an ablation", **about)


def _changed(preset: Preset, change: str | None, task: str) -> Preset:
    return CHANGES[change](preset.for_task(task)) if change else preset.for_task(task)


def _all(preset: Preset, prefix: str) -> dict[str, Method]:
    return {name: ablation(preset, name) for name in CHANGES if name.startswith(prefix)}


ABLATIONS: dict[str, Method] = {
    "ours": METHODS["modular"],
    **_all(COURSE, "ours"),
    "faithful": ablation(FAITHFUL),
    **_all(FAITHFUL, "faithful"),
}

# The preset for few labels, and what its parts buy there; the table of labels has them.
FEWER: dict[str, Method] = {
    "few": ablation(FEW),
    **_all(FEW, "few"),
    "ours + the steps of few": ablation(replace(COURSE, lengths=FEW.lengths)),
    "ours - unlabelled images": ablation(COURSE, only_labelled=True),
}


def applies(name: str, where: str) -> bool:
    """Whether the ablation called ``name`` changes anything on the task called ``where``, and can
    be run there: only sprites roam."""
    base = COURSE if name.startswith("ours") else FAITHFUL
    if name not in CHANGES:
        return True
    changed = ABLATIONS[name].settings(where)
    can = task(where).space is DSPRITES or not any(p.views.roam for p in changed.phases)
    return can and changed != base.for_task(where)
