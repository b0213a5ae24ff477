"""One slice of a volume, or several as channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mlfp.data.masks import foreground
from mlfp.errors import ParameterError, ScanError
from mlfp.types.volume import Volume

_AXES = {"sagittal": 0, "coronal": 1, "axial": 2}


@dataclass(frozen=True)
class Slice:
    """Cut a picture out of a volume, upright: front or top of the head at the top, the subject's left at the left.

    Sagittal pictures show the back at the left. The picture's affine maps (row, column) to mm along the volume's own
    two axes in the plane.

    :param axis: ``axial``, ``coronal`` or ``sagittal``.
    :param position: ``center`` (the voxel ``length // 2``: the template's middle, after registration), ``brain`` (the
        middle of the head or brain), or a share of the way from 0 (left, back, bottom) to 1.
    :param count: slices around that position, each a channel of the picture.
    :param step: voxels from one slice to the next.
    """

    axis: Literal["axial", "coronal", "sagittal"] = "axial"
    position: Literal["center", "brain"] | float = "center"
    count: int = 1
    step: int = 1

    def __post_init__(self) -> None:
        if self.position not in ("center", "brain") and not 0 <= float(self.position) <= 1:
            raise ParameterError(
                f"position is 'center', 'brain' or a share from 0 to 1, got {self.position!r}", key=("position",)
            )
        for name, value in (("count", self.count), ("step", self.step)):
            if value < 1:
                raise ParameterError(f"{name} should be 1 or more, got {value}", key=(name,))

    def __call__(self, volume: Volume) -> Volume:
        """Cut one scan: ``(C, I, J, K)`` to ``(count * C, rows, columns)``, the channels of one slice together."""
        if volume.spatial_dims != 3:
            raise ScanError("slices are cut from volumes; this is a picture", hints=["Leave {use: slice} out."])
        axis = _AXES[self.axis]
        across, up = (other for other in range(3) if other != axis)
        data = volume.data.take(self._places(volume, axis), axis=axis + 1)  # (C, ...) with count on this axis
        data = np.moveaxis(data, (axis + 1, up + 1, across + 1), (0, 2, 3))  # (count, C, up, across)
        picture = np.ascontiguousarray(data[:, :, ::-1].reshape(-1, *data.shape[2:]))
        return Volume(picture, _plane(volume, up, across), volume.scan)

    def _places(self, volume: Volume, axis: int) -> list[int]:
        length = volume.shape[axis]
        middle = self._middle(volume, axis)
        first = middle - (self.count // 2) * self.step
        places = [first + self.step * number for number in range(self.count)]
        if places[0] < 0 or places[-1] >= length:
            raise ScanError(
                f"{self.count} {self.axis} slices, {self.step} apart around voxel {middle}, do not fit into {length}",
                hints=["Take fewer, or pad the volume before."],
            )
        return places

    def _middle(self, volume: Volume, axis: int) -> int:
        length = volume.shape[axis]
        if self.position == "center":
            return length // 2
        if self.position != "brain":
            return round(float(self.position) * (length - 1))
        others = tuple(other for other in range(3) if other != axis)
        filled = np.flatnonzero(foreground(volume.data).any(axis=others))
        if not len(filled):
            raise ScanError("nothing in it differs from the air around", hints=["Is the scan empty?"])
        return (int(filled[0]) + int(filled[-1]) + 1) // 2


def _plane(volume: Volume, up: int, across: int) -> np.ndarray:
    """(3, 3): row and column to mm along the directions of two axes; rows run against the direction of ``up``."""
    spacing = volume.spacing
    directions = volume.affine[:3, :3] / np.asarray(spacing)
    origin = volume.affine[:3, 3] @ directions
    top = origin[up] + spacing[up] * (volume.shape[up] - 1)
    return np.array([[-spacing[up], 0, top], [0, spacing[across], origin[across]], [0, 0, 1]])
