"""Outliers and z-score, inside the brain or head."""

from __future__ import annotations

from typing import Literal

import numpy as np

from mlfp.errors import ScanError

#: How outliers are removed: both tails clipped, the upper one clipped, or both set to 0.
Outliers = Literal["two-sided", "high", "zero"]


def without_outliers(values: np.ndarray, inside: np.ndarray, share: float, how: Outliers) -> np.ndarray:
    """The same image without a share of its most extreme values, counted and changed inside a mask.

    "Removal of 5 % of intensity outliers from the entire scan" (Puglisi et al. 2023, DeepBrainPrint, section 2.1) does
    not say on which side, nor what takes their place: ``two-sided`` clips half the share at each end, ``high`` clips
    all of it at the upper end, ``zero`` sets what ``two-sided`` would clip to 0.

    :param values: (I, J[, K]).
    :param inside: the same shape, bool.
    """
    low, high = (0.0, 1 - share) if how == "high" else (share / 2, 1 - share / 2)
    bottom, top = np.quantile(values[inside], (low, high))
    found = values.astype(np.float32, copy=True)
    if how == "zero":
        found[inside & ((values < bottom) | (values > top))] = 0
    else:
        found[inside] = np.clip(found[inside], bottom, top)
    return found


def standardised(values: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Mean 0 and standard deviation 1 inside a mask; 0 outside.

    :raises ScanError: all of it has one value.
    """
    chosen = values[inside].astype(np.float64)
    spread = chosen.std()
    if not spread > np.finfo(np.float32).eps * abs(chosen.mean()):
        raise ScanError("all of it has one value", hints=["Is the scan empty?"])
    found = np.zeros(values.shape, dtype=np.float32)
    found[inside] = (chosen - chosen.mean()) / spread
    return found
