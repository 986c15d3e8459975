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
# # Relations: arithmetic on values, a network on codes
#
# On values, "one to the right" is a sum. On images, it is a change that you can see. The *relational learner* (ReL)
# connects the two: a small network that moves a code as a relation says.
#
# **You will learn to**
#
# - write a relation as integer arithmetic; chain it and undo it,
# - explain Eq. 3 and train a ReL,
# - see when errors add up in a chain of moves,
# - use an independent judge, and see a perfect score on codes hide a failure on images.
#
# *From the paper* (Valenti and Bacciu 2022, arXiv 2209.05336): relations $f_r$ on values, the ReL and its loss.
# *Added here*: the ReL adds its output to its input and also trains on encoded images; the judge.

# %%
# On Colab, wdlib must be installed here first. As soon as your copy of the
# repository is on GitHub, `make address URL=...` writes the command into this cell.

import copy

import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F

import wdlib
from wdlib import COURSE, course, plots
from wdlib.course import check, examples, little_sprites, method, perceptron, relation_accuracy


# %% [markdown]
# ## On values, a relation is a sum
#
# In dSprites.v2 every image has a shape (0 to 2) and a position. The nine positions are numbered like text on a
# page:
#
# $$\begin{array}{ccc} 0 & 1 & 2 \\ 3 & 4 & 5 \\ 6 & 7 & 8 \end{array}$$
#
# "Right" adds one to the column. After the last column comes the first: this relation goes round.

# %%
def right_of(values):
    """Values [N, 2] (shape, position) -> values one column to the right."""
    row, column = np.divmod(values[:, 1], 3)
    return np.stack([values[:, 0], 3 * row + (column + 1) % 3], axis=1)


# %% [markdown]
# The library describes a relation by *steps*: a factor, an axis of its grid, and a signed number of values.

# %% tags=["nbval-check-output"]
task = wdlib.task("dSprites.v2")
every = task.every_combination()  # [27, 2]
right = wdlib.relation("right", task)
print(right)
print("cells 0 to 8 go to:", *right_of(every)[:9, 1])
print("in the library:    ", *right(every, task)[:9, 1])


# %% [markdown]
# ### Exercise 04.1: down
#
# Write "down" in the same way: one row further, and from the bottom row to the top.

# %% tags=["exercise"]
def down_of(values):
    """Values [N, 2] (shape, position) -> values one row down."""
    return ...


# %% tags=["check", "nbval-check-output"]
check("04.1", down_of)

# %% [markdown] tags=["solution"]
# <details>
# <summary>Solution of 04.1</summary>
#
# One row is three positions, and nine positions are one round.
#
# ```python
# def down_of(values):
#     return np.stack([values[:, 0], (values[:, 1] + 3) % 9], axis=1)
#
#
# check("04.1", down_of)
# ```
#
# </details>

# %% [markdown]
# ## Go round or stop
#
# A hue of 3D Shapes stops at the last value. (The paper does not say which relations go round; wdlib follows the
# authors' earlier code.) A relation that stops cannot always be undone, because the last value has two predecessors.

# %% tags=["nbval-check-output"]
shapes3d = wdlib.task("Shapes3D.v2")
hue_up = wdlib.relation("hue+", shapes3d)
hues = np.stack([np.arange(10), np.zeros(10, int)], axis=1)
back = hue_up.then(hue_up.inverse())
print("hue             ", *hues[:, 0])
print("hue+            ", *hue_up(hues, shapes3d)[:, 0])
print("hue+ and back   ", *back(hues, shapes3d)[:, 0])
print("hue+ going round", *hue_up.around()(hues, shapes3d)[:, 0])

# %% [markdown]
# `then` chains two relations, and `inverse` undoes one. A chain is again a relation:

# %% tags=["nbval-check-output"]
down, turn = wdlib.relation("down", task), wdlib.relation("next-shape", task)
diagonal = right.then(down)
for relation in (right, diagonal, diagonal.then(turn), diagonal.then(diagonal.inverse())):
    moved = relation([[0, 4]], task)  # from a square in the middle
    print(f"{relation.name:30s}", *plots.words(moved, task, between=", "))

# %% [markdown]
# ### Exercise 04.2: how long is the way home?
#
# In dSprites.v4, orientation has 8 values, shape 3, and position is a grid of 3 × 3. All go round. Apply "right,
# rotate+, next-shape" again and again. After how many rounds is *every* value back for the first time? Think first,
# then test: `wdlib.relation(name, wdlib.task("dSprites.v4"))`.

# %% tags=["exercise"]
rounds = ...

# %% tags=["check", "nbval-check-output"]
check("04.2", rounds)

# %% [markdown] tags=["solution"]
# <details>
# <summary>Solution of 04.2</summary>
#
# Right needs 3 rounds, rotate+ 8, and next-shape 3. Their least common multiple is 24. By trying:
#
# ```python
# v4 = wdlib.task("dSprites.v4")
# first, second, third = (wdlib.relation(n, v4) for n in ("right", "rotate+", "next-shape"))
# tour = first.then(second).then(third)
# reached, rounds = tour([[0, 0, 0, 0]], v4), 1
# while reached.any():
#     reached, rounds = tour(reached, v4), rounds + 1
#
# check("04.2", rounds)
# ```
#
# </details>

# %% [markdown]
# ## On codes, a relation is a move from island to island
#
# After training, each partition $i$ has an *island* for every value $k$ of its factor: a component of the prior,
# $\mathcal N(\mu_{ik}, \Sigma_{ik})$. We first make islands by hand, in two dimensions: three shapes on a circle,
# nine positions on a grid.

# %%
angle = torch.arange(3) * 2 * torch.pi / 3
row, column = torch.arange(9) // 3, torch.arange(9) % 3
means = [
    2 * torch.stack([angle.cos(), angle.sin()], dim=1),  # shape [3, 2]
    2.0 * torch.stack([column - 1, 1 - row], dim=1),  # position [9, 2]
]


def sample(values, generator):
    """Values [N, 2] -> codes [N, 2, 2]: in each partition, a point on the island of the value."""
    centres = torch.stack([m[v] for m, v in zip(means, values.T)], dim=1)
    return centres + 0.2 * torch.randn(centres.shape, generator=generator)


def read(codes):
    """Codes [N, 2, 2] -> values [N, 2]: the nearest island of each partition."""
    return torch.stack([torch.cdist(codes[:, i], m).argmin(1) for i, m in enumerate(means)], dim=1)


# %% [markdown]
# The ReL receives a code $z$, sampled from the prior with known values $k$, and a relation $r$. Its target $z'$ is a
# sample of the component of the *new* value $f_r(k)$ in the partition that $r$ affects, and equals $z$ in all others:
#
# $$\mathcal L_{\mathrm{ReL}} = \mathbb E\,\bigl\| \mathrm{ReL}(z, r) - z' \bigr\|^2, \qquad
# z'_i \begin{cases}
# \sim \mathcal N\bigl(\mu_{i f_r(k)}, \Sigma_{i f_r(k)}\bigr) & \text{if $r$ affects $i$} \\
# = z_i & \text{otherwise}
# \end{cases} \tag{3}$$
#
# This needs no image, and no label beyond those of the islands.

# %%
relations = wdlib.relations_of(task)
affects = torch.tensor([[i in r.affects(task) for i in range(2)] for r in relations])  # [5, 2]
goals = torch.from_numpy(np.stack([r(every, task) for r in relations]))  # [5, 27, 2]


def triples(count, generator):
    """Codes [N, 2, 2], relation numbers [N], targets [N, 2, 2], and what is affected [N, 2]."""
    k = torch.randint(27, (count,), generator=generator)
    r = torch.randint(len(relations), (count,), generator=generator)
    z = sample(torch.from_numpy(every)[k], generator)
    arrived = sample(goals[r, k], generator)
    return z, r, torch.where(affects[r][:, :, None], arrived, z), affects[r]


# %% tags=["nbval-check-output"]
print("relations:", ", ".join(r.name for r in relations))
z, r, target, affected = triples(1000, torch.Generator().manual_seed(0))
print("codes:", tuple(z.shape), " relations:", tuple(r.shape), " targets:", tuple(target.shape))

# %% jupyter={"source_hidden": true} tags=["claims"]
assert torch.equal(target[~affected], z[~affected])
assert torch.equal(read(target), method.Moves(task, relations, "cpu")(read(z), r))


# %% [markdown]
# ### Exercise 04.3: the target without noise
#
# Write the target for many codes and one relation, with the component's mean in place of a sample. `z` `[N, n, d]`
# are codes, `affected` `[n]` is True where the relation acts, `moved` `[N, n]` holds the values $f_r(k)$, and `means`
# `[n, K, d]` the means of the components, in one array. Do not change these numpy arrays; return `[N, n, d]`.

# %% tags=["exercise"]
def target_of(z, affected, moved, means):
    return ...


# %% tags=["check", "nbval-check-output"]
check("04.3", target_of)


# %% [markdown] tags=["solution"]
# <details>
# <summary>Solution of 04.3</summary>
#
# Look up the means for each affected partition, and leave the others alone.
#
# ```python
# def target_of(z, affected, moved, means):
#     target = z.copy()
#     for i in np.flatnonzero(affected):
#         target[:, i] = means[i, moved[:, i]]
#     return target
#
#
# check("04.3", target_of)
# ```
#
# </details>

# %% [markdown]
# ### Twenty lines that learn to move
#
# The ReL has three linear layers, as in the paper. The relation enters as a one-hot vector. The output is *added* to
# the code, so training starts near "stay".

# %%
class ReL(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.change = perceptron(4 + 5, 4)  # two hidden layers of 64

    def forward(self, z, r):
        one_hot = F.one_hot(r, 5).float()
        return z + self.change(torch.cat([z.flatten(1), one_hot], dim=1)).view_as(z)


# %%
def train(network, counts=torch.ones_like, steps=1500):
    """Eq. 3 on new triples; ``counts(affected)`` says which partitions enter the loss."""
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps):
        z, r, target, affected = triples(128, generator)
        error = (network(z, r) - target).square().mean(2)  # [N, 2], one error per partition
        loss = (error * counts(affected)).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return network


# %%
@torch.no_grad()
def test(network):
    """Of 5000 moved codes: target right, all partitions right; and the library's Eq. 3."""
    z, r, target, affected = triples(5000, torch.Generator().manual_seed(2))
    moved = network(z, r)
    good = read(moved) == read(target)
    scores = (good | ~affected).all(1), good.all(1), method.relational(moved, target)
    return dict(
        zip(("target right", "all right", "loss"), (s.float().mean().item() for s in scores))
    )


# %%
torch.manual_seed(0)
rel = train(ReL())
tested = test(rel)
pd.DataFrame({"ReL": tested}).T.round(4)

# %% [markdown]
# The loss cannot fall to 0, because the target is a random point of an island. The best answer is the centre of the
# island. It leaves the variance $0.2^2$ in one of two partitions: $0.02$. (The library, too, takes the *mean* over
# partitions and dimensions.) The library's ReL is the same network:

# %% tags=["nbval-check-output"]
config = course.NetworkConfig(dim=2, width=64)
library = course.RelationalLearner(2, len(relations), config)
library.change.load_state_dict(rel.change.state_dict())
print("the same answers:", torch.allclose(library(z, r), rel(z, r)))

# %%
with torch.no_grad():
    z = sample(torch.from_numpy(every), torch.Generator().manual_seed(3))
    moved = rel(z, torch.full((27,), relations.index(right)))
plots.moves(z, moved, means, task, "right")

# %% [markdown]
# In the partition of shape hardly anything moves. In that of position each code goes close to the *centre* of the
# next island.
#
# ## Break it: forget that the others stay
#
# One half of Eq. 3 says "go", the other half says "stay". What if only the affected partitions enter the loss?

# %%
torch.manual_seed(0)
careless = train(ReL(), counts=lambda affected: affected)
broken = test(careless)
pd.DataFrame({"Eq. 3": tested, "only go": broken}).T.round(4)

# %% jupyter={"source_hidden": true} tags=["claims"]
assert tested["target right"] >= 0.99 and tested["all right"] >= 0.99
assert 0.02 < tested["loss"] < 0.03
assert broken["target right"] >= 0.99 and broken["all right"] < 0.8


# %% [markdown]
# On its target the careless ReL is perfect. Only a test of the other partitions shows the failure.
#
# ## Chains: when errors add up
#
# In a chain, each output of the ReL is its next input. We take sixty steps: right, down and next-shape in turn, or
# right alone.

# %%
@torch.no_grad()
def walk(network, chain, steps=60, count=500):
    """Share of codes with all values right after 0, 1, 2, ... steps."""
    generator = torch.Generator().manual_seed(4)
    values = every[torch.randint(27, (count,), generator=generator).numpy()]
    z, shares = sample(torch.from_numpy(values), generator), [1.0]
    for step in range(steps):
        relation = chain[step % len(chain)]
        z = network(z, torch.full((count,), relations.index(relation)))
        values = relation(values, task)
        shares.append((read(z) == torch.from_numpy(values)).all(1).float().mean().item())
    return shares


# %%
in_turn = (right, down, turn)
lines = {
    "Eq. 3, in turn": walk(rel, in_turn),
    "Eq. 3, right alone": walk(rel, (right,)),
    "only go, in turn": walk(careless, in_turn),
}
plots.curves(lines, xlabel="steps of the chain", ylabel="share with all values right")

# %% jupyter={"source_hidden": true} tags=["claims"]
assert lines["Eq. 3, in turn"][-1] >= 0.98
assert lines["Eq. 3, right alone"][-1] < 0.97
assert lines["only go, in turn"][-1] < 0.5

# %% [markdown]
# Every "go" lands near the centre of an island and removes earlier errors in that partition. "Stay" is never exact and
# passes its error on. With right alone, the shape always stays, and its errors add up.
#
# ## From codes to images
#
# Now we use codes from a network. A small world of large, upright shapes lets us train in seconds. The warm-up
# separates the values. Then the islands are estimated from labelled codes, and decoder and ReL train together.

# %% tags=["nbval-check-output"]
little = little_sprites()
images = wdlib.load(little.dataset)
parts = wdlib.split(little, seed=0, labels=900)
print(len(little), "images,", len(parts.test), "of them test images")

# %% [markdown]
# The *judge* classifies images. It trains on all labels of the training set and never sees a code.

# %%
judge = wdlib.train_judge(parts, images, steps=130, batch=48)
test_images, values = examples(parts, images)
judged = (judge.read(test_images) == values).all(1).float().mean().item()
print(f"the judge reads all factors of a test image: {judged:.3f}")

# %%
warm_up = course.Phase(
    "warm-up", 150, batch=32, prior="normal",
    losses={"reconstruction": 0.3, "adversarial": 0.03, "labels": 5.0},
    rates=course.Rates(autoencoder=3e-3), labels=course.Labels(batch=48),
    views=course.Views(shift=0),
)  # fmt: skip
finish = course.Phase(
    "finish", 800, batch=48, losses={"reconstruction": 1.0, "relational": 1.0},
    rates=course.Rates(autoencoder=4e-3, learner=2e-3),
    relations=course.Relations(encodings=0.5), finish=course.Finish(code_noise=0.6),
)  # fmt: skip
preset = course.Preset("little", course.NetworkConfig(), COURSE.fit, phases=(warm_up, finish))

# %%
trainer = wdlib.Trainer(parts, images, preset, seed=0)
model = trainer.run(warm_up.steps // 3)
early = copy.deepcopy(model.autoencoder.decoder)  # for later
model = trainer.run()

# %% [markdown]
# With `encodings=0.5`, half of the triples start from encoded images instead of prior samples. The text below each
# image is what the judge reads, with a tick where it agrees with the arithmetic.

# %%
codes = model.encode(test_images)
walks = {
    "right": right,
    "right, right": right.then(right),
    "once around": right.then(right).then(right),
    "right, down": right.then(down),
    "…, next-shape": right.then(down).then(turn),
}
some = [int((values[:, 0] == shape).nonzero()[0, 0]) for shape in range(3)]  # one of each shape
walked = {name: model.decode(model.move(codes[some], step)) for name, step in walks.items()}
wanted = {name: step(values[some].numpy(), little) for name, step in walks.items()}
plots.judged_strips(judge, test_images[some], walked, {"before": values[some]} | wanted, little)


# %% [markdown]
# Three images prove little, so we move all test codes, each by a random relation. `target` and `all` test the codes;
# `judged_target` and `judged_all` test the decoded images.

# %%
def readings(system):
    score = relation_accuracy(system, little, model.relations, codes, values, judge=judge)
    return {key: score[key] for key in ("target", "all", "judged_target", "judged_all")}


found = readings(model)
pd.DataFrame({"one relation": found}).T.round(3)

# %% [markdown]
# The ReL never trained on chains. Here is "right, down, next-shape" on codes and on images:

# %%
chain = right.then(down).then(turn)
moved, wanted = model.move(codes, chain), torch.from_numpy(chain(values.numpy(), little))
on_codes = (model.values(moved) == wanted).all(1).float().mean().item()
on_images = (judge.read(model.decode(moved)) == wanted).all(1).float().mean().item()
print(f"all factors right: on codes {on_codes:.3f}, on images {on_images:.3f}")

# %% jupyter={"source_hidden": true} tags=["claims"]
assert judged >= 0.98
assert min(found.values()) >= 0.9
assert on_codes >= 0.95 and on_images >= 0.9

# %% [markdown]
# ## Break it: a good score on codes, and no good image
#
# We exchange the decoder for its state after a third of the warm-up. Codes, ReL and prior stay the same.

# %%
exchanged = copy.deepcopy(model)
exchanged.autoencoder.decoder.load_state_dict(early.state_dict())
lost = readings(exchanged)
pd.DataFrame({"the decoder": found, "exchanged": lost}).T.round(3)

# %%
rows = {"the decoder": model.decode(codes[:6]), "exchanged": exchanged.decode(codes[:6])}
plots.image_rows(rows, what="images decoded from the same codes")

# %% jupyter={"source_hidden": true} tags=["claims"]
assert lost["all"] == found["all"]
assert lost["judged_all"] < found["judged_all"] - 0.2

# %% [markdown]
# The accuracy on codes, which the paper reports, stays exactly the same, but many images are wrong now. So if a relation
# "works", ask: on codes or on images? And who judged?
#
# A last limit: the ReL refuses relations that it has not learned, such as "previous shape". Two more steps of
# next-shape also lead home:

# %%
try:
    model.move(codes, turn.inverse())
except ValueError as error:
    print("ValueError:", error)
home = turn.then(turn).then(turn)
back = (model.values(model.move(codes, home)) == model.values(codes)).all(1).float().mean().item()
print(f"three times next-shape: {back:.3f} are home")

# %% jupyter={"source_hidden": true} tags=["claims"]
assert back >= 0.9

# %% [markdown]
# ## What to remember
#
# - A **relation** is a sum on values. It goes round, or it stops at the ends.
# - **Eq. 3**: the affected partition *goes* to the component of the new value, and all others *stay*. Test both.
# - The loss cannot fall below the variance of the islands.
# - In chains, "go" renews a partition, and "stay" adds up errors.
# - Accuracy on codes says nothing about images. Ask a **judge** that never sees a code.
#
# ## Where next
#
# [05_training](05_training.ipynb) trains the whole system. In the package: `wdlib/relations.py`,
# `wdlib/training/method.py`.
