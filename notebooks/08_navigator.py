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
# A table of scores says how often a model is right; it does not say where. In this notebook you move
# through the latent space yourself: from picture to picture, by relations, by pressing on a map, and
# one number at a time. You will find islands, what lies between them, and a reader that is sure of
# itself where it has never been.
#
# **You will learn to**
#
# - draw a partition as a map, and say what a press on the map can and cannot mean,
# - move one partition and predict what stays,
# - tell a relation from its undoing: left after right is not nowhere,
# - tell *confidence* (this value rather than the others) from *density* (codes like this occur).
#
# Partitions, islands (the components of the adaptive prior) and relations are the paper's (Valenti and
# Bacciu 2022, arXiv 2209.05336). Maps, judge and navigator are ours.
#
# Nothing is trained here: the model's weights come with the package.

# %%
# On Colab, wdlib[navigator] must be installed here first. As soon as your copy of the
# repository is on GitHub, `make address URL=...` writes the command into this cell.

import numpy as np
import torch
from IPython.display import Image, display

import wdlib
from wdlib import plots
from wdlib.course import check
from wdlib.data import device_images
from wdlib.metrics.judge import kept_judge
from wdlib.navigator import Walk, film
from wdlib.navigator.maps import PartitionMap
from wdlib.navigator.walk import log_density
from wdlib.pretrained import folder_of

# %% [markdown]
# ## A model that has been trained, and its judge
#
# The judge is a classifier of its own that reads the factors off a picture; it never sees a code. We
# need to trust both readers before we walk, so we ask them about test images.

# %% tags=["nbval-check-output"]
model = wdlib.load_pretrained("dSprites.v2")
task = model.task
images = wdlib.load(task.dataset)
parts = wdlib.split(task, seed=0, labels=1000)
judge = kept_judge(folder_of(task.name), parts, images)

test = parts.test[:500]
pictures = device_images(images, task.classes(test))
values = torch.from_numpy(task.labels(test))
codes = model.encode(pictures)
print("a code: ", codes.shape[1], "partitions of", codes.shape[2], "dimensions")
print("both factors read right, at least .99, by the prior:", end=" ")
print((model.values(codes) == values).all(1).float().mean().item() >= 0.99)
print("both factors read right, at least .99, by the judge:", end=" ")
print((judge.read(pictures) == values).all(1).float().mean().item() >= 0.99)

# %% [markdown]
# ## A map is a shadow
#
# A partition has eight dimensions and a screen has two. So we lay a plane through the means of the
# components (its axes are the directions in which the means differ most) and let every code cast its
# shadow on it. For position, nine islands:

# %%
means = model.prior.mean[1, :9].double().numpy()
origin = means.mean(0)
axes = np.linalg.svd(means - origin)[2][:2].T  # [8, 2], orthonormal


def shadow(codes):
    """Codes [N, 8] -> where the map shows them [N, 2]."""
    return (codes - origin) @ axes


figure = plots.Figure(figsize=(5.6, 5.2), layout="constrained")
panel = figure.subplots()
panel.scatter(*shadow(codes[:, 1].double().numpy()).T, s=8, c="0.6")
for place, name in zip(shadow(means), task.factors[1].value_names):
    panel.scatter(*place, color="black", marker="x")
    plots.write(panel, name, place, above=True)
panel.set(aspect="equal", xlabel="first axis of the map", ylabel="second axis")
plots.spread(figure)
plots.show(
    figure,
    "a map of position: test images as points, crosses at the means of the nine cells with their "
    "names; five of the nine lie close together in the middle",
)

# %% [markdown]
# Some means nearly meet, although no two islands are near each other in eight dimensions.
# `plots.plane` therefore looks for a plane on which the two closest means lie further apart; all maps
# below use it.
#
# ### Exercise 08.1: from a press to a code
#
# A press on the map gives two numbers, and a code needs eight. Write the simplest way back: the code
# that lies *in* the plane, such that its shadow is where the press was.

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
# Walk from the origin along both axes. The shadow takes the origin away and projects, so it gives the
# point back: the columns of `axes` are orthonormal.
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
# The plane misses the islands, which lie above and below it. The library's map goes back to a curved
# *surface* instead, which passes through every mean: over an island it has that island's height, in
# between a mixture of the heights around. Does it matter? We press on the centre of each island, and
# let the judge look at what is decoded.

# %% tags=["nbval-check-output"]
position = PartitionMap(task.factors[1], model.prior, 1, codes[:, 1], values[:, 1])
surface = position.lift(position.centres)
plane = surface - position.heights


def reached(there):
    """How many of the nine cells the judge sees where we pressed for them."""
    moved = codes[:1].repeat(9, 1, 1)
    moved[:, 1] = torch.from_numpy(there)
    return (judge.read(model.decode(moved))[:, 1] == torch.arange(9)).sum().item()


print("pressed on nine islands, reached by the surface:", reached(surface))
print("some are missed by the plane:                   ", reached(plane) < 9)
back = position.place(position.lift(position.points))
print("a shadow falls back to where the press was:     ", np.allclose(back, position.points))

# %% [markdown]
# The shadow of a code says where it is on the map, and nothing about the other six dimensions. Keep
# this in mind: what a press means is a choice, and ours is the surface.
#
# ## The navigator
#
# Now walk. Where no kernel runs you see a still picture instead of the view.

# %%
nav = wdlib.Navigator(model, parts, images, judge)
nav

# %% [markdown]
# From top to bottom:
#
# - **Maps.** Press or drag to move a partition; with the keyboard, Tab to a map and use the arrow
#   keys. The ring is where you are, the square where you began, the dashed line your way. *At island*
#   goes to the mean of a value.
# - **Decoded picture**, with the most likely value of each factor by the prior (from the code) and by
#   the judge (from the picture), and how sure they are. *Further out* compares with test images.
# - **Relations** are the relational learner's (Eq. 3); *undo* takes any step back.
# - **Start from a picture** that you choose by its true factors, or a random one.
# - **Move by hand** one dimension of one partition.
# - The **film** keeps every step. ✓ means: all that the relation asks for, and only that.
#
# Try this first: press *right* three times. Then start again and press *right*, *left*. Then drag the
# ring of the shape's map slowly from one island to another, and watch the two readers.
#
# The same walk in code (pressing a button from Python does what the mouse does):

# %% tags=["nbval-check-output"]
nav.random.click()
for name in ("right", "right", "down", "next-shape", "next-shape", "up", "left"):
    nav.relations[name].click()
asked = [step.right for step in nav.walk.steps[1:]]
print("steps:", len(asked), "- every one as the relation asks:", all(asked))
plots.show(
    nav.figure(),
    "the maps of shape and position with the trail of seven steps, the decoded picture, and the "
    "eight pictures of the walk with their names; each step has a tick",
)

# %% [markdown]
# On the map of shape the trail stays in one place while the position changes, and the other way round:
# that is what *partition* means. Each step changes what its name says.
#
# ### Exercise 08.2: the shortest walk
#
# Relations of dSprites go round: *up* from the top row leads to the bottom row, *left* from the left column to
# the right one, and the shape after the heart is the square (04).
# From a *square, top left* to a *heart, bottom right*: how many presses of the buttons *left*, *right*,
# *up*, *down* and *next-shape* are enough? Try it in the navigator.

# %% tags=["exercise"]
fewest_presses = ...

# %% tags=["check", "nbval-check-output"]
check("08.2", fewest_presses)

# %% [markdown] tags=["solution"]
# <details>
# <summary>Solution of 08.2</summary>
#
# *Up* and *left* go round, so each of them needs one press. The shape needs two steps, since there is only *next-shape*.
#
# ```python
# fewest_presses = 1 + 1 + 2
#
# check("08.2", fewest_presses)
# ```
#
# </details>

# %% [markdown]
# ## There and back is not nowhere
#
# A relation and its opposite cancel on values. On codes? We send 500 test images right and left again.

# %% tags=["nbval-check-output"]
right, left = wdlib.relation("right", task), wdlib.relation("left", task)
there_and_back = model.move(model.move(codes, right), left)
same = (model.values(there_and_back) == values).all(1).float().mean().item()
cell = model.prior.mean[1, values[:, 1]]
before = (codes[:, 1] - cell).norm(dim=1).mean().item()
after = (there_and_back[:, 1] - cell).norm(dim=1).mean().item()
print(f"read as the same shape and cell again, at least .98: {same >= 0.98}")
print(f"distance from the mean of their island, at most half of before: {after <= before / 2}")

# %% [markdown]
# The island is the same, the code is not: Eq. 3 asks the learner to arrive in the *component* of the
# new value, not at a certain code in it. So the exact place within the cell, which is nuisance, is
# forgotten, and codes gather nearer to the mean. Only undo, which remembers, goes back exactly:

# %% tags=["nbval-check-output"]
walk = Walk(model, judge)
walk.start(pictures[0])
begin = walk.here.code
walk.relate(right)
walk.relate(left)
print("right, then left, is the code of the start:", torch.equal(walk.here.code, begin))
walk.undo()
walk.undo()
print("undo, twice, is the code of the start:     ", torch.equal(walk.here.code, begin))

# %% [markdown]
# ### Exercise 08.3: how sure is the prior?
#
# The confidence of the prior in value $k$ is the share of component $k$ in the density at $z_i$, all
# values being equally frequent:
#
# $$p(k \mid z_i) = \frac{\mathcal N(z_i;\ \mu_{ik}, \Sigma_{ik})}
# {\sum_l \mathcal N(z_i;\ \mu_{il}, \Sigma_{il})}$$
#
# Write it for logarithms of densities. Far from every island they are numbers like −1000, and
# `np.exp(-1000)` is 0: mind that case.

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
# A factor common to all components cancels, so the largest density may be made 1 first.
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
# ## Break it on purpose: off the map
#
# From the first test picture we walk away: the shape's partition goes to the mean of "square" times 1, 2, 4
# and 8. Nothing that far out was ever seen in training.

# %% tags=["nbval-check-output"]
square = model.prior.mean[0, 0]
known = log_density(model.prior, codes)[:, 0]  # of the shapes of test images
walk.start(pictures[0])
for times in (1, 2, 4, 8):
    walk.put(0, times * square, f"square x {times}")
    step = walk.here
    print(
        f"x {times}: prior surer than .99: {step.prior[0].max() > 0.99},",
        f"test images further out, above 1 %: {(known < step.density[0]).mean() > 0.01}",
    )
plots.show(
    plots.image_grid(
        torch.stack([s.image for s in walk.steps]).numpy(),
        [s.name for s in walk.steps],
        columns=5,
    ),
    "five decoded pictures: the start, a square, and three that look less and less like a picture "
    "of dSprites the further the code leaves its island",
)

# %% [markdown]
# The prior is sure everywhere, even where the picture has fallen apart: confidence only weighs the
# values *against each other*, and one of three always has to win. The density tells: from x 2 on, hardly
# a test image (at most one in a hundred) lies so far out. That is the navigator's column *further out*. Whenever a classifier says
# ".99", ask whether it has ever been there.
#
# ## Where is "heart" written?
#
# In which of the eight dimensions of the shape's partition? We give each test image the next shape's
# mean: in one dimension only, the best one; then in all eight.

# %% tags=["nbval-check-output"]
wanted = (values[:, 0] + 1) % 3
goal = model.prior.mean[0, wanted]


def changed(dimensions):
    """Share of pictures in which the judge sees the next shape, and the position unchanged."""
    moved = codes.clone()
    moved[:, 0, dimensions] = goal[:, dimensions]
    seen = judge.read(model.decode(moved))
    return ((seen[:, 0] == wanted) & (seen[:, 1] == values[:, 1])).float().mean().item()


one, all_eight = max(changed([j]) for j in range(8)), changed(list(range(8)))
print("all eight dimensions, the next shape in more than .95:", all_eight > 0.95)
print("the best single one, the next shape in less than .5:  ", one < 0.5)

# %% [markdown]
# In no single one: who *writes* one dimension changes too little. A factor has a *partition* for itself, and
# inside of it the dimensions share the work; the method does not ask for more. *Reading* is another matter:
# several dimensions know the shape about equally well, and that is why raw codes score low in MIG and
# SAP, which ask by how much the best one leads (06). Move the sliders of the navigator, and see.

# %% [markdown]
# ## Take the film home
#
# `nav.save("walk.gif")` or `nav.save("walk.png")` writes the film of the walk; the button *make files*
# does the same in the view. The walk above, as a GIF:

# %%
alt = "a film: a picture of dSprites changes by seven relations, each named below with its reading"
moving = Image(data=film.gif(nav.walk.steps, task), format="gif", alt=alt)
display(moving)

# %% [markdown]
# ## What to remember
#
# - A **map** of a partition is a shadow. The way back from a press is a choice; a surface through the
#   means reaches every island, a plane does not.
# - Moving one **partition** changes one factor and leaves the others, and no single **dimension** of it
#   means anything for itself.
# - A **relation** leads to the right island, and forgets the nuisance on the way.
# - **Confidence** compares the known values with each other. Only the **density** says whether anything
#   like this was ever seen.
#
# ## Where next
#
# `Navigator` takes a model of any task: `wdlib.load_pretrained("Shapes3D.v3")` comes with the package, too, so put
# that name into the first cell of this notebook's first section, and walk through colours (what the text says
# of shapes and places is then of other factors). Or read
# `wdlib/navigator/maps.py`: it is the surface, in a hundred lines.
