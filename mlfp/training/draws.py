"""What augmentations draw: tensors with a row an image, and which images are changed at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor


@dataclass(frozen=True)
class Draws:
    """Parameters of an augmentation for B images. A chain leaves the images out that are not ``active``.

    :param active: (B,) whether the image is changed; on the CPU.
    :param values: tensors of B rows each, by name.
    """

    active: Tensor
    values: dict[str, Tensor]

    def __getitem__(self, name: str) -> Tensor:
        return self.values[name]

    def rows(self, index: Tensor, device: torch.device | None = None) -> Draws:
        """Those of some images, on a device; where they are unless given."""
        values = {name: value[index.to(value.device)].to(device) for name, value in self.values.items()}
        return Draws(self.active[index.to(self.active.device)], values)


def gate(generators: Sequence[Generator], probability: float) -> Tensor:
    """(B,) True with this probability."""
    return torch.stack([torch.rand((), generator=generator) for generator in generators]) < probability


def uniform(generators: Sequence[Generator], *shape: int, low: float = -1.0, high: float = 1.0) -> Tensor:
    """``(B, *shape)`` uniform between two numbers."""
    drawn = torch.stack([torch.rand(shape, generator=generator) for generator in generators])
    return low + (high - low) * drawn


def normal(generators: Sequence[Generator], *shape: int) -> Tensor:
    """``(B, *shape)`` standard normal."""
    return torch.stack([torch.randn(shape, generator=generator) for generator in generators])
