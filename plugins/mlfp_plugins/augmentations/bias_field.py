"""Smooth changes of brightness across the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Generator, Tensor

from mlfp.errors import ParameterError
from mlfp.training.draws import Draws, gate, normal, uniform
from mlfp.training.tones import background
from mlfp_plugins.augmentations.smooth import deviation, spread


@dataclass(frozen=True)
class BiasField:
    """Multiply with ``exp(field)``, a smooth random field: how a coil's sensitivity shows in an MRI.

    DeepBrainPrint's table 1 has a bias field with probability 0.3, without saying how strong.

    :param strength: largest standard deviation of the field's logarithm; each image's is uniform below it.
    :param controls: spans of the spline along each axis: 2 makes fields that vary over half the image.
    :param probability: of changing an image at all.
    """

    strength: float = 0.3
    controls: int = 2
    probability: float = 0.3

    def __post_init__(self) -> None:
        if self.strength < 0:
            raise ParameterError(f"strength should not be negative, got {self.strength}", key=("strength",))
        if self.controls < 1:
            raise ParameterError(f"controls should be at least 1, got {self.controls}", key=("controls",))

    def draw(self, generators: Sequence[Generator], batch: Tensor) -> Draws:
        """``coefficients`` ``(B, 1, *controls)`` of the logarithm."""
        dims = batch.ndim - 2
        active = gate(generators, self.probability)
        strength = self.strength * uniform(generators, low=0.0) / deviation(dims)
        coefficients = normal(generators, 1, *[self.controls + 3] * dims)
        return Draws(active, {"coefficients": coefficients * strength.view(-1, 1, *[1] * dims)})

    def apply(self, batch: Tensor, parameters: Draws) -> Tensor:
        """Signal is what differs from the background, which stays."""
        air = background(batch).view(*batch.shape[:2], *[1] * (batch.ndim - 2))
        return (batch - air) * spread(parameters["coefficients"], batch.shape[2:]).exp_() + air
