"""Images at ever coarser scale, in two and three dimensions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

#: Levels an octave whose extrema count (Lowe 2004, section 3.2; Toews & Wells 2013).
SCALES = 3
#: Blur of an octave's first level, in its own samples (Lowe 2004, section 3.3).
BLUR = 1.6
#: Blur that an image is taken to have come with, in voxels (Lowe 2004, section 3.3).
GIVEN_BLUR = 0.5
#: An octave with fewer samples than this along an axis holds no neighbourhood worth a descriptor.
SMALLEST = 8


@dataclass(frozen=True)
class Octave:
    """Levels of one sampling, each ``2 ** (1 / 3)`` times as blurred as the one before.

    :param levels: ``(SCALES + 3, *spatial)`` float32.
    :param step: voxels of the image from one sample to the next; the first sample lies on the image's first voxel.
    """

    levels: np.ndarray
    step: float

    @property
    def differences(self) -> np.ndarray:
        """``(SCALES + 2, *spatial)``: each level less the one before, the difference of Gaussians."""
        found: np.ndarray = np.diff(self.levels, axis=0)
        return found

    def blur(self, level: np.ndarray) -> np.ndarray:
        """Blur of a level, which may lie between two, in samples."""
        found: np.ndarray = BLUR * 2 ** (level / SCALES)
        return found


def octaves(image: np.ndarray, *, double: bool) -> Iterator[Octave]:
    """From fine to coarse, each of half the samples, while they are more than a handful.

    :param image: ``(*spatial)`` float32.
    :param double: begin at twice the samples, by linear interpolation, which finds the smallest structures, too
        (Lowe 2004, section 3.3).
    """
    step, blur = 1.0, GIVEN_BLUR
    if double:
        image, step, blur = _doubled(image), 0.5, 2 * GIVEN_BLUR
    base = _blurred(image, (BLUR**2 - blur**2) ** 0.5)
    while min(base.shape) >= SMALLEST:
        levels = np.empty((SCALES + 3, *base.shape), dtype=np.float32)
        levels[0] = base
        for level in range(1, len(levels)):
            before, after = (BLUR * 2 ** (place / SCALES) for place in (level - 1, level))
            levels[level] = _blurred(levels[level - 1], (after**2 - before**2) ** 0.5)
        yield Octave(levels, step)
        # This level has twice the blur, so that half its samples lose nothing.
        base, step = np.ascontiguousarray(levels[SCALES][(slice(None, None, 2),) * base.ndim]), 2 * step


def _blurred(image: np.ndarray, sigma: float) -> np.ndarray:
    found: np.ndarray = ndimage.gaussian_filter(image, sigma, mode="nearest")
    return found


def _doubled(image: np.ndarray) -> np.ndarray:
    """``(2 n - 1, ...)``: the samples, and the means of neighbours between them, axis by axis."""
    for axis in range(image.ndim):
        moved = np.moveaxis(image, axis, 0)
        larger = np.empty((2 * len(moved) - 1, *moved.shape[1:]), dtype=np.float32)
        larger[::2] = moved
        larger[1::2] = (moved[1:] + moved[:-1]) / 2
        image = np.moveaxis(larger, 0, axis)
    return np.ascontiguousarray(image)
