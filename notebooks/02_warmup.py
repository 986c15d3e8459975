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
# # Autoencoder and warm-up: codes that fill a prior
#
# An autoencoder that only reconstructs puts its codes wherever it likes. Then nobody can draw a new
# code: most places decode to nothing, or always to the same. The **warm-up** trains the autoencoder
# and, beside it, pulls the cloud of all codes into a shape that we chose before: a prior.
#
# **You will learn to**
#
# - say what the two terms of Eq. 1 ask of the codes,
# - see what goes wrong when the second one is missing,
# - compute the critic's loss (Eq. 2), and say what its value means,
# - run the warm-up of wdlib, and tell the paper's part from ours.
#
# *The paper's* (Valenti and Bacciu 2022, arXiv 2209.05336): Eq. 1 and 2, and the warm-up on a simple
# prior. *Ours*: the small world below, and the sizes, weights and schedule of the trainings here.
#
# Four short trainings, a minute in all. Run the cells from top to bottom.

# %%
# On Colab, wdlib must be installed here first. As soon as your copy of the
# repository is on GitHub, `make address URL=...` writes the command into this cell.

import math
from dataclasses import replace

import torch
from matplotlib.figure import Figure
from torch import nn
from torch.nn import functional as F

import wdlib
from wdlib import COURSE, Trainer, plots
from wdlib.course import check
from wdlib.data import device_images, to_float
from wdlib.model import NetworkConfig
from wdlib.model.prior import simple_prior
from wdlib.training import Phase, losses

# %% [markdown]
# ## A world with two factors
#
# One heart, at each of 32 x 32 places: 1024 pictures, made smaller (16 x 16 pixels) so that training
# takes seconds. Two factors vary, x and y, so a code of two numbers should do, and we can draw it.

# %% tags=["nbval-check-output"]
images = wdlib.load("dsprites")
places = torch.cartesian_prod(torch.arange(32), torch.arange(32))  # [1024, 2]: x, y
hearts = torch.tensor([[0, 2, 5, 0]]).expand(len(places), 4)  # white, heart, full size, upright
world = to_float(device_images(images, torch.cat([hearts, places], 1).numpy()))
world = F.avg_pool2d(world, 4)  # [1024, 1, 16, 16]
plots.show(
    plots.image_grid(world[[0, 31, 500, 528, 992, 1023]], columns=6),
    "six small blurred hearts: in the corners and near the middle of the picture",
)
print("the world:", tuple(world.shape))

# %% [markdown]
# ## Reconstruct, and nothing else
#
# The first term of the paper's objective asks that the decoder gives a picture back from its code:
#
# $$\mathcal L_{AE} = \mathbb E\big[\log p(x \mid z)\big] \;-\; \lambda \sum_i
# \mathrm{KL}\big(q(z_i)\,\|\,p_i(z_i)\big) \tag{1}$$
#
# (A code may have several parts $z_i$, each with a prior $p_i$ of its own; here it has one. $q$ is the
# distribution of the codes, $\mathrm{KL}(q \| p) = \mathbb E_q[\log q - \log p]$ says how far it is from
# the prior, 0 where they are equal, and $\lambda$ weighs the two terms.)
#
# $\mathcal L_{AE}$ is maximised, so a program minimises $-\log p(x \mid z)$. Which likelihood $p(x \mid
# z)$ is, the paper's text does not say; like the authors' earlier code we take each pixel for a coin.
# The second term comes later: here is an autoencoder without it.

# %%
def network(inputs, outputs, width=64):
    layers = [nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(width, outputs))


def reconstruction(logits, x):
    """-log p(x | z), every pixel a coin; nats a picture, divided by 16 to keep the number small."""
    log_p = x * F.logsigmoid(logits) + (1 - x) * F.logsigmoid(-logits)
    return -log_p.sum() / (len(x) * x.shape[-1])


# %% tags=["nbval-check-output"]
def autoencode(steps=500):
    encoder, decoder = network(256, 2), network(2, 256)
    adam = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=3e-3)
    for _ in range(steps):
        x = world[torch.randint(len(world), (128,))]
        logits = decoder(encoder(x.flatten(1))).view_as(x)
        loss = reconstruction(logits, x)
        adam.zero_grad()
        loss.backward()
        adam.step()
    return encoder, decoder, loss.item()


torch.manual_seed(0)
encoder, decoder, loss = autoencode()
print(f"loss below 1.5: {loss < 1.5}; with every pixel at 1/2 it is {math.log(2) * 16:.1f}")
x, logits = world[:4], torch.randn(4, 1, 16, 16, generator=torch.Generator().manual_seed(0))
same = torch.isclose(reconstruction(logits, x), losses.reconstruction(logits, x), rtol=1e-4)
print("the library's reconstruction loss is the same:", same.item())

# %% [markdown]
# The pictures come back. Now look at the codes, and at what the decoder makes of codes that we draw
# ourselves, from a normal distribution.

# %%
@torch.no_grad()
def look(encoder, name):
    """The codes of all places as a net, and the prior."""
    z = encoder(world.flatten(1)).view(32, 32, 2)  # [x, y, 2]
    figure = Figure(figsize=(4.6, 4.2), layout="constrained")
    panel = figure.subplots()
    for line in range(0, 32, 3):
        panel.plot(*z[line].T, "-", color=plots.PALETTE[0], lw=1, label="along y" * (line == 0))
        panel.plot(*z[:, line].T, "--", color=plots.PALETTE[1], lw=1, label="along x" * (line == 0))
    turn = torch.linspace(0, 2 * math.pi, 100)
    panel.plot(2 * turn.cos(), 2 * turn.sin(), "k:", lw=2.5, label="2 sigma of the prior")
    panel.set(xlabel="first number of the code", ylabel="second", title=name, aspect="equal")
    panel.set_adjustable("datalim")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


plots.show(
    look(encoder, "reconstruction only"),
    "the codes of all places as a folded net that reaches many times further out than the small "
    "circle of the prior, which lies at its edge",
)

# %%
@torch.no_grad()
def draw(decoder, count, seed=0):
    z = torch.randn(count, 2, generator=torch.Generator().manual_seed(seed))
    return decoder(z).sigmoid().view(-1, 1, 16, 16)


def cells_reached(decoder):
    """Of 8 x 8 cells, those that 1000 samples of the prior reach, by their nearest picture."""
    nearest = torch.cdist(draw(decoder, 1000).flatten(1), world.flatten(1)).argmin(1)
    cells = places[nearest] // 4  # [1000, 2], 8 x 8 cells
    return len(cells.unique(dim=0))


plots.show(
    plots.image_grid(draw(decoder, 12), columns=12),
    "twelve pictures decoded from samples of the prior: nearly the same smears in all of them",
)
print("cells reached:", cells_reached(decoder))

# %% tags=["nbval-check-output"]
alone = cells_reached(decoder)
print("cells of 64 that samples of the prior reach, below 25:", alone < 25)

# %% [markdown]
# Each line of the net is one row or column of places. The net lies wherever the training left it,
# folded, and the prior covers a corner of it at most. Reconstruction is good and sampling fails: the
# same few places come again and again, some of them as smears. Nothing in the loss forbids that.
#
# ## A critic compares two clouds
#
# The second term of Eq. 1 compares the **aggregate posterior** $q(z)$, the cloud of the codes of *all*
# pictures, with the prior $p(z)$. (Not the code of each picture, as in a VAE: an encoder without noise
# has no distribution for a single picture.) We have samples of both and densities of neither, so the
# paper compares them by a network, the **critic** $D$, that says how likely a code came from the prior. An
# autoencoder that is trained this way is called an *adversarial autoencoder* (Makhzani et al. 2016, arXiv
# 1511.05644). The critic maximises
#
# $$\mathbb E_{z \sim p}\big[\log D(z)\big] + \mathbb E_{x}\big[\log\big(1 - D(\mathrm{enc}(x))\big)\big]
# \tag{2}$$
#
# and its *loss* is that with a minus sign. Written down literally:

# %% tags=["nbval-check-output"]
def literal_critic_loss(d_prior, d_codes):
    """Eq. 2 with a minus sign; D's probabilities for samples of the prior and for codes."""
    return -(d_prior.log().mean() + (1 - d_codes).log().mean())


half = torch.full((5,), 0.5)
print(f"D says 1/2 to everything: {literal_critic_loss(half, half):.3f} = 2 log 2")
sure = torch.full((5,), 0.99)
print(f"D is sure, and right:     {literal_critic_loss(sure, 1 - sure):.3f}")
print(f"D is sure, and wrong:     {literal_critic_loss(1 - sure, sure):.3f}")

# %% [markdown]
# So 1.386 means: the critic can only guess, the clouds look alike to it. A loss near 0 means that it
# tells them apart. (A weak critic also has 1.386, so the value is evidence of a match, no proof.)
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
# It gives codes 0.2, so it calls them *not* prior with 0.8:
#
# ```python
# its_loss = -(math.log(0.9) + math.log(1 - 0.2))
#
# check("02.1", its_loss)
# ```
#
# That is .329, far below 1.386: this critic tells the clouds apart.
#
# </details>

# %% [markdown]
# ## Break it: probabilities that round to 1
#
# A network returns *logits*, numbers from minus to plus infinity, and $D$ is their sigmoid. When the
# critic is very sure, the sigmoid rounds to exactly 0 or 1, and the literal formula takes the logarithm
# of 0.

# %% tags=["nbval-check-output"]
for prior_logit, code_logit in ((2.0, -1.0), (30.0, 30.0), (-200.0, 200.0)):
    logits = torch.tensor([prior_logit]), torch.tensor([code_logit])
    literal = literal_critic_loss(*(logit.sigmoid() for logit in logits))
    print(f"logits {prior_logit:5.0f} and {code_logit:4.0f}: literal {literal:.3f}, "
          f"library {losses.critic(*logits):.3f}")  # fmt: skip

# %% [markdown]
# Where both are finite they agree; the library stays finite where the literal formula does not. A single
# infinite loss would make every weight NaN.
#
# ### Exercise 02.2: the loss from logits
#
# Write the critic's loss from logits so that it never overflows. A hint: $-\log \sigma(a) = \log(1 +
# e^{-a})$ and $-\log(1 - \sigma(a)) = \log(1 + e^{a})$, and `F.softplus(a)` computes $\log(1 + e^a)$ without
# overflow.

# %% tags=["exercise"]
def critic_loss(prior_logits, code_logits):
    """Logits [P] of samples of the prior and [C] of codes. Returns the loss, one number."""
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
# In the library: `wdlib.training.losses.critic`.
#
# </details>

# %% [markdown]
# ## The match: critic and encoder take turns
#
# The encoder wants the opposite of the critic: that its codes are taken for samples of the prior. Taken
# literally it would minimise $\mathbb E[\log(1 - D)]$ of Eq. 2; but where the critic is sure, that is flat
# and teaches nothing. So, like most, we let it minimise $-\mathbb E[\log D(\mathrm{enc}(x))]$, the
# *non-saturating* form. The paper does not say which it uses.

# %% tags=["nbval-check-output"]
def match(weight, steps=500):
    encoder, decoder, critic = network(256, 2), network(2, 256), network(2, 1)
    adam = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=3e-3)
    critics_adam = torch.optim.Adam(critic.parameters(), lr=3e-3, betas=(0.5, 0.99))
    for _ in range(steps):
        x = world[torch.randint(len(world), (128,))]
        z = encoder(x.flatten(1))
        told = losses.critic(critic(torch.randn(128, 2)), critic(z.detach()))  # Eq. 2
        critics_adam.zero_grad()
        told.backward()
        critics_adam.step()
        loss = losses.reconstruction(decoder(z).view_as(x), x)  # Eq. 1, first term
        loss = loss + weight * losses.adversarial(critic(z))  # Eq. 1, second term
        adam.zero_grad()
        loss.backward()
        adam.step()
    return encoder, decoder, told.item()


torch.manual_seed(0)
encoder, decoder, critics_loss = match(weight=0.5)
print("the critic can hardly do more than guess, loss above 1.2:", critics_loss > 1.2)

# %% [markdown]
# `z.detach()` keeps the critic's step away from the encoder: each side improves its own loss only. (The
# critic's `betas` make its Adam forget sooner, as is usual in such games, where the target moves.)

# %%
plots.show(
    look(encoder, "reconstruction and match"),
    "the codes of all places as a net that is spread over the circle of the prior and fills it",
)
plots.show(
    plots.image_grid(draw(decoder, 12), columns=12),
    "twelve pictures decoded from samples of the prior: blurred hearts in twelve places, most of "
    "them around the middle, none in a corner",
)
print("cells reached:", cells_reached(decoder))

# %% tags=["nbval-check-output"]
matched = cells_reached(decoder)
with torch.no_grad():
    spread = encoder(world.flatten(1)).std(0)
print("cells of 64 that samples of the prior reach, at least 50:", matched >= 50)
print("more than twice as many as without the match:", matched > 2 * alone)
print("standard deviations of the codes, between 0.8 and 1.25:",
      bool(((0.8 < spread) & (spread < 1.25)).all()))  # fmt: skip

# %% [markdown]
# The net now lies over the prior and fills it, so a random code decodes to a random place. The decoder
# is the same network as before; what changed is where the encoder puts things.
#
# ### Exercise 02.3: the best critic
#
# Let the prior have density $p$ at a code $z$ and the codes density $q$. The best critic at $z$ maximises
# $p \log D + q \log(1 - D)$. Set the derivative to zero and write the $D$ that you find.

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
# Where the clouds are equal, the best critic says 1/2: hence 2 log 2. Put it into Eq. 2, and the critic's
# loss becomes 2 log 2 minus twice the *Jensen-Shannon* divergence of $p$ and $q$ (0 where they are equal,
# log 2 where they do not meet). The encoder drives that loss up, so it drives this divergence down, and
# not the KL divergence that Eq. 1 writes. (With the non-saturating form it is yet another one.) All of them are
# zero exactly where $p = q$. The paper writes KL and optimises by a critic; so do we, and keep in mind
# that the two are not the same.
#
# ## The real one: M-AE
#
# The paper's *modular* autoencoder has a partition $z_i$ of 8 numbers for each relevant factor.
# Eq. 1 sums over partitions. Whether there is one critic for each, or one that sees all, the paper
# leaves open; wdlib has one. (One that sees all also asks that the partitions are *independent* of each
# other; the sum in Eq. 1 does not.) Its warm-up with and without the match, on dSprites.v2:

# %%
task = wdlib.task("dSprites.v2")
parts = wdlib.split(task, seed=0, labels=1000)


def warm_up(adversarial):
    """A short warm-up with the paper's two terms only."""
    phase = Phase("warm-up", 200, prior="normal", adversarial=adversarial)
    preset = replace(COURSE, networks=NetworkConfig(), phases=(phase,))
    trainer = Trainer(parts, images, preset, seed=0)
    return trainer.run(), trainer.history[-1]


models = {"without": warm_up(0.0), "with": warm_up(0.2)}
for name, (_, end) in models.items():
    print(name, "match:", {k: round(v, 2) for k, v in end.items() if isinstance(v, float)})

# %% [markdown]
# (0.2 is $\lambda$ in the authors' earlier code; the paper's text does not give it.) With the match the
# critic still tells codes from prior, its loss lies well below 1.39: 200 steps have brought the clouds
# nearer, not together. A number for "looks
# like a picture of this world": how far a decoded picture is from the nearest picture of train, where 1
# is the distance from a typical picture to a blank one.

# %%
def coarse(pictures):
    return F.avg_pool2d(pictures, 2).flatten(1)


known = coarse(to_float(device_images(images, task.classes(parts.train[:3000]))))


def strangeness(pictures):
    nearest = torch.cdist(coarse(pictures), known).min(1).values
    return (nearest / known.norm(dim=1).mean()).mean().item()


z = simple_prior("normal", (300, 2, 8), generator=torch.Generator().manual_seed(0), device="cpu")
sampled = {name: model.decode(z) for name, (model, _) in models.items()}
plots.show(
    plots.image_grid(
        torch.cat([pictures[:9] for pictures in sampled.values()]),
        [f"{name} match" * (i == 4) for name in sampled for i in range(9)],
        columns=9,
    ),
    "two rows of nine pictures decoded from samples of the prior: above, without the match, faint "
    "smears over much of the picture; below, with it, mostly single blots, some of them faint",
)
print("strangeness:", {name: round(strangeness(pictures), 2) for name, pictures in sampled.items()})

# %% tags=["nbval-check-output"]
test = device_images(images, task.classes(parts.test))[:300]
again = models["with"][0].decode(models["with"][0].encode(test))
print("reconstructed test pictures, below 0.4:", strangeness(again) < 0.4)
print("samples of the prior, without the match, above 0.6:", strangeness(sampled["without"]) > 0.6)
print("samples with it are less strange:",
      strangeness(sampled["with"]) < strangeness(sampled["without"]))  # fmt: skip

# %% [markdown]
# The match helps, and is far from enough: these samples are no clean shapes. More steps help some. But
# part of it is the prior: shapes are three separate things and a normal distribution is one cloud, so
# between the shapes there is prior that belongs to none. That is why the paper calls this phase a
# *warm-up*, and why the prior then adapts: [03_priors](03_priors.ipynb).
#
# ## What the paper fixes, and what it leaves open
#
# | | paper | authors' earlier code | wdlib, COURSE preset |
# |---|---|---|---|
# | terms of the warm-up | Eq. 1, by a critic (Eq. 2) | the same | reconstruction, labels, pseudo-labels (ours; 05) |
# | $\lambda$ | a symbol | 0.2 | 0 here: each number of a code is standardised instead, to mean 0 and variance 1 over a batch (ours); 0.15 of the reconstruction's weight once the prior adapts |
# | prior of the warm-up | a simple one | uniform on (-1, 1) | none beyond mean 0 and variance 1 |
# | one critic, or one a partition | open | open | one |
# | the encoder's side of Eq. 2 | open | a GAN on binary cross-entropy | non-saturating |
# | length of the warm-up | open | 1000 epochs | 2500 steps; 1000 on dSprites.v2, 4000 on v4, 1250 on Shapes3D.v3 and v5 |
#
# The PAPER preset fills what the paper leaves open from the earlier code; `wdlib/training/presets.py`
# holds both presets. Why ours does without the critic at first: codes that labels have drawn apart are no
# single cloud, so a critic could only pull against the labels. Whether it harms in the end is another question:
# `python -m wdlib table ablations` asks it, and on dSprites.v2 the difference is hardly any.
#
# ## What to remember
#
# - Eq. 1: reconstruct, **and** let the cloud of all codes (the aggregate posterior) match a prior.
#   Without the second term, samples of the prior reach a corner of the world, or nothing.
# - Eq. 2: the critic tells prior from codes; 2 log 2 = 1.386 means that it can only guess, near 0 that it
#   tells them apart.
# - Compute it from logits: the literal formula meets log 0.
# - What the critic measures is not the KL divergence of Eq. 1, but it is zero at the same place.
# - A single cloud does not suit factors with separate values; the prior has to adapt.
#
# ## Where next
#
# [03_priors](03_priors.ipynb): one component for every value. In the package:
# `wdlib/training/losses.py`, `wdlib/training/stages.py`, `wdlib/model/autoencoder.py`.
