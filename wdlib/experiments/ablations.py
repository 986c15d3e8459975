"""Ablations: the presets COURSE and FEW without one part, and the paper's losses with one of ours.

A variant is a title and a change of the task's preset, so the one trainer runs them all. A variant
takes as many steps as Modular does on the task ("batch-128" takes half of them), shared out among
its phases in proportion.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from wdlib.factors import DSPRITES
from wdlib.methods import METHODS, Method, modular
from wdlib.tasks import task
from wdlib.training import COURSE, FEW, PAPER, Preset

Change = dict | Callable[[Preset], Preset]  # a dict is what ``Preset.changed`` takes


def networks(**fields) -> Callable[[Preset], Preset]:
    """A change of the networks."""
    return lambda preset: replace(preset, networks=replace(preset.networks, **fields))


def phases(**changes) -> Callable[[Preset], Preset]:
    """A change of single phases, by their names."""
    return lambda preset: replace(
        preset, phases=tuple(p.changed(**changes.get(p.name, {})) for p in preset.phases)
    )


def _batch_128(preset: Preset) -> Preset:
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


def _no_early_cycle(preset: Preset) -> Preset:
    """The cycle loss begins where COURSE begins it, and weighs as much as there."""
    late = {"losses": {"cycle": COURSE.phases[1].weight("cycle")}}
    return phases(full=late)(preset.changed(losses={"cycle": 0.0}))


def _no_finish(preset: Preset) -> Preset:
    return replace(preset, phases=tuple(p for p in preset.phases if not p.finish))


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
SWAP, NOISE = FINISH.finish.swap, FINISH.finish.code_noise


def _finish(preset: Preset, **parts) -> Preset:
    """A last phase with the encoder frozen that has only ``parts`` of Modular's finish."""
    bare = FINISH.changed(
        finish={"code_noise": 0.0, "swap": 0.0},
        losses={"recomposition": 0.0},
        relations={"encodings": 0.0},
    )
    return replace(preset, phases=(*preset.phases, bare.changed(**parts)))


def _as_reconstruction(loss: str, *names: str) -> Callable[[Preset], Preset]:
    """The loss with the weight of reconstruction, in the phases of these names."""

    def change(preset: Preset) -> Preset:
        weight = preset.phases[0].weight("reconstruction")
        return phases(**{name: {"losses": {loss: weight}} for name in names})(preset)

    return change


BATCH_128, NO_VIEWS = "batch-128", "no-pseudo-labels-no-shifts"
# fmt: off
WITHOUT: dict[str, tuple[str, Change]] = {  # id -> title, change of COURSE
    "early-critic": ("critic in the warm-up, too", phases(**{
        "warm-up": {"losses": {"adversarial": 0.003}}})),
    "prior-pseudo-labels": ("pseudo-labels from the prior", phases(**{
        "warm-up": {"losses": {"pseudo": 0.0}},
        "full": {"losses": {"pseudo": 1.0, "teacher": 0.0}}})),
    BATCH_128: ("half as many batches of 128", _batch_128),
    "no-labels": ("no label loss", {"losses": {"labels": 0.0, "pseudo": 0.0, "teacher": 0.0}}),
    "no-pseudo-labels": ("no pseudo-labels", {"losses": {"pseudo": 0.0, "teacher": 0.0}}),
    "no-early-pseudo-labels": ("no early pseudo-labels", {"losses": {"pseudo": 0.0}}),
    "no-leading-labels": ("full reconstruction weight", {"losses": {"reconstruction": 1.0}}),
    "no-standard-codes": ("no standardised codes", networks(standard=False)),
    "no-separable-decoder": ("no separable decoder", networks(decoder="conv")),
    "no-cycle": ("no cycle loss, no recomposition loss",
                 {"losses": {"cycle": 0.0, "recomposition": 0.0}}),
    "no-recomposition": ("no recomposition loss", {"losses": {"recomposition": 0.0}}),
    "no-adversary": ("no adversarial loss", {"losses": {"adversarial": 0.0}}),
    "no-refits": ("no refits of the prior", {"refit_every": 0}),
    "no-shrinkage": ("no shrinkage of the prior", lambda p: replace(p, fit=PAPER.fit)),
    "no-shifts": ("no shifts, no roaming", {"views": {"shift": 0, "roam": 0.0}}),
    "no-roaming": ("no roaming", {"views": {"roam": 0.0}}),
    "no-fresh-moments": ("no restarts of Adam", {"rates": {"fresh": False}}),
    "no-swaps": ("no swaps in the finish", {"finish": {"swap": 0.0}}),
    "no-code-noise": ("no code noise in the finish", {"finish": {"code_noise": 0.0}}),
    "no-encodings": ("no encoded images for the learner", {"relations": {"encodings": 0.0}}),
    "no-change": ("no residual learner", networks(residual=False)),
    "no-finish": ("no frozen-encoder finish", _no_finish),
}
ONLY_FEWER: dict[str, tuple[str, Change]] = {  # only in the study of few labels
    NO_VIEWS: ("no pseudo-labels, no shifts",
               {name: part for key in ("no-pseudo-labels", "no-shifts")
                for name, part in WITHOUT[key][1].items()}),
    "few-no-pseudo-labels": ("FEW, no pseudo-labels",
                             {"losses": {"teacher": 0.0}, "labels": {"balanced": 0.0}}),
    # without balance, confidence decides, and the images aren't moved
    "few-no-balance": ("FEW, no balanced pseudo-labels", {"labels": {"balanced": 0.0}}),
    "few-no-early-cycle": ("FEW, no early cycle loss", _no_early_cycle),
}
# An ingredient weighs as much as reconstruction, which is far below 1 in the published recipe.
# Leading labels and their pseudo-labels weigh 1, as in Modular. Labelled images are shifted, except
# in "no-shifts". Parts of the finish are added to a bare finish.
WITH: dict[str, tuple[str, Change]] = {  # id -> title, change of FAITHFUL
    "paper+labels": ("label loss", _as_reconstruction("labels", "warm-up", "full")),
    "paper+leading-labels": ("leading labels", {"losses": {"labels": 1.0}}),
    "paper+leading-labels-no-shifts": ("leading labels, no shifts",
                                       {"losses": {"labels": 1.0}, "views": {"shift": 0}}),
    "paper+leading-labels+roaming": ("leading labels, roaming",
                                     {"losses": {"labels": 1.0}, "views": {"roam": 0.5}}),
    "paper+leading-labels+pseudo-labels": ("leading labels, pseudo-labels",
                                           {"losses": {"labels": 1.0, "pseudo": 1.0}}),
    "paper+standard-codes": ("standardised codes", networks(standard=True)),
    "paper+separable-decoder": ("separable decoder", networks(decoder="separable")),
    "paper+cycle": ("cycle loss", _as_reconstruction("cycle", "full")),
    "paper+refits": ("refits of the prior", phases(full={"refit_every": 100})),
    "paper+shrinkage": ("shrinkage of the prior", lambda p: replace(p, fit=COURSE.fit)),
    "paper+encodings": ("encoded images for the learner",
                        phases(full={"relations": {"encodings": 0.5}})),
    "paper+change": ("residual learner", networks(residual=True)),
    "paper+fresh-moments": ("restarts of Adam", phases(full={"rates": {"fresh": True}})),
    "paper+finish": ("frozen-encoder finish", lambda p: replace(p, phases=(*p.phases, FINISH))),
    "paper+bare-finish": ("bare finish", _finish),
    "paper+bare-finish+code-noise": ("bare finish, code noise",
                                     partial(_finish, finish={"code_noise": NOISE})),
    "paper+bare-finish+swaps": ("bare finish, swaps", partial(_finish, finish={"swap": SWAP})),
    "paper+bare-finish+recomposition": ("bare finish, recomposition loss", partial(
        _finish, losses={"recomposition": FINISH.weight("recomposition")})),
}
# fmt: on
CHANGES = WITHOUT | ONLY_FEWER | WITH


def ablation(preset: Preset, change: str | None = None, **about) -> Method:
    """Modular or Modular (paper) with one of CHANGES made to the preset of each task."""
    return modular(partial(_changed, preset, change), "an ablation", **about)


def _changed(preset: Preset, name: str | None, task: str) -> Preset:
    preset, change = preset.for_task(task), CHANGES[name][1] if name else {}
    return change(preset) if callable(change) else preset.changed(**change)


def _all(preset: Preset, names: Iterable[str]) -> dict[str, Method]:
    return {name: ablation(preset, name) for name in names}


ABLATIONS: dict[str, Method] = {
    "modular": METHODS["modular"],
    **_all(COURSE, WITHOUT),
    "paper": ablation(FAITHFUL),
    **_all(FAITHFUL, WITH),
}
FEWER: dict[str, Method] = {
    "alone": ablation(COURSE, only_labelled=True),
    "longer": ablation(replace(COURSE, lengths=FEW.lengths)),
    "few": ablation(FEW),
    NO_VIEWS: ablation(COURSE, NO_VIEWS),
    **_all(FEW, [name for name in ONLY_FEWER if name != NO_VIEWS]),
}
TITLES = {name: words for name, (words, _) in CHANGES.items()}
TITLES |= {name: f"Modular (paper), cut + {TITLES[name]}" for name in WITH}
TITLES |= {"alone": "labelled images alone", "longer": "Modular in the steps of FEW"}
TITLES |= {"few": "FEW", "paper": "Modular (paper), cut"}


def applies(name: str, where: str) -> bool:
    """Whether an ablation changes anything on the task ``where``, and is possible there: only
    sprites can roam."""
    if name not in CHANGES:
        return True
    changed = ABLATIONS[name].settings(where)
    can = task(where).space is DSPRITES or not any(p.views.roam for p in changed.phases)
    return can and changed != (COURSE if name in WITHOUT else FAITHFUL).for_task(where)


def steps_of(name: str, where: str) -> int:
    """The steps that a method takes on the task ``where`` in these studies: those of FEW for its
    variants and "longer", else those of Modular."""
    preset = FEW if name.startswith("few") or name == "longer" else COURSE
    steps = preset.for_task(where).steps
    return steps // 2 if name == BATCH_128 else steps
