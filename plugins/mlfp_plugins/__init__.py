"""The built-in components, registered through the same door as anybody's: name space ``mlfp``.

One component a file; each folder's ``__init__`` registers its own. Nothing here imports torch.
"""

from mlfp_plugins.augmentations import register_augmentations
from mlfp_plugins.datasets import register_datasets
from mlfp_plugins.encoders import register_encoders
from mlfp_plugins.evaluators import register_evaluators
from mlfp_plugins.indexes import register_indexes
from mlfp_plugins.losses import register_losses
from mlfp_plugins.miners import register_miners
from mlfp_plugins.models import register_models
from mlfp_plugins.observers import register_observers
from mlfp_plugins.preprocessors import register_preprocessors
from mlfp_plugins.scorers import register_scorers

__all__ = [
    "register_augmentations",
    "register_datasets",
    "register_encoders",
    "register_evaluators",
    "register_indexes",
    "register_losses",
    "register_miners",
    "register_models",
    "register_observers",
    "register_preprocessors",
    "register_scorers",
]
