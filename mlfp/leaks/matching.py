"""Points of one image, and another that they are looked up in: how well the two fit for many transforms at once.

Positions are in mm about the centre of each image's content. A transform takes a position in the fixed image to one in
the moving: ``scale * rotation @ x + shift``.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mlfp.leaks import edges

#: What one unit of each parameter is: about as much as moves the border of a head by 4 mm.
UNITS = {"angle": 0.05, "shift": 3.0, "scale": 0.04}
#: Below this share of points that fall into the other image, an overlay says nothing.
OVERLAP = 0.4
#: What a scale costs whose logarithm is so far from 0, growing with the square: headers are about right.
STRETCHED, COST = 0.08, 0.01


@dataclass(frozen=True)
class Picture:
    """An image made small for aligning.

    :param pixels: spatial array, 0 (air) to 1.
    :param mask: where there is content.
    :param spacing: mm of a voxel, the same along all axes.
    :param world: (n,) the content's centre in the scanner's coordinates, in mm.
    :param ranks: pixels by their rank among those of the content, 0 to 1; ``pixels`` unless given. Mutual information
        is of them, so that tissues that differ little fall into different bins.
    """

    pixels: Tensor
    mask: Tensor
    spacing: float
    world: np.ndarray = field(default_factory=lambda: np.zeros(3))
    ranks: Tensor | None = None

    @property
    def tones(self) -> Tensor:
        """What mutual information is of."""
        return self.pixels if self.ranks is None else self.ranks

    @functools.cached_property
    def edges(self) -> Tensor:
        """``(n, *spatial)`` where edges run."""
        return edges.directions(self.pixels)

    @property
    def dims(self) -> int:
        """2 or 3."""
        return self.pixels.ndim

    def mirrored(self) -> Picture:
        """The same with left and right exchanged: as alike in everything as another person can be."""
        axis = 0 if self.dims == 3 else 1
        return Picture(
            self.pixels.flip(axis), self.mask.flip(axis), self.spacing, self.world, self.tones.flip(axis)
        )  # fmt: skip

    def halved(self) -> Picture:
        """The same at twice the spacing."""
        pool = functional.avg_pool3d if self.dims == 3 else functional.avg_pool2d
        pixels, ranks, share = (
            pool(part[None, None].float(), 2, ceil_mode=True)[0, 0] for part in (self.pixels, self.tones, self.mask)
        )
        return Picture(pixels, share > 0.5, 2 * self.spacing, self.world, ranks)

    def centre(self) -> Tensor:
        """(n,) the content's centre, in voxels."""
        return torch.stack([places.float().mean() for places in self.mask.nonzero(as_tuple=True)])


@dataclass(frozen=True)
class Fit:
    """What lies over the points, for S transforms.

    :param mutual: (S,) normalised mutual information.
    :param edges: (S,) how far edges run alike.
    """

    mutual: Tensor
    edges: Tensor


class Matching:
    """So many points of the fixed image, and the moving image.

    :param bins: for intensities: with few points, many bins are mostly empty, and mutual information is noise.
    :param edged: how much edges count beside mutual information in :meth:`quality`.
    """

    def __init__(
        self,
        fixed: Picture,
        moving: Picture,
        points: int,
        *,
        bins: int,
        edged: float = 0.0,
        centre: Tensor | None = None,
    ) -> None:
        self.dims, self.moving, self.fixed, self.bins, self.edged = fixed.dims, moving, fixed, bins, edged
        places = fixed.mask.nonzero()
        step = math.ceil(len(places) / points)
        places = places[step // 2 :: step]
        spots = tuple(places.T)
        self.places = (places.float() - (fixed.centre() if centre is None else centre)) * fixed.spacing
        self.level = fixed.pixels[spots]
        self.chosen = (fixed.tones[spots] * (bins - 1)).round().long().clamp(0, bins - 1)
        self.size = torch.tensor(moving.pixels.shape, dtype=torch.float32)
        self.centre = moving.centre()
        self.channels = moving.tones[None]
        if edged:
            self.directions = fixed.edges[(slice(None), *spots)]
            self.channels = torch.cat([self.channels, moving.edges])

    def improved(self, parameters: Tensor, steps: int) -> Tensor:
        """(S, n) parameters after so many steps uphill."""
        found = parameters.clone().requires_grad_(True)
        optimizer = torch.optim.Adam([found], lr=0.3)
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = 0.3 * (1 - step / steps) + 0.02
            optimizer.zero_grad()
            (-self.quality(found).sum()).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        return found.detach()

    def quality(self, parameters: Tensor) -> Tensor:
        """(S,) what is to be highest: mutual information and edges, less where little overlaps or much is stretched."""
        fit = self.fit(parameters)
        stretched = parameters[:, -1] * UNITS["scale"] / STRETCHED
        return fit.mutual + self.edged * fit.edges - COST * stretched.square()

    def fit(self, parameters: Tensor) -> Fit:
        """What the overlays of these (S, n) parameters are like; without ``edged``, edges are not looked at."""
        spots, inside = self.spots(parameters)
        lacking = (OVERLAP - inside.mean(dim=1)).clamp(min=0)
        found = self.at(spots, self.channels)
        mutual = mutual_information(self.chosen, found[:, 0], inside, self.bins)
        if not self.edged:
            return Fit(mutual - lacking, torch.zeros_like(mutual))
        rotation, _, _ = matrices(parameters, self.dims)
        turned = rotation.transpose(1, 2) @ found[:, 1:]
        return Fit(mutual - lacking, edges.agreement(self.directions, turned, inside))

    def beside(self, parameters: Tensor) -> Tensor:
        """(S, n) parameters that lay the image a voxel beside: along each axis, and turned by as much."""
        angles = 3 if self.dims == 3 else 1
        radius = float(self.places.square().sum(dim=1).mean().sqrt())
        steps = torch.zeros(len(parameters) - 1, len(parameters))
        for axis in range(angles + self.dims):
            turned = axis < angles
            steps[axis, axis] = self.fixed.spacing / (radius * UNITS["angle"] if turned else UNITS["shift"])
        return torch.cat([parameters + steps, parameters - steps])

    def spots(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """(S, P, n) where the points fall into the moving image, -1 to 1; and (S, P) 1 where they do, else 0."""
        rotation, shift, scale = matrices(parameters, self.dims)
        places = scale[:, None, None] * (self.places @ rotation.transpose(1, 2)) + shift[:, None]
        voxels = places / self.moving.spacing + self.centre
        grid = 2 * voxels / (self.size - 1) - 1
        return grid, (grid.detach().abs() <= 1).all(dim=2).float()

    def at(self, spots: Tensor, channels: Tensor) -> Tensor:
        """(S, C, P) what ``(C, *spatial)`` channels on the moving image's grid are at these spots."""
        count, points, dims = spots.shape
        grid = spots.flip(2).reshape(count, *[1] * (dims - 1), points, dims)
        found = functional.grid_sample(
            channels.expand(count, *channels.shape), grid, align_corners=True
        )  # fmt: skip
        return found.reshape(count, len(channels), points)


def matrices(parameters: Tensor, dims: int) -> tuple[Tensor, Tensor, Tensor]:
    """(S, n, n) rotations, (S, n) shifts in mm, (S,) scales."""
    count = 3 if dims == 3 else 1
    angles = parameters[:, :count] * UNITS["angle"]
    shift = parameters[:, count : count + dims] * UNITS["shift"]
    scale = (parameters[:, -1] * UNITS["scale"]).exp()
    if dims == 2:
        cos, sin = angles[:, 0].cos(), angles[:, 0].sin()
        return torch.stack([cos, -sin, sin, cos], dim=1).reshape(-1, 2, 2), shift, scale
    zero = torch.zeros_like(angles[:, 0])
    x, y, z = angles.unbind(1)
    generator = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=1).reshape(-1, 3, 3)
    return torch.linalg.matrix_exp(generator), shift, scale


def angle(parameters: Tensor, dims: int) -> float:
    """Degrees that one transform turns by."""
    trace = float(matrices(parameters[None], dims)[0][0].diagonal().sum())
    cosine = (trace - 1) / 2 if dims == 3 else trace / 2
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


def mutual_information(chosen: Tensor, levels: Tensor, inside: Tensor, bins: int) -> Tensor:
    """(S,) of (P,) bins and (S, P) intensities, over the points inside: twice I over the sum of entropies.

    An intensity counts for the two bins that it lies between, the more for the nearer, so that there is a slope.
    """
    place = levels * (bins - 1)
    lower = place.detach().floor().long().clamp(0, bins - 2)
    higher = (place - lower) * inside
    cells = chosen * bins + lower
    joint = torch.zeros(len(levels), bins * bins, dtype=levels.dtype)
    joint = joint.scatter_add(1, cells, inside - higher).scatter_add(1, cells + 1, higher)
    joint = joint.reshape(-1, bins, bins) / joint.sum(dim=1)[:, None, None].clamp(min=1e-6)
    one, two, both = _entropy(joint.sum(2)), _entropy(joint.sum(1)), _entropy(joint.flatten(1))
    return 2 * (one + two - both) / (one + two).clamp(min=1e-6)


def _entropy(shares: Tensor) -> Tensor:
    return -(shares * (shares + 1e-9).log()).sum(dim=1)
