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
# An ordinary autoencoder compresses an image into one vector in which everything is mixed. Here each *factor of
# variation* has its own part of the vector, a **partition**. Each value of a factor becomes an **island** with a name,
# and a small network moves codes from island to island: "left", "next shape". The method is from Valenti and Bacciu
# (2022), *Modular Representations for Weak Disentanglement*, arXiv 2209.05336.
#
# **You will learn to**
#
# - distinguish relevant factors from nuisance,
# - estimate an island from a few labelled codes, and read a value from a code,
# - read the map of a partition,
# - move an image by a relation, and check that nothing else moves,
# - compare a score with its ceiling (oracle) and its floor (chance).
#
# *From the paper*: partitions, three equations, the adaptive prior, and relations. *Added here*: the judge, oracle and
# chance, and losses that shorten the training.
#
# The tour trains a model from scratch in about a minute, without a GPU or a download.

# %%
# On Colab, wdlib must be installed here first. As soon as your copy of the
# repository is on GitHub, `make address URL=...` writes the command into this cell.

import numpy as np
import torch
from IPython.display import clear_output

import wdlib
from wdlib import COURSE, Trainer, plots
from wdlib.course import AdaptivePrior, FitConfig, check, examples, shipped_judge, suited

# %% [markdown]
# ## The world: images that are a product of factors
#
# dSprites has one image for every combination of its factors. A *task* selects the factors that matter.

# %% tags=["nbval-check-output"]
task = wdlib.task("dSprites.v2")
images = wdlib.load(task.dataset)
print("relevant:", {f.name: f.size for f in task.factors}, "->", task.combinations, "combinations")
print("nuisance:", {name: len(classes) for name, classes in task.nuisance}, "and the exact place")
print("images:  ", len(task), "of", images.shape, images[0].dtype)

# %%
some = range(0, len(task), len(task) // 17)
names = plots.words(task.labels(some), task)
plots.image_grid(images.draw(task.classes(some)), names, columns=9)

# %% [markdown]
# The **relevant** factors are shape (3 values) and position (9 cells of a grid). Scale, a small tilt and the exact place
# within the cell are **nuisance**: they change the pixels, but have no label.
#
# ## The split: many images, few labels
#
# The model sees the values of only 1000 training images. Each of them is an example for *both* partitions, so the
# number of labels need not grow with the number of combinations.

# %% tags=["nbval-check-output"]
parts = wdlib.split(task, seed=0, labels=1000)
for name in ("train", "validation", "test", "labelled"):
    print(f"{name:10s} {len(getattr(parts, name)):5d} images")
print("images in both train and test:", len(set(parts.train) & set(parts.test)))

# %% jupyter={"source_hidden": true} tags=["claims"]
assert set(parts.labelled) <= set(parts.train)

# %% [markdown]
# ## An island, by hand
#
# First, a toy: handmade codes of two numbers, for images of squares and hearts. Ten codes of each have a label. From
# these we estimate a normal distribution for each value $k$, its *component*, or island, with mean $\mu_k$ and
# covariance $\Sigma_k$.

# %%
draw = np.random.default_rng(0)
clouds = [draw.normal((-2, 0), (0.5, 1.0), (60, 2)), draw.normal((2, 1), (1.0, 0.5), (60, 2))]
islands = [(cloud[:10].mean(0), np.cov(cloud[:10].T)) for cloud in clouds]
kinds, large = np.repeat([0, 1], 60), np.tile(np.arange(60) < 10, 2)
plots.clouds(np.concatenate(clouds), kinds, ("square", "heart"), islands, large=large)


# %% [markdown]
# The large points have labels. We read each of the others as the value whose component has the highest density:

# %%
def log_density(z, mean, covariance):
    """The logarithm of N(z; mean, covariance) for codes z [N, 2]."""
    away = z - mean
    distance = (away @ np.linalg.inv(covariance) * away).sum(1)
    return -(distance + np.linalg.slogdet(2 * np.pi * covariance)[1]) / 2


unlabelled = np.concatenate([cloud[10:] for cloud in clouds])
found = np.argmax([log_density(unlabelled, *island) for island in islands], axis=0)
share = (found == np.repeat([0, 1], 50)).mean()
print(f"unlabelled codes that are read right: {share:.2f}")

# %% [markdown]
# Twenty labels name a hundred other codes. The library's prior does this for all partitions at once:

# %% tags=["nbval-check-output"]
labelled = torch.tensor(np.concatenate([cloud[:10] for cloud in clouds]), dtype=torch.float32)
prior = AdaptivePrior(sizes=(2,), dim=2)  # one factor with two values
prior.fit(labelled[:, None], torch.arange(2).repeat_interleave(10)[:, None], FitConfig(scale=1.0))
theirs = prior.values(torch.tensor(unlabelled, dtype=torch.float32)[:, None])[:, 0]
print("codes that the library reads differently:", (theirs.numpy() != found).sum())

# %% jupyter={"source_hidden": true} tags=["claims"]
assert share >= 0.97


# %% [markdown]
# ### Exercise 00.1: read a code
#
# If all islands are round and equally wide, the most likely one has the nearest mean. Write this.

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
# Compute the distance of every code from every mean, with an axis for each.
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
# The codes of the toy were already in clouds; an encoder has to learn this. A code now has a partition $z_i$ of 8
# numbers for each relevant factor $i$. The paper's autoencoder has two goals: it reconstructs the image $x$, and the
# distribution of all codes, $q(z_i)$, matches a prior $p_i$, which is simple in the warm-up:
#
# $$\mathcal L_{AE} = \mathbb E\big[\log p(x \mid z)\big] \;-\; \lambda \sum_i
# \mathrm{KL}\big(q(z_i)\,\|\,p_i(z_i)\big) \tag{1}$$
#
# The density $q$ is unknown, so a second network, the **critic** $D$, learns to separate samples of the prior from
# codes. It maximises
#
# $$\mathbb E_{z \sim p}\big[\log D(z)\big] + \mathbb E_{x}\big[\log\big(1 - D(\mathrm{enc}(x))\big)\big]
# \tag{2}$$
#
# and the encoder learns to prevent this ([02_warmup](02_warmup.ipynb)).
#
# Our recipe, **Modular**, starts without the critic. Its warm-up minimises three losses:
#
# - *reconstruction*, the first term of Eq. 1,
# - the *label loss*: the cross-entropy of a linear classifier that reads each partition of the labelled images,
# - *pseudo-labels*: a value that the model reads with confidence from an unlabelled image is the label of a shifted copy.
#
# The preset COURSE is its schedule. For this small task 1200 steps are enough.

# %%
course = COURSE.for_task(task.name)
short = course.cut(1200)  # the same phases
trainer = Trainer(parts, images, short, seed=0)
warm_up = short.phases[0]
model = trainer.run(warm_up.steps, progress=suited())
clear_output()  # removes the progress bar
print(f"{warm_up.steps} of {short.steps} steps; COURSE has {course.steps}")
print({name: round(trainer.history[-1][name], 3) for name in warm_up.losses})

# %% [markdown]
# How does the model encode test images now? Each map is a plane through the 8 dimensions.

# %%
test_images, values = examples(parts, images)  # all test images
codes = model.encode(test_images)  # [images, partitions, dimensions]
plots.partition_maps(codes[:500], values[:500], None, task)

# %% [markdown]
# ## Stage 2, full training: an island for every value
#
# The paper now replaces the simple prior by a mixture. As in the toy, it has one component for each value $k$,
# estimated from the encoded images with label $k$:
#
# $$p_i(z_i) = \sum_k \pi_k \, \mathcal N(z_i;\ \mu_{ik}, \Sigma_{ik})$$
#
# Eq. 1 and 2 continue with this prior, and the *relational learner* ReL starts to train. For a code $z$ and a relation
# $r$, it moves the partition that $r$ affects to the component of the new value $f_r(k)$, and keeps the others:
#
# $$\mathcal L_{\mathrm{ReL}} = \mathbb E\,\bigl\| \mathrm{ReL}(z, r) - z' \bigr\|^2, \qquad
# z'_i \begin{cases}
# \sim \mathcal N\bigl(\mu_{i f_r(k)}, \Sigma_{i f_r(k)}\bigr) & \text{if $r$ affects $i$} \\
# = z_i & \text{otherwise}
# \end{cases} \tag{3}$$
#
# Modular adds a *teacher* (pseudo-labels that the warm-up model gives), the *cycle loss* (decode, encode again, and read
# the same values), and a *finish* with a frozen encoder and the *recomposition loss* (a cycle loss for codes with one
# changed partition).

# %%
model = trainer.run(progress=suited())
clear_output()
plots.history(trainer.history)

# %% [markdown]
# Each loss has a panel, and each phase a band. The critic and the relational loss start when there are components. A
# critic that can only guess has a loss of 2 log 2 = 1.39.

# %%
codes = model.encode(test_images)
plots.partition_maps(codes[:500], values[:500], model.prior, task)

# %% [markdown]
# Now every value is an island. The ellipse is the component of the prior, and the test images lie around the right
# island. (The ellipses differ from the clouds in size: the prior uses a tenth of the covariance, plus a small ridge.) To
# read a factor from an image, we take the most likely component:

# %%
right = (model.values(codes) == values).float().mean(0)
print("read right:", {f.name: round(share, 4) for f, share in zip(task.factors, right.tolist())})

# %% jupyter={"source_hidden": true} tags=["claims"]
assert (right >= 0.995).all()

# %% [markdown]
# ## Relations: arithmetic on values, a network on codes
#
# On values a relation is a sum: "right" adds one to the column, and after the last column comes the first.

# %% tags=["nbval-check-output"]
last = np.array(task.sizes)[None] - 1  # the last value of each factor
print("start      ", *plots.words(last, task, between=", "))
for relation in model.relations:
    print(f"{relation.name:11s}", *plots.words(relation(last, task), task, between=", "))

# %% [markdown]
# On codes a relation is a network. A **judge** decides whether it works: an independent classifier, trained on images
# with all labels, which never sees a code.

# %%
judge = shipped_judge(parts, images)
judged = (judge.read(test_images) == values).all(1).float().mean().item()
print(f"the judge reads all factors of a test image: {judged:.4f}")

# %% [markdown]
# We move two samples of the prior and two encoded test images.

# %%
generator = torch.Generator().manual_seed(1)
drawn = model.prior.random_values(2, generator=generator)
start = torch.cat([model.prior.sample(drawn, generator=generator), codes[:2]])
wanted = {"before": torch.cat([drawn, values[:2]])}
wanted |= {r.name: r(wanted["before"], task) for r in model.relations}
before = torch.cat([model.decode(start[:2]), test_images[:2] / 255])
after = {r.name: model.decode(model.move(start, r)) for r in model.relations}
rows = ["from the prior"] * 2 + ["test image"] * 2
plots.judged_strips(judge, before, after, wanted, task, rows)

# %% [markdown]
# Each image changes the factor of its column and keeps the other one. Below it is what the judge reads, with a tick where
# this agrees with the arithmetic. Nuisance, such as the tilt, may change.
#
# ## Break it on purpose
#
# If partitions have a meaning, then exchanging them must destroy the image.

# %%
kept = judge.read(model.decode(codes)) == values
swapped = judge.read(model.decode(codes.roll(1, dims=1))) == values  # partitions exchanged
shares = [read.all(1).float().mean().item() for read in (kept, swapped)]
print(f"all factors right: {shares[0]:.3f} decoded, {shares[1]:.3f} with exchanged partitions")

# %% jupyter={"source_hidden": true} tags=["claims"]
assert judged >= 0.995
assert shares[0] > 0.9 and shares[1] < 0.2

# %% [markdown]
# And a relation needs a relevant factor; scale is nuisance in this task:

# %%
try:
    wdlib.relation("bigger", task)
except ValueError as error:
    print("ValueError:", error)

# %% [markdown]
# ## How good is the model?
#
# The report moves thousands of codes and computes the usual scores of disentanglement. *Converted* codes are one integer
# per partition (the most likely component, as in the paper). *Grouped* codes count a partition as one code, *raw* codes
# every dimension. *No relation* decodes without a move, so its errors are the decoder's.

# %%
report = wdlib.evaluate(model, parts, images, judge, importances="hist_gradient_boosting")
report

# %% jupyter={"source_hidden": true} tags=["claims"]
assert report["relation_latent_all"] >= 0.99
assert report["judged_prior"] >= 0.99 and report["judged_encoded"] >= 0.97
assert report["encoder_all"] >= 0.995 and report["judge_accuracy"] >= 0.995
for key in ("mig", "dci_disentanglement"):
    assert report[key] >= 0.98 * report[f"oracle_{key}"], key

# %% jupyter={"source_hidden": true}
import os
from pathlib import Path

from wdlib.course import provenance

if path := os.environ.get("WDLIB_REPORT"):  # `make tour` prints the report
    source = {"seed": 0, "preset": f"COURSE, {short.steps} steps"} | provenance()
    origin = ", ".join(f"{name} {value}" for name, value in source.items())
    Path(path).write_text(f"{report}\n\n{origin}\n", encoding="utf-8")


# %% [markdown]
# Compare every score with its **oracle** (perfect codes; their SAP is far below 1) and its **chance** (shuffled codes).
# Raw codes have low MIG and SAP, although nothing is wrong with them: eight dimensions share one factor, and these
# scores look for a single one. Grouped MIG is low for another reason: inside its island, a code still contains nuisance
# ([06_evaluation](06_evaluation.ipynb)).
#
# ### Exercise 00.2: the floor
#
# Someone guesses every factor of an image, and each value is equally likely. For which share of images are *all* factors
# right? Answer for factors of any sizes.

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
# A guess is right once in `size` times. The guesses are independent, so the shares multiply.
#
# ```python
# def by_guessing(sizes):
#     return 1 / np.prod(sizes)
#
#
# check("00.2", by_guessing)
# ```
#
# For (3, 9) this is 1 / 27 = .037.
#
# </details>

# %% [markdown]
# ## What to remember
#
# - Each relevant factor has a **partition**, and each of its values a **component**: an island with a name.
# - The prior *adapts*: a few labelled images are enough to estimate it, and each label serves every partition.
# - A **relation** is arithmetic on values. The ReL does it on codes, and an independent judge checks the image.
# - A score means something only next to its oracle and its chance.
#
# ## Where next
#
# Change `"dSprites.v2"` to `"dSprites.v3"`, set `short = course`, and run again: scale becomes a third partition, and
# "bigger" a relation. Or read the method on one page: `wdlib/training/method.py`.
