"""From values to pixels, and which values to write on an axis."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

Kind = Literal["linear", "log", "probit"]
#: Shares that are written on a probit axis, as far as they fit.
_SHARES = (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99)
#: How near to 0 and 1 a probit axis goes.
_NEAREST = 1e-6
_NORMAL = NormalDist()


@dataclass(frozen=True)
class Scale:
    """A range of values laid on a range of pixels.

    :param low: the value at ``start``.
    :param high: the value at ``end``.
    :param start: a pixel; it may be the larger one, as on an axis that rises.
    :param end: a pixel.
    :param kind: ``probit`` is the normal deviate, on which DET curves of normal scores are straight.
    """

    low: float
    high: float
    start: float
    end: float
    kind: Kind = "linear"

    def __call__(self, values: float | Iterable[float]) -> np.ndarray:
        """Pixels of values; what a log or probit axis cannot show is ``nan``."""
        low, high = _warp(np.array([self.low, self.high]), self.kind)
        warped = _warp(np.asarray(values, dtype=np.float64), self.kind)
        found: np.ndarray = self.start + (warped - low) / ((high - low) or 1.0) * (self.end - self.start)
        return found

    def at(self, value: float) -> float:
        """The pixel of one value."""
        return float(self(value))

    def ticks(self, most: int = 6) -> list[tuple[float, str]]:
        """Values to write, with their texts: round ones, no more than fit."""
        if self.kind == "linear":
            return _linear(self.low, self.high, most)
        wanted = _SHARES if self.kind == "probit" else _decades(self.low, self.high)
        inside = [value for value in wanted if self.low <= value * (1 + 1e-9) and value <= self.high * (1 + 1e-9)]
        step = max(1, math.ceil(len(inside) / max(most, 1)))
        return [(value, short(value)) for value in inside[::step]]


def around(values: Iterable[float], *, zero: bool = False) -> tuple[float, float]:
    """A range with room about the finite values: a share's stays within 0 and 1.

    :param zero: begin at 0 where all values are above it.
    """
    finite = np.array([value for value in values if value is not None and math.isfinite(value)], dtype=np.float64)
    if not len(finite):
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    room = (high - low) * 0.06 or abs(high) * 0.1 or 0.5
    start = 0.0 if zero and low >= 0 else low - room
    if low >= 0:
        start = max(start, 0.0)
    return start, min(high + room, 1.0) if high <= 1 and low >= 0 else high + room


def short(value: float) -> str:
    """``0.25``, ``1e-5``, ``12k``: as few signs as say it."""
    if value == 0:
        return "0"
    size = abs(value)
    if size < 1e-3:
        return f"{value:.0e}".replace("e-0", "e-")
    if size >= 1e6:
        return f"{value / 1e6:g}M"
    return f"{value / 1e3:g}k" if size >= 1e4 else f"{value:.4g}"


def _warp(values: np.ndarray, kind: Kind) -> np.ndarray:
    if kind == "log":
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(values > 0, np.log10(values), np.nan)
    if kind == "probit":
        clipped = np.clip(values, _NEAREST, 1 - _NEAREST)
        flat = [_NORMAL.inv_cdf(float(item)) if math.isfinite(item) else math.nan for item in clipped.ravel()]
        return np.array(flat).reshape(values.shape)
    return values


def _linear(low: float, high: float, most: int) -> list[tuple[float, str]]:
    if not high > low:
        return [(low, short(low))]
    rough = (high - low) / max(most, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [(place * step, short(round(place * step, 12))) for place in range(first, last + 1)]


def _decades(low: float, high: float) -> list[float]:
    if low <= 0:
        return []
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1,) if len(powers) > 3 else (1, 2, 5)
    return [step * 10.0**power for power in powers for step in steps]
