"""Brighter or darker as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor

from mlfp.errors import ParameterError
from mlfp.training.draws import Draws, gate, uniform
from mlfp.training.tones import extremes


@dataclass(frozen=True)
class IntensityShift:
    """Add one number to all voxels of an image.

    DeepBrainPrint (Puglisi et al. 2023), Table 1: probability 0.4, uniform in [-0.25, 0.25]. No unit is printed; there,
    scans are z-scored, and its released code shifts after normalisation: so the default unit is the image's standard
    deviation. On z-scored images ``absolute`` is the same; MONAI's ``RandShiftIntensity`` is always that.

    :param largest: the largest shift either way, in ``unit``.
    :param unit: ``deviation`` of the image over all its voxels, ``range`` from its minimum to its maximum, or
        ``absolute``, in the numbers that the image holds.
    :param probability: of changing an image at all.
    """

    largest: float = 0.25
    unit: Literal["deviation", "range", "absolute"] = "deviation"
    probability: float = 0.4

    def __post_init__(self) -> None:
        if self.largest < 0:
            raise ParameterError(f"largest should not be negative, got {self.largest}", key=("largest",))

    def draw(self, generators: Sequence[Generator], batch: Tensor) -> Draws:
        """``shift`` (B, 1) in ``unit``."""
        active = gate(generators, self.probability)
        return Draws(active, {"shift": self.largest * uniform(generators, 1)})

    def apply(self, batch: Tensor, parameters: Draws) -> Tensor:
        """Add it, to all channels alike."""
        return batch + (parameters["shift"] * self._unit(batch)).view(-1, *[1] * (batch.ndim - 1))

    def _unit(self, batch: Tensor) -> Tensor:
        """(B, 1) what one of the unit is."""
        if self.unit == "absolute":
            return torch.ones(len(batch), 1, device=batch.device)
        flat = batch.flatten(1)[:, None]
        if self.unit == "deviation":
            return flat.std(dim=2, correction=0)
        low, high = extremes(flat)
        return high - low
