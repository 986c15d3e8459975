"""Every method of every table: its title, its supervision, and the id of its configuration.

Table 2 gives every system the same networks and minutes. Three baselines also stand in a table with
the factors, rates, batches and steps of their publication, to check that they are right. Three
things still differ there: the networks are ours, the nearest to theirs; the training set has 84,000
images of dSprites (they use all 737,280) and 28,000 of 3D Shapes (ZeroDIM: 20,000); and few_label
is one configuration of its grid, so nothing is selected. ZeroDIM's scores have the convention
"factors": as in its code, they are of the dimensions of the factors alone, with gradient boosting
for DCI. Its code measures scores on images that include the training ones, ours on test images.
"""

from __future__ import annotations

import json
from dataclasses import asdict

from wdlib.baselines import beta_tcvae, few_label, zerodim
from wdlib.experiments import ablations
from wdlib.files import provenance
from wdlib.methods import METHODS, Method, baseline
from wdlib.tasks import ELSEWHERE, TASKS

REPLICATIONS: dict[str, Method] = {
    "beta_tcvae-published": baseline(
        beta_tcvae, "none", "Chen et al. (2018), Locatello et al. (2019)", beta_tcvae.PUBLISHED
    ),
    "few_label-published": baseline(
        few_label, "labels", "Locatello et al. (2020), few labels", few_label.PUBLISHED
    ),
    "zerodim-published": baseline(
        zerodim,
        "labels",
        "Gabbay, Cohen and Hoshen (2021)",
        zerodim.PUBLISHED,
        converts=True,
        report={"factors_alone": True, "importances": "gradient_boosting"},
    ),
}
KNOWN = METHODS | ablations.ABLATIONS | REPLICATIONS
TITLES = ablations.TITLES | {
    "modular": "Modular",
    "modular-paper": "Modular (paper)",
    "previous": "previous method",
    "zerodim": "ZeroDIM",
    "few_label": "beta-VAE with labels",
    "few_label-selected": "VAE with labels, selected",
    "fader": "Fader networks",
    "pairwise": "pairwise similarity",
    "ada_gvae": "Ada-GVAE",
    "beta_vae": "beta-VAE",
    "annealed_vae": "annealed VAE",
    "factor_vae": "FactorVAE",
    "beta_tcvae": "beta-TCVAE",
    "info_vae": "InfoVAE",
    "beta_tcvae-published": "beta-TCVAE",
    "few_label-published": "beta-VAE with labels",
    "zerodim-published": "ZeroDIM",
}


def title(name: str) -> str:
    """The name of a method for readers; a user's own method keeps its name."""
    return TITLES.get(name, name)


def supervision(name: str, labels: float | None = None) -> str:
    """What training is given of the factors: "1000 labels", "none"; "" for an unknown method."""
    known = KNOWN[name].supervision if name in KNOWN else ""
    return f"{labels:g} labels" if known == "labels" and labels else known


def behind(recipe: str) -> dict:
    """The configuration with this id: {"recipe", "methods": name -> tasks, "settings"}, for JSON.

    Raises ValueError if no method of this version has it.
    """
    methods: dict[str, list[str]] = {}
    for name, method in KNOWN.items():
        for task in TASKS | ELSEWHERE:
            if method.recipe(task) == recipe:
                methods.setdefault(name, []).append(task)
    if not methods:
        raise ValueError(
            f"no method of commit {provenance()['commit'] or 'unknown'} has the recipe "
            f"{recipe!r}; check out the commit in the row of the result file, and ask again"
        )
    name, (task, *_) = next(iter(methods.items()))
    settings = json.loads(json.dumps(KNOWN[name].settings(task), default=asdict))
    return {"recipe": recipe, "methods": methods, "settings": settings}
