"""Baselines: other systems on the same networks, splits, labels and budget, one file each.

Every file has one ``fit(request, config) -> System``. Each trains on the loop of
``wdlib.training.loop`` and differs in its loss. Read ``system`` (what ``fit`` returns), ``readout``
(how an unsupervised code is read and moved) and ``vae`` (the model that the family shares) first.
"""

from wdlib.baselines.system import FlatSystem

__all__ = ["FlatSystem"]
