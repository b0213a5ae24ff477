"""Mirror images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor

from mlfp.errors import ParameterError
from mlfp.training.draws import Draws, gate
from mlfp.training.maps import AffineMap


@dataclass(frozen=True)
class Flip:
    """Mirror an image from left to right (SimCLR, appendix A: horizontally, with probability 0.5), or along any axis.

    No body is its own mirror image: what is left and what is right can tell subjects apart, and this teaches that it
    does not.

    :param axis: counted from 0. None is left and right: of a picture, whether a file or a slice, from column to column
        (axis 1), and of a volume in RAS order its first axis (0).
    :param probability: of changing an image.
    :param scope: ``view`` draws for every row, ``subject`` once for all rows of a subject.
    """

    axis: int | None = None
    probability: float = 0.5
    scope: Literal["view", "subject"] = "view"

    def draw(self, generators: Sequence[Generator], batch: Tensor) -> Draws:
        """``sign`` (B, n): -1 along the axis of those that are mirrored.

        :raises ParameterError: an axis that the image does not have.
        """
        dims = batch.ndim - 2
        axis = (1 if dims == 2 else 0) if self.axis is None else self.axis
        if not 0 <= axis < dims:
            raise ParameterError(f"axis {axis} does not fit an image with {dims}", key=("axis",))
        active = gate(generators, self.probability)
        sign = torch.ones(len(active), dims)
        sign[active, axis] = -1
        return Draws(active, {"sign": sign})

    def map(self, parameters: Draws) -> AffineMap:
        """The map of each image."""
        sign = parameters["sign"]
        return AffineMap(torch.diag_embed(sign), torch.zeros_like(sign))

    def locate(self, points: Tensor, parameters: Draws) -> Tensor:
        """``(B, *spatial, n)`` points of the output to points of the input."""
        return self.map(parameters)(points)
