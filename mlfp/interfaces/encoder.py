"""Encoder: pixels to a vector."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from torch import Tensor, nn


class EncoderFactory(Protocol):
    """What is registered: called with keywords, returns a module ``(B, C, *spatial) -> (B, D)``."""

    def __call__(self, *, in_channels: int, spatial_dims: int, embedding_dim: int) -> nn.Module:
        """Build the encoder. A factory may take further typed keywords: they are its parameters.

        :param in_channels: C.
        :param spatial_dims: 2 or 3.
        :param embedding_dim: D.
        """
        ...


class Encoder(Protocol):
    """What the factory makes."""

    def __call__(self, images: Tensor) -> Tensor:
        """``(B, C, I, J)`` or ``(B, C, I, J, K)`` to ``(B, D)``, not normalised."""
        ...


class Posing(Encoder, Protocol):
    """An encoder whose layers see the image in another pose, and which says so: for ``mlfp explain``. None has to."""

    def seen_at(self, images: Tensor, layer: str) -> Tensor | None:
        """``(1, *spatial, n)``: for each voxel of ``(1, C, *spatial)`` images, where what the layer looks at shows it.

        :param layer: its name in this encoder.
        :return: -1 to 1 from edge to edge along each axis, beyond where it is not seen; None: as it lies in the image.
        """
        ...

    def held(self, images: Tensor) -> AbstractContextManager[None]:
        """While the block runs, other images are seen in the pose of these, ``(1, C, *spatial)``.

        Gradients reach the image then, through that pose.
        """
        ...
