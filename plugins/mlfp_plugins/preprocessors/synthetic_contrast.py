"""The same anatomy in another contrast, made up: SYNT-CONTR of DeepBrainPrint."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlfp.errors import ParameterError
from mlfp.seeds import numpy_generator
from mlfp.types.volume import Volume


@dataclass(frozen=True)
class SyntheticContrast:
    """Turn some scans into their negative and shift the intensities of all, drawn for every scan from its id.

    SYNT-CONTR (Puglisi et al. 2023, DeepBrainPrint, section 3) is made by "negative transform and random intensity
    shift". How often and how far is not printed; the defaults are the range of its training's shift (Table 1), in units
    of the scan's standard deviation as in its released code, and a negative of every second scan. Drawn once: every
    method sees the same scans.

    :param negative: probability of the negative, ``min + max - x``, taken over the whole image, air included.
    :param shift: added to all: uniform in so many standard deviations of the image, either way.
    :param seed: another seed gives other draws.
    """

    negative: float = 0.5
    shift: float = 0.25
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.negative <= 1:
            raise ParameterError(f"negative is a probability, from 0 to 1; got {self.negative}", key=("negative",))
        if not self.shift >= 0:
            raise ParameterError(f"shift is a largest amount, not below 0; got {self.shift}", key=("shift",))

    def __call__(self, volume: Volume) -> Volume:
        """Change one scan, all channels alike."""
        generator = numpy_generator(self.seed, "synthetic-contrast", volume.scan)
        inverted = generator.random() < self.negative
        shift = generator.uniform(-self.shift, self.shift)
        data = volume.data.astype(np.float32)
        if inverted:
            data = data.min() + data.max() - data
        return volume.with_data(data + np.float32(shift * data.std()))
