"""Elastic deformation, as MONAI has it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from scipy import ndimage
from torch import Generator, Tensor

from mlfp.errors import ParameterError
from mlfp.training.draws import Draws, gate, normal, uniform
from mlfp.training.maps import DisplacementMap
from mlfp_plugins.augmentations.smooth import combine

#: What Rand2DElastic sets as ``a`` of Keys' cubic kernel, through torch's interpolation.
_SHARPNESS = -0.75
#: Voxels between the points at which a field of control points is known.
_STEP = 2


@dataclass(frozen=True)
class Elastic:
    """Move control points of a grid at random, and all between them by cubic interpolation.

    DeepBrainPrint (Puglisi et al. 2023), Table 1: probability 0.3, magnitude in [1, 2]; the points' distance of 30 is
    in its released code, which has MONAI's ``Rand2DElastic``. Offsets of the points are normal, times the magnitude.
    That class also deforms every image alike, by up to 1.4 voxels at this distance: its kernel does not reproduce a
    straight line. Without ``ripple`` this one draws the same offsets and leaves that out. What comes into view from
    outside is background, where MONAI reflects the image.

    With ``sigma`` it is MONAI's ``Rand3DElastic``: for each voxel an offset uniform in [-1, 1], smoothed by a Gaussian,
    times the magnitude (there, of the order of 100). ``identity-warp`` is stronger, and never folds.

    :param magnitude: an image's is uniform between these two, in ``unit``.
    :param apart: distance of the control points, in ``unit``.
    :param sigma: standard deviation of the Gaussian, uniform between these two, in ``unit``, instead of control points.
    :param unit: ``voxel`` or ``mm``.
    :param ripple: MONAI's, with control points.
    :param probability: of changing an image at all.
    :param scope: ``view`` draws for every row, ``subject`` once for all rows of a subject.
    :param spacing: voxel size in mm along each axis; 1 mm where nothing is known (a picture's pixel).
    """

    magnitude: tuple[float, float] = (1.0, 2.0)
    apart: float = 30.0
    sigma: tuple[float, float] | None = None
    unit: Literal["voxel", "mm"] = "voxel"
    ripple: bool = False
    probability: float = 0.3
    scope: Literal["view", "subject"] = "view"
    spacing: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.apart <= 0:
            raise ParameterError(f"apart should be above 0, got {self.apart}", key=("apart",))
        if self.sigma is not None and min(self.sigma) <= 0:
            raise ParameterError(f"sigma should be above 0, got {list(self.sigma)}", key=("sigma",))
        if self.sigma is not None and self.ripple:
            raise ParameterError("only control points have a ripple, and 'sigma' is without them", key=("ripple",))

    def draw(self, generators: Sequence[Generator], batch: Tensor) -> Draws:
        """``displacement`` ``(B, n, *grid)`` in voxels, of points of the image from its first to its last voxel."""
        shape = batch.shape[2:]
        voxels = torch.tensor(
            [1.0 if self.unit == "voxel" else 1 / step for step in self.spacing or [1.0] * len(shape)]
        )
        active = gate(generators, self.probability)
        strength = uniform(generators, 1, low=self.magnitude[0], high=self.magnitude[1]) * voxels
        strength = strength.view(len(active), len(shape), *[1] * len(shape))
        if self.sigma is None:
            moved = self._between_points(generators, shape, voxels.tolist(), strength)
        else:
            widths = uniform(generators, 1, low=self.sigma[0], high=self.sigma[1]) * voxels
            moved = _smoothed(uniform(generators, len(shape), *shape), widths) * strength
        moved[~active] = 0
        return Draws(active, {"displacement": moved})

    def map(self, parameters: Draws) -> DisplacementMap:
        """The map of each image."""
        return DisplacementMap(parameters["displacement"])

    def locate(self, points: Tensor, parameters: Draws) -> Tensor:
        """``(B, *spatial, n)`` points of the output to points of the input."""
        return self.map(parameters)(points)

    def _between_points(
        self, generators: Sequence[Generator], shape: Sequence[int], voxels: Sequence[float], strength: Tensor
    ) -> Tensor:
        axes = [_Axis(size, self.apart * unit) for size, unit in zip(shape, voxels, strict=True)]
        offsets = normal(generators, len(shape), *[axis.points for axis in axes]) * strength
        moved = combine(offsets, [axis.weights for axis in axes])
        if self.ripple:
            for number, axis in enumerate(axes):
                moved[:, number] += axis.ripple.view(-1, *[1] * (len(shape) - 1 - number))
        return moved


class _Axis:
    """MONAI's control points along an axis, and how they count at its coarse points.

    :param size: voxels.
    :param apart: voxels between control points.
    """

    def __init__(self, size: int, apart: float) -> None:
        half = (size - 1) / (2 * apart)  # points on either side of the centre; two more on each
        self.points = int(2 * math.ceil(half + 0.5) + 2 if size % 2 == 0 else 2 * math.ceil(half) + 3)
        few = max(2, math.ceil(size / _STEP))
        places = torch.linspace(0, size - 1, few, dtype=torch.float64)
        # Its grid is blown up `apart` times, pixels as squares, and cut about its centre, half a voxel off if odd.
        first = math.floor(self.points * apart) // 2 - size // 2
        weights = _cubic((first + places + 0.5) / apart - 0.5, self.points)
        controls = (torch.arange(self.points) - (self.points - 1) / 2).double() * apart
        self.weights = weights.float()
        self.ripple = (weights @ controls - (places - (size - 1) / 2)).float()


def _cubic(places: Tensor, points: int) -> Tensor:
    """(P, points) weights of Keys' cubic convolution at places counted in points."""
    away = (places[:, None] - torch.arange(points)).abs()
    a = _SHARPNESS
    near = (a + 2) * away**3 - (a + 3) * away**2 + 1
    far = a * (away**3 - 5 * away**2 + 8 * away - 4)
    return torch.where(away < 1, near, torch.where(away < 2, far, 0.0))


def _smoothed(noise: Tensor, widths: Tensor) -> Tensor:
    """``(B, n, *spatial)`` noise, each image through a Gaussian of (B, n) voxels; beyond it is zero, as in MONAI."""
    images = [
        [
            torch.from_numpy(ndimage.gaussian_filter(part.numpy(), width, mode="constant", truncate=3.0))
            for part in image
        ]
        for image, width in zip(noise, widths.tolist(), strict=True)
    ]
    return torch.stack([torch.stack(image) for image in images])
