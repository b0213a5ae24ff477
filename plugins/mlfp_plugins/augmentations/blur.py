"""Gaussian blur."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor
from torch.nn import functional

from mlfp.errors import ParameterError
from mlfp.training.draws import Draws, gate, uniform

#: Standard deviations at which the Gaussian is cut off.
_REACH = 3.0


@dataclass(frozen=True)
class Blur:
    """Convolve with a Gaussian; beyond the image its outermost voxels are repeated.

    SimCLR (Chen et al. 2020, appendix A): probability 0.5, a standard deviation of 0.1 to 2 pixels of 224. Barlow Twins
    (Zbontar et al. 2021): the same, with probability 1 in the first view and 0.1 in the second.

    :param deviation: of the Gaussian, uniform between these two, in ``unit``.
    :param unit: ``voxel``, or ``mm``.
    :param probability: of changing an image at all.
    :param views: which views go through it.
    :param spacing: voxel size in mm along each axis; 1 mm where nothing is known (a picture's pixel).
    """

    deviation: tuple[float, float] = (0.1, 2.0)
    unit: Literal["voxel", "mm"] = "voxel"
    probability: float = 0.5
    views: Literal["first", "second", "both"] = "both"
    spacing: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not 0 < self.deviation[0] <= self.deviation[1]:
            raise ParameterError(
                f"deviation should be two rising numbers above 0, got {list(self.deviation)}", key=("deviation",)
            )

    def draw(self, generators: Sequence[Generator], batch: Tensor) -> Draws:
        """``deviation`` (B,) in ``unit``."""
        low, high = self.deviation
        return Draws(gate(generators, self.probability), {"deviation": uniform(generators, low=low, high=high)})

    def apply(self, batch: Tensor, parameters: Draws) -> Tensor:
        """Axis by axis, each image with its own kernel."""
        made = batch
        for axis in range(2, batch.ndim):
            step = 1.0 if self.unit == "voxel" or self.spacing is None else self.spacing[axis - 2]
            made = _along(made, axis, parameters["deviation"] / step, math.ceil(_REACH * self.deviation[1] / step))
        return made


def _along(batch: Tensor, axis: int, deviations: Tensor, half: int) -> Tensor:
    """Blur ``(B, C, *spatial)`` images along an axis with (B,) deviations in voxels.

    :param half: voxels of the kernel on either side.
    """
    places = torch.arange(-half, half + 1, device=batch.device)
    weights = (-0.5 * (places / deviations[:, None]) ** 2).exp()
    weights = weights * (places.abs() <= (_REACH * deviations[:, None]).ceil())  # so that it is each image's own
    weights = weights / weights.sum(dim=1, keepdim=True)
    lines = batch.movedim(axis, -1)
    padded = functional.pad(lines.flatten(1, -2), (half, half), mode="replicate")[None]  # (1, B, lines, L)
    made = functional.conv2d(padded, weights[:, None, None], groups=len(batch))
    return made.view(lines.shape).movedim(-1, axis).contiguous()
