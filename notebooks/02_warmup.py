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
# # Autoencoder and warm-up: codes that match a prior
#
# An autoencoder that only reconstructs can put its codes anywhere, and most random codes decode to nothing
# useful. The **warm-up** also pulls the distribution of all codes towards one that we choose, the *prior*.
#
# **You will learn to**
#
# - explain the two terms of Eq. 1,
# - see what goes wrong without the second term,
# - compute the critic's loss (Eq. 2) and interpret its value,
# - run a warm-up with wdlib.
#
# *From the paper* (Valenti and Bacciu 2022, arXiv 2209.05336): Eq. 1, Eq. 2, and the warm-up with a
# simple prior. *Added here*: the small world, and all sizes, weights and training lengths.
#
# The notebook trains four small models in about a minute.

# %%
# On Colab, wdlib must be installed here first. As soon as your copy of the
# repository is on GitHub, `make address URL=...` writes the command into this cell.

import math

import pandas as pd
import torch
from torch.nn import functional as F

import wdlib
from wdlib import COURSE, Trainer, plots
from wdlib.course import NetworkConfig, Phase, Preset, check, examples, hearts, method, perceptron

# %% [markdown]
# ## A world with two factors
#
# Our world holds one heart at each of 32 x 32 places, shrunk to 16 x 16 pixels so that training takes
# seconds. Only x and y vary. A code of two numbers is therefore enough, and we can plot it.

# %% tags=["nbval-check-output"]
images = wdlib.load("dsprites")
world = hearts(images)  # [1024, 1, 16, 16]
print("the world:", tuple(world.shape))
some = world[[0, 31, 500, 528, 992, 1023]]
plots.image_grid(some, what="small blurred hearts in the corners and near the middle,")


# %% [markdown]
# ## Reconstruct, and nothing else
#
# The *encoder* turns an image $x$ into a code $z$, and the *decoder* turns a code into an image. The paper
# trains both to maximise
#
# $$\mathcal L_{AE} = \mathbb E\big[\log p(x \mid z)\big] \;-\; \lambda \sum_i
# \mathrm{KL}\big(q(z_i)\,\|\,p_i(z_i)\big) \tag{1}$$
#
# The first term rewards a good reconstruction. The second term compares $q$, the distribution of the codes,
# with the prior $p$: $\mathrm{KL}(q \| p) = \mathbb E_q[\log q - \log p]$ is 0 where the two are equal. The
# number $\lambda$ weighs the terms. A code can have several parts $z_i$; here it has one.
#
# A program minimises $-\log p(x \mid z)$. The paper leaves the likelihood open. Like the authors' earlier
# code, we use one Bernoulli distribution per pixel. We start without the second term.

# %%
def reconstruction(logits, x):
    """-log p(x | z) in nats per 64 pixels, so that images of all sizes have similar losses."""
    log_p = x * F.logsigmoid(logits) + (1 - x) * F.logsigmoid(-logits)
    return -64 * log_p.mean()


def update(optimiser, loss):
    """One step of the optimiser."""
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


# %%
def autoencode(steps=500):
    encoder, decoder = perceptron(256, 2), perceptron(2, 256)
    adam = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=3e-3)
    for _ in range(steps):
        x = world[torch.randint(len(world), (128,))]
        loss = reconstruction(decoder(encoder(x.flatten(1))).view_as(x), x)
        update(adam, loss)
    return encoder, decoder, loss.item()


# %%
torch.manual_seed(0)
encoder, decoder, loss = autoencode()
print(f"loss {loss:.2f}; with every pixel at 1/2 it would be {64 * math.log(2):.2f}")

# %% [markdown]
# The library computes the same loss:

# %% tags=["nbval-check-output"]
x, logits = world[:4], torch.linspace(-3, 3, 4 * 256).view(4, 1, 16, 16)
print(f"this notebook {reconstruction(logits, x):.2f}")
print(f"the library   {method.reconstruction(logits, x):.2f}")


# %% [markdown]
# Now look at the codes. Each line is one column or one row of places.

# %%
@torch.no_grad()
def net(encoder):
    return encoder(world.flatten(1)).view(32, 32, 2)  # [x, y, 2]


nets = {"reconstruction only": net(encoder)}
plots.nets(nets)


# %% [markdown]
# Next we draw codes from a normal distribution and decode them.

# %%
@torch.no_grad()
def draw(decoder, count, seed=0):
    z = torch.randn(count, 2, generator=torch.Generator().manual_seed(seed))
    return decoder(z).sigmoid().view(-1, 1, 16, 16)


plots.image_grid(draw(decoder, 12), columns=12, what="images decoded from samples of the prior")


# %% [markdown]
# How many of 8 x 8 cells do such samples reach? A sample counts for the cell of its nearest image.

# %%
def cells_reached(decoder):
    """Cells that 1000 samples of the prior reach."""
    nearest = torch.cdist(draw(decoder, 1000).flatten(1), world.flatten(1)).argmin(1)
    x, y = nearest // 32, nearest % 32
    return len((x // 4 * 8 + y // 4).unique())


alone = cells_reached(decoder)
print(f"cells reached: {alone} of 64")

# %% jupyter={"source_hidden": true} tags=["claims"]
assert loss < 6
assert alone < 25


# %% [markdown]
# The net is folded, and the prior covers only a small part of it. So reconstruction is good, but the samples
# show the same few places, some of them as smears. Nothing in the loss prevents this.
#
# ## A critic compares two clouds
#
# The second term of Eq. 1 compares the prior $p(z)$ with the **aggregate posterior** $q(z)$, the distribution
# of the codes of *all* images. (A VAE compares the code of every single image.) We can draw samples from $q$,
# but we do not know its density. The paper therefore trains a network $D$, the **critic**, to estimate the
# probability that a code comes from the prior. Such a model is an *adversarial autoencoder* (Makhzani et al.
# 2016, arXiv 1511.05644). The critic maximises
#
# $$\mathbb E_{z \sim p}\big[\log D(z)\big] + \mathbb E_{x}\big[\log\big(1 - D(\mathrm{enc}(x))\big)\big]
# \tag{2}$$
#
# Its *loss* is this expression with a minus sign:

# %% tags=["nbval-check-output"]
def literal_critic_loss(d_prior, d_codes):
    """Eq. 2 with a minus sign. Probabilities D of prior samples and of codes."""
    return -(d_prior.log().mean() + (1 - d_codes).log().mean())


half, sure = torch.full((5,), 0.5), torch.full((5,), 0.99)
print(f"D is 1/2 everywhere:  {literal_critic_loss(half, half):.3f} = 2 log 2")
print(f"D is sure, and right: {literal_critic_loss(sure, 1 - sure):.3f}")
print(f"D is sure, and wrong: {literal_critic_loss(1 - sure, sure):.3f}")

# %% [markdown]
# At 2 log 2 = 1.386 the critic can only guess; near 0 it separates the two clouds well. (A weak critic also
# has a loss of 1.386, so the value does not prove a match.)
#
# ### Exercise 02.1: a critic's loss
#
# A critic gives every sample of the prior the probability 0.9 and every code 0.2. What is its loss?

# %% tags=["exercise"]
its_loss = ...

# %% tags=["check", "nbval-check-output"]
check("02.1", its_loss)

# %% [markdown] tags=["solution"]
# <details>
# <summary>Solution of 02.1</summary>
#
# The critic gives a code the probability 0.8 of *not* coming from the prior:
#
# ```python
# its_loss = -(math.log(0.9) + math.log(1 - 0.2))
#
# check("02.1", its_loss)
# ```
#
# The loss is .329, far below 1.386: this critic separates the clouds.
#
# </details>

# %% [markdown]
# ## Break it: probabilities that round to 1
#
# A network returns *logits*, any real numbers, and $D$ is their sigmoid. If the critic is very sure, the
# sigmoid rounds to 0 or 1, and the literal formula computes log 0.

# %% tags=["nbval-check-output"]
pairs = [(2.0, -1.0), (30.0, 30.0), (-200.0, 200.0)]
for prior_logit, code_logit in torch.tensor(pairs):
    literal = literal_critic_loss(prior_logit.sigmoid(), code_logit.sigmoid())
    library = method.critic(prior_logit, code_logit)
    print(f"logits {prior_logit:5.0f} and {code_logit:4.0f}: literal {literal:.2f}, "
          f"library {library:.2f}")  # fmt: skip


# %% [markdown]
# The library's loss is always finite. A single infinite loss would turn every weight into NaN.
#
# ### Exercise 02.2: the loss from logits
#
# Write the critic's loss from logits so that it never overflows. Hint: $-\log \sigma(a) = \log(1 +
# e^{-a})$ and $-\log(1 - \sigma(a)) = \log(1 + e^{a})$. `F.softplus(a)` computes $\log(1 + e^a)$ without
# overflow.

# %% tags=["exercise"]
def critic_loss(prior_logits, code_logits):
    """Logits of prior samples [P] and of codes [C]. Returns the loss, one number."""
    return ...


# %% tags=["check", "nbval-check-output"]
check("02.2", critic_loss)


# %% [markdown] tags=["solution"]
# <details>
# <summary>Solution of 02.2</summary>
#
# ```python
# def critic_loss(prior_logits, code_logits):
#     return F.softplus(-prior_logits).mean() + F.softplus(code_logits).mean()
#
#
# check("02.2", critic_loss)
# ```
#
# </details>

# %% [markdown]
# ## The match: critic and encoder take turns
#
# The encoder has the opposite goal: the critic should take its codes for samples of the prior. It could
# minimise $\mathbb E[\log(1 - D)]$ from Eq. 2, but this is flat where the critic is sure. The usual choice is
# to minimise $-\mathbb E[\log D(\mathrm{enc}(x))]$, the *non-saturating* form. The paper leaves it open.

# %%
def match(weight, steps=500):
    encoder, decoder, critic = perceptron(256, 2), perceptron(2, 256), perceptron(2, 1)
    adam = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=3e-3)
    critics_adam = torch.optim.Adam(critic.parameters(), lr=3e-3, betas=(0.5, 0.99))
    for _ in range(steps):
        x = world[torch.randint(len(world), (128,))]
        z = encoder(x.flatten(1))
        critics_loss = method.critic(critic(torch.randn(128, 2)), critic(z.detach()))  # Eq. 2
        update(critics_adam, critics_loss)
        loss = method.reconstruction(decoder(z).view_as(x), x)  # Eq. 1, first term
        loss = loss + weight * method.adversarial(critic(z))  # Eq. 1, second term
        update(adam, loss)
    return encoder, decoder, critics_loss.item()


# %%
torch.manual_seed(0)
encoder, decoder, last = match(weight=2)
print(f"the critic's loss: {last:.2f}; a pure guess has {2 * math.log(2):.2f}")

# %% [markdown]
# `z.detach()` keeps the encoder out of the critic's step, so each side improves only its own loss.

# %%
nets["reconstruction and match"] = net(encoder)
plots.nets(nets)

# %%
plots.image_grid(draw(decoder, 12), columns=12, what="images decoded from samples of the prior")

# %%
matched, spread = cells_reached(decoder), nets["reconstruction and match"].flatten(0, 1).std(0)
print(f"cells reached: {matched} of 64, before the match {alone}")
print("standard deviations of the codes:", [round(s, 2) for s in spread.tolist()])

# %% jupyter={"source_hidden": true} tags=["claims"]
assert last > 1.2
assert matched >= 50 and matched > 2 * alone
assert ((0.8 < spread) & (spread < 1.25)).all()


# %% [markdown]
# The net now fills the prior, so a random code decodes to a random place.
#
# ### Exercise 02.3: the best critic
#
# At a code $z$ the prior has density $p$ and the codes have density $q$. The best critic maximises
# $p \log D + q \log(1 - D)$ there. Set the derivative to zero and write the $D$ that you find.

# %% tags=["exercise"]
def best_critic(p, q):
    """Densities of the prior and of the codes, arrays of the same shape. Returns D there."""
    return ...


# %% tags=["check", "nbval-check-output"]
check("02.3", best_critic)

# %% [markdown] tags=["solution"]
# <details>
# <summary>Solution of 02.3</summary>
#
# $p / D - q / (1 - D) = 0$ gives $D = p / (p + q)$:
#
# ```python
# def best_critic(p, q):
#     return p / (p + q)
#
#
# check("02.3", best_critic)
# ```
#
# </details>

# %% [markdown]
# The loss of the best critic is 2 log 2 minus twice the *Jensen-Shannon divergence* of $p$ and $q$. The encoder
# thus minimises this divergence, not the KL divergence of Eq. 1. Both are zero exactly where $p = q$.
#
# ## The modular autoencoder
#
# The paper's *modular* autoencoder has one part of 8 numbers, a *partition* $z_i$, for each factor. Eq. 1
# sums over the partitions. In wdlib one critic sees all of them; the paper leaves this open. Here is the
# warm-up on dSprites.v2, whose factors are shape and position, without and with the match:

# %%
task = wdlib.task("dSprites.v2")
parts = wdlib.split(task, seed=0, labels=1000)


def warm_up(adversarial):
    """A short warm-up with the two terms of Eq. 1."""
    losses = {"reconstruction": 1.0, "adversarial": adversarial}
    phase = Phase("warm-up", 200, prior="normal", losses=losses)
    trainer = Trainer(parts, images, Preset("short", NetworkConfig(), COURSE.fit, (phase,)), seed=0)
    return trainer.run(), trainer.history[-1]


# %%
trained = {"without match": warm_up(0.0), "with match": warm_up(0.2)}
ends = pd.DataFrame({name: end for name, (_, end) in trained.items()}).T
ends[["reconstruction", "adversarial", "critic"]].astype(float).round(2)


# %% [markdown]
# The critic's loss is well below 1.39: after 200 steps it still separates the clouds.
#
# We measure the distance of decoded images from the nearest training image. A distance of 1 is that between a
# typical image and a blank one.

# %%
def coarse(x):
    return F.avg_pool2d(x, 2).flatten(1)


known = coarse(torch.from_numpy(images.draw(task.classes(parts.train[:3000]))).float())


def strangeness(x):
    nearest = torch.cdist(coarse(x), known).min(1).values
    return (nearest / known.norm(dim=1).mean()).mean().item()


# %%
z = torch.randn(300, 2, 8, generator=torch.Generator().manual_seed(0))
sampled = {name: model.decode(z) for name, (model, _) in trained.items()}
rows = {name: x[:9] for name, x in sampled.items()}
plots.image_rows(rows, what="images decoded from samples of the prior")

# %%
test, _ = examples(parts, images, 300)
model, _ = trained["with match"]
strange = {name: strangeness(x) for name, x in sampled.items()}
strange["test images, reconstructed"] = strangeness(model.decode(model.encode(test)))
pd.DataFrame({"strangeness": strange}).round(2)

# %% jupyter={"source_hidden": true} tags=["claims"]
assert strange["test images, reconstructed"] < 0.4
assert strange["without match"] > 0.6
assert strange["with match"] < strange["without match"]

# %% [markdown]
# The match helps, but the samples are still not clean shapes. One cause is the prior: a normal distribution is
# one cloud, so some samples fall between the three shapes. The paper therefore calls this phase a *warm-up* and
# lets the prior adapt afterwards.
#
# ## What the paper fixes, and what it leaves open
#
# The paper fixes the losses of Eq. 1, with a critic, and a simple prior. The authors' earlier code adds
# $\lambda$ = 0.2, a uniform prior on (-1, 1) and 1000 epochs. The preset PAPER, *Modular (paper)*, follows both.
# Our recipe *Modular*, the preset COURSE, warms up with reconstruction, label loss and pseudo-labels instead
# ([05_training](05_training.ipynb)), in 1000 to 4000 steps. It has no critic at first: labels pull the codes of
# different values apart, and a critic for one single cloud would work against them.
#
# ## What to remember
#
# - Eq. 1 has two goals: reconstruct, **and** match the aggregate posterior to a prior. Without the second goal,
#   samples reach only a corner of the world.
# - Eq. 2: the critic separates prior samples from codes. A loss of 2 log 2 = 1.386 means a guess.
# - Compute this loss from logits. The literal formula can reach log 0.
# - The critic does not measure the KL divergence, but both are zero at the same place.
# - One single cloud does not suit separate values. The prior has to adapt.
#
# ## Where next
#
# [03_priors](03_priors.ipynb) gives every value a component of its own. In the package:
# `wdlib/training/method.py`, `wdlib/model/modular.py`.
