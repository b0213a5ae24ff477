"""The head or body with a margin, and nothing of the air around."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlfp.data.masks import foreground
from mlfp.errors import ParameterError, ScanError
from mlfp.types.volume import Volume


@dataclass(frozen=True)
class Crop:
    """Crop to the box around the content.

    :param margin: mm of air kept on every side, as far as there are.
    """

    margin: float = 5.0

    def __post_init__(self) -> None:
        if not self.margin >= 0:
            raise ParameterError(f"a margin is in mm and not below 0, got {self.margin!r}", key=("margin",))

    def __call__(self, volume: Volume) -> Volume:
        """Crop one scan."""
        mask = foreground(volume.data)
        if not mask.any():
            raise ScanError("nothing in it differs from the air around", hints=["Is the scan empty?"])
        box = [slice(None)]
        shift = np.eye(volume.spatial_dims + 1)
        for axis, spacing in enumerate(volume.spacing):
            others = tuple(other for other in range(mask.ndim) if other != axis)
            filled = np.flatnonzero(mask.any(axis=others))
            margin = int(np.ceil(self.margin / spacing))
            first = max(0, int(filled[0]) - margin)
            box.append(slice(first, min(mask.shape[axis], int(filled[-1]) + 1 + margin)))
            shift[axis, -1] = first
        return volume.with_data(np.ascontiguousarray(volume.data[tuple(box)]), affine=volume.affine @ shift)
