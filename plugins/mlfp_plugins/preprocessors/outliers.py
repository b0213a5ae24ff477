"""The most extreme intensities clipped, the others left as they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlfp.errors import ParameterError
from mlfp.preparing.intensities import Outliers as Kind
from mlfp.preparing.intensities import without_outliers
from mlfp.types.volume import Volume
from mlfp_plugins.preprocessors.zscore import Mask, within


@dataclass(frozen=True)
class Outliers:
    """Remove a share of the most extreme intensities, in the scan's own units; ``percentile`` also maps them to [0, 1].

    "Removal of 5 % of intensity outliers from the entire scan" (DeepBrainPrint, section 2.1) does not say on which
    side, nor what takes their place.

    :param share: of the voxels looked at.
    :param how: ``two-sided`` clips half the share at each end, ``high`` all of it at the upper end, ``zero`` sets what
        ``two-sided`` would clip to 0.
    :param mask: where voxels are counted and changed: ``foreground``, ``all``, or ``auto``: the foreground in volumes,
        all in pictures.
    """

    share: float = 0.05
    how: Kind = "two-sided"
    mask: Mask = "auto"

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ParameterError(f"a share is above 0 and below 1, got {self.share}", key=("share",))

    def __call__(self, volume: Volume) -> Volume:
        """Clip one scan, every channel by itself."""
        inside = within(self.mask, volume)
        found = [without_outliers(values, inside, self.share, self.how) for values in volume.data]
        return volume.with_data(np.stack(found))
