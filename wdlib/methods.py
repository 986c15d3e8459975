"""The one table of methods: a name -> how to fit it -> a system to encode, decode and move with.

Every method gets the same split, the same images and the same budget, and hands back a ``System``,
so that one report measures them all. The networks are the same too; what differs is the loss, the
prior, and what a method is told about the factors.

A method of your own is an entry more. This one is linear, and has all that a system needs::

    import torch
    from sklearn.decomposition import PCA
    from wdlib.data import device_images, to_float
    from wdlib.methods import METHODS, Method
    from wdlib.relations import relations_of

    class Linear:
        partitions = None  # no component belongs to one factor

        def __init__(self, split, images, *, labels, seed, seconds=None, steps=None, device="cpu"):
            self.task, self.relations = split.task, relations_of(split.task)
            some, few = split.train[:2000], split.labelled[:labels]
            x, y = (device_images(images, self.task.classes(part)) for part in (some, few))
            self.pca = PCA(16, random_state=seed).fit(to_float(x).flatten(1))
            z, values = self.encode(y), self.task.labels(few).T
            self.means = [torch.stack([z[v == k].mean(0) for k in sorted(set(v))]) for v in values]

        def encode(self, x):
            x = x if x.is_floating_point() else to_float(x)
            return torch.from_numpy(self.pca.transform(x.flatten(1))).float()

        def decode(self, codes):
            x = torch.from_numpy(self.pca.inverse_transform(codes)).float()
            return x.clamp(0, 1).view(-1, self.task.channels, 64, 64)

        def values(self, codes):  # the nearest mean of the labelled codes
            return torch.stack([torch.cdist(codes, m).argmin(1) for m in self.means], dim=1)

        def move(self, codes, relation):  # the way from one mean to another
            now = self.values(codes)
            then = torch.from_numpy(relation(now.numpy(), self.task))
            return codes + sum(m[b] - m[a] for m, a, b in zip(self.means, now.T, then.T))

    methods = METHODS | {"linear": Method(Linear, told="labels", source="principal components")}

It stands in table 2 beside the others, whose figures are there already, with six cells of its
own::

    from wdlib.experiments import grid
    from wdlib.experiments.studies import table2_cells
    from wdlib.experiments.results import result_file
    from wdlib.experiments.table_files import read_csv
    from wdlib.experiments.tables import format_table

    cells = table2_cells(methods=["linear"], known=methods)
    mine = grid.run(cells, folder="runs/mine", methods=methods)
    print(format_table([*read_csv(result_file("table2")), *mine]))
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module

from wdlib.baselines.loop import check_budget, with_labels
from wdlib.data import Images, Split, check_images
from wdlib.files import recipe_of
from wdlib.model import ModularModel, System
from wdlib.training import COURSE, PAPER, Preset, Trainer
from wdlib.training.budget import cut, shares_of
from wdlib.training.clock import computed
from wdlib.training.progress import Progress


@dataclass(frozen=True)
class Method:
    """How a system is fitted, and what it is told.

    Args:
        fit: (split, images, *, labels, seed, steps, seconds, device) -> System. ``labels`` is the
            number of labelled images it may use; one of ``steps`` and ``seconds`` is its budget
            for training, the other is None.
        told: what training is told of the factors; the labelled images of a method that is told
            nothing say, after training, which code stands for which value.
        source: the publication.
        converts: whether its values are read by what training made: components, embeddings,
            attributes. Only then are codes *converted* to values; what a classifier reads from the
            whole code, afterwards, any code would allow.
        report: settings of ``wdlib.evaluation.evaluate`` that its report takes in a table.
    """

    fit: Callable[..., System]
    told: str
    source: str
    converts: bool = False
    report: tuple[tuple[str, object], ...] = ()

    def recipe(self, task: str) -> str:
        """The digest of what this method is configured with on a task; "" where ``fit`` has no
        ``settings`` to tell."""
        settings = getattr(self.fit, "settings", None)
        return "" if settings is None else recipe_of(settings(task))


@dataclass(frozen=True)
class Modular:
    """This package's own method: the trainer under a preset whose phases fill the budget."""

    preset: Preset

    def preset_for(self, task: str) -> Preset:
        """The preset for the task called ``task``."""
        return self.preset.for_task(task)

    def settings(self, task: str) -> Preset:
        """What ``Method.recipe`` is a digest of."""
        return self.preset_for(task)

    def __call__(
        self,
        split: Split,
        images: Images,
        *,
        labels: int | None = None,
        seed: int,
        steps: int | None = None,
        seconds: float | None = None,
        device="cpu",
        progress: Progress | None = None,
    ) -> ModularModel:
        """Train; raises what the trainer raises, and ValueError for a budget that is none."""
        check_budget(steps, seconds)
        split = with_labels(split, labels)
        preset = self.preset_for(split.task.name).for_images(len(split.train))
        if steps is not None:
            trainer = Trainer(split, images, cut(preset, steps), seed=seed, device=device)
            model = trainer.run(progress=progress)
        else:
            start = computed(device)
            shares = shares_of(split, images, preset, seed=seed, device=device)
            seconds -= computed(device) - start
            trainer = Trainer(split, images, preset, seed=seed, device=device)
            model = trainer.run_for(seconds, shares, progress=progress)
        model.history, model.record = trainer.history, trainer.identity()
        return model


@dataclass(frozen=True)
class Baseline:
    """A file of wdlib/baselines, imported when it is first asked for.

    Args:
        file: its name.
        config: fields of its ``Config`` that differ from the defaults; a word in capitals stands
            for the file's constant of that name, which may also be the whole ``Config``.
    """

    file: str
    config: tuple[tuple[str, object], ...] | str = ()

    def __call__(self, split: Split, images: Images, **asked) -> System:
        check_images(split, images)
        config = self.settings(split.task.name)
        return import_module(f"wdlib.baselines.{self.file}").fit(
            split, images, config=config, **asked
        )

    def settings(self, task: str):
        """The baseline's ``Config``, the same on every task."""
        module = import_module(f"wdlib.baselines.{self.file}")

        def constant(value):
            return getattr(module, value) if isinstance(value, str) and value.isupper() else value

        config = constant(self.config)
        if isinstance(config, tuple):
            config = module.Config(**{name: constant(value) for name, value in config})
        return config


METHODS: dict[str, Method] = {
    "modular": Method(
        Modular(COURSE), "labels", "ours, after Valenti and Bacciu (2022)", converts=True
    ),
    "modular-paper": Method(
        Modular(PAPER), "labels", "Valenti and Bacciu (2022), arXiv 2209.05336", converts=True
    ),
    "previous": Method(
        Baseline("previous", (("own_labels", True),)),
        "10 labels a combination",
        "Valenti and Bacciu (2022), arXiv 2205.10056",
        converts=True,
    ),
    "zerodim": Method(
        Baseline("zerodim"), "labels", "Gabbay, Cohen and Hoshen (2021)", converts=True
    ),
    "few_label": Method(Baseline("few_label"), "labels", "Locatello et al. (2020), few labels"),
    "few_label-selected": Method(
        Baseline("few_label", (("candidates", "FAMILY"),)),
        "labels",
        "Locatello et al. (2020), few labels, the best of four on held-out labels",
    ),
    "fader": Method(Baseline("fader"), "labels", "Lample et al. (2017)", converts=True),
    "pairwise": Method(
        Baseline("pairwise"), "pairs of labelled images", "Chen and Batmanghelich (2020)"
    ),
    "ada_gvae": Method(
        Baseline("ada_gvae"), "pairs that differ in few factors", "Locatello et al. (2020)"
    ),
    "beta_vae": Method(Baseline("beta_vae"), "nothing", "Higgins et al. (2017)"),
    "annealed_vae": Method(Baseline("annealed_vae"), "nothing", "Burgess et al. (2018)"),
    "factor_vae": Method(Baseline("factor_vae"), "nothing", "Kim and Mnih (2018)"),
    "beta_tcvae": Method(Baseline("beta_tcvae"), "nothing", "Chen et al. (2018)"),
    "info_vae": Method(Baseline("info_vae"), "nothing", "Zhao, Song and Ermon (2017)"),
}


def method(name: str, methods: Mapping[str, Method] = METHODS) -> Method:
    """The method called ``name``. Raises ValueError that suggests the nearest, or names them all
    where none is near."""
    if name in methods:
        return methods[name]
    near = difflib.get_close_matches(name, methods, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(methods)}"
    raise ValueError(f"no method called {name!r}; {hint}")
