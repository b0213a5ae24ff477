"""torchvision's transforms as augmentations: ``torchvision:RandomPerspective``, ``torchvision:ElasticTransform``.

Pictures only: of a volume they would take the first axis for a batch. Those of ``torchvision.transforms.v2``; what they
do to tones (``ColorJitter``) supposes images from 0 to 1, and cuts off the rest.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from torchvision.transforms import v2

from mlfp.errors import UnknownComponentError
from mlfp.libraries.transforms import load_transform


def load(kind: str, name: str) -> Callable[..., Any]:
    """What makes the transform of this name.

    :raises UnknownComponentError: torchvision has no such transform, or something else is asked for.
    """
    if kind != "augmentation":
        raise UnknownComponentError(
            f"torchvision has no {kind} {name!r}",
            key=("use",),
            hints=["Only its transforms are reached by name, as augmentations. Encoders: timm:resnet18"],
        )
    return load_transform("torchvision", "torchvision", name, transforms())


def transforms() -> dict[str, type[Any]]:
    """Its transforms that take one image."""
    return {
        name: item
        for name, item in sorted(vars(v2).items())
        if inspect.isclass(item) and issubclass(item, v2.Transform) and item is not v2.Transform
    }
