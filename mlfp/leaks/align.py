"""Two images laid over each other: rigid motion and scale, from several starts, from coarse to fine."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from mlfp.leaks import matching
from mlfp.leaks.matching import UNITS, Matching, Picture


@dataclass(frozen=True)
class Level:
    """One pass of the search.

    :param halvings: how often both images are halved before.
    :param points: looked at, at most about.
    :param keep: starts that come so far.
    :param steps: uphill.
    :param bins: for intensities.
    :param edged: how much edges count beside mutual information; with several, it is gone uphill by each: where there
        is little contrast in common edges lead there, where edges are few mutual information does.
    """

    halvings: int
    points: int
    keep: int
    steps: int
    bins: int
    edged: tuple[float, ...]


LEVELS = (
    Level(2, 1000, keep=48, steps=20, bins=10, edged=(0.0, 0.25)),
    Level(1, 2500, keep=20, steps=20, bins=12, edged=(0.25, 0.5)),
    Level(0, 6000, keep=6, steps=15, bins=16, edged=(0.5,)),
    Level(0, 16000, keep=2, steps=12, bins=24, edged=(0.5,)),
)
#: Degrees about each axis that starts are turned by, and mm they are raised by where one image shows far less.
TURN, RAISE = 15.0, (20.0, 40.0)
#: Further starts, at random: how many, and how far in units (turned, shifted along each axis, scaled).
SCATTERED, TURNED, SHIFTED, SCALED = 500, 2.5, (3.0, 4.0, 6.0), 1.5
#: From this correlation on it may be a copy.
CLOSE = 0.9


@dataclass(frozen=True)
class Overlay:
    """How one image lies over another, at its best.

    :param mutual: normalised mutual information there, 0 to 1.
    :param sharpness: how much of that is lost one voxel beside, on average over all directions and turns.
    :param edges: how far edges run alike, 0 to 1.
    :param edge_sharpness: how much of that is lost one voxel beside.
    :param overlap: share of the content that falls into the other image.
    :param correlation: of intensities.
    :param angle: degrees it was turned.
    :param shift: mm that the content's centre was moved.
    :param scale: of the moving image to the fixed.
    :param displaced: mm that the centre lies elsewhere in the scanner's coordinates.
    """

    mutual: float
    sharpness: float
    edges: float
    edge_sharpness: float
    overlap: float
    correlation: float
    angle: float
    shift: float
    scale: float
    displaced: float
    parameters: Tensor = field(repr=False, default_factory=lambda: torch.zeros(0))


def align(fixed: Picture, moving: Picture, *, start: Tensor | None = None) -> Overlay:
    """The best overlay found.

    :param start: parameters to begin with, besides the usual starts.
    """
    found = _starts(fixed, moving)
    if start is not None:
        found = torch.cat([start[None], found])
    pyramids = [(fixed, moving)]
    for _ in range(max(level.halvings for level in LEVELS)):
        pyramids.append((pyramids[-1][0].halved(), pyramids[-1][1].halved()))
    for level in LEVELS:
        here = [_matching(*pyramids[level.halvings], level, edged) for edged in level.edged]
        found = torch.cat([item.improved(_best(item, found, level.keep), level.steps) for item in here])
    overlay = _overlay(here[-1], _best(here[-1], found, 1)[0])
    return _touched_up(fixed, moving, overlay) if overlay.correlation > CLOSE else overlay


def _matching(fixed: Picture, moving: Picture, level: Level, edged: float) -> Matching:
    return Matching(fixed, moving, level.points, bins=level.bins, edged=edged)


def _best(here: Matching, found: Tensor, most: int) -> Tensor:
    """(S, n) of these parameters the best, at most so many."""
    return found[here.quality(found).topk(most).indices] if len(found) > most else found


def _overlay(found: Matching, parameters: Tensor) -> Overlay:
    fit = found.fit(torch.cat([parameters[None], found.beside(parameters)]))
    spots, inside = found.spots(parameters[None])
    _, shift, scale = matching.matrices(parameters[None], found.dims)
    displaced = shift[0].double().numpy() - (found.fixed.world - found.moving.world)[: found.dims]
    return Overlay(
        mutual=float(fit.mutual[0]),
        sharpness=float(fit.mutual[0] - fit.mutual[1:].mean()),
        edges=float(fit.edges[0]),
        edge_sharpness=float(fit.edges[0] - fit.edges[1:].mean()),
        overlap=float(inside.mean()),
        correlation=_correlation(found.level, found.at(spots, found.moving.pixels[None])[0, 0], inside[0] > 0),
        angle=matching.angle(parameters, found.dims),
        shift=float(shift.norm()),
        scale=float(scale[0]),
        displaced=float(np.linalg.norm(displaced)),
        parameters=parameters,
    )


def _correlation(one: Tensor, two: Tensor, there: Tensor) -> float:
    if there.sum() <= 2:
        return 0.0
    found = float(torch.corrcoef(torch.stack([one[there], two[there]]).double())[0, 1])
    return found if math.isfinite(found) else 0.0


def _touched_up(fixed: Picture, moving: Picture, overlay: Overlay) -> Overlay:
    """The same with the correlation where pixels themselves lie best: of a copy, ranks are not exact enough."""
    level = LEVELS[-1]
    found = Matching(replace(fixed, ranks=None), replace(moving, ranks=None), level.points, bins=level.bins)
    best = found.improved(overlay.parameters[None], level.steps)[0]
    spots, inside = found.spots(best[None])
    correlation = _correlation(found.level, found.at(spots, found.moving.pixels[None])[0, 0], inside[0] > 0)
    return replace(overlay, correlation=max(overlay.correlation, correlation))


def resampled(fixed: Picture, moving: Picture, parameters: Tensor) -> Tensor:
    """The moving image on the fixed one's grid, laid over it by these parameters."""
    everywhere = Picture(fixed.pixels, torch.ones_like(fixed.mask), fixed.spacing, fixed.world)
    found = Matching(everywhere, moving, fixed.pixels.numel(), bins=2, centre=fixed.centre())
    spots, inside = found.spots(parameters[None])
    return (found.at(spots, moving.pixels[None])[0, 0] * inside[0]).reshape(fixed.pixels.shape)


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
