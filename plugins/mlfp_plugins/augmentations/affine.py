"""Rotation, shift and scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor

from mlfp.errors import ParameterError
from mlfp.training.draws import Draws, gate, uniform
from mlfp.training.maps import AffineMap


@dataclass(frozen=True)
class Affine:
    """Rotate, then scale, then shift about the image's centre; each drawn uniformly.

    In world units: an image with unequal voxel sizes is not sheared. The defaults are moderate, as the scans of one
    subject lie after rough alignment. Those of Few-Shot Fingerprinting are ``few-shot-fingerprinting``; the rotation of
    DeepBrainPrint is ``rotate: 3, shift: 0, scale: 0``.

    :param rotate: largest angle in degrees: in the plane, or about each axis (in the order I, J, K).
    :param shift: largest shift along each axis, in ``unit``.
    :param scale: largest relative change of size: a factor in [1 - scale, 1 + scale].
    :param scale_axes: ``together``, by one factor, or ``apart``, each axis by its own.
    :param unit: ``mm``, ``voxel``, or ``fraction`` of the image's length along the axis.
    :param probability: of changing an image at all.
    :param fill: what comes into view from outside: the image's background, or a number.
    :param scope: ``view`` draws for every row, ``subject`` once for all rows of a subject.
    :param spacing: voxel size in mm along each axis; 1 mm where nothing is known (a picture's pixel).
    """

    rotate: float = 10.0
    shift: float = 5.0
    scale: float = 0.05
    scale_axes: Literal["together", "apart"] = "together"
    unit: Literal["mm", "voxel", "fraction"] = "mm"
    probability: float = 1.0
    fill: float | Literal["background"] = "background"
    scope: Literal["view", "subject"] = "view"
    spacing: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("rotate", "shift", "scale"):
            if getattr(self, name) < 0:
                raise ParameterError(f"{name} should not be negative, got {getattr(self, name)}", key=(name,))
        if self.scale >= 1:
            raise ParameterError(f"scale should be below 1, got {self.scale}", key=("scale",))

    def draw(self, generators: Sequence[Generator], batch: Tensor) -> Draws:
        """``matrix`` (B, n, n) and ``offset`` (B, n): an output point's place in the input, in voxels."""
        shape = batch.shape[2:]
        dims = len(shape)
        spacing = torch.tensor(self.spacing or (1.0,) * dims, dtype=torch.float64)
        unit = {
            "mm": torch.ones(dims, dtype=torch.float64),
            "voxel": spacing,
            "fraction": spacing * torch.tensor(shape, dtype=torch.float64),
        }[self.unit]
        active = gate(generators, self.probability)
        turn = rotation(uniform(generators, dims * (dims - 1) // 2).double() * math.radians(self.rotate))
        grow = 1 + self.scale * uniform(generators, 1 if self.scale_axes == "together" else dims).double()
        move = self.shift * uniform(generators, dims).double() * unit
        back = turn.mT / grow[:, None, :]  # mm to mm, from output to input
        matrix = back * spacing / spacing[:, None]
        offset = -(back @ move[:, :, None]).squeeze(2) / spacing
        matrix[~active], offset[~active] = torch.eye(dims, dtype=torch.float64), 0.0
        return Draws(active, {"matrix": matrix.float(), "offset": offset.float()})

    def map(self, parameters: Draws) -> AffineMap:
        """The map of each image."""
        return AffineMap(parameters["matrix"], parameters["offset"])

    def locate(self, points: Tensor, parameters: Draws) -> Tensor:
        """``(B, *spatial, n)`` points of the output to points of the input."""
        return self.map(parameters)(points)


def rotation(angles: Tensor) -> Tensor:
    """(B, 1) or (B, 3) angles in radians to (B, n, n): in the plane, or about axis 0, then 1, then 2."""
    sine, cosine = angles.sin(), angles.cos()
    if angles.shape[1] == 1:
        rows = [torch.cat([cosine, -sine], dim=1), torch.cat([sine, cosine], dim=1)]
        return torch.stack(rows, dim=1)
    total = torch.eye(3, dtype=angles.dtype).expand(len(angles), 3, 3)
    for axis, (first, second) in enumerate(((1, 2), (2, 0), (0, 1))):
        step = torch.eye(3, dtype=angles.dtype).repeat(len(angles), 1, 1)
        step[:, first, first] = step[:, second, second] = cosine[:, axis]
        step[:, first, second], step[:, second, first] = -sine[:, axis], sine[:, axis]
        total = step @ total
    return total
