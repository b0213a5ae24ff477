"""A part of the image, enlarged to the whole."""

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

#: As often as torchvision tries to fit a crop into the image before it takes the whole.
_TRIES = 10


@dataclass(frozen=True)
class RandomResizedCrop:
    """Cut out a random part and enlarge it to the image's own shape (Szegedy et al. 2015; SimCLR, appendix A).

    As torchvision's ``RandomResizedCrop``: up to ten draws of size and shape, until one fits into the image; else the
    whole image. Its corners lie between voxels too, where torchvision's do not. In 3D the size is a share of the
    volume, and each axis is stretched by its own factor.

    :param scale: share of the image's area, or volume, uniform between these two.
    :param ratio: of the crop's sides, compared with the image's: log-uniform between these two. In 3D of each side to
        the mean of all.
    :param probability: of changing an image at all.
    :param scope: ``view`` draws for every row, ``subject`` once for all rows of a subject.
    """

    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    probability: float = 1.0
    scope: Literal["view", "subject"] = "view"

    def __post_init__(self) -> None:
        if not 0 < self.scale[0] <= self.scale[1] <= 1:
            raise ParameterError(f"scale should be two rising shares of 1, got {list(self.scale)}", key=("scale",))
        if not 0 < self.ratio[0] <= self.ratio[1]:
            raise ParameterError(f"ratio should be two rising numbers above 0, got {list(self.ratio)}", key=("ratio",))

    def draw(self, generators: Sequence[Generator], batch: Tensor) -> Draws:
        """``matrix`` (B, n, n) and ``offset`` (B, n): an output point's place in the input, in voxels."""
        shape = torch.tensor(batch.shape[2:])
        dims = len(shape)
        active = gate(generators, self.probability)
        sizes = uniform(generators, _TRIES, 1, low=self.scale[0], high=self.scale[1])
        low, high = (math.log(end) for end in self.ratio)
        # In 2D one ratio makes one side longer and the other shorter, each by its root.
        stretch = uniform(generators, _TRIES, 1 if dims == 2 else dims, low=low, high=high)
        stretch = torch.cat([-stretch, stretch], dim=2) / 2 if dims == 2 else stretch - stretch.mean(2, keepdim=True)
        sides = sizes ** (1 / dims) * stretch.exp()  # (B, tries, n) shares of the image's sides
        fits = (sides <= 1).all(dim=2)
        side = sides[torch.arange(len(sides)), fits.int().argmax(dim=1)]
        side = torch.where((active & fits.any(dim=1))[:, None], side, 1.0)
        offset = uniform(generators, dims) * (1 - side) * shape / 2
        return Draws(active, {"matrix": torch.diag_embed(side), "offset": offset})

    def map(self, parameters: Draws) -> AffineMap:
        """The map of each image."""
        return AffineMap(parameters["matrix"], parameters["offset"])

    def locate(self, points: Tensor, parameters: Draws) -> Tensor:
        """``(B, *spatial, n)`` points of the output to points of the input."""
        return self.map(parameters)(points)
