"""Voxels of one size for all scans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlfp.data.grids import regrid
from mlfp.errors import ParameterError, ScanError
from mlfp.types.volume import Volume

#: Voxels a scan may have after it, per channel: a spacing in metres rather than mm asks for many more.
_MOST = 2**28


@dataclass(frozen=True)
class Resample:
    """Resample to voxels of a given size, about the same centre, the field of view kept to half a voxel.

    :param spacing: size in mm: one number for all axes, or one an axis. A picture without known spacing has pixels of
        1 mm.
    """

    spacing: float | Sequence[float]

    def __post_init__(self) -> None:
        sizes = [self.spacing] if isinstance(self.spacing, int | float) else list(self.spacing)
        if not sizes or any(not size > 0 for size in sizes):
            raise ParameterError(f"a spacing is in mm and above 0, got {self.spacing!r}", key=("spacing",))

    def __call__(self, volume: Volume) -> Volume:
        """Resample one scan, every channel alike."""
        dims = volume.spatial_dims
        wanted = [self.spacing] * dims if isinstance(self.spacing, int | float) else list(self.spacing)
        if len(wanted) != dims:
            raise ParameterError(f"spacing {self.spacing!r} has {len(wanted)} numbers for scans of {dims} dimensions")
        steps = [size / old for size, old in zip(wanted, volume.spacing, strict=True)]
        shape = [max(1, round(length / step)) for length, step in zip(volume.shape, steps, strict=True)]
        voxels = 1
        for length in shape:
            voxels *= length
        if voxels > _MOST:
            raise ScanError(
                f"resampling from {_mm(volume.spacing)} to {_mm(wanted)} gives the shape {tuple(shape)}",
                hints=["Is its voxel size right, in mm?"],
            )
        return regrid(volume, shape, steps)


def _mm(sizes: Sequence[float]) -> str:
    return " x ".join(f"{size:g}" for size in sizes) + " mm"
