"""A shape for all scans, keeping their scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mlfp.data.masks import foreground
from mlfp.errors import ParameterError, ScanError
from mlfp.types.volume import Volume
from mlfp_plugins.preprocessors.resize import shape_for


@dataclass(frozen=True)
class Pad:
    """Cut off or fill up around the centre, to a given shape.

    :param shape: in voxels: one number for all axes, or one an axis.
    :param value: what is filled in; 0 is air in MRI and after z-scoring.
    :param around: what comes to lie in the middle: the ``middle`` of the scan, or the centre of ``mass`` of the head or
        body, to the nearest voxel: then heads lie on each other wherever they lay in the scanner.
    """

    shape: int | Sequence[int]
    value: float = 0.0
    around: Literal["middle", "mass"] = "middle"

    def __post_init__(self) -> None:
        lengths = [self.shape] if isinstance(self.shape, int) else list(self.shape)
        if not lengths or min(lengths) < 1:
            raise ParameterError(f"a shape is in voxels, 1 or more; got {self.shape!r}", key=("shape",))
        if self.around not in ("middle", "mass"):
            raise ParameterError(f"around should be middle or mass, got {self.around!r}", key=("around",))

    def __call__(self, volume: Volume) -> Volume:
        """Cut and fill one scan; where an odd number is lost or added, one more at the end of the axis."""
        shape = shape_for(self.shape, volume)
        found = np.full((volume.data.shape[0], *shape), self.value, dtype=volume.data.dtype)
        source, target = [slice(None)], [slice(None)]
        shift = np.eye(volume.spatial_dims + 1)
        for axis, (first, old, new) in enumerate(zip(self._firsts(volume, shape), volume.shape, shape, strict=True)):
            stop = max(min(first + new, old), max(first, 0))
            source.append(slice(max(first, 0), stop))
            target.append(slice(max(-first, 0), max(-first, 0) + stop - max(first, 0)))
            shift[axis, -1] = first
        found[tuple(target)] = volume.data[tuple(source)]
        return volume.with_data(found, affine=volume.affine @ shift)

    def _firsts(self, volume: Volume, shape: Sequence[int]) -> list[int]:
        """Where on each axis of the scan the new grid begins.

        :raises ScanError: there is nothing whose mass has a centre.
        """
        if self.around == "middle":
            sizes = zip(volume.shape, shape, strict=True)
            return [(old - new) // 2 if old >= new else -((new - old) // 2) for old, new in sizes]
        mask = foreground(volume.data)
        if not mask.any():
            raise ScanError("nothing in it differs from the air around", hints=["Is the scan empty?"])
        centre = [float(places.mean()) for places in np.nonzero(mask)]
        # Halves up, and not to the even neighbour: else a step of one voxel could move the head by none, or two.
        return [int(np.floor(place - new / 2 + 1)) for place, new in zip(centre, shape, strict=True)]
