"""Another brightness and contrast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from mlfp.errors import ParameterError
from mlfp.training.draws import Draws, gate, uniform
from mlfp.training.tones import extremes


@dataclass(frozen=True)
class ColourJitter:
    """Change brightness and contrast, in random order, as torchvision's ``ColorJitter`` does.

    SimCLR (Chen et al. 2020, appendix A) has 0.8 for both at its full strength, Barlow Twins (Zbontar et al. 2021) 0.4,
    both with probability 0.8. Saturation and hue say nothing of grey images. Tones are measured from the image's
    minimum (0) to its maximum (1), and kept in between.

    :param brightness: tones times a factor, uniform in [1 - brightness, 1 + brightness].
    :param contrast: their distance from their mean times a factor, likewise.
    :param probability: of changing an image at all.
    """

    brightness: float = 0.4
    contrast: float = 0.4
    probability: float = 0.8

    def __post_init__(self) -> None:
        for name in ("brightness", "contrast"):
            if getattr(self, name) < 0:
                raise ParameterError(f"{name} should not be negative, got {getattr(self, name)}", key=(name,))

    def draw(self, generators: Sequence[Generator], batch: Tensor) -> Draws:
        """``brightness``, ``contrast`` (B,) factors; ``first`` (B,) whether brightness is changed before contrast."""
        active = gate(generators, self.probability)
        values = {}
        for name in ("brightness", "contrast"):
            reach = getattr(self, name)
            values[name] = uniform(generators, low=max(0.0, 1 - reach), high=1 + reach)
        return Draws(active, {**values, "first": gate(generators, 0.5)})

    def apply(self, batch: Tensor, parameters: Draws) -> Tensor:
        """All channels alike."""
        column = (-1, *[1] * (batch.ndim - 1))
        low, high = (end.view(*end.shape, *[1] * (batch.ndim - 2)) for end in extremes(batch))
        reach = (high - low).clamp(min=1e-6)
        tones = (batch - low) / reach
        brightness, contrast, first = (parameters[name].view(column) for name in ("brightness", "contrast", "first"))
        tones = torch.where(first, (tones * brightness).clamp(0, 1), tones)
        middle = tones.flatten(1).mean(dim=1).view(column)
        tones = ((tones - middle) * contrast + middle).clamp(0, 1)
        tones = torch.where(first, tones, (tones * brightness).clamp(0, 1))
        return tones * reach + low
