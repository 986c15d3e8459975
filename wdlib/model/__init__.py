"""The model room: networks, modular auto-encoder, adaptive prior, relational learner."""

from wdlib.model.autoencoder import Critic, ModularAutoencoder, NetworkConfig
from wdlib.model.learner import RelationalLearner
from wdlib.model.modular import ModularModel
from wdlib.model.prior import AdaptivePrior, FitConfig
from wdlib.model.system import System

__all__ = [
    "System",
    "AdaptivePrior",
    "Critic",
    "FitConfig",
    "ModularAutoencoder",
    "ModularModel",
    "NetworkConfig",
    "RelationalLearner",
]
