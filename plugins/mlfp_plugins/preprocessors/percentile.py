"""Intensities from 0 to 1, outliers clipped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlfp.errors import ParameterError, ScanError
from mlfp.types.volume import Volume
from mlfp_plugins.preprocessors.zscore import Mask, within


@dataclass(frozen=True)
class Percentile:
    """Map one percentile to 0 and another to 1, and clip what lies outside, air included.

    The default clips 5 %, as DeepBrainPrint (Puglisi 2023, section 2.1) does; the paper leaves open on which side, so
    half is taken on each.

    :param low: percentile that becomes 0.
    :param high: percentile that becomes 1.
    :param mask: where percentiles are taken: ``foreground``, ``all``, or ``auto``: the foreground in volumes, all in
        pictures.
    """

    low: float = 2.5
    high: float = 97.5
    mask: Mask = "auto"

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 100:
            raise ParameterError(f"percentiles should be 0 <= low < high <= 100, got {self.low} and {self.high}")

    def __call__(self, volume: Volume) -> Volume:
        """Map one scan, every channel by itself."""
        inside = within(self.mask, volume)
        found = np.empty(volume.data.shape, dtype=np.float32)
        for channel, values in enumerate(volume.data):
            low, high = np.percentile(values[inside], [self.low, self.high])
            if not high > low:
                raise ScanError(
                    f"percentiles {self.low:g} and {self.high:g} are both {low:g}", hints=["Is the scan nearly empty?"]
                )
            found[channel] = np.clip((values - low) / (high - low), 0, 1)
        return volume.with_data(found)
