"""Two images laid over each other: rigid motion and scale, found by mutual information from several starts.

Positions are in mm about the centre of each image's content. A transform takes a position in the fixed image to one in
the moving: ``scale * rotation @ x + shift``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

#: For intensities.
BINS = 24
#: (how often both images are halved, points looked at, steps, starts that go on to it).
LEVELS = ((1, 1200, 0, 99), (1, 1500, 25, 14), (0, 3000, 20, 4), (0, 10000, 15, 2))
#: What one unit of each parameter is: about as much as moves the border of a head by 4 mm.
UNITS = {"angle": 0.05, "shift": 3.0, "scale": 0.04}
#: Degrees about each axis that starts are turned by, and mm they are raised by where one image shows far less.
TURN, RAISE = 15.0, (20.0, 40.0)
#: Further starts, at random: how many, and how far in units (turned, shifted along each axis, scaled).
SCATTERED, TURNED, SHIFTED, SCALED = 40, 2.5, (3.0, 4.0, 6.0), 1.5
#: From this correlation on it may be a copy.
CLOSE = 0.9
#: Below this share of points that fall into the other image, an overlay says nothing.
OVERLAP = 0.4


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
class Overlay:
    """How one image lies over another, at its best.

    :param mutual: normalised mutual information there, 0 to 1.
    :param sharpness: how much of that is lost one voxel beside, on average over all directions and turns.
    :param overlap: share of the content that falls into the other image.
    :param correlation: of intensities.
    :param angle: degrees it was turned.
    :param shift: mm that the content's centre was moved.
    :param scale: of the moving image to the fixed.
    :param displaced: mm that the centre lies elsewhere in the scanner's coordinates.
    """

    mutual: float
    sharpness: float
    overlap: float
    correlation: float
    angle: float
    shift: float
    scale: float
    displaced: float
    parameters: Tensor = field(repr=False, default_factory=lambda: torch.zeros(0))


def align(fixed: Picture, moving: Picture, *, start: Tensor | None = None) -> Overlay:
    """The best overlay found.

    :param start: parameters to begin with, in place of the usual starts.
    """
    found = _starts(fixed, moving) if start is None else start[None]
    levels = LEVELS if start is None else LEVELS[1:]
    for halvings, points, steps, keep in levels:
        one, two = fixed, moving
        for _ in range(halvings):
            one, two = one.halved(), two.halved()
        matching = _Matching(one, two, points)
        if len(found) > keep:
            found = found[matching.quality(found).topk(keep).indices]
        found = matching.improved(found, steps)
    matching = _Matching(fixed, moving, LEVELS[-1][1])
    best = found[matching.quality(found).argmax()]
    overlay = matching.overlay(best)
    return _touched_up(fixed, moving, overlay) if overlay.correlation > CLOSE else overlay


def _touched_up(fixed: Picture, moving: Picture, overlay: Overlay) -> Overlay:
    """The same with the correlation where pixels themselves lie best: of a copy, ranks are not exact enough."""
    matching = _Matching(replace(fixed, ranks=None), replace(moving, ranks=None), LEVELS[-1][1])
    best = matching.improved(overlay.parameters[None], LEVELS[-1][2])[0]
    return replace(overlay, correlation=max(overlay.correlation, matching.overlay(best).correlation))


def resampled(fixed: Picture, moving: Picture, parameters: Tensor) -> Tensor:
    """The moving image on the fixed one's grid, laid over it by these parameters."""
    everywhere = Picture(fixed.pixels, torch.ones_like(fixed.mask), fixed.spacing, fixed.world)
    plain = replace(moving, ranks=None)
    matching = _Matching(everywhere, plain, fixed.pixels.numel(), centre=fixed.centre())
    levels, inside = matching.looked_up(parameters[None])
    return (levels * inside)[0].reshape(fixed.pixels.shape)


def mirrored_start(parameters: Tensor, dims: int) -> Tensor:
    """Parameters that lay the mirrored moving image where the moving image lay, its middle plane kept."""
    signs = torch.tensor([1.0, -1, -1, -1, 1, 1, 1]) if dims == 3 else torch.tensor([-1.0, 1, -1, 1])
    return parameters * signs


def _starts(fixed: Picture, moving: Picture) -> Tensor:
    """(S, n) parameters: angles, shifts, scale, in units."""
    dims = fixed.dims
    angles = 3 if dims == 3 else 1
    none = torch.zeros(angles + dims + 1)
    found = [none]
    for axis in range(angles):
        for sign in (-1, 1):
            turned = none.clone()
            turned[axis] = sign * math.radians(TURN) / UNITS["angle"]
            found.append(turned)
    there = torch.from_numpy((fixed.world - moving.world).astype(np.float32))[:dims] / UNITS["shift"]
    if float(there.norm()) * UNITS["shift"] < 60:
        placed = none.clone()
        placed[angles : angles + dims] = there
        found.append(placed)
    share = float(fixed.mask.sum() * fixed.spacing**dims / (moving.mask.sum() * moving.spacing**dims))
    if dims == 3 and not 0.7 < share < 1.4:
        # A brain without its skull sits high in the head.
        for height in RAISE:
            raised = none.clone()
            raised[angles + 2] = math.copysign(height, 1 - share) / UNITS["shift"]
            found.append(raised)
    return torch.cat([torch.stack(found), _scattered(dims)])


def _scattered(dims: int) -> Tensor:
    """(S, n) the same for all pairs."""
    generator = np.random.default_rng(0)
    far = [*[TURNED] * (3 if dims == 3 else 1), *SHIFTED[:dims], SCALED]
    return torch.from_numpy((generator.normal(size=(SCATTERED, len(far))) * far).astype(np.float32))


class _Matching:
    """Points of the fixed image, and the moving image that they are looked up in."""

    def __init__(self, fixed: Picture, moving: Picture, points: int, *, centre: Tensor | None = None) -> None:
        self.dims, self.moving, self.fixed = fixed.dims, moving, fixed
        places = fixed.mask.nonzero()
        step = max(1, len(places) // points)
        places = places[step // 2 :: step]
        self.places = (places.float() - (fixed.centre() if centre is None else centre)) * fixed.spacing
        self.level, level = fixed.pixels[tuple(places.T)], fixed.tones[tuple(places.T)]
        self.chosen = (level * (BINS - 1)).round().long().clamp(0, BINS - 1)
        self.size = torch.tensor(moving.pixels.shape, dtype=torch.float32)
        self.centre = moving.centre()

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
        """(S,) normalised mutual information, less where little overlaps."""
        levels, inside = self.looked_up(parameters)
        overlap = inside.mean(dim=1)
        return _mutual(self.chosen, levels, inside) - (OVERLAP - overlap).clamp(min=0)

    def overlay(self, parameters: Tensor) -> Overlay:
        """What the overlay of these parameters is like."""
        mutual = self.quality(torch.cat([parameters[None], self._beside(parameters)]))
        pixels, inside = self.looked_up(parameters[None], plain=True)
        there = inside[0] > 0
        both = torch.stack([self.level[there], pixels[0, there]]).double()
        correlation = float(torch.corrcoef(both)[0, 1]) if there.sum() > 2 else 0.0
        rotation, shift, scale = _matrices(parameters[None], self.dims)
        trace = float(rotation[0].diagonal().sum())
        cosine = (trace - 1) / 2 if self.dims == 3 else trace / 2
        displaced = shift[0].double().numpy() - (self.fixed.world - self.moving.world)[: self.dims]
        return Overlay(
            mutual=float(mutual[0]),
            sharpness=float(mutual[0] - mutual[1:].mean()),
            overlap=float(inside.mean()),
            correlation=correlation if math.isfinite(correlation) else 0.0,
            angle=math.degrees(math.acos(max(-1.0, min(1.0, cosine)))),
            shift=float(shift.norm()),
            scale=float(scale[0]),
            displaced=float(np.linalg.norm(displaced)),
            parameters=parameters,
        )

    def _beside(self, parameters: Tensor) -> Tensor:
        """(S, n) parameters that lay the image a voxel beside: along each axis, and turned by as much."""
        angles = 3 if self.dims == 3 else 1
        radius = float(self.places.square().sum(dim=1).mean().sqrt())
        steps = torch.zeros(len(parameters) - 1, len(parameters))
        for axis in range(angles + self.dims):
            turned = axis < angles
            steps[axis, axis] = self.fixed.spacing / (radius * UNITS["angle"] if turned else UNITS["shift"])
        return torch.cat([parameters + steps, parameters - steps])

    def looked_up(self, parameters: Tensor, *, plain: bool = False) -> tuple[Tensor, Tensor]:
        """(S, P) ranks of the moving image at the points, and 1 where they fall into it, else 0.

        :param plain: pixels in place of their ranks.
        """
        rotation, shift, scale = _matrices(parameters, self.dims)
        places = scale[:, None, None] * (self.places @ rotation.transpose(1, 2)) + shift[:, None]
        voxels = places / self.moving.spacing + self.centre
        grid = 2 * voxels / (self.size - 1) - 1
        inside = (grid.detach().abs() <= 1).all(dim=2).float()
        source = self.moving.pixels if plain else self.moving.tones
        spots = grid.flip(2).reshape(1, 1, 1, -1, 3) if self.dims == 3 else grid.flip(2).reshape(1, 1, -1, 2)
        found = functional.grid_sample(source[None, None], spots, align_corners=True)
        return found.reshape(len(parameters), -1), inside


def _matrices(parameters: Tensor, dims: int) -> tuple[Tensor, Tensor, Tensor]:
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


def _mutual(chosen: Tensor, levels: Tensor, inside: Tensor) -> Tensor:
    """(S,) of (P,) bins and (S, P) intensities, over the points inside: twice I over the sum of entropies.

    An intensity counts for the two bins that it lies between, the more for the nearer, so that there is a slope.
    """
    place = levels * (BINS - 1)
    lower = place.detach().floor().long().clamp(0, BINS - 2)
    higher = (place - lower) * inside
    cells = chosen * BINS + lower
    joint = torch.zeros(len(levels), BINS * BINS, dtype=levels.dtype)
    joint = joint.scatter_add(1, cells, inside - higher).scatter_add(1, cells + 1, higher)
    joint = joint.reshape(-1, BINS, BINS) / joint.sum(dim=1)[:, None, None].clamp(min=1e-6)
    one, two, both = _entropy(joint.sum(2)), _entropy(joint.sum(1)), _entropy(joint.flatten(1))
    return 2 * (one + two - both) / (one + two).clamp(min=1e-6)


def _entropy(shares: Tensor) -> Tensor:
    return -(shares * (shares + 1e-9).log()).sum(dim=1)
