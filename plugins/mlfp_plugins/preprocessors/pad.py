"""A shape for all scans, keeping their scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlfp.errors import ParameterError
from mlfp.types.volume import Volume
from mlfp_plugins.preprocessors.resize import shape_for


@dataclass(frozen=True)
class Pad:
    """Cut off or fill up around the centre, to a given shape.

    :param shape: in voxels: one number for all axes, or one an axis.
    :param value: what is filled in; 0 is air in MRI and after z-scoring.
    """

    shape: int | Sequence[int]
    value: float = 0.0

    def __post_init__(self) -> None:
        lengths = [self.shape] if isinstance(self.shape, int) else list(self.shape)
        if not lengths or min(lengths) < 1:
            raise ParameterError(f"a shape is in voxels, 1 or more; got {self.shape!r}", key=("shape",))

    def __call__(self, volume: Volume) -> Volume:
        """Cut and fill one scan; where an odd number is lost or added, one more at the end of the axis."""
        shape = shape_for(self.shape, volume)
        found = np.full((volume.data.shape[0], *shape), self.value, dtype=volume.data.dtype)
        source, target = [slice(None)], [slice(None)]
        shift = np.eye(volume.spatial_dims + 1)
        for axis, (old, new) in enumerate(zip(volume.shape, shape, strict=True)):
            first = (old - new) // 2 if old >= new else -((new - old) // 2)
            source.append(slice(max(first, 0), min(first + new, old)))
            target.append(slice(max(-first, 0), max(-first, 0) + min(old, new)))
            shift[axis, -1] = first
        found[tuple(target)] = volume.data[tuple(source)]
        return volume.with_data(found, affine=volume.affine @ shift)
