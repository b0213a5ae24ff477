"""The intensity augmentation's look-up, compiled: one pass to find the head, one to recolour it."""

from __future__ import annotations

import numpy as np

from mlfp.execution.compiled import compiled

_ZERO = np.float32(0)


@compiled
def recolour(
    source: np.ndarray,
    target: np.ndarray,
    table: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    air: np.ndarray,
    tolerance: float,
    everywhere: bool,
) -> None:
    """Look up (C, I, J, K) intensities.

    :param table: (T,) new intensities at equally spaced old ones, both in units of the range.
    :param low: (C,) lower end of the range.
    :param high: (C,) upper end.
    :param air: (C,) the background.
    :param tolerance: share of the range that still counts as background.
    :param everywhere: not only inside the head.
    """
    channels, size_i, size_j, size_k = source.shape
    for n in range(channels):
        reach = high[n] - low[n]
        limit = np.float32(tolerance) * reach
        along_i = np.empty((2, size_j, size_k), np.int32)
        along_j = np.empty((2, size_i, size_k), np.int32)
        along_k = np.empty((2, size_i, size_j), np.int32)
        if not everywhere:
            _ends(source, n, air[n], limit, along_i, along_j, along_k)
        for i in range(size_i):
            for j in range(size_j):
                for k in range(size_k):
                    value = source[n, i, j, k]
                    if everywhere or (
                        (along_k[0, i, j] <= k <= along_k[1, i, j])
                        and (along_j[0, i, k] <= j <= along_j[1, i, k])
                        and (size_i == 1 or along_i[0, j, k] <= i <= along_i[1, j, k])
                    ):
                        value = _look_up(table, (value - low[n]) / reach) * reach + low[n]
                    target[n, i, j, k] = value


@compiled
def _ends(
    source: np.ndarray,
    n: int,
    air: np.float32,
    limit: np.float32,
    along_i: np.ndarray,
    along_j: np.ndarray,
    along_k: np.ndarray,
) -> None:
    """First and last voxel of every line that differ from the background; else the last comes first."""
    _, size_i, size_j, size_k = source.shape
    for ends, size in ((along_i, size_i), (along_j, size_j), (along_k, size_k)):
        ends[0], ends[1] = size, -1
    for i in range(size_i):
        for j in range(size_j):
            for k in range(size_k):
                if abs(source[n, i, j, k] - air) > limit:
                    along_i[0, j, k] = min(along_i[0, j, k], i)
                    along_i[1, j, k] = i
                    along_j[0, i, k] = min(along_j[0, i, k], j)
                    along_j[1, i, k] = j
                    along_k[0, i, j] = min(along_k[0, i, j], k)
                    along_k[1, i, j] = k


@compiled
def _look_up(table: np.ndarray, tone: np.float32) -> np.float32:
    """Linear between the knots; straight on above the last, constant below the first."""
    place = max(tone, _ZERO) * np.float32(len(table) - 1)
    knot = min(int(place), len(table) - 2)
    along = place - np.float32(knot)
    tone_there: np.float32 = table[knot] + along * (table[knot + 1] - table[knot])
    return tone_there
