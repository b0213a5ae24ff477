"""Noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from mlfp.errors import ParameterError
from mlfp.training.draws import Draws, gate, uniform
from mlfp.training.tones import intensity_range


@dataclass(frozen=True)
class Noise:
    """Add independent Gaussian noise to every voxel.

    :param deviation: largest standard deviation, as a share of the image's intensity range (0.5th to 99.5th
        percentile); each image's is uniform below it.
    :param probability: of changing an image at all.
    """

    deviation: float = 0.05
    probability: float = 0.3

    def __post_init__(self) -> None:
        if self.deviation < 0:
            raise ParameterError(f"deviation should not be negative, got {self.deviation}", key=("deviation",))

    def draw(self, generators: Sequence[Generator], batch: Tensor) -> Draws:
        """``noise`` ``(B, C, *spatial)`` in shares of the range."""
        active = gate(generators, self.probability)
        deviation = self.deviation * uniform(generators, low=0.0)
        noise = torch.zeros(batch.shape)
        for row, generator in enumerate(generators):
            if active[row]:
                noise[row].normal_(0, float(deviation[row]), generator=generator)
        return Draws(active, {"noise": noise})

    def apply(self, batch: Tensor, parameters: Draws) -> Tensor:
        """Add it, scaled to the image's range."""
        low, high = intensity_range(batch)
        return torch.addcmul(batch, parameters["noise"], (high - low).view(*low.shape, *[1] * (batch.ndim - 2)))
