"""A shape for all scans, stretching them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlfp.data.grids import regrid
from mlfp.errors import ParameterError
from mlfp.types.volume import Volume


@dataclass(frozen=True)
class Resize:
    """Stretch the field of view onto a grid of a given shape: voxels differ in size between scans, if they did before.

    :param shape: in voxels: one number for all axes, or one an axis.
    """

    shape: int | Sequence[int]

    def __post_init__(self) -> None:
        lengths = [self.shape] if isinstance(self.shape, int) else list(self.shape)
        if not lengths or min(lengths) < 1:
            raise ParameterError(f"a shape is in voxels, 1 or more; got {self.shape!r}", key=("shape",))

    def __call__(self, volume: Volume) -> Volume:
        """Stretch one scan, every channel alike."""
        shape = shape_for(self.shape, volume)
        return regrid(volume, shape, [old / new for old, new in zip(volume.shape, shape, strict=True)])


def shape_for(shape: int | Sequence[int], volume: Volume) -> tuple[int, ...]:
    """A shape with a length for each of the volume's axes.

    :raises ParameterError: it has another number of them.
    """
    dims = volume.spatial_dims
    found = (shape,) * dims if isinstance(shape, int) else tuple(shape)
    if len(found) != dims:
        raise ParameterError(
            f"shape {list(found)} has {len(found)} lengths for scans of {dims} dimensions",
            key=("shape",),
            hints=["Channels are not counted."],
        )
    return found
