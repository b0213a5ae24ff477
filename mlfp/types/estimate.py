"""A measured value with its interval, and the units it was averaged from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Units:
    """What an average is over: one row a query (retrieval) or a subject (episodes).

    :param names: (U,) scan or subject ids.
    :param subjects: (U,) the subject of each unit: whole subjects are resampled for the interval.
    :param values: (U,) the measured value of each unit.
    :param weights: (U,) how often the unit counts; the metric is ``sum(weights * values) / sum(weights)``.
    """

    names: np.ndarray
    subjects: np.ndarray
    values: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class Resamples:
    """What a value is in each resample of the subjects: for a rate over pairs, which is no average of units.

    :param values: (B,); ``nan`` where a resample had nothing to measure.
    :param subjects: how many were drawn from.
    :param drawn: digest of these: where it is the same, resample b drew the same subjects.
    :param trial: digest of what was compared: only values of the same may be set against each other.
    """

    values: np.ndarray
    subjects: int
    drawn: str
    trial: str


@dataclass(frozen=True)
class Estimate:
    """A metric's value with a 95 % interval.

    :param value: the point estimate; ``nan`` when there was nothing to measure.
    :param low: lower end of the interval.
    :param high: upper end of the interval.
    :param n: number of queries, episodes or pairs behind the value.
    :param units: what it was averaged from, where it is an average; kept for paired tests and for averaging over seeds.
    :param resamples: the value in each resample, where it is no average; kept for the same.
    """

    value: float
    low: float
    high: float
    n: int
    units: Units | None = None
    resamples: Resamples | None = None

    def to_json(self) -> dict[str, Any]:
        """Value, interval and count, without what they are from."""
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n}
