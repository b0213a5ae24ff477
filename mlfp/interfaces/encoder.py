"""Encoder: pixels to a vector."""

from __future__ import annotations

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
