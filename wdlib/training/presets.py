"""The presets: PAPER is the published schedule; COURSE and FEW are ours, for two cores and minutes.

COURSE is for a thousand labels. FEW is for a hundred or so.
"""

from __future__ import annotations

from dataclasses import replace

from wdlib.model.autoencoder import NetworkConfig
from wdlib.model.prior import FitConfig
from wdlib.training.phases import Phase, Preset

# The paper's schedule. Where its text is silent the authors' earlier code speaks: weight 0.2 beside
# a reconstruction that is the mean over pixels (and colours), rate 1e-4 on dSprites and 1e-5 on 3D
# Shapes, uniform prior, covariance times 0.1 estimated once, three noisy and three dropped copies.
# That code takes the encoder's two losses in two steps of Adam, one after the other; their sum in
# one step, and one D for all partitions, are readings of ours. Critic and relational learner are as
# wide as there; encoder and decoder are ours, of the same kind: there four convolutions of stride 2
# with leaky ReLU, and batch normalisation in the decoder.
_PUBLISHED = Phase(
    "warm-up",
    epochs=1000,
    batch=1024,
    lr=1e-4,
    critic_lr=1e-4,
    learner_lr=1e-4,
    cosine=False,
    prior="uniform",
    reconstruction=1 / 64,  # of ``losses.reconstruction``, itself a sum over pixels / 64
    adversarial=0.2,
    corrupt=True,
)
PAPER = Preset(
    name="PAPER",
    networks=NetworkConfig(
        encoder_widths=(32, 32, 32),
        decoder="conv",
        width=1024,
        activation="tanh",
        residual=False,
    ),
    fit=FitConfig(scale=0.1, shrink=0.0, ridge=1e-4, only_if_singular=True),
    phases=(
        _PUBLISHED,
        replace(_PUBLISHED, name="full", epochs=5000, prior="adaptive", relational=1.0),
    ),
    critic_betas=(0.9, 0.999),
    datasets=(
        (
            "Shapes3D",
            (
                *(("lr", 1e-5), ("critic_lr", 1e-5), ("learner_lr", 1e-5)),
                ("reconstruction", 1 / 192),
            ),
        ),
    ),
)

# Ours. Labels, read by linear heads, and pseudo-labels lead the warm-up, and reconstruction follows
# at a fiftieth of their weight: at an equal one, the encoder first learns what most pixels show,
# and never catches up with small differences such as an orientation. Full training passes from the
# heads to the components. At last the encoder is left alone, and the decoder takes its time.
COURSE = Preset(
    name="COURSE",
    networks=NetworkConfig(
        encoder_widths=(32, 32, 32), standard=True, decoder="separable", width=256
    ),
    fit=FitConfig(scale=0.1, shrink=0.5, ridge=0.02, only_if_singular=False),
    phases=(
        Phase(
            "warm-up",
            2500,
            lr=3e-3,
            rise=50,
            prior="normal",
            reconstruction=0.02,
            labels=1.0,
            pseudo=1.0,
        ),
        Phase(
            "full",
            500,
            lr=1e-3,
            rise=50,
            fresh=True,
            refit_every=100,
            reconstruction=0.02,
            adversarial=0.003,
            labels=1.0,
            taught=1.0,
            cycle=0.02,
            relational=1.0,
        ),
        Phase(
            "finish",
            4000,
            lr=4e-3,
            rise=100,
            fresh=True,
            freeze_encoder=True,
            code_noise=0.12,
            swap=0.5,
            spare=0.3,
            cycle=0.3,
            relational=1.0,
            encodings=0.5,
        ),
    ),
    # One recipe, shorter where it has done its work sooner, longer where it has not. A small
    # heart's orientation (dSprites.v4) is a matter of three or four pixels. Where size has no
    # labels (Shapes3D.v2), shape takes longer: half as many steps read it in .974 of validation
    # images, all of them in .999.
    lengths=(
        ("dSprites.v2", 0.4),
        ("dSprites.v4", 1.6),
        ("dSprites.v4-circle", 1.6),
        ("Shapes3D.v3", 0.5),
        ("Shapes3D.v5", 0.5),
    ),
    # Where orientation has labels, eight of them differ by a few pixels, and a thousand labels show
    # each sprite at 8 places of 225: so half of them roam. dSprites.v2 and v3 are read without.
    datasets=(("dSprites.v4", (("roam", 0.5),)), ("dSprites.v4-circle", (("roam", 0.5),))),
)

# Ours where labels are few, a hundred or so: the unlabelled images carry more. A warm-up of labels
# alone, then rounds: in each the model before is the teacher, believed for a growing share of the
# images, the surest of every value and as many of one value as of another. (Believed by confidence,
# as in COURSE, a poor teacher does harm on large tasks.) And the cycle begins with the rounds:
# pictures of shuffled codes show combinations that no labelled image has.
_WARM_UP, _FULL, _FINISH = COURSE.phases
_ALONE = replace(_WARM_UP, steps=1000, pseudo=0.0)
_ROUND = replace(_ALONE, steps=375, fresh=True, taught=1.0, cycle=0.1)
FEW = replace(
    COURSE,
    name="FEW",
    phases=(
        _ALONE,
        *(replace(_ROUND, name=f"round {n}", balanced=n / 10) for n in (1, 2, 3, 4)),
        replace(_FULL, balanced=0.4, cycle=0.1),
        _FINISH,
    ),
    # COURSE is shorter where a thousand labels have soon shown everything; a hundred have not.
    lengths=tuple((name, factor) for name, factor in COURSE.lengths if factor > 1),
)
PRESETS = {preset.name: preset for preset in (PAPER, COURSE, FEW)}


def preset(name: str) -> Preset:
    """The preset called ``name`` (case does not matter). Raises ValueError for another name."""
    if name.upper() not in PRESETS:
        raise ValueError(f"no preset called {name!r}; there are {', '.join(PRESETS)}")
    return PRESETS[name.upper()]
