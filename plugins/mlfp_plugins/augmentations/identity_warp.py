"""New subjects from old: strong diffeomorphic warps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Generator, Tensor

from mlfp.errors import ParameterError
from mlfp.training.draws import Draws, gate, normal
from mlfp.training.maps import DisplacementMap, doubled
from mlfp_plugins.augmentations.smooth import control_points, deviation, spread

#: Of the volume of a cell; see :func:`unfolded`.
LEAST_VOLUME = 0.1


@dataclass(frozen=True)
class IdentityWarp:
    """Give a subject another anatomy for this batch: a strong, smooth, invertible warp that all its rows share.

    Few subjects make few identities, and a network learns those by heart. Warped strongly enough a head is another
    person's; as all scans and views of the subject are warped alike, they remain positives. In a prototype on 86
    subjects this was worth more than anything else (rank 1 of moved queries 52 to 68 %).

    The warp is the flow of a random stationary velocity field (Arsigny et al. 2006, by scaling and squaring), which
    does not fold; where it would squeeze a cell of the grid to less than a tenth, that subject's velocity is lowered.
    Put it before ``affine``: both are then resampled at once.

    :param strength: root mean square of the velocity along each axis, in ``unit``: about the displacement.
    :param smoothness: distance of the velocity's control points in ``unit``. Structures of this size are moved
        against each other.
    :param unit: ``mm``, or ``fraction`` of the image's longest side: 0.03 and 0.15 suit X-rays of any resolution.
    :param probability: of changing a subject at all.
    :param scope: ``subject``; with ``view`` it is an elastic deformation, drawn for every row.
    :param spacing: voxel size in mm along each axis; 1 mm where nothing is known (a picture's pixel).
    """

    strength: float = 8.0
    smoothness: float = 40.0
    unit: Literal["mm", "fraction"] = "mm"
    probability: float = 1.0
    scope: Literal["view", "subject"] = "subject"
    spacing: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.strength < 0:
            raise ParameterError(f"strength should not be negative, got {self.strength}", key=("strength",))
        if self.smoothness <= 0:
            raise ParameterError(f"smoothness should be above 0, got {self.smoothness}", key=("smoothness",))

    def draw(self, generators: Sequence[Generator], batch: Tensor) -> Draws:
        """``displacement`` ``(B, n, *coarse)`` in voxels, of points of the image from its first to its last voxel."""
        shape = batch.shape[2:]
        spacing = self.spacing or (1.0,) * len(shape)
        lengths = [(size - 1) * step for size, step in zip(shape, spacing, strict=True)]
        unit = max(lengths) if self.unit == "fraction" else 1.0
        controls = [control_points(length, self.smoothness * unit) for length in lengths]
        coarse = [_coarse(size, count) for size, count in zip(shape, controls, strict=True)]
        active = gate(generators, self.probability)
        coefficients = normal(generators, len(shape), *controls) * (self.strength * unit / deviation(len(shape)))
        coefficients[~active] = 0
        # From mm to steps of the coarse grid, in which the flow is followed; then to voxels.
        along = (1, -1, *[1] * len(shape))
        steps = torch.tensor([(size - 1) / max(length, 1e-6) for size, length in zip(coarse, lengths, strict=True)])
        velocity = spread(coefficients.to(batch.device), coarse) * steps.view(along).to(batch.device)
        voxels = torch.tensor([max(size - 1, 1) / (few - 1) for size, few in zip(shape, coarse, strict=True)])
        return Draws(active, {"displacement": unfolded(velocity) * voxels.view(along).to(batch.device)})

    def map(self, parameters: Draws) -> DisplacementMap:
        """The map of each image."""
        return DisplacementMap(parameters["displacement"])

    def locate(self, points: Tensor, parameters: Draws) -> Tensor:
        """``(B, *spatial, n)`` points of the output to points of the input."""
        return self.map(parameters)(points)


def _coarse(size: int, controls: int) -> int:
    """Points along an axis at which the flow is followed: four a span of the spline, but no more than the image has."""
    return max(2, min(size, 4 * (controls - 3) + 1))


def unfolded(velocity: Tensor) -> Tensor:
    """The flow of ``(B, n, *grid)`` velocities, each lowered by fifths until it leaves every cell a tenth of itself."""
    displacement = flow(velocity)
    while len(tight := (squeeze(displacement) < LEAST_VOLUME).nonzero().flatten()):
        velocity[tight] *= 0.8
        displacement[tight] = flow(velocity[tight])
    return displacement


def squeeze(displacement: Tensor) -> Tensor:
    """(B,) the smallest determinant of ``(B, n, *grid)`` displacements: what the cell it squeezes most is left with."""
    dims = displacement.ndim - 2
    columns = []
    for axis in range(dims):
        step = displacement.diff(dim=2 + axis)
        for other in range(dims):
            step = step if other == axis else step.narrow(2 + other, 0, step.shape[2 + other] - 1)
        columns.append([component + (axis == place) for place, component in enumerate(step.unbind(1))])
    if dims == 2:
        (a, b), (c, d) = columns
        return (a * d - b * c).flatten(1).amin(dim=1)
    (a, b, c), (d, e, f), (g, h, i) = columns
    return (a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)).flatten(1).amin(dim=1)


def flow(velocity: Tensor, doublings: int = 5) -> Tensor:
    """The displacement of following a stationary velocity for one unit of time, ``(B, n, *grid)`` in grid steps."""
    displacement: Tensor = velocity / 2**doublings
    for _ in range(doublings):
        displacement = doubled(displacement)
    return displacement
