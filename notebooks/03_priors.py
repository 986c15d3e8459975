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
# A normal distribution is one cloud, but a shape is a square *or* an ellipse *or* a heart. The paper's prior adapts
# to the codes: a few labelled images show where each value lies, and the prior of a partition becomes a mixture
# with one component, an *island*, per value.
#
# **You will learn to**
#
# - estimate a component from labelled codes, sample it, and read a value from a code,
# - recognise a singular covariance, and repair it by shrinkage and a ridge,
# - explain why *modular* priors need no more labels when combinations multiply,
# - see what happens if the prior is estimated too early.
#
# *From the paper* (Valenti and Bacciu 2022, arXiv 2209.05336): one mixture per partition, estimated from labelled
# codes; 1000 labels on every task. *Added here*: shrinkage, the ridge, repeated estimates, and handmade codes.

# %%
# On Colab, wdlib must be installed here first. As soon as your copy of the
# repository is on GitHub, `make address URL=...` writes the command into this cell.

import math

import numpy as np
import pandas as pd
import torch

import wdlib
from wdlib import COURSE, Trainer, plots
from wdlib.course import AdaptivePrior, FitConfig, NetworkConfig, Phase, Preset, check, examples


# %% [markdown]
# ## From labelled codes to a mixture
#
# The prior of partition $i$ has a component for each value $k$ of factor $i$:
#
# $$p_i(z_i) = \sum_k \pi_k\, \mathcal N(z_i;\ \mu_{ik}, \Sigma_{ik})$$
#
# Here $\mu_{ik}$ and $\Sigma_{ik}$ are the mean and the covariance of the encoded images with label $k$. We choose
# equal weights $\pi_k$. First we make the codes of one partition by hand: three values, two dimensions.

# %%
def cloud(mean, spread, turn, seed):
    """40 codes [40, 2] of a normal distribution, stretched by ``spread`` and turned."""
    noise = torch.randn(40, 2, generator=torch.Generator().manual_seed(seed))
    c, s = math.cos(turn), math.sin(turn)
    turned = noise @ torch.diag(torch.tensor(spread)) @ torch.tensor([[c, s], [-s, c]])
    return turned + torch.tensor(mean)


# %% tags=["nbval-check-output"]
names = ("square", "ellipse", "heart")
square = cloud((0.0, 0.0), (0.9, 0.3), 0.5, seed=1)
ellipse = cloud((2.5, 0.5), (0.7, 0.5), 2.0, seed=2)
heart = cloud((1.0, 2.5), (1.0, 0.4), -0.3, seed=3)
codes, values = torch.cat([square, ellipse, heart]), torch.arange(3).repeat_interleave(40)
print("codes:", tuple(codes.shape), "labels per value:", torch.bincount(values).tolist())


# %%
def estimate(codes, values, k):
    """Mean [d] and covariance [d, d] of the codes [N, d] with label k."""
    members = codes[values == k]
    away = members - members.mean(0)
    return members.mean(0), away.T @ away / (len(members) - 1)


# %% [markdown]
# The library's prior holds all partitions at once: codes are `[N, n, d]` and values `[N, n]`, here with $n = 1$.

# %% tags=["nbval-check-output"]
plain = FitConfig(scale=1.0, shrink=0.0, ridge=0.0)
prior = AdaptivePrior(sizes=(3,), dim=2)
prior.fit(codes[:, None], values[:, None], plain)
mean, covariance = estimate(codes, values, 2)
root = prior.scale_tril[0, 2]  # root @ root.T is the covariance
print(f"mean of heart: ({mean[0]:.2f}, {mean[1]:.2f})")
print(f"library:       ({prior.mean[0, 2, 0]:.2f}, {prior.mean[0, 2, 1]:.2f})")
print("same covariance:", torch.allclose(root @ root.T, covariance, atol=1e-4))


# %% [markdown]
# The library keeps a root $L$ with $L L^\top = \Sigma$, since $\mu + L\,\varepsilon$ with $\varepsilon \sim \mathcal
# N(0, I)$ is a sample of the component.
#
# ### Exercise 03.1: the density
#
# Write $\log \mathcal N(z; \mu, \Sigma) = -\tfrac12 (z - \mu)^\top \Sigma^{-1} (z - \mu) - \tfrac12
# \log\det\Sigma - \tfrac d2 \log 2\pi$ for many codes. (`torch.linalg.solve(A, b)` computes $A^{-1} b$ for every
# *column* of `b`; `torch.logdet(A)` computes $\log\det A$.)

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
# </details>

# %% [markdown]
# ## Reading and sampling
#
# To read a value from a code, take the component with the highest density. To make a code for a value, sample its
# component. A sample of "heart" should read "heart".

# %%
def agreement(prior, count=3000):
    """For each partition, the share of samples that read as the value they were drawn for."""
    generator = torch.Generator().manual_seed(0)
    wanted = prior.random_values(count, generator=generator)
    return (prior.values(prior.sample(wanted, generator=generator)) == wanted).float().mean(0)


narrow = AdaptivePrior(sizes=(3,), dim=2)
narrow.fit(codes[:, None], values[:, None], FitConfig(scale=0.1, shrink=0.0, ridge=0.0))
priors = {"whole covariance": prior, "a tenth of it": narrow}
print({name: f"agreement {agreement(one).item():.3f}" for name, one in priors.items()})

# %%
plots.clouds(dict.fromkeys(priors, codes), values, names, priors)

# %% jupyter={"source_hidden": true} tags=["claims"]
assert agreement(prior).item() < 0.99
assert agreement(narrow).item() > 0.999

# %% [markdown]
# Both presets follow the authors' earlier code and multiply every covariance by 0.1. This makes islands: the value
# of a sample is then certain.
#
# ## Few labels: a singular covariance
#
# A partition has 8 dimensions, and a value may have few labels. The covariance of $m$ codes is computed from their
# deviations from the mean. These add up to zero, so at most $m - 1$ of them are independent: the rank is at most
# $m - 1$.

# %%
eight = torch.randn(1000, 8, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
rows = {}
for count in (3, 8, 20, 1000):
    _, covariance = estimate(eight[:count], torch.zeros(count), 0)
    rank = torch.linalg.matrix_rank(covariance).item()
    rows[count] = {"rank": rank, "largest variance": torch.linalg.eigvalsh(covariance)[-1].item()}
ranks = pd.DataFrame(rows).T.rename_axis("codes").astype({"rank": int})
ranks.round(1)

# %% jupyter={"source_hidden": true} tags=["claims"]
assert ranks["rank"].tolist() == [2, 7, 8, 8]
assert ranks["largest variance"].is_monotonic_decreasing

# %% [markdown]
# The true variances are 1. With too few codes, some directions have *no* variance, and there is no density. With a
# few more, some have too much. The library refuses the first case:

# %%
few = AdaptivePrior(sizes=(1,), dim=8)
try:
    few.fit(eight[:5, None], torch.zeros(5, 1, dtype=torch.long), plain)
except ValueError as error:
    print("ValueError:", error)

# %% [markdown]
# ### Exercise 03.2: how many are enough?
#
# How many labelled codes of one value, at least, does an 8-dimensional covariance need without any repair?

# %% tags=["exercise"]
fewest_codes = ...

# %% tags=["check", "nbval-check-output"]
check("03.2", fewest_codes)


# %% [markdown] tags=["solution"]
# <details>
# <summary>Solution of 03.2</summary>
#
# The mean is computed from the same codes, so the rank is at most one less than their number:
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
# Let $s$ be the scale (0.1), $S_k$ the covariance of value $k$, and $S$ the **pooled** covariance, the average of
# all $S_k$.
#
# $$\Sigma_k = s\,\big((1 - a)\, S_k + a\, S\big) + r\, I$$
#
# The **shrinkage** $a$ moves each covariance towards the pooled one. The **ridge** $r$ adds a little variance in
# every direction. Modular always uses both; Modular (paper) adds a ridge only where the covariance is singular.
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
# The ridge belongs on the diagonal, and is not scaled:
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
# Do the repairs improve the estimate? We draw codes of nine values in 8 dimensions, estimate the components from a
# few codes per value, and compute the log density of *held-out* codes (higher is better).

# %%
generator = torch.Generator().manual_seed(5)
centres = 3 * torch.randn(9, 8, generator=generator)
stretch = torch.randn(9, 8, 8, generator=generator) / 8**0.5 + 0.3 * torch.eye(8)


def labelled(each):
    """``each`` codes of every value: [9 * each, 1, 8] and their values [9 * each, 1]."""
    kinds = torch.arange(9).repeat_interleave(each)
    noise = torch.randn(len(kinds), 8, 1, generator=generator)
    return (centres[kinds] + (stretch[kinds] @ noise)[..., 0])[:, None], kinds[:, None]


# %%
def held_out(config, train, test):
    """Mean log density of the test codes under the component of their value."""
    prior = AdaptivePrior(sizes=(9,), dim=8)
    prior.fit(*train, config)
    codes, values = test
    return prior.log_density(codes)[:, 0].gather(1, values).mean().item()


repairs = {
    "a ridge where singular": FitConfig(scale=1, shrink=0.0, ridge=1e-4, only_if_singular=True),
    "a ridge always": FitConfig(scale=1, shrink=0.0, ridge=0.02, only_if_singular=False),
    "shrinkage and a ridge": FitConfig(scale=1, shrink=0.5, ridge=0.02, only_if_singular=False),
}

# %%
test = labelled(200)
fits = {count: labelled(count) for count in (6, 12, 24, 48, 96, 192)}
score = pd.DataFrame(index=pd.Index(fits, name="codes per value"))
for name, config in repairs.items():
    score[name] = [held_out(config, fit, test) for fit in fits.values()]
score.round(1)

# %%
ticks = {count: str(count) for count in fits}
axes = {"xlabel": "labelled codes per value", "ylabel": "mean log density, held out"}
plots.curves(score, x=score.index, log="x", ticks=ticks, limits=(-60, 0), **axes)

# %% jupyter={"source_hidden": true} tags=["claims"]
assert score.loc[6].is_monotonic_increasing
assert score.loc[192].iloc[2] < score.loc[192].max()

# %% [markdown]
# With few codes per value the plain covariance fails: its line leaves the figure. The ridge repairs most of this,
# and shrinking halfway towards the pooled covariance repairs most of the rest. From about 24 codes per value,
# shrinkage costs a little.
#
# ## Why modular: labels and combinations
#
# A *joint* prior is one mixture over the whole code, with a component for every **combination** of values. A modular
# prior only needs a component for every **value**. What do the paper's 1000 labels leave for each?

# %%
tasks = [wdlib.task(f"dSprites.v{n}") for n in (2, 3, 4)] + [wdlib.task("Shapes3D.v5")]
table = pd.DataFrame(index=[task.name for task in tasks])
table["values"] = [sum(task.sizes) for task in tasks]
table["labels per value of the largest factor"] = [1000 / max(task.sizes) for task in tasks]
table["combinations"] = [task.combinations for task in tasks]
table["labels per combination"] = 1000 / table["combinations"]
table.round(2)

# %% [markdown]
# An image labelled "red floor, green wall, blue cube,
# small" is an example for *every* partition. So labels are divided among the values of one factor, never among
# combinations. Here is a real split of Shapes3D.v5:

# %% tags=["nbval-check-output"]
task = wdlib.task("Shapes3D.v5")
labels = task.labels(wdlib.split(task, seed=0, labels=1000).labelled)
seen = len(np.unique(labels, axis=0))
print(f"combinations with at least one label: {seen} of {task.combinations}")
rarest = {f.name: int(np.bincount(labels[:, i]).min()) for i, f in enumerate(task.factors)}
print("labels of each factor's rarest value:", rarest)


# %% [markdown]
# More than nine in ten combinations have no label at all, but every value has dozens.
#
# ### Exercise 03.4: the price of a combination
#
# Every component needs at least 10 labelled images. How many does this take, at least, (a) with a modular prior,
# (b) with a joint prior? You may choose which images to label.

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
# One image counts for every factor, so the factor with the most values decides.
#
# ```python
# def labels_needed(sizes, each):
#     return each * max(sizes), each * math.prod(sizes)
#
#
# check("03.4", labels_needed)
# ```
#
# For Shapes3D.v5 and 10 each: 100 against 120000.
#
# </details>

# %% [markdown]
# ## Compare the two priors
#
# We make codes by hand again: one cloud per value in each partition, 1000 labels on every task. Then we read new
# codes by the modular prior, and by the nearest combination that has a label.

# %%
def handmade(sizes, count=3000):
    """Codes [count, n, 8] and their values [count, n]."""
    generator = torch.Generator().manual_seed(0)
    n = len(sizes)
    centres = torch.randn(n, max(sizes), 8, generator=generator)
    values = (torch.rand(count, n, generator=generator) * torch.tensor(sizes)).long()
    codes = centres[torch.arange(n), values]
    return codes + 0.3 * torch.randn(codes.shape, generator=generator), values


# %%
def read_modular(sizes, known, labels, new):
    prior = AdaptivePrior(sizes, 8)
    prior.fit(known, labels, COURSE.fit)
    return prior.values(new)


def read_joint(known, labels, new):
    kinds, which = labels.unique(dim=0, return_inverse=True)  # the combinations with a label
    means = torch.stack([known[which == k].flatten(1).mean(0) for k in range(len(kinds))])
    return kinds[torch.cdist(new.flatten(1), means).argmin(1)]


# %%
rows = {}
for task in tasks:
    codes, values = handmade(task.sizes)
    known, labels, new, truth = codes[:1000], values[:1000], codes[1000:], values[1000:]
    read = read_modular(task.sizes, known, labels, new), read_joint(known, labels, new)
    rows[task.name] = [(guess == truth).all(1).float().mean().item() for guess in read]
shares = pd.DataFrame(rows, index=["one prior per partition", "one per combination"]).T
shares.round(3)

# %%
places = [task.combinations for task in tasks]
ticks = {place: f"{place}\n{name}" for place, name in zip(places, shares.index)}
axes = {"xlabel": "combinations (1000 labels each time)", "ylabel": "all factors right"}
plots.curves(shares, x=places, log="x", ticks=ticks, limits=(-0.03, 1.05), **axes)

# %% jupyter={"source_hidden": true} tags=["claims"]
modular, joint = shares.T.to_numpy()
assert (modular > 0.95).all()
assert joint[0] > 0.95 and joint[2] < 0.7 and joint[3] < 0.15

# %% [markdown]
# A joint prior cannot read a combination that it has never seen; the modular prior composes it from known values. But
# these codes are modular by construction. In practice, training must put each factor into its own partition.
#
# ## Break it: estimate too early
#
# The authors' earlier code estimates the prior *once*, when the warm-up ends. What if this is too early? We warm up a
# real encoder with the *label loss* (the cross-entropy of a linear classifier on each partition), and estimate the
# prior after 20 steps and again after 250.

# %%
task = wdlib.task("dSprites.v2")
images = wdlib.load(task.dataset)
parts = wdlib.split(task, seed=0, labels=1000)
phase = Phase("warm-up", 250, prior="normal", losses={"reconstruction": 1.0, "labels": 1.0})
trainer = Trainer(parts, images, Preset("short", NetworkConfig(), COURSE.fit, (phase,)), seed=0)
test_images, values = examples(parts, images, 500)

# %%
agrees = {}
for steps in (20, 250):
    model = trainer.run(steps - trainer.done)
    trainer.refit()  # estimates the prior from the labelled images as they are encoded now
    agrees[f"after {steps} steps"] = agreement(model.prior).tolist()
    maps = plots.partition_maps(model.encode(test_images), values, model.prior, task)
    plots.show(maps, dpi=72)
agrees = pd.DataFrame(agrees, index=task.factor_names).T
agrees.rename_axis("agreement").round(2)

# %% jupyter={"source_hidden": true} tags=["claims"]
early, late = agrees["shape"]
assert early < 0.7
assert late > early + 0.1

# %% [markdown]
# After 20 steps the ellipses are larger than the clouds, because the ridge is the least variance. The components
# of the three shapes overlap: a sample of "heart" may just as well read "square". After 250 steps ellipse and heart
# still do. Such a prior would pull the codes into islands that mean nothing. So separate the
# values first, or estimate again: COURSE warms up longer, and then estimates the prior every 100 steps.
#
# ## What to remember
#
# - The prior of a partition is a mixture with one component per value: mean and covariance of the codes with that
#   label.
# - $m$ codes give a covariance of rank $m - 1$ at most. Shrinkage borrows from the other values; a ridge adds
#   variance in every direction.
# - One labelled image serves every partition: 1000 labels are enough for 27 combinations and for 12000.
# - A prior that is estimated before the values separate is wrong until it is estimated again.
#
# ## Where next
#
# [04_relations](04_relations.ipynb) moves codes from island to island. In the package: `wdlib/model/prior.py`.
