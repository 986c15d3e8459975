"""The model room: networks, adaptive prior, the modular model, and how a model is kept on disk."""

# ruff: noqa: F401
from wdlib.model.modular import (
    Critic,
    ModularAutoencoder,
    ModularModel,
    NetworkConfig,
    RelationalLearner,
)
from wdlib.model.prior import AdaptivePrior, FitConfig
from wdlib.model.system import System
