# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From pixels to relations: a tour
#
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/_OWNER_/wdlib/blob/main/notebooks/00_tour.ipynb) [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/_OWNER_/wdlib/main?urlpath=lab/tree/notebooks/00_tour.ipynb)
#
# An ordinary autoencoder packs an image into one vector in which everything is mixed. Here every
# *factor of variation* gets a **partition** of the vector to itself, every value of a factor becomes
# an **island** with a name, and a small network walks from island to island: "left", "next shape".
# The method is Valenti and Bacciu's *Modular Representations for Weak Disentanglement* (2022,
# arXiv 2209.05336).
#
# **You will learn to**
#
# - say which factors of an image are relevant and which are nuisance,
# - read the map of a partition, before and after its prior has adapted,
# - move an image by a relation, and check that nothing else moved,
# - read a table of scores with its ceiling (oracle) and its floor (chance).
#
# Nothing is downloaded and no GPU is needed: the tour trains a model from scratch in a few minutes.
# Run the cells from top to bottom.

# %%
import sys

if "google.colab" in sys.modules:
    # %pip install -q "wdlib @ git+https://github.com/_OWNER_/wdlib"

import os
from pathlib import Path

import torch
from IPython.display import clear_output

import wdlib
from wdlib import COURSE, Trainer, plots
from wdlib.data import device_images
from wdlib.training import suited

# %% [markdown]
# ## The world: pictures that are a product of factors
#
# dSprites has one image for every combination of its factors. A *task* says which of them matter: we
# start with the smallest, so that the training takes minutes.

# %% tags=["nbval-check-output"]
task = wdlib.task("dSprites.v2")
images = wdlib.load(task.dataset)

some = range(0, len(task), len(task) // 17)
titles = [f"{task.factors[0].value_names[s]}\n{task.factors[1].value_names[p]}"
          for s, p in task.labels(some)]  # fmt: skip
plots.show(
    plots.image_grid(images.draw(task.classes(some)), titles, columns=9),
    "a grid of 64 by 64 pixel pictures, each with one white shape on black, titled by its values",
)
print("relevant: ", {f.name: f.size for f in task.factors}, "->", task.combinations, "combinations")
print("nuisance: ", {n: len(c) for n, c in task.nuisance}, "and the exact place in a cell")
print("images:   ", len(task), "of", images.shape, images[0].dtype)

# %% [markdown]
# Shape and position are **relevant**: each picture has one of 3 shapes in one of 9 cells of a grid.
# Scale, a small tilt and the exact place within the cell are **nuisance**: they change the pixels,
# nobody labels them, and the model has to live with them.
#
# ## The split: many pictures, few labels
#
# Labels are expensive, so the model sees the values of only 1000 pictures of train. Every one of them
# teaches *both* partitions, which is why supervision need not grow with the number of combinations.

# %% tags=["nbval-check-output"]
parts = wdlib.split(task, seed=0, labels=1000)
for name in ("train", "validation", "test", "labelled"):
    print(f"{name:10s} {len(getattr(parts, name)):5d} images")
print("labels are part of train:", set(parts.labelled) <= set(parts.train))
print("test was never in train: ", set(parts.test).isdisjoint(parts.train))

# %% [markdown]
# Everything below is trained on train, and everything that is measured is measured on test.
#
# ## Stage 1, warm-up: a vector with partitions
#
# First the autoencoder alone: it learns to reconstruct (Eq. 1). In *the paper* a critic (Eq. 2) also
# pushes the codes towards a simple prior ([02_warmup](02_warmup.ipynb) shows how), and no label is used.
# *Ours* standardises the codes instead (mean 0, variance 1), and lets the labels lead, by a
# cross-entropy, and *pseudo-labels*: values that the model itself reads off unlabelled pictures, where
# it is sure. We train for minutes and not for days.

# %%
trainer = Trainer(parts, images, COURSE.for_task(task.name), seed=0)
warm_up, *later = trainer.preset.phases
model = trainer.run(warm_up.steps, progress=suited())
clear_output()  # the bar has done its work
print("trained:", ", ".join(f"{k} {v:.3g}" for k, v in trainer.history[-1].items() if k != "phase"))

# %% [markdown]
# The losses of the last step: more about them below. How does the model now see the test images?
#
# ## The partitions before the prior adapts

# %% tags=["nbval-check-output"]
pictures = device_images(images, task.classes(parts.test))
values = torch.from_numpy(task.labels(parts.test))
codes = model.encode(pictures)
print("codes of the test images:", tuple(codes.shape), "= images, partitions, dimensions")

plots.show(
    plots.partition_maps(codes[:500], values[:500], None, task),
    "two scatter plots, one a partition: test images as points, with the names of the values at "
    "the centres of their points, after the warm-up",
)

# %% [markdown]
# A code has one row for each relevant factor, its partition; a row has 8 numbers, so we look at it
# from one side, as a map. Points of one value keep together already, since our warm-up has asked for
# that, but nothing in the model knows where one ends, or could draw a sample of "heart". (A map is a
# shadow: what overlaps here may lie apart in the other dimensions.)
#
# ## Stage 2, full training: an island for every value
#
# *The paper's idea:* replace the simple prior of partition $i$ by a mixture with one normal component
# for each value $k$ of factor $i$, estimated from the encoded pictures that are labelled $k$:
#
# $$p_i(z_i) = \sum_k \pi_k \, \mathcal N(z_i;\ \mu_{ik}, \Sigma_{ik})$$
#
# Beside it learns the *relational learner* ReL (Eq. 3): given a code and a relation, it sends the
# affected partition to the component of the new value and leaves the others where they are. A critic
# (Eq. 2) tells samples of the prior from codes, and the encoder learns to leave it guessing. *Ours* are
# the cycle (decode, encode again, find the same values), the separable decoder, and a finish in which
# the encoder is frozen.

# %%
trainer.run(progress=suited())
clear_output()

plots.show(
    plots.history(trainer.history),
    "one small plot for each loss, over training steps, with bands that mark the phases",
)
print("phases:", ", ".join(phase.name for phase in (warm_up, *later)))

# %% [markdown]
# Each loss is drawn where it is part of the training: critic and relational loss begin when there are
# components, and in the finish only what still learns is left. A critic that can only guess has a loss
# of 2 log 2 = 1.39; further below, it still tells codes from the prior.
#
# ## The partitions after

# %% tags=["nbval-check-output"]
codes = model.encode(pictures)
plots.show(
    plots.partition_maps(codes[:500], values[:500], model.prior, task),
    "the same two maps after full training: each value is a cloud of points around the 2-sigma "
    "ellipse of its component, with the value's name inside",
)
right = (model.values(codes) == values).float().mean(0)
for factor, share in zip(task.factors, right.tolist()):
    print(f"{factor.name} of test images read right, at least .995: {share >= 0.995}")

# %% [markdown]
# Now every value is an island: the ellipse is the component of the prior, and the test images, which
# had no labels, lie around the island that carries their name. (Ellipses are smaller than their clouds
# by design: the covariance counts a tenth, as in the authors' earlier code.) Reading a factor off an
# image is asking which component is the most likely.
#
# ## Relations are arithmetic, and the ReL learns to do it on codes
#
# On values a relation is a sum: "right" adds one to the column, and after the last comes the first.
# On codes it is a network. Whether it worked is for a **judge** to say: a classifier of its own that
# has never seen a code, trained on pictures with all their labels.

# %% tags=["nbval-check-output"]
judge = wdlib.train_judge(parts, images)
judged = (judge.read(pictures) == values).all(1).float().mean().item()
print("the judge reads all factors of a test image, at least .995:", judged >= 0.995)

heart_at_left = [[2, 3]]  # shape 2, cell 3: a heart, middle left
for relation in model.relations:
    shape, cell = relation(heart_at_left, task)[0]
    names = task.factors[0].value_names[shape], task.factors[1].value_names[cell]
    print(f"heart, middle left --{relation.name}--> {', '.join(names)}")

# %% [markdown]
# The arithmetic goes round: left of "left" is "right". Now the same on pictures: two codes drawn from
# the prior (pictures that nobody ever took), and two test images.

# %%
generator = torch.Generator().manual_seed(1)
drawn = torch.tensor([[2, 3], [1, 8]])  # heart, middle left; ellipse, bottom right
start = torch.cat([model.prior.sample(drawn, generator=generator), codes[:2]])
meant = torch.cat([drawn, values[:2]])
before = torch.cat([model.decode(start[:2]), pictures[:2]])
after = {r.name: model.decode(model.move(start, r)) for r in model.relations}


def read(seen, wanted):
    """The judge's words for each picture, and whether they are the wanted ones."""
    names = [[f.value_names[v] for f, v in zip(task.factors, row)] for row in seen]
    right = (seen == torch.as_tensor(wanted)).all(1)
    return ["✓ " * r + "✗ " * (not r) + "\n".join(n) for r, n in zip(right.tolist(), names)]


reads = {"before": read(judge.read(before), meant)}
reads |= {r.name: read(judge.read(after[r.name]), r(meant, task)) for r in model.relations}
rows = ["from the prior"] * 2 + ["test image"] * 2
plots.show(
    plots.relation_strips(before, after, reads=reads, rows=rows),
    "four rows of pictures: before, then after left, right, up, down and next-shape; below each "
    "picture the judge's reading of shape and position, with a tick where it is what was asked for",
)

# %% [markdown]
# Of shape and position, each picture changes what its column says and keeps the other; below it stands
# what the judge reads (✓: exactly what the arithmetic asks for). Nuisance, such as the tilt, may drift:
# nobody asked it to stay. Only codes were moved; no picture was edited.
#
# ## Break it on purpose
#
# If partitions mean something, then exchanging them must hurt. And what was never a factor of the task
# cannot be asked for.

# %% tags=["nbval-check-output"]
kept = judge.read(model.decode(codes)) == values
swapped = judge.read(model.decode(codes.flip(1))) == values  # position's code where shape's belongs
print(f"decoded, both factors still right, above .9: {kept.all(1).float().mean() > 0.9}")
print(f"partitions exchanged, both right, below .2:  {swapped.all(1).float().mean() < 0.2}")
try:
    wdlib.relation("bigger", task)
except ValueError as error:
    print("ValueError:", error)

# %% [markdown]
# Exchanged partitions decode into some other picture: the decoder relies on which row holds which
# factor. "Bigger" is refused, because scale is nuisance in this task (it is relevant in dSprites.v3).
#
# ## How well? One table
#
# Four rows of pictures prove little, so the report moves thousands of codes and computes the usual
# scores of disentanglement. *Converted* codes are one integer for each partition (the most likely
# component, as in the paper), *grouped* ones count a partition as one code, *raw* ones every dimension.
# DCI here uses `hist_gradient_boosting`, a fast stand-in for the reference's `gradient_boosting`.

# %%
report = wdlib.evaluate(model, parts, images, judge, importances="hist_gradient_boosting")
if path := os.environ.get("WDLIB_REPORT"):
    Path(path).write_text(f"{report}\n", encoding="utf-8")
report

# %% [markdown]
# Read every value beside its **oracle** (perfect codes, one integer a factor: their SAP is far below 1)
# and its **chance** (the same codes, shuffled). Raw codes score low in MIG and SAP although nothing is
# wrong with them: eight dimensions share one factor, and these scores look for a single one. Grouped
# codes come near the oracle's SAP, or pass it: islands in eight dimensions are easier for its linear
# machine than nine values on a line. Grouped MIG is low for a reason that conversion hides: islands are
# apart, but inside of its island a code keeps nuisance, and traces of the other factor (06).

# %% tags=["nbval-check-output"]
claims = {
    "relations on codes from the prior, all partitions": ("relation_latent_all", 0.99),
    "relations judged on pictures, from the prior": ("judged_prior", 0.99),
    "relations judged on pictures, from test images": ("judged_encoded", 0.97),
    "encoder, all factors": ("encoder_all", 0.995),
    "the judge itself": ("judge_accuracy", 0.995),
    "MIG, converted": ("mig", 0.98 * report["oracle_mig"]),
    "DCI disentanglement, converted": (
        "dci_disentanglement",
        0.98 * report["oracle_dci_disentanglement"],
    ),
}
for claim, (key, least) in claims.items():
    print(f"{claim}, at least {least:.3f}: {report[key] >= least}")

# %% [markdown]
# ## What to remember
#
# - A **partition** for each relevant factor, a **component** for each of its values: the map of a
#   partition has islands with names.
# - The prior *adapts*: its components are estimated from a few labelled, encoded pictures, and the same
#   labels serve every partition.
# - A **relation** is arithmetic on values; the ReL does it on codes, and an independent judge checks the
#   picture: the right factor moved, and only that one.
# - A score means something only beside its oracle and its chance.
# - The paper's: partitions, critic, adaptive priors, ReL. Ours: the cross-entropy on labels and
#   pseudo-labels, standardised codes, the cycle, the separable decoder, the frozen-encoder finish; they
#   bring the training from days to minutes.
#
# ## Where next
#
# Change `"dSprites.v2"` to `"dSprites.v3"` above and run again: scale becomes a third partition, and
# "bigger" a relation. Or read the package in the order of the data: `wdlib/tasks.py`, `relations.py`,
# `data/`, `model/`, `training/stages.py` (the method on one page), `metrics/`.
