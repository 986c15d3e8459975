"""The baselines room: other systems on the same networks, splits and labels, a file each.

Every file has one ``fit(split, images, *, labels, seed, steps or seconds, ...) -> System``; what
differs is the loss, its stages and their rates. Read ``loop`` (the budget), ``system`` (what comes
back), ``readout`` (how a code without labels is read and moved) and ``vae`` (the model that the
family shares) first.
"""

from wdlib.baselines.system import System

__all__ = ["System"]
