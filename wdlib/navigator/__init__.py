"""The latent navigator: a walk from image to image, by hand, by name or by relation."""

from wdlib.navigator.view import Navigator
from wdlib.navigator.walk import Walk

__all__ = ["Navigator", "Walk"]
