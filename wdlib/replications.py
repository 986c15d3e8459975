"""Are the baselines right? One long run of three of them in the setting of their own publication.

The table of methods gives every system the same networks and four minutes. Here a system has the
rates, the batch and the networks that it was published with, the factors that it was published on,
and an hour of one core, which is a part of the published training; so what comes out can stand
beside what was published.

Tasks: ``wdlib.tasks.ELSEWHERE``. ``python -m wdlib table published`` runs them.
"""

from __future__ import annotations

from wdlib.methods import Baseline, Method

REPLICATIONS: dict[str, Method] = {
    "beta_tcvae-published": Method(
        Baseline("beta_tcvae", "PUBLISHED"),
        "nothing",
        "Chen et al. (2018), Locatello et al. (2019)",
    ),
    "few_label-published": Method(
        Baseline("few_label", "PUBLISHED"), "labels", "Locatello et al. (2020), few labels"
    ),
    "zerodim-published": Method(
        Baseline("zerodim", "PUBLISHED"), "labels", "Gabbay, Cohen and Hoshen (2021)", converts=True
    ),
}
RUNS = (
    ("dSprites.all", "beta_tcvae-published"),
    ("dSprites.all", "few_label-published"),
    ("Shapes3D.hues", "zerodim-published"),
)
