"""Intensities with mean 0 and standard deviation 1 in the head or body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from mlfp.data.masks import foreground
from mlfp.errors import ScanError
from mlfp.types.volume import Volume

Mask = Literal["auto", "foreground", "all"]


@dataclass(frozen=True)
class ZScore:
    """Take away the mean and divide by the standard deviation, both taken inside a mask; outside becomes 0.

    (As nnU-Net and MONAI's NormalizeIntensity(nonzero=True) do for brains without skull.)

    :param mask: ``foreground``, ``all``, or ``auto``: the foreground in volumes, all in pictures. Put it before
        ``slice`` to normalise by the whole volume.
    """

    mask: Mask = "auto"

    def __call__(self, volume: Volume) -> Volume:
        """Normalise one scan, every channel by itself."""
        inside = within(self.mask, volume)
        found = np.zeros(volume.data.shape, dtype=np.float32)
        for channel, values in enumerate(volume.data):
            chosen = values[inside].astype(np.float64)
            spread = chosen.std()
            if not spread > np.finfo(np.float32).eps * abs(chosen.mean()):
                raise ScanError("all of it has one value", hints=["Is the scan empty?"])
            found[channel][inside] = (chosen - chosen.mean()) / spread
        return volume.with_data(found)


def within(mask: Mask, volume: Volume) -> np.ndarray:
    """(I, J[, K]) bool: where to look.

    :raises ScanError: the mask is empty.
    """
    if mask == "all" or (mask == "auto" and volume.spatial_dims == 2):
        return np.ones(volume.shape, dtype=bool)
    found = foreground(volume.data)
    if not found.any():
        raise ScanError("nothing in it differs from the air around", hints=["Is the scan empty?"])
    return found
