"""The field of view ends below the head's centre."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlfp.data.masks import air, foreground
from mlfp.errors import ParameterError, ScanError
from mlfp.types.volume import Volume


@dataclass(frozen=True)
class Cut:
    """Air in place of everything that lies lower than a plane under the head's centre, as in a shorter scan.

    What is far below the brain (jaw, neck) differs between scans of one person, and some methods lean on it.

    :param below: distance in mm from the middle of the head's box down to the plane; 31 as in the first prototype.
    """

    below: float = 31.0

    def __post_init__(self) -> None:
        if not np.isfinite(self.below):
            raise ParameterError(f"a distance is in mm, got {self.below!r}", key=("below",))

    def __call__(self, volume: Volume) -> Volume:
        """Cut one scan, in RAS order: its last axis runs from foot to head."""
        filled = np.flatnonzero(foreground(volume.data).any(axis=(0, 1)))
        if not len(filled):
            raise ScanError("nothing in it differs from the air around", hints=["Is the scan empty?"])
        middle = (filled[0] + filled[-1]) / 2
        lost = np.arange(volume.shape[2]) < middle - self.below / volume.spacing[2]
        airs = np.array([air(channel) for channel in volume.data]).reshape(-1, 1, 1, 1)
        return volume.with_data(np.where(lost, airs, volume.data).astype(volume.data.dtype))
