"""A subject's random draws, some of them inherited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from mlfp.seeds import Name, numpy_generator


@dataclass(frozen=True)
class Draws:
    """Named draws of one individual.

    :param own: name of the individual's streams.
    :param family: name of the streams shared with relatives.
    :param shared: share of the variance that comes from the family: 0 for strangers, 1 for copies.
    """

    own: tuple[Name, ...]
    family: tuple[Name, ...] = ()
    shared: float = 0.0

    def normal(self, what: str, size: Sequence[int] = ()) -> np.ndarray:
        """Standard normal numbers, float32."""
        values = numpy_generator(*self.own, what).standard_normal(tuple(size), dtype=np.float32)
        if self.shared > 0:
            inherited = numpy_generator(*self.family, what).standard_normal(tuple(size), dtype=np.float32)
            values = np.float32(self.shared**0.5) * inherited + np.float32((1 - self.shared) ** 0.5) * values
        return np.asarray(values)

    def uniform(self, what: str, low: float, high: float) -> float:
        """A number between the two; relatives' numbers correlate too."""
        return low + (high - low) * NormalDist().cdf(float(self.normal(what)))

    def generator(self, what: str) -> np.random.Generator:
        """A stream of the individual's own, for what is not inherited."""
        return numpy_generator(*self.own, what)
