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
# # The navigator: walk through the latent space
#
# A score tells you how often a model is right, but not where. Here you move through the latent space yourself: by
# relations, by a press on a map, and one dimension at a time. The model comes with the package.
#
# **You will learn to**
#
# - draw a partition as a map, and explain what a press on the map means,
# - move one partition, and predict what stays,
# - explain why *right* and *left* together do not lead back to the same code,
# - tell *confidence* (this value rather than another) from *density* (codes like this occur).
#
# *From the paper* (Valenti and Bacciu 2022, arXiv 2209.05336): partitions, islands (the components of the
# adaptive prior) and relations. *Added here*: maps, the judge and the navigator.

# %%
# On Colab, wdlib[navigator] must be installed here first. As soon as your copy of the
# repository is on GitHub, `make address URL=...` writes the command into this cell.

import numpy as np
import pandas as pd
import torch
from scipy.spatial.distance import pdist

import wdlib
from wdlib import plots
from wdlib.course import PartitionMap, Walk, check, examples, log_density, shipped_judge

# %% [markdown]
# ## A trained model and its judge
#
# The prior reads the values of a code: those of the most likely components. The judge is a classifier that reads
# the values of an image. Are both right on test images?

# %% tags=["nbval-check-output"]
model = wdlib.load_pretrained("dSprites.v2")
task = model.task
images = wdlib.load(task.dataset)
parts = wdlib.split_of(task.name)  # the images that its record names
judge = shipped_judge(parts, images)
test, values = examples(parts, images, 500)
codes = model.encode(test)
print("codes:", tuple(codes.shape), "= images, partitions, dimensions")

# %%
read = {"prior": model.values(codes), "judge": judge.read(test)}
accuracy = {name: (found == values).all(1).float().mean().item() for name, found in read.items()}
print("both factors read right:", {name: round(share, 3) for name, share in accuracy.items()})

# %% jupyter={"source_hidden": true} tags=["claims"]
assert accuracy["prior"] >= 0.99
assert accuracy["judge"] >= 0.99

# %% [markdown]
# ## A map is a projection
#
# A partition has eight dimensions and a screen has two. We project the codes onto a plane through the means of the
# components. Its axes are the directions in which the means differ most. The nine islands of position:

# %%
means = model.prior.mean[1, :9].double().numpy()
origin = means.mean(0)
axes = np.linalg.svd(means - origin)[2][:2].T  # [8, 2], orthonormal columns


def project(codes):
    """Codes [N, 8] -> points of the map [N, 2]."""
    return (codes - origin) @ axes


points = project(codes[:, 1].double().numpy())
names = task.factors[1].value_names
plots.clouds(points, values[:, 1], names, axes=("first axis of the map", "second axis"))

# %%
print(f"distance of the two closest means: {pdist(means).min():.2f}, "
      f"on the map {pdist(project(means)).min():.2f}")  # fmt: skip


# %% [markdown]
# Some islands nearly meet on the map, but not in eight dimensions. The maps of wdlib therefore use a plane on which
# the two closest means lie further apart (`plots.plane`).
#
# ### Exercise 08.1: from a press to a code
#
# A press on the map gives two numbers, and a code needs eight. Write the simplest way back: the code that lies
# *in* the plane and has this projection.

# %% tags=["exercise"]
def in_the_plane(points, origin, axes):
    """points [N, 2], origin [d], axes [d, 2] (orthonormal columns). Returns codes [N, d]."""
    return ...


# %% tags=["check", "nbval-check-output"]
check("08.1", in_the_plane)

# %% [markdown] tags=["solution"]
# <details>
# <summary>Solution of 08.1</summary>
#
# Start at the origin and go along both axes:
#
# ```python
# def in_the_plane(points, origin, axes):
#     return origin + points @ axes.T
#
#
# check("08.1", in_the_plane)
# ```
#
# </details>

# %% [markdown]
# The plane misses the islands, which lie above and below it. wdlib therefore goes back to a curved *surface*
# through all means. Does it matter? We press on the centre of each island, decode, and ask the judge.

# %%
position = PartitionMap(task.factors[1], model.prior, 1, codes[:, 1], values[:, 1])
surface = position.lift(position.centres)
plane = surface - position.heights


def reached(pressed):
    """In how many of nine decoded images the judge sees the cell of the pressed island."""
    moved = codes[:1].repeat(9, 1, 1)
    moved[:, 1] = torch.from_numpy(pressed)
    return (judge.read(model.decode(moved))[:, 1] == torch.arange(9)).sum().item()


print(f"reached: by the surface {reached(surface)} of 9 islands, in the plane {reached(plane)}")

# %% jupyter={"source_hidden": true} tags=["claims"]
assert reached(surface) == 9 > reached(plane)
assert np.allclose(position.place(position.lift(position.points)), position.points)

# %% [markdown]
# A point of the map leaves six dimensions open. What a press means is therefore a choice.
#
# ## The navigator
#
# Now walk. (Without a kernel you see a still image.)

# %%
nav = wdlib.Navigator(model, parts, images, judge)
nav

# %% [markdown]
# - **Maps**: press or drag to move a partition, or use Tab and the arrow keys. The ring shows where you are.
# - **Decoded image**, with the values that prior and judge read, and their confidence. *Further out* is the share of
#   test images with a lower density.
# - **Relations** are moves of the relational learner (Eq. 3). *Undo* takes any step back.
# - **Start from an image** or **move one partition by hand**, with sliders.
# - The **film** keeps every step. A ✓ means: the wanted values, and no other change.
#
# Press *right* three times. Then drag the ring on the map of shape slowly from one island to another, and watch both
# readers. The same works in code:

# %%
nav.random.click()
for name in ("right", "right", "down", "next-shape", "next-shape", "up", "left"):
    nav.relations[name].click()
nav.figure()

# %% jupyter={"source_hidden": true} tags=["claims"]
assert [step.right for step in nav.walk.steps[1:]] == [True] * 7

# %% [markdown]
# Each step changes what its name says, and nothing else. While the position changes, the trail on the map of shape
# stays in one place, and the other way round.
#
# ### Exercise 08.2: the shortest walk
#
# Relations of dSprites go round: *up* leads from the top row to the bottom row, *left* from the left column to the
# right one, and the shape after the heart is the square (04). How many presses of *left*, *right*, *up*, *down* and
# *next-shape* lead from a *square, top left* to a *heart, bottom right*? Find the smallest number.

# %% tags=["exercise"]
fewest_presses = ...

# %% tags=["check", "nbval-check-output"]
check("08.2", fewest_presses)

# %% [markdown] tags=["solution"]
# <details>
# <summary>Solution of 08.2</summary>
#
# *Up* and *left* go round, so you need each of them once. The shape needs two steps, because there is only
# *next-shape*.
#
# ```python
# fewest_presses = 1 + 1 + 2
#
# check("08.2", fewest_presses)
# ```
#
# </details>

# %% [markdown]
# ## Right, and left again
#
# On values, a relation and its opposite cancel. Do they cancel on codes? We move test images right and left.

# %%
right, left = wdlib.relation("right", task), wdlib.relation("left", task)
moved = model.move(model.move(codes, right), left)
same = (model.values(moved) == values).all(1).float().mean().item()
mean = model.prior.mean[1, values[:, 1]]
before, after = ((z[:, 1] - mean).norm(dim=1).mean().item() for z in (codes, moved))
print(f"the same values in {same:.3f} of the images")
print(f"distance from the mean of the island: before {before:.2f}, after {after:.2f}")

# %% jupyter={"source_hidden": true} tags=["claims"]
assert same >= 0.98
assert after <= before / 2

# %% [markdown]
# The codes return to the same island, but not to the same place. Eq. 3 only asks for a code in the *component*
# of the new value. The exact place within the cell is lost, and the codes gather near the mean. Only *undo*, which
# stores the code, leads back exactly:

# %% tags=["nbval-check-output"]
walk = Walk(model, judge)
begin = walk.start(test[0]).code
walk.relate(right)
walk.relate(left)
print("right and left lead to the first code:", torch.equal(walk.here.code, begin))
walk.undo()
walk.undo()
print("two undos lead to the first code:     ", torch.equal(walk.here.code, begin))


# %% [markdown]
# ### Exercise 08.3: how sure is the prior?
#
# The confidence of the prior in a value $k$ is the share of its component in the density at $z_i$, if all values
# are equally frequent:
#
# $$p(k \mid z_i) = \frac{\mathcal N(z_i;\ \mu_{ik}, \Sigma_{ik})}
# {\sum_l \mathcal N(z_i;\ \mu_{il}, \Sigma_{il})}$$
#
# Compute it from log densities. It must also work far from every island, where they are numbers like −1000 and
# `np.exp(-1000)` is 0.

# %% tags=["exercise"]
def confidence(log):
    """log [N, K], log densities of K components at N codes. Returns confidences [N, K]."""
    return ...


# %% tags=["check", "nbval-check-output"]
check("08.3", confidence)

# %% [markdown] tags=["solution"]
# <details>
# <summary>Solution of 08.3</summary>
#
# A common factor cancels. So we may first divide all densities by the largest one:
#
# ```python
# def confidence(log):
#     density = np.exp(log - log.max(axis=1, keepdims=True))
#     return density / density.sum(axis=1, keepdims=True)
#
#
# check("08.3", confidence)
# ```
#
# In torch: `log.softmax(1)`.
#
# </details>

# %% [markdown]
# ## Break it: leave the map
#
# We move the partition of shape to the mean of "square", times 1, 2, 4 and 8. Training never saw codes that far
# out.

# %%
square = model.prior.mean[0, 0]
known = log_density(model.prior, codes)[:, 0]  # of the shapes of test images
walk.start(test[0])
rows = {}
for times in (1, 2, 4, 8):
    step = walk.put(0, times * square, f"square x {times}")
    further = (known < step.density[0]).mean()
    rows[step.name] = {"confidence": step.prior[0].max(), "images further out": further}
pd.DataFrame(rows).T.round(3)

# %%
plots.image_grid(
    torch.stack([step.image for step in walk.steps]), [step.name for step in walk.steps],
    columns=5, what="decoded images, further and further from the island,",
)  # fmt: skip

# %% jupyter={"source_hidden": true} tags=["claims"]
shares = [row["images further out"] for row in rows.values()]
assert all(row["confidence"] > 0.99 for row in rows.values())
assert shares[0] > 0.01 and max(shares[1:]) <= 0.01

# %% [markdown]
# The prior is sure everywhere, even where the image falls apart: a confidence only compares the values with each
# other. The density gives the warning: beyond x 1, hardly any test image lies as far out. If a classifier reports
# .99, ask whether it has seen anything like this.
#
# ## Which dimension holds the shape?
#
# We give each test image the mean of the next shape, in one dimension only or in all eight.

# %%
wanted = (values[:, 0] + 1) % 3
goal = model.prior.mean[0, wanted]


def changed(dimensions):
    """Share of images in which the judge sees the next shape at the same position."""
    moved = codes.clone()
    moved[:, 0, dimensions] = goal[:, dimensions]
    seen = judge.read(model.decode(moved))
    return ((seen[:, 0] == wanted) & (seen[:, 1] == values[:, 1])).float().mean().item()


one, all_eight = max(changed([j]) for j in range(8)), changed(list(range(8)))
print(f"next shape: in all eight dimensions {all_eight:.3f}, in the best single one {one:.3f}")

# %% jupyter={"source_hidden": true} tags=["claims"]
assert all_eight > 0.95
assert one < 0.5

# %% [markdown]
# No single dimension holds the shape: a factor has a *partition*, and its dimensions share the work. MIG and SAP
# measure the lead of the best dimension, so raw codes get low scores (06).
#
# ## Save the film
#
# `nav.save("walk.gif")` and the button *make a file* write the walk to a file.

# %%
nav.film()

# %% [markdown]
# ## What to remember
#
# - A **map** is a projection. The way back from a press is a choice.
# - A move of one **partition** changes one factor. A single **dimension** has no meaning by itself.
# - A **relation** leads to the right island, and loses the nuisance on the way.
# - **Confidence** compares the values with each other. Only **density** tells whether such codes occur.
#
# ## Where next
#
# Load `"Shapes3D.v3"` instead, go straight to the navigator, and walk through colours. The map is in
# `wdlib/navigator/maps.py`.
