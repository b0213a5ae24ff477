"""Bright tones turned dark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor

from mlfp.errors import ParameterError
from mlfp.training.draws import Draws, gate
from mlfp.training.tones import extremes


@dataclass(frozen=True)
class Solarise:
    """The negative of all tones from a threshold on, as torchvision's ``RandomSolarize``.

    Tones are measured from the image's minimum (0) to its maximum (1). Barlow Twins (Zbontar et al. 2021) has it in the
    second view only, with probability 0.2: ``views: second``.

    :param threshold: tones from here on are turned; 128 of 256, about one half, in Barlow Twins' code.
    :param probability: of changing an image at all.
    :param views: which views go through it.
    """

    threshold: float = 0.5
    probability: float = 0.2
    views: Literal["first", "second", "both"] = "both"

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise ParameterError(f"threshold should be from 0 to 1, got {self.threshold}", key=("threshold",))

    def draw(self, generators: Sequence[Generator], batch: Tensor) -> Draws:
        """Which images are changed."""
        return Draws(gate(generators, self.probability), {})

    def apply(self, batch: Tensor, parameters: Draws) -> Tensor:
        """Turn the bright tones, each channel in its own range."""
        low, high = (end.view(*end.shape, *[1] * (batch.ndim - 2)) for end in extremes(batch))
        return torch.where(batch >= low + self.threshold * (high - low), low + high - batch, batch)
