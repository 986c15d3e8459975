"""Are the baselines right? One long run of three of them in the setting of their own publication.

The table of methods gives every system the same networks and minutes. Here a system has the rates,
the batch and the steps that it was published with, and the factors that it was published on, so
that what comes out can stand beside what was published: hours on a processor, minutes on a GPU. Not
as published: the networks are the shared ones nearest to theirs; train has 84,000 images
of dSprites (they have all 737,280) and 28,000 of 3D Shapes (zerodim 20,000); few_label is one
configuration of its grid, so nothing is selected.

zerodim's scores are those of the "factors" convention: as in its code, of the dimensions of factors
alone, with gradient boosting behind DCI. Its code fits scores to four fifths of all its images and
measures them on the rest, images that it trained on included; here they are fitted to images of
train without labels and measured on test. The others' scores are "raw", with the binned trees of
every table behind DCI.

Tasks: ``wdlib.tasks.ELSEWHERE``. ``python -m wdlib table published`` runs them.
"""

from __future__ import annotations

from wdlib.baselines import beta_tcvae, few_label, zerodim
from wdlib.methods import Method, baseline

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
# Task, run, steps: 300,000 of the two by Locatello et al.; of zerodim 300 epochs of our 28,000
# images in batches of 128.
RUNS = (
    ("dSprites.all", "beta_tcvae-published", 300_000),
    ("dSprites.all", "few_label-published", 300_000),
    ("Shapes3D.hues", "zerodim-published", 65_625),
)
