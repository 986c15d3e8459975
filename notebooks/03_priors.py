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
# # Adaptive priors: an island for every value
#
# A normal distribution is one cloud, but a shape is a square *or* an ellipse *or* a heart. The paper's
# idea is a prior that follows the codes: a few labelled pictures say where each value lies, and the prior
# of a partition becomes a mixture with one component for each value.
#
# **You will learn to**
#
# - estimate a component from labelled codes, sample it, and read a value off a code,
# - say when an estimated covariance is singular, and how shrinkage and a ridge repair it,
# - explain why *modular* priors need no more labels when the combinations multiply: 27 or 12000,
# - see what becomes of a prior that is estimated too early.
#
# *The paper's* (Valenti and Bacciu 2022, arXiv 2209.05336): the mixture, one for each partition, from
# labelled codes, and 1000 labels on every task. *Ours*: shrinkage and a ridge that is always on, repeated
# estimates, and all codes of the first parts below, which are made by hand.
#
# One short training, at the end. Run the cells from top to bottom.

# %%
# On Colab, wdlib must be installed here first. As soon as your copy of the
# repository is on GitHub, `make address URL=...` writes the command into this cell.

import math
from dataclasses import replace

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

import wdlib
from wdlib import COURSE, Trainer, plots
from wdlib.course import check
from wdlib.data import device_images
from wdlib.model import AdaptivePrior, FitConfig, NetworkConfig
from wdlib.training import Phase

# %% [markdown]
# ## From labelled codes to a mixture
#
# The prior of partition $i$ has a component for each value $k$ of factor $i$:
#
# $$p_i(z_i) = \sum_k \pi_k\, \mathcal N(z_i;\ \mu_{ik}, \Sigma_{ik})$$
#
# (The paper gives it no number.) $\mu_{ik}$ and $\Sigma_{ik}$ are the mean and the covariance of the
# encoded pictures that are labelled $k$. The weights $\pi_k$ are a choice of ours: all values equally
# likely. To see what happens, we make codes of one partition by hand: three values, two dimensions.

# %% tags=["nbval-check-output"]
def cloud(count, mean, spread, turn, seed):
    """``count`` codes [count, 2] of a normal cloud, longer along one side and turned."""
    noise = torch.randn(count, 2, generator=torch.Generator().manual_seed(seed))
    c, s = math.cos(turn), math.sin(turn)
    turned = noise @ torch.diag(torch.tensor(spread)) @ torch.tensor([[c, s], [-s, c]])
    return turned + torch.tensor(mean)


names = ("square", "ellipse", "heart")
clouds = [
    cloud(40, (0.0, 0.0), (0.9, 0.3), 0.5, seed=1),
    cloud(40, (2.5, 0.5), (0.7, 0.5), 2.0, seed=2),
    cloud(40, (1.0, 2.5), (1.0, 0.4), -0.3, seed=3),
]
codes = torch.cat(clouds)
values = torch.arange(3).repeat_interleave(40)
print("labelled codes:", tuple(codes.shape), "of each value:", torch.bincount(values).tolist())

# %% [markdown]
# The estimate is what the words say:

# %%
def estimate(codes, values, k):
    """Mean [d] and covariance [d, d] of the codes [N, d] that are labelled k."""
    members = codes[values == k]
    away = members - members.mean(0)
    return members.mean(0), away.T @ away / (len(members) - 1)


# %% [markdown]
# In the library a prior holds all partitions at once, so codes are `[N, n, d]` and values `[N, n]`; here
# $n = 1$. `FitConfig` says how a covariance is estimated; for now, plainly.

# %% tags=["nbval-check-output"]
plain = FitConfig(scale=1.0, shrink=0.0, ridge=0.0)
prior = AdaptivePrior(sizes=(3,), dim=2)
prior.fit(codes[:, None], values[:, None], plain)
for k, name in enumerate(names):
    mean, covariance = estimate(codes, values, k)
    root = prior.scale_tril[0, k]  # the library keeps a square root of it: root @ root.T
    same = torch.allclose(prior.mean[0, k], mean, atol=1e-4)
    same &= torch.allclose(root @ root.T, covariance, atol=1e-4)
    print(f"{name}: mean and covariance as ours: {same}")

# %% [markdown]
# Why a square root $L$ with $L L^\top = \Sigma$? Because $\mu + L\,\varepsilon$, with $\varepsilon$ from
# $\mathcal N(0, I)$, is a sample of the component, and because the density needs $\Sigma^{-1}$ and
# $\log\det\Sigma$, which are both easy from $L$.
#
# ### Exercise 03.1: the density
#
# Write $\log \mathcal N(z; \mu, \Sigma) = -\tfrac12 (z - \mu)^\top \Sigma^{-1} (z - \mu) - \tfrac12
# \log\det\Sigma - \tfrac d2 \log 2\pi$ for many codes. (`torch.linalg.solve(A, b)` gives $A^{-1} b$ for
# every *column* of `b`, `torch.logdet(A)` gives $\log\det A$.)

# %% tags=["exercise"]
def log_density(z, mean, covariance):
    """z [B, d], mean [d], covariance [d, d]. Returns [B], the log density of each code."""
    return ...


# %% tags=["check", "nbval-check-output"]
check("03.1", log_density)

# %% [markdown] tags=["solution"]
# <details>
# <summary>Solution of 03.1</summary>
#
# ```python
# def log_density(z, mean, covariance):
#     away = z - mean
#     squared = (away * torch.linalg.solve(covariance, away.T).T).sum(1)
#     return -0.5 * (squared + torch.logdet(covariance) + len(mean) * math.log(2 * math.pi))
#
#
# check("03.1", log_density)
# ```
#
# In the library: `prior.log_density(z)`, for all components of all partitions.
#
# </details>

# %% [markdown]
# ## Reading and sampling
#
# To read a value off a code, take the component with the highest density. To make a code for a value,
# sample its component. The two should agree: a sample of "heart" should read "heart".

# %% tags=["nbval-check-output"]
def agreement(prior, count=3000):
    """The share of samples that read as the value they were drawn for, one a partition."""
    generator = torch.Generator().manual_seed(0)
    wanted = prior.random_values(count, generator=generator)
    return (prior.values(prior.sample(wanted, generator=generator)) == wanted).float().mean(0)


narrow = AdaptivePrior(sizes=(3,), dim=2)
narrow.fit(codes[:, None], values[:, None], replace(plain, scale=0.1))
print("whole covariance: agreement below 0.99:", agreement(prior).item() < 0.99)
print("a tenth of it:    agreement above 0.999:", agreement(narrow).item() > 0.999)

# %%
figure = Figure(figsize=(8.4, 4.2), layout="constrained")
for panel, (title, shown) in zip(
    figure.subplots(1, 2, sharey=True), (("whole", prior), ("a tenth", narrow))
):
    for k, name in enumerate(names):
        panel.scatter(
            *clouds[k].T, color=plots.PALETTE[k], marker=plots.MARKERS[k], s=18, alpha=0.6
        )
        root = shown.scale_tril[0, k]
        width, height, angle = plots.ellipse((root @ root.T).numpy())
        mean = shown.mean[0, k].tolist()
        panel.add_patch(Ellipse(mean, width, height, angle=angle, fill=False, lw=1.8))
        panel.annotate(name, mean, (0, 24), textcoords="offset points", ha="center", size=10)
    panel.set(title=f"covariance: {title}", aspect="equal", xlabel="first number of the code")
figure.axes[0].set_ylabel("second number")
plots.show(
    figure,
    "two maps of three clouds of points with their 2-sigma ellipses: with the whole covariance "
    "the ellipses touch; with a tenth of it they are small islands in the middle of the clouds",
)
print("agreement:", round(agreement(prior).item(), 3), round(agreement(narrow).item(), 3))

# %% [markdown]
# The paper's text says nothing of it, but the authors' earlier code multiplies every covariance by 0.1,
# and so do wdlib's presets. It makes islands: a sample lies where nobody doubts its value, and the match
# of the codes to the prior (notebook 02) then draws each cloud together.
#
# ## Few labels: a covariance that is none
#
# A partition has 8 dimensions, and a value may have few labels. The covariance of $m$ codes around *their
# own mean* is a sum of $m$ outer products; but the $m$ deviations add up to zero, so at most $m - 1$ of
# them are independent, and the rank is at most $m - 1$.

# %% tags=["nbval-check-output"]
eight = torch.randn(1000, 8, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
for count in (3, 8, 20, 1000):
    _, covariance = estimate(eight[:count], torch.zeros(count), 0)
    rank = torch.linalg.matrix_rank(covariance).item()
    largest = torch.linalg.eigvalsh(covariance)[-1].item()
    print(f"{count:4d} codes: rank {rank} of 8, largest variance {largest:.1f} (true: 1.0)")

# %% [markdown]
# With too few codes some directions have *no* variance: the density there is infinite or zero, the
# Cholesky root does not exist. And even where it exists, a covariance from few codes is too long in some
# directions and too short in others. The library refuses the first case:

# %% tags=["nbval-check-output"]
few = AdaptivePrior(sizes=(1,), dim=8)
try:
    few.fit(eight[:5, None], torch.zeros(5, 1, dtype=torch.long), plain)
except ValueError as error:
    print("ValueError:", error)

# %% [markdown]
# ### Exercise 03.2: how many are enough?
#
# What is the smallest number of labelled codes of one value for which an 8-dimensional covariance can be
# estimated without any repair? (Codes in general position, as above.)

# %% tags=["exercise"]
fewest_codes = ...

# %% tags=["check", "nbval-check-output"]
check("03.2", fewest_codes)

# %% [markdown] tags=["solution"]
# <details>
# <summary>Solution of 03.2</summary>
#
# The rank is at most one less than the number of codes, since the mean has been taken from them:
#
# ```python
# fewest_codes = 8 + 1
#
# check("03.2", fewest_codes)
# ```
#
# </details>

# %% [markdown]
# ## Two repairs: a ridge and shrinkage
#
# With $s$ the scale (0.1), $S_k$ the covariance of value $k$, and $S$ the **pooled** covariance (the
# average of the $S_k$, weighted by their codes: every code of the partition helps to estimate it):
#
# $$\Sigma_k = s\,\big((1 - a)\, S_k + a\, S\big) + r\, I$$
#
# The **shrinkage** $a$ moves each covariance towards the common one; the **ridge** $r$ adds a little
# variance in every direction. Both are ours. The paper speaks of neither, and the earlier code fails where
# a value has 8 labels or fewer; the PAPER preset adds a ridge only there.
#
# ### Exercise 03.3: the repaired covariance
#
# Write the formula.

# %% tags=["exercise"]
def repaired(own, pooled, scale, shrink, ridge):
    """own and pooled: [d, d]; the rest: numbers. Returns [d, d]."""
    return ...


# %% tags=["check", "nbval-check-output"]
check("03.3", repaired)

# %% [markdown] tags=["solution"]
# <details>
# <summary>Solution of 03.3</summary>
#
# The ridge goes onto the diagonal, and is not scaled:
#
# ```python
# def repaired(own, pooled, scale, shrink, ridge):
#     return scale * ((1 - shrink) * own + shrink * pooled) + ridge * torch.eye(len(own))
#
#
# check("03.3", repaired)
# ```
#
# </details>

# %% [markdown]
# Do the repairs help, beyond making the root exist? We take nine values in 8 dimensions, each with a
# covariance of its own, estimate the components from a few codes a value, and ask how likely *other* codes
# of the same values are (higher is better).

# %%
generator = torch.Generator().manual_seed(5)
centres = 3 * torch.randn(9, 8, generator=generator)
stretch = torch.randn(9, 8, 8, generator=generator) / 8**0.5 + 0.3 * torch.eye(8)


def labelled(each):
    """``each`` codes of every value: [9 * each, 1, 8] and their values [9 * each, 1]."""
    values = torch.arange(9).repeat_interleave(each)
    noise = torch.randn(len(values), 8, 1, generator=generator)
    return (centres[values] + (stretch[values] @ noise)[..., 0])[:, None], values[:, None]


def held_out(config, train, test):
    """Mean log density of the test codes under the component of their value."""
    prior = AdaptivePrior(sizes=(9,), dim=8)
    prior.fit(*train, config)
    codes, values = test
    return prior.log_density(codes)[:, 0].gather(1, values).mean().item()


# %% tags=["nbval-check-output"]
repairs = {
    "a ridge where singular": FitConfig(scale=1, shrink=0.0, ridge=1e-4, only_if_singular=True),
    "a ridge always": FitConfig(scale=1, shrink=0.0, ridge=0.02, only_if_singular=False),
    "shrinkage and a ridge": FitConfig(scale=1, shrink=0.5, ridge=0.02, only_if_singular=False),
}
counts = (6, 12, 24, 48, 96, 192)
test = labelled(200)
fits = {count: labelled(count) for count in counts}
score = {
    name: [held_out(config, fits[c], test) for c in counts] for name, config in repairs.items()
}
rare, plenty = zip(*((line[0], line[-1]) for line in score.values()))
print("6 codes a value: each repair is better than the one before:", rare[0] < rare[1] < rare[2])
print("192 codes:       shrinkage is no longer the best:", plenty[2] < max(plenty))

# %%
figure = Figure(figsize=(6.4, 3.4), layout="constrained")
panel = figure.subplots()
for (name, line), style, colour, marker in zip(
    score.items(), (":", "--", "-"), plots.PALETTE, plots.MARKERS
):
    panel.plot(counts, line, style, color=colour, marker=marker, label=name)
panel.set_xscale("log", base=2)
panel.set(xticks=counts, xticklabels=counts, ylim=(-60, 0))
panel.set(xlabel="labelled codes a value", ylabel="mean log density, held out")
panel.legend(loc="lower right")
plots.show(
    figure,
    "held-out log density over the number of codes a value: with 6 codes shrinkage and a ridge is "
    "by far the highest, and the ridge where singular lies far below the picture; with 192 all "
    "three are near each other, shrinkage a little lower",
)
print({name: [round(v, 1) for v in line] for name, line in score.items()})

# %% [markdown]
# With few codes a value the plain covariance is a disaster (it is sure of directions that it has never
# seen; its line leaves the picture). The ridge repairs most of it, and half of the pooled one most of the
# rest. From some 24 codes a value on their own covariances are known well enough, and shrinkage gives a
# little away. COURSE keeps it for the case of few labels.
#
# ## Why modular: labels against combinations
#
# Suppose we had *one* mixture over the whole code, with a component for every **combination** of values.
# A modular prior has one mixture for each partition, so it has as many components as there are
# **values**. Compare what 1000 labels, the paper's number, leave for each:

# %% tags=["nbval-check-output"]
print("task            values  labels a value     combinations  labels a combination")
for name in ("dSprites.v2", "dSprites.v3", "dSprites.v4", "Shapes3D.v5"):
    task = wdlib.task(name)
    most = max(task.sizes)  # the factor that shares the labels among most values
    print(f"{name:14s}{sum(task.sizes):8d}{1000 / most:16.0f}{task.combinations:17d}"
          f"{1000 / task.combinations:22.2f}")  # fmt: skip

# %% [markdown]
# The trick is in the column *labels a value*: a picture labelled "(red floor, green wall, blue cube, small)" is an
# example for *every* partition, so 1000 labels are 1000 labels of each factor. They are shared among the
# values of *one* factor, never among combinations. How it is in a real split of Shapes3D.v5:

# %% tags=["nbval-check-output"]
task = wdlib.task("Shapes3D.v5")
labels = task.labels(wdlib.split(task, seed=0, labels=1000).labelled)
seen = np.unique(labels, axis=0)
print(f"combinations with at least one label: {len(seen)} of {task.combinations}")
rarest = {f.name: int(np.bincount(labels[:, i]).min()) for i, f in enumerate(task.factors)}
print("labels of each factor's rarest value:", rarest)

# %% [markdown]
# More than nine in ten combinations have not a single label, and yet every value has dozens.
#
# ### Exercise 03.4: the price of a combination
#
# We want at least 10 labelled pictures for every component. How many labelled pictures does that take,
# at the least, (a) with a modular prior, (b) with a component for every combination? We may choose which
# pictures to label.

# %% tags=["exercise"]
def labels_needed(sizes, each):
    """sizes: number of values of each factor. Returns (modular, for combinations)."""
    return ...


# %% tags=["check", "nbval-check-output"]
check("03.4", labels_needed)

# %% [markdown] tags=["solution"]
# <details>
# <summary>Solution of 03.4</summary>
#
# One picture counts for every factor, so the factor with the most values decides; combinations multiply.
#
# ```python
# def labels_needed(sizes, each):
#     return each * max(sizes), each * math.prod(sizes)
#
#
# check("03.4", labels_needed)
# ```
#
# For Shapes3D.v5 and 10 each: 100 against 120000. The paper labels 1000 pictures at random, so that the
# rarest value has enough.
#
# </details>

# %% [markdown]
# ## The two priors, tried
#
# Codes by hand again, one cloud a value in each partition, with 1000 labels whatever the task. How often
# is *everything* right when we read a new code (a) partition by partition, (b) by the nearest combination
# that has a label?

# %%
def read_both(sizes, labels=1000, seed=0):
    """Shares of 2000 new codes that are read right by a modular and by a joint prior."""
    g = torch.Generator().manual_seed(seed)
    n, dim = len(sizes), 8
    centres = torch.randn(n, max(sizes), dim, generator=g)
    values = (torch.rand(labels + 2000, n, generator=g) * torch.tensor(sizes)).long()
    codes = centres[torch.arange(n), values]
    codes = codes + 0.3 * torch.randn(codes.shape, generator=g)
    known, new = codes.split([labels, 2000])
    told, truth = values.split([labels, 2000])  # the values of known and of new codes
    prior = AdaptivePrior(sizes, dim)
    prior.fit(known, told, COURSE.fit)
    modular = (prior.values(new) == truth).all(1).float().mean().item()
    kinds, which = told.unique(dim=0, return_inverse=True)  # combinations that have a label
    means = torch.stack([known[which == k].flatten(1).mean(0) for k in range(len(kinds))])
    nearest = torch.cdist(new.flatten(1), means).argmin(1)
    return modular, (kinds[nearest] == truth).all(1).float().mean().item()


# %% tags=["nbval-check-output"]
tasks = [wdlib.task(f"dSprites.v{n}") for n in (2, 3, 4)] + [wdlib.task("Shapes3D.v5")]
shares = [read_both(task.sizes) for task in tasks]
print("modular, above 0.95 on every task:", all(modular > 0.95 for modular, _ in shares))
print("joint, above 0.95 for 27 combinations:", shares[0][1] > 0.95)
print("joint, below 0.7 for 1080, below 0.15 for 12000:", shares[2][1] < 0.7, shares[3][1] < 0.15)

# %%
figure = Figure(figsize=(6, 3.2), layout="constrained")
panel = figure.subplots()
combinations = [task.combinations for task in tasks]
for line, style, label in ((0, "o-", "one prior a partition"), (1, "s--", "one a combination")):
    panel.plot(
        combinations, [s[line] for s in shares], style, color=plots.PALETTE[line], label=label
    )
panel.set(xscale="log", ylim=(-0.03, 1.05), ylabel="all factors right")
panel.set_xticks(combinations, [f"{task.combinations}\n{task.name}" for task in tasks], size=8)
panel.minorticks_off()
panel.set_xlabel("combinations (1000 labels each time)")
panel.legend(loc="center left")
plots.show(
    figure,
    "share of codes with all factors read right over the number of combinations: one prior a "
    "partition stays near 1 from 27 to 12000, one a combination falls from 1 to below 0.15",
)
print({t.name: (round(m, 3), round(j, 3)) for t, (m, j) in zip(tasks, shares)})

# %% [markdown]
# A joint prior cannot read a combination that it has never seen; the modular one composes it from values
# that it has. One caveat: these codes *were* modular, by hand. That an encoder puts each factor into its
# own partition is the work of the training, and [05_training](05_training.ipynb) shows it.
#
# ## On real codes, and too early
#
# Last, codes of a real encoder, in warm-up with labels (ours: a cross-entropy on the labelled pictures).
# The authors' earlier code estimates the prior *once*, when the warm-up ends. What if that is too soon?
# We estimate after 20 steps, and again after 250.

# %%
task = wdlib.task("dSprites.v2")
images = wdlib.load(task.dataset)
parts = wdlib.split(task, seed=0, labels=1000)
phase = Phase("warm-up", 250, prior="normal", labels=1.0)
preset = replace(COURSE, networks=NetworkConfig(), phases=(phase,))
trainer = Trainer(parts, images, preset, seed=0)
pictures = device_images(images, task.classes(parts.test[:500]))
values = torch.from_numpy(task.labels(parts.test[:500]))

# %%
agrees = {}
seen = {
    20: "the three shapes' ellipses lie on one another, the nine positions' overlap",
    250: "the positions lie apart; the square has left, ellipse and heart still overlap",
}
for steps, alt in seen.items():
    model = trainer.run(steps - trainer.done)
    trainer.refit()  # the prior, from the labelled pictures as they are encoded now
    agrees[steps] = agreement(model.prior)
    maps = plots.partition_maps(model.encode(pictures), values, model.prior, task)
    plots.show(maps, f"maps of the two partitions after {steps} steps: {alt}", dpi=72)
    print(f"after {steps} steps, agreement:", [round(share, 2) for share in agrees[steps].tolist()])

# %% tags=["nbval-check-output"]
early, late = (share[0].item() for share in agrees.values())  # of the shape
print("shape, after 20 steps: samples of a component read as its value, below 0.7:", early < 0.7)
print("shape, after 250 steps: better by more than 0.1:", late > early + 0.1)

# %% [markdown]
# A map is a plane through eight dimensions, so what overlaps on it may lie apart: the positions' numbers
# say that they do. And where a cloud is small the ellipses are larger than a tenth of it: the ridge, 0.02,
# is the least variance that a component can have.
#
# After 20 steps the three shapes lie on top of each other, so their components do too: a sample of
# "heart" may as well be a square. After 250 most positions have their islands and the square has left;
# ellipse and heart still overlap, so for them it is still too early. If such a prior is kept, the codes
# are pulled into islands that mean nothing (05 shows what becomes of it). Separate first, or estimate
# again: COURSE has a warm-up of a thousand steps and more, which labels lead, and from then on estimates
# the prior anew every 100.
#
# ## What to remember
#
# - The prior of a partition is a mixture with one component a value: mean and covariance of the codes
#   with that label. Reading is the most likely component, making a code is sampling one.
# - $m$ codes give a covariance of rank $m - 1$ at most: 8 dimensions need 9 codes. Shrinkage borrows from
#   the other values, a ridge from nowhere.
# - One labelled picture serves every partition. Labels are shared among the values of a factor, not
#   among combinations: 1000 do for 27 and for 12000.
# - A prior estimated before the values separate is wrong, and stays wrong unless it is estimated again.
# - The paper's: mixtures for each partition, from labelled codes. The earlier code's: the factor 0.1.
#   Ours: equal weights, shrinkage, the ridge everywhere, the repeated estimate.
#
# ## Where next
#
# [04_relations](04_relations.ipynb) moves codes from island to island. In the package:
# `wdlib/model/prior.py`.
