"""The one pass over a pair of images that SSIM needs, compiled: over ten times as fast as torch's pooling.

Imports numba, so it is imported when the first pair is scored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])

ONE, TWO = np.float32(1), np.float32(2)


def compiled(function: Function) -> Function:
    """Compile on first call, and keep the result beside the source where that can be written.

    Sums may be reordered, and no division by zero is looked for: both are what lets the loops be vectorised.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", "reassoc", "nsz"}}
    try:
        made: Function = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # there is no folder to keep it in
        made = numba.njit(**options)(function)
    return made


@compiled
def _product(image: np.ndarray, other: np.ndarray, offsets: tuple[np.float32, np.float32], plane: np.ndarray) -> None:
    """The product of two stacks of planes ``(I, J, K)`` less their offsets, summed along I, into (J, K)."""
    depth, wide, long = image.shape
    plane[:] = np.float32(0)
    for i in range(depth):
        for j in range(wide):
            left, right, sums = image[i, j], other[i, j], plane[j]
            for k in range(long):
                sums[k] += (left[k] - offsets[0]) * (right[k] - offsets[1])


@compiled
def _windows(plane: np.ndarray, window: int, line: np.ndarray, sums: np.ndarray) -> None:
    """The sum of the first ``window`` rows of (J, K), then of windows along it, into (K - window + 1,)."""
    line[:] = plane[0]
    for j in range(1, window):
        below = plane[j]
        for k in range(len(line)):
            line[k] += below[k]
    sums[:] = line[: len(sums)]
    for step in range(1, window):
        shifted = line[step:]
        for k in range(len(sums)):
            sums[k] += shifted[k]


@compiled
def _similarity(
    sums: np.ndarray,
    lines: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    offsets: tuple[np.float32, np.float32],
    constants: tuple[np.float32, np.float32],
    count: np.float32,
) -> np.float32:
    """The sum over a line of windows of Wang's equation 13.

    :param sums: of products in each window.
    :param lines: means of the windows of both images, and variances.
    :param constants: his C1 and C2.
    """
    share, unbias = ONE / count, count / (count - ONE)
    left, right, spread, spreads = lines
    one, two = constants
    total = np.float32(0)
    for k in range(len(sums)):
        a, b = left[k], right[k]
        covariance = (sums[k] * share - (a - offsets[0]) * (b - offsets[1])) * unbias
        above = (TWO * a * b + one) * (TWO * covariance + two)
        total += above / ((a * a + b * b + one) * (spread[k] + spreads[k] + two))
    return total


@compiled
def _pair(image: np.ndarray, other: np.ndarray, channel: int, reach: float, depth: int, window: int) -> float:
    """Mean similarity of a channel of two described images ``(3, C, I, J, K)``.

    The covariance's window sum is separable: along I, then J, then K.
    """
    high, wide, long = image.shape[2:]
    rows, columns = wide - window + 1, long - window + 1
    plane, line, sums = np.empty((wide, long), np.float32), np.empty(long, np.float32), np.empty(columns, np.float32)
    constants = (np.float32((0.01 * reach) ** 2), np.float32((0.03 * reach) ** 2))
    count = np.float32(depth * window * window)
    pixels, others = image[0, channel], other[0, channel]
    # Of large values float32 would keep no covariance; any value of the image will do to take off.
    offsets = (pixels[0, 0, 0], others[0, 0, 0])
    total = 0.0
    for i in range(high - depth + 1):
        _product(pixels[i : i + depth], others[i : i + depth], offsets, plane)
        for j in range(rows):
            _windows(plane[j:], window, line, sums)
            lines = (image[1, channel, i, j], other[1, channel, i, j], image[2, channel, i, j], other[2, channel, i, j])
            total += float(_similarity(sums, lines, offsets, constants, count))
    mean: float = total / ((high - depth + 1) * rows * columns)
    return mean


@compiled
def row(
    query: np.ndarray, gallery: np.ndarray, ranges: np.ndarray, depth: int, window: int, scores: np.ndarray
) -> None:
    """Similarities of one query with a gallery, into (G,).

    :param query: ``(3, C, I, J, K)`` float32: pixels, and means and variances of the windows.
    :param gallery: the same, with G in front.
    :param ranges: (G,) range of values of each pair.
    :param depth: voxels of the window along I: 1 for a picture.
    :param window: along J and K.
    """
    channels = query.shape[1]
    for place in range(len(scores)):
        total = 0.0
        for channel in range(channels):
            total += _pair(query, gallery[place], channel, ranges[place], depth, window)
        scores[place] = total / channels
