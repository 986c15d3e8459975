"""The methods: name -> a function that fits a system to a request.

Every method gets the same split, images and budget, and returns a ``System``, so that one report
measures them all. The networks are the same, too. What differs is the loss, the prior, and what a
method knows about the factors.

Your own method is one more entry of the table; README has an example.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from wdlib.baselines import (
    ada_gvae,
    annealed_vae,
    beta_tcvae,
    beta_vae,
    factor_vae,
    fader,
    few_label,
    info_vae,
    pairwise,
    previous,
    zerodim,
)
from wdlib.files import recipe_of
from wdlib.model import ModularModel, System
from wdlib.training import COURSE, PAPER, FitRequest, Preset, Trainer
from wdlib.training.loop import computed
from wdlib.training.trainer import shares_of


@dataclass(frozen=True)
class Method:
    """How to fit a system, and what it knows about the factors.

    Args:
        fit: request -> System.
        supervision: what training knows about the factors. An unsupervised method ("none") uses
            the labels only after training, to find which code stands for which value.
        source: the publication.
        converts: whether training itself decides how values are read from codes (by components,
            embeddings or attributes). Only then are codes converted to values for the scores: a
            classifier that is trained afterwards could read any code.
        report: settings of ``wdlib.evaluation.evaluate`` for this method.
        settings: task -> the configuration, of which ``recipe`` is a digest.
    """

    fit: Callable[[FitRequest], System]
    supervision: str
    source: str
    converts: bool = False
    report: Mapping[str, object] = field(default_factory=dict)
    settings: Callable[[str], object] | None = None

    def recipe(self, task: str) -> str:
        """The digest of the method's configuration on a task; "" without ``settings``."""
        return "" if self.settings is None else recipe_of(self.settings(task))


def modular(
    preset_for: Callable[[str], Preset], source: str, only_labelled: bool = False
) -> Method:
    """The modular model with a preset for each task; ``only_labelled``: no unlabelled images."""

    def settings(task: str) -> Preset:
        preset = preset_for(task)
        name = f"{preset.name}, labelled images only" if only_labelled else preset.name
        return replace(preset, name=name)

    fit = partial(fit_modular, preset_for, only_labelled=only_labelled)
    return Method(fit, "labels", source, converts=True, settings=settings)


def fit_modular(
    preset_for: Callable[[str], Preset], request: FitRequest, *, only_labelled: bool = False
) -> ModularModel:
    """Train the modular model; its phases share the budget as in the preset.

    Raises what ``Trainer`` raises.
    """
    split = request.labelled
    if only_labelled:
        split = replace(split, train=split.labelled)
    preset = preset_for(split.task.name).for_images(len(split.train))
    how = {"seed": request.seed, "device": request.device}
    if request.steps is not None:
        trainer = Trainer(split, request.images, preset.cut(request.steps), **how)
        model = trainer.run(progress=request.progress)
    else:
        start = computed(request.device)
        shares = shares_of(split, request.images, preset, **how)
        seconds = request.seconds - (computed(request.device) - start)
        trainer = Trainer(split, request.images, preset, **how)
        model = trainer.run_for(seconds, shares, progress=request.progress)
    model.history, model.record = trainer.history, trainer.record
    return model


def baseline(module, supervision: str, source: str, config=None, **about) -> Method:
    """The method of a file of wdlib/baselines, with its default ``Config`` or another one."""
    config = config or module.Config()
    fit = partial(module.fit, config=config)
    return Method(fit, supervision, source, settings=lambda task: config, **about)


METHODS: dict[str, Method] = {
    "modular": modular(COURSE.for_task, "this package, after Valenti and Bacciu (2022)"),
    "modular-paper": modular(PAPER.for_task, "Valenti and Bacciu (2022), arXiv 2209.05336"),
    "previous": baseline(
        previous,
        "10 labels per combination",
        "Valenti and Bacciu (2022), arXiv 2205.10056",
        converts=True,
    ),  # fmt: skip
    "zerodim": baseline(zerodim, "labels", "Gabbay, Cohen and Hoshen (2021)", converts=True),
    "few_label": baseline(few_label, "labels", "Locatello et al. (2020), few labels"),
    "few_label-selected": baseline(
        few_label,
        "labels",
        "Locatello et al. (2020), few labels, selected by held-out labels",
        few_label.Config(candidates=few_label.FAMILY),
    ),  # fmt: skip
    "fader": baseline(fader, "labels", "Lample et al. (2017)", converts=True),
    "pairwise": baseline(pairwise, "pairs of labelled images", "Chen and Batmanghelich (2020)"),
    "ada_gvae": baseline(ada_gvae, "pairs that differ in few factors", "Locatello et al. (2020)"),
    "beta_vae": baseline(beta_vae, "none", "Higgins et al. (2017)"),
    "annealed_vae": baseline(annealed_vae, "none", "Burgess et al. (2018)"),
    "factor_vae": baseline(factor_vae, "none", "Kim and Mnih (2018)"),
    "beta_tcvae": baseline(beta_tcvae, "none", "Chen et al. (2018)"),
    "info_vae": baseline(info_vae, "none", "Zhao, Song and Ermon (2017)"),
}


def method(name: str, methods: Mapping[str, Method] = METHODS) -> Method:
    """The method called ``name``. Raises ValueError, with the nearest name, for an unknown one."""
    if name in methods:
        return methods[name]
    near = difflib.get_close_matches(name, methods, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(methods)}"
    raise ValueError(f"there is no method {name!r}; {hint}")
