"""Patches cut out of an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor

from mlfp.errors import ParameterError
from mlfp.training.draws import Draws, gate, uniform
from mlfp.training.tones import background, extremes


@dataclass(frozen=True)
class Patches:
    """Cover square (cubic) patches of an image (DeVries & Taylor 2017, cutout), wholly inside it, wherever they fall.

    DeepBrainPrint (Puglisi et al. 2023), Table 1: up to three black patches of 10 x 10, with probability 0.4. Its
    released code cuts exactly three, and MONAI's ``RandCoarseDropout`` fills them, unless told otherwise, with noise:
    ``fewest: 3, fill: noise``.

    :param fewest: patches in an image that has any.
    :param most: the same; their number is uniform between these two, both included. They may overlap.
    :param size: of a patch along each axis, in ``unit``; no more than the image's.
    :param unit: ``voxel``, ``mm``, or ``fraction`` of the image's length along the axis.
    :param fill: ``minimum`` of the image (black), ``noise`` uniform between its minimum and maximum, or ``background``.
    :param probability: of changing an image at all.
    :param spacing: voxel size in mm along each axis; 1 mm where nothing is known (a picture's pixel).
    """

    fewest: int = 1
    most: int = 3
    size: float = 10.0
    unit: Literal["voxel", "mm", "fraction"] = "voxel"
    fill: Literal["minimum", "noise", "background"] = "minimum"
    probability: float = 0.4
    spacing: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.fewest <= self.most:
            raise ParameterError(f"fewest should be from 1 to most ({self.most}), got {self.fewest}", key=("fewest",))
        if self.size <= 0:
            raise ParameterError(f"size should be above 0, got {self.size}", key=("size",))

    def draw(self, generators: Sequence[Generator], batch: Tensor) -> Draws:
        """``corners`` (B, most, n) voxels, -1 of a patch that is not there, and ``noise`` from 0 to 1."""
        shape, sizes = torch.tensor(batch.shape[2:]), self._sizes(batch.shape[2:])
        active = gate(generators, self.probability)
        count = uniform(generators, 1, low=self.fewest, high=self.most + 1).floor().clamp(max=self.most)
        free = shape - torch.tensor(sizes) + 1
        corners = (uniform(generators, self.most, len(shape), low=0.0) * free).long().clamp(max=free - 1)
        corners[torch.arange(self.most) >= count] = -1
        values = {"corners": corners}
        if self.fill == "noise":
            values["noise"] = uniform(generators, self.most, batch.shape[1], *sizes, low=0.0)
        return Draws(active, values)

    def apply(self, batch: Tensor, parameters: Draws) -> Tensor:
        """Fill them, the last drawn uppermost."""
        low, high = extremes(batch)
        fill = (background(batch) if self.fill == "background" else low).view(*low.shape, *[1] * (batch.ndim - 2))
        reach = (high - low).view(fill.shape)
        made, sizes = batch.clone(), self._sizes(batch.shape[2:])
        for row, corners in enumerate(parameters["corners"].tolist()):
            for patch, corner in enumerate(corners):
                if corner[0] < 0:
                    continue
                area = made[row]
                for axis, (start, size) in enumerate(zip(corner, sizes, strict=True), start=1):
                    area = area.narrow(axis, start, size)
                noise = reach[row] * parameters["noise"][row, patch] if self.fill == "noise" else 0.0
                area.copy_((fill[row] + noise).expand_as(area))
        return made

    def _sizes(self, shape: Sequence[int]) -> list[int]:
        """Voxels of a patch along each axis."""
        steps = self.spacing or (1.0,) * len(shape)
        one = {"voxel": [1.0] * len(shape), "mm": [1 / step for step in steps], "fraction": shape}[self.unit]
        return [min(max(1, round(self.size * unit)), full) for unit, full in zip(one, shape, strict=True)]
