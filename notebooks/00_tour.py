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
# An ordinary autoencoder packs an image into one vector in which everything is mixed. Here every
# *factor of variation* gets a **partition** of the vector to itself, every value of a factor becomes
# an **island** with a name, and a small network walks from island to island: "left", "next shape".
# The method is Valenti and Bacciu's *Modular Representations for Weak Disentanglement* (2022,
# arXiv 2209.05336).
#
# **You will learn to**
#
# - say which factors of an image are relevant and which are nuisance,
# - estimate an island from a few labelled codes, and read a value off a code,
# - read the map of a partition, before and after its prior has adapted,
# - move an image by a relation, and check that nothing else moved,
# - read a table of scores with its ceiling (oracle) and its floor (chance).
#
# *The paper's*: partitions, the three equations below, the prior that adapts, and relations. *Ours*: the
# judge, oracle and chance, and the terms that shorten the training; each is named where it comes up.
#
# Nothing is downloaded and no GPU is needed: the tour trains a model from scratch in about a minute.
# Run the cells from top to bottom.

# %%
# On Colab, wdlib must be installed here first. As soon as your copy of the
# repository is on GitHub, `make address URL=...` writes the command into this cell.

import os
from pathlib import Path

import numpy as np
import torch
from IPython.display import clear_output

import wdlib
from wdlib import COURSE, Trainer, plots
from wdlib.course import check
from wdlib.data import device_images
from wdlib.files import provenance
from wdlib.methods import cut
from wdlib.metrics.judge import kept_judge
from wdlib.model import AdaptivePrior, FitConfig
from wdlib.pretrained import folder_of
from wdlib.training import suited

# %% [markdown]
# ## The world: pictures that are a product of factors
#
# dSprites has one image for every combination of its factors. A *task* says which of them matter: we
# start with the smallest, so that the training is short.

# %% tags=["nbval-check-output"]
task = wdlib.task("dSprites.v2")
images = wdlib.load(task.dataset)

some = range(0, len(task), len(task) // 17)


def words(values):
    """The names of the values of one picture, a line each."""
    return "\n".join(f.value_names[v] for f, v in zip(task.factors, values))


plots.show(
    plots.image_grid(
        images.draw(task.classes(some)), list(map(words, task.labels(some))), columns=9
    ),
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
# ## An island, by hand
#
# Before we train, the idea on a toy: codes of two numbers, drawn by hand, of pictures with a square or a
# heart. Ten of each have a label. From these we estimate a normal distribution for each value $k$, its
# *component*, or island: the mean $\mu_k$ and the covariance $\Sigma_k$ of the labelled codes. A code is
# read as the value under whose component it is most likely.

# %% tags=["nbval-check-output"]
draw = np.random.default_rng(0)
clouds = [draw.normal((-2, 0), (0.5, 1.0), (60, 2)), draw.normal((2, 1), (1.0, 0.5), (60, 2))]
islands = [(cloud[:10].mean(0), np.cov(cloud[:10].T)) for cloud in clouds]


def log_density(z, mean, covariance):
    """The logarithm of N(z; mean, covariance) for codes z [N, 2]."""
    away = z - mean
    distance = (away @ np.linalg.inv(covariance) * away).sum(1)
    return -(distance + np.linalg.slogdet(2 * np.pi * covariance)[1]) / 2


unlabelled, truth = np.concatenate([cloud[10:] for cloud in clouds]), np.repeat([0, 1], 50)
found = np.argmax([log_density(unlabelled, *island) for island in islands], axis=0)
print("codes without a label that are read right, at least .97:", (found == truth).mean() >= 0.97)

# %% [markdown]
# Twenty labels have named a hundred other codes. The library's prior does the same, for every partition at
# once:

# %% tags=["nbval-check-output"]
labelled = torch.tensor(np.concatenate([cloud[:10] for cloud in clouds]), dtype=torch.float32)
prior = AdaptivePrior(sizes=(2,), dim=2)  # one factor with two values
prior.fit(labelled[:, None], torch.arange(2).repeat_interleave(10)[:, None], FitConfig(scale=1.0))
theirs = prior.values(torch.tensor(unlabelled, dtype=torch.float32)[:, None])[:, 0]
print("the library reads every code as we do:", (theirs.numpy() == found).all())

figure = plots.Figure(figsize=(5.2, 2.8), layout="constrained")
panel = figure.subplots()
for cloud, (mean, covariance), name, k in zip(clouds, islands, ("square", "heart"), (0, 1)):
    panel.scatter(*cloud[10:].T, s=14, color=plots.PALETTE[k], marker=plots.MARKERS[k], alpha=0.5)
    panel.scatter(*cloud[:10].T, s=40, color=plots.PALETTE[k], marker=plots.MARKERS[k], ec="black")
    panel.add_patch(plots.Ellipse(mean, *plots.ellipse(covariance)[:2], fill=False,
                                  angle=plots.ellipse(covariance)[2], lw=1.6))  # fmt: skip
    panel.annotate(name, mean + (0, 2.6), ha="center")
panel.set(xlabel="first number of the code", ylabel="second", aspect="equal", ylim=(-3.2, 4.2))
plots.show(
    figure,
    "two clouds of codes, square at the left and heart at the right, each with the 2-sigma ellipse "
    "of its component around most of its points; the twenty labelled codes are drawn larger",
)


# %% [markdown]
# The twenty labelled codes are the large ones. Put one such mixture into every partition, and this is the
# paper's prior. What is missing are codes that lie in clouds: the encoder has to learn to put them there.
#
# ### Exercise 00.1: read a code
#
# If all islands are equally wide and round, the most likely one is the one whose mean is nearest. Write it.

# %% tags=["exercise"]
def read_codes(codes, means):
    """codes [N, d], means [K, d] of the values 0, 1, ...: arrays. Returns N values."""
    return ...


# %% tags=["check", "nbval-check-output"]
check("00.1", read_codes)

# %% [markdown] tags=["solution"]
# <details>
# <summary>Solution of 00.1</summary>
#
# Every code against every mean: an axis for each, and the numbers of a code added up.
#
# ```python
# def read_codes(codes, means):
#     distance = ((codes[:, None] - means[None]) ** 2).sum(axis=2)  # [N, K]
#     return distance.argmin(axis=1)
#
#
# check("00.1", read_codes)
# ```
#
# </details>

# %% [markdown]
# ## Stage 1, warm-up: a vector with partitions
#
# Now real pictures. A code has a partition $z_i$ of 8 numbers for each relevant factor $i$, and the paper
# asks two things of the autoencoder: give the picture $x$ back, and let the codes of all pictures together,
# $q(z_i)$, match a prior $p_i$, which in the warm-up is a simple one:
#
# $$\mathcal L_{AE} = \mathbb E\big[\log p(x \mid z)\big] \;-\; \lambda \sum_i
# \mathrm{KL}\big(q(z_i)\,\|\,p_i(z_i)\big) \tag{1}$$
#
# Nobody has the density $q$, so a **critic** $D$ compares samples instead. It learns to tell samples of the
# prior from codes, by maximising
#
# $$\mathbb E_{z \sim p}\big[\log D(z)\big] + \mathbb E_{x}\big[\log\big(1 - D(\mathrm{enc}(x))\big)\big]
# \tag{2}$$
#
# and the encoder learns to leave it guessing ([02_warmup](02_warmup.ipynb) does both in the open).
#
# *Ours* does without the critic until there are islands. It standardises the codes (mean 0, variance 1), and
# lets the labels lead, by a cross-entropy, and *pseudo-labels*: values that the model itself reads off
# unlabelled pictures, where it is sure. COURSE is our schedule; here it is cut to less than half of its
# steps, which this small task can bear.

# %%
course = COURSE.for_task(task.name)
short = cut(course, 1200)  # the same phases, 1200 steps in all
trainer = Trainer(parts, images, short, seed=0)
warm_up, *later = short.phases
model = trainer.run(warm_up.steps, progress=suited())
clear_output()  # the bar has done its work
losses = {k: v for k, v in trainer.history[-1].items() if k not in ("phase", "step")}
print(f"{warm_up.steps:,.0f} steps of {short.steps:,.0f}; COURSE has {course.steps:,.0f}")
print("losses of the last one:", ", ".join(f"{k} {v:.3g}" for k, v in losses.items()))

# %% [markdown]
# *labels* and *pseudo* are the two cross-entropies: of the labelled pictures, and of the others, with the
# values that the model read off them itself. How does the model now see the test images?
#
# ## The partitions before the prior adapts

# %% tags=["nbval-check-output"]
pictures = device_images(images, task.classes(parts.test))
values = torch.from_numpy(task.labels(parts.test))
codes = model.encode(pictures)
print("codes of the test images:", tuple(codes.shape), "= images, partitions, dimensions")

plots.show(
    plots.partition_maps(codes[:500], values[:500], None, task),
    "scatter plots, one a partition: test images as points, with the names of the values at "
    "the centres of their points, after the warm-up",
)

# %% [markdown]
# ## Stage 2, full training: an island for every value
#
# *The paper's idea:* replace the simple prior of partition $i$ by a mixture with one normal component
# for each value $k$ of factor $i$, estimated from the encoded pictures that are labelled $k$, as in the toy:
#
# $$p_i(z_i) = \sum_k \pi_k \, \mathcal N(z_i;\ \mu_{ik}, \Sigma_{ik})$$
#
# Eq. 1 and 2 go on with this prior. Beside them learns the *relational learner* ReL: given a code $z$ and a
# relation $r$, it sends each partition that $r$ affects to the component of the new value $f_r(k)$, and
# leaves the others where they are:
#
# $$\mathcal L_{\mathrm{ReL}} = \mathbb E\,\bigl\| \mathrm{ReL}(z, r) - z' \bigr\|^2, \qquad
# z'_i \begin{cases}
# \sim \mathcal N\bigl(\mu_{i f_r(k)}, \Sigma_{i f_r(k)}\bigr) & \text{if $r$ affects $i$} \\
# = z_i & \text{otherwise}
# \end{cases} \tag{3}$$
#
# *Ours* are the cycle (decode, encode again, find the same values), the separable decoder, and a finish in
# which the encoder is frozen.

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
# components, and in the finish only what still learns is left. *taught* is the cross-entropy of unlabelled
# pictures with the values that the warm-up read off them where it was sure; so stage 2 can't forget them.
# A critic that can only guess has a loss
# of 2 log 2 = 1.39; further below, it still tells codes from the prior.
#
# ## The partitions after

# %% tags=["nbval-check-output"]
codes = model.encode(pictures)
plots.show(
    plots.partition_maps(codes[:500], values[:500], model.prior, task),
    "the same maps after full training: each value is a cloud of points around the 2-sigma "
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
# has never seen a code, trained on pictures with all their labels. It comes with the package, since it is
# no part of the model (`wdlib.train_judge` makes one).

# %% tags=["nbval-check-output"]
judge = kept_judge(folder_of(task.name), parts, images)
judged = (judge.read(pictures) == values).all(1).float().mean().item()
print("the judge reads all factors of a test image, at least .995:", judged >= 0.995)

last = [[factor.size - 1 for factor in task.factors]]  # the last value of each factor
for relation in model.relations:
    moved = relation(last, task)[0]
    print(", ".join(words(last[0]).split("\n")), f"--{relation.name}-->", end=" ")
    print(", ".join(words(moved).split("\n")))

# %% [markdown]
# The arithmetic goes round: right of "right" is "left", and after the heart comes the square. Now the same on pictures: two codes drawn from
# the prior (pictures that nobody ever took), and two test images.

# %%
generator = torch.Generator().manual_seed(1)
drawn = model.prior.random_values(2, generator=generator)
start = torch.cat([model.prior.sample(drawn, generator=generator), codes[:2]])
meant = torch.cat([drawn, values[:2]])
before = torch.cat([model.decode(start[:2]), pictures[:2]])
after = {r.name: model.decode(model.move(start, r)) for r in model.relations}


def read(seen, wanted):
    """The judge's words for each picture, and whether they are the wanted ones."""
    right = (seen == torch.as_tensor(wanted)).all(1).tolist()
    return [("✓ " if good else "✗ ") + words(row) for good, row in zip(right, seen.tolist())]


reads = {"before": read(judge.read(before), meant)}
reads |= {r.name: read(judge.read(after[r.name]), r(meant, task)) for r in model.relations}
rows = ["from the prior"] * 2 + ["test image"] * 2
plots.show(
    plots.relation_strips(before, after, reads=reads, rows=rows),
    "four rows of pictures: before, then after " + ", ".join(after) + "; below each picture the "
    "judge's reading of every factor, with a tick where it is what was asked for",
)

# %% [markdown]
# Of the relevant factors, each picture changes what its column says and keeps the other; below it stands
# what the judge reads (✓: exactly what the arithmetic asks for). Nuisance, such as the tilt, may drift:
# nobody asked it to stay. Only codes were moved; no picture was edited.
#
# ## Break it on purpose
#
# If partitions mean something, then exchanging them must hurt. And what was never a factor of the task
# cannot be asked for.

# %% tags=["nbval-check-output"]
kept = judge.read(model.decode(codes)) == values
exchanged = codes.roll(1, dims=1)  # each factor's code where the next one's belongs
swapped = judge.read(model.decode(exchanged)) == values
print(f"decoded, all factors still right, above .9: {kept.all(1).float().mean() > 0.9}")
print(f"partitions exchanged, all right, below .2:  {swapped.all(1).float().mean() < 0.2}")
try:
    print("a relation of this task:", wdlib.relation("bigger", task).name)
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
# *No relation* is the picture decoded without any move, so an error there is the decoder's; `sap_r2` is SAP
# with a squared correlation in place of its linear machine.
# DCI here uses `hist_gradient_boosting`, a fast stand-in for the reference's `gradient_boosting`.

# %%
report = wdlib.evaluate(model, parts, images, judge, importances="hist_gradient_boosting")
if path := os.environ.get("WDLIB_REPORT"):
    source = {"seed": 0, "preset": f"COURSE, {short.steps} steps"} | provenance()
    said = ", ".join(f"{name} {value}" for name, value in source.items())
    Path(path).write_text(f"{report}\n\n{said}\n", encoding="utf-8")
report

# %% [markdown]
# Read every value beside its **oracle** (perfect codes, one integer a factor: their SAP is far below 1)
# and its **chance** (the same codes, shuffled). Raw codes score low in MIG and SAP although nothing is
# wrong with them: eight dimensions share one factor, and these scores look for a single one. Grouped
# codes come near the oracle's SAP, or pass it: islands in eight dimensions are easier for its linear
# machine than nine values on a line. Grouped MIG is low for a reason that conversion hides: islands are
# apart, but inside of its island a code keeps nuisance, and traces of the other factor (06).

# %% tags=["nbval-check-output"]
of_oracle = {key: report[key] / report[f"oracle_{key}"] for key in ("mig", "dci_disentanglement")}
claims = [
    ("relations on codes from the prior, all partitions", report["relation_latent_all"], 0.99),
    ("relations judged on pictures, from the prior", report["judged_prior"], 0.99),
    ("relations judged on pictures, from test images", report["judged_encoded"], 0.97),
    ("encoder, all factors", report["encoder_all"], 0.995),
    ("the judge itself", report["judge_accuracy"], 0.995),
    ("MIG, converted, share of its oracle", of_oracle["mig"], 0.98),
    ("DCI disentanglement, converted, the same", of_oracle["dci_disentanglement"], 0.98),
]
for claim, value, least in claims:
    print(f"{claim}, at least {least:.3f}: {value >= least}")


# %% [markdown]
# ### Exercise 00.2: the floor
#
# Somebody knows nothing of a picture and guesses every factor, each of its values as likely as any other.
# In what share of pictures are *all* factors right? Answer for factors of any sizes; for the task above, the
# column *chance* says it.

# %% tags=["exercise"]
def by_guessing(sizes):
    """The numbers of values of the factors, such as (3, 9). Returns a share."""
    return ...


# %% tags=["check", "nbval-check-output"]
check("00.2", by_guessing)

# %% [markdown] tags=["solution"]
# <details>
# <summary>Solution of 00.2</summary>
#
# Each guess is right once in `size` times, and guesses know nothing of each other, so shares multiply.
#
# ```python
# def by_guessing(sizes):
#     return 1 / np.prod(sizes)
#
#
# check("00.2", by_guessing)
# ```
#
# For (3, 9) that is .037: 27 combinations, and one of them is right.
#
# </details>

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
# Change `"dSprites.v2"` to `"dSprites.v3"` above, put `short = course` (this task needs all of COURSE's
# steps, some minutes), and run again: scale becomes a third partition, and "bigger" a relation. Or read the package in the order of the data: `wdlib/tasks.py`, `relations.py`,
# `data/`, `model/`, `training/stages.py` (the method on one page), `metrics/`.
