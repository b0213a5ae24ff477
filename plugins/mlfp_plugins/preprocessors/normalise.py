"""Intensities by a given mean and deviation, the same for all scans."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlfp.errors import ParameterError, ScanError
from mlfp.types.volume import Volume

Numbers = float | Sequence[float]


@dataclass(frozen=True)
class Normalise:
    """``(x / scale - mean) / deviation``, by numbers that are the same for all scans.

    What released codes do where their papers say less or something else. Few-Shot Fingerprinting's has X-rays as three
    equal channels, by ImageNet's numbers: ``{scale: 255, mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224,
    0.225]}``. DeepBrainPrint's has slices of 8 bit by the mean and deviation of them all, where the paper has the
    z-score of each scan. Encoders that were trained on photographs expect ImageNet's numbers as well.

    :param mean: one number, or one a channel.
    :param deviation: the same.
    :param scale: what values are divided by before: 255 for pictures of 8 bit, 65535 for 16.
    """

    mean: Numbers
    deviation: Numbers
    scale: float = 1.0

    def __post_init__(self) -> None:
        for name in ("deviation", "scale"):
            if not all(value > 0 and math.isfinite(value) for value in _listed(getattr(self, name))):
                raise ParameterError(f"{name} should be above 0, got {getattr(self, name)}", key=(name,))
        lengths = {len(_listed(value)) for value in (self.mean, self.deviation)} - {1}
        if len(lengths) > 1:
            raise ParameterError(
                f"mean {self.mean} and deviation {self.deviation} are of different numbers of channels",
                key=("deviation",),
            )

    def __call__(self, volume: Volume) -> Volume:
        """Normalise one scan; one of a single channel is repeated for as many channels as there are numbers."""
        mean, deviation = (np.array(_listed(value), dtype=np.float64) for value in (self.mean, self.deviation))
        channels, wanted = len(volume.data), max(len(mean), len(deviation))
        if channels > 1 and wanted not in (1, channels):
            raise ScanError(f"it has {channels} channels, and mean and deviation are of {wanted}")
        axes = (slice(None), *[np.newaxis] * volume.spatial_dims)
        data = (volume.data / self.scale - mean[axes]) / deviation[axes]
        return volume.with_data(data.astype(np.float32))


def _listed(value: Numbers) -> list[float]:
    return [float(value)] if isinstance(value, int | float) else [float(item) for item in value]
