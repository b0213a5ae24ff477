"""Light to dark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Generator, Tensor

from mlfp.training.draws import Draws, gate
from mlfp.training.tones import extremes


@dataclass(frozen=True)
class Negative:
    """The negative of an image, ``min + max - x``, air and all; each channel of its own.

    DeepBrainPrint (Puglisi et al. 2023), Table 1, with probability 0.4. ``intensity`` has a negative of the head alone.

    :param probability: of changing an image at all.
    """

    probability: float = 0.4

    def draw(self, generators: Sequence[Generator], batch: Tensor) -> Draws:
        """Which images are turned."""
        return Draws(gate(generators, self.probability), {})

    def apply(self, batch: Tensor, parameters: Draws) -> Tensor:
        """Turn them."""
        low, high = extremes(batch)
        return (low + high).view(*low.shape, *[1] * (batch.ndim - 2)) - batch
