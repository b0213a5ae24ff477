"""Other libraries' own classes by name: ``pml:MultiSimilarityLoss``, ``timm:convnext_tiny``, ``monai:DenseNet121``.

One file a library: it knows how the library's arguments are called, and nothing else. Each has
``load(kind, name)``, which gives what makes the component, with the keywords of mlfp's own components of that kind.
"""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass

from mlfp.errors import UnknownComponentError, nearest


@dataclass(frozen=True)
class Library:
    """A library whose classes can be named.

    :param title: what people call it.
    :param distribution: what pip calls it.
    :param module: the file here that makes its classes.
    :param dims: 2 and/or 3, where it has only that; empty means any.
    """

    title: str
    distribution: str
    module: str
    dims: tuple[int, ...] = ()

    def version(self) -> str:
        """Its installed version."""
        return importlib.metadata.version(self.distribution)


LIBRARIES = {
    "pml": Library("pytorch-metric-learning", "pytorch-metric-learning", "mlfp.libraries.pml"),
    "timm": Library("timm", "timm", "mlfp.libraries.timm", dims=(2,)),
    "monai": Library("MONAI", "monai", "mlfp.libraries.monai"),
    "torchvision": Library("torchvision", "torchvision", "mlfp.libraries.torchvision", dims=(2,)),
}


def find(prefix: str) -> Library:
    """The library that a prefix stands for.

    :raises UnknownComponentError: none.
    """
    if prefix not in LIBRARIES:
        raise UnknownComponentError(
            f"unknown library {prefix!r}",
            key=("use",),
            hints=[*nearest(prefix, LIBRARIES), f"Libraries: {', '.join(LIBRARIES)}"],
        )
    return LIBRARIES[prefix]
