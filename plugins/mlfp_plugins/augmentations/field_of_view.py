"""Scans that do not show everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from mlfp.errors import ParameterError
from mlfp.training.draws import Draws, gate, uniform
from mlfp.training.tones import background


@dataclass(frozen=True)
class FieldOfView:
    """Cut slabs off the ends of the axes and leave background there.

    Scans of one person rarely end at the same place: one shows the neck, another stops below the brain. A network may
    lean on the part that most show (in a prototype rank 1 fell from 80 to 71 % when the bottom was taken away), so
    each view should lose its own part.

    :param cut: largest share of an axis's length that one end loses.
    :param axes: which axes are cut, counted from 0; all unless given. In RAS order 2 runs from foot to head.
    :param probability: of changing an image at all. Each end is then cut with probability 1/2.
    """

    cut: float = 0.2
    axes: tuple[int, ...] | None = None
    probability: float = 0.3

    def __post_init__(self) -> None:
        if not 0 <= self.cut < 0.5:
            raise ParameterError(f"cut should be at least 0 and below 0.5, got {self.cut}", key=("cut",))

    def draw(self, generators: Sequence[Generator], batch: Tensor) -> Draws:
        """``ends`` (B, n, 2): the share lost at the low and at the high end of each axis.

        :raises ParameterError: an axis that the image does not have.
        """
        dims = batch.ndim - 2
        axes = range(dims) if self.axes is None else self.axes
        if not all(0 <= axis < dims for axis in axes):
            raise ParameterError(f"axes {self.axes} do not fit an image with {dims}", key=("axes",))
        active = gate(generators, self.probability)
        lost = self.cut * uniform(generators, dims, 2, low=0.0) * (uniform(generators, dims, 2) > 0)
        ends = torch.zeros(len(active), dims, 2)
        ends[:, list(axes)] = lost[:, list(axes)]
        return Draws(active, {"ends": ends})

    def apply(self, batch: Tensor, parameters: Draws) -> Tensor:
        """Background beyond the cuts."""
        dims = batch.ndim - 2
        kept = torch.ones(len(batch), 1, *batch.shape[2:], dtype=torch.bool, device=batch.device)
        for axis in range(dims):
            size = batch.shape[2 + axis]
            along = (-1, 1, *[size if other == axis else 1 for other in range(dims)])
            place = (torch.arange(size, device=batch.device) + 0.5) / size
            low, high = parameters["ends"][:, axis, :1], parameters["ends"][:, axis, 1:]
            kept &= ((place >= low) & (place <= 1 - high)).view(along)
        return torch.where(kept, batch, background(batch).view(*batch.shape[:2], *[1] * dims))
