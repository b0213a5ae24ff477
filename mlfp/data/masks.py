"""Where the head or body is, and where there is only air."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

#: Above this share of the way from air to the brightest tissue, a voxel is no air (BET: Smith 2002, Human Brain Mapping
#: 17).
SHARE = 0.1
#: The brightest tissue: a percentile, as single voxels (vessels, metal) may be far brighter.
BRIGHT = 98.0
#: Above this share of the voxels that are not air on either side of it, air lies amid them.
BOTH = 0.1
#: There this much is no air: less is what a blur or an interpolation leaves beside tissue.
FAINT = 1e-4
#: Larger scans are looked at on every second (third, ...) voxel: their outline needs no more.
VOXELS = 2_000_000


def foreground(data: np.ndarray) -> np.ndarray:
    """(I, J[, K]) bool: the largest connected part that differs from the air around it, with its holes filled.

    Air is what most of the image's border shows, so that this works for CT and for negatives too, and for images
    that are normalised already, with air at 0: where most of the border is one value exactly and the others lie on both
    sides of it, how far a voxel lies from air says nothing, and whatever is not that value counts. All False where
    nothing differs from it.

    :param data: ``(C, I, J[, K])``; what stands out in any channel counts.
    """
    step = max(1, int(np.ceil((data[0].size / VOXELS) ** (1 / (data.ndim - 1)))))
    coarse = data[(slice(None), *(slice(None, None, step),) * (data.ndim - 1))]
    mask = np.zeros(coarse.shape[1:], dtype=bool)
    for channel in coarse:
        mask |= _standing_out(channel)
    mask = _filled(_largest(mask))
    for axis in range(mask.ndim) if step > 1 else ():
        mask = np.repeat(mask, step, axis=axis).take(range(data.shape[axis + 1]), axis=axis)
    return mask


def air(data: np.ndarray) -> float:
    """The value that most of the border of ``(I, J[, K])`` has: its median."""
    return float(np.median(_border(data)))


def _border(data: np.ndarray) -> np.ndarray:
    return np.concatenate([data.take(end, axis=axis).ravel() for axis in range(data.ndim) for end in (0, -1)])


def _standing_out(channel: np.ndarray) -> np.ndarray:
    border = air(channel)
    distance = np.abs(channel.astype(np.float32) - np.float32(border))
    different = distance[distance > 0]
    if different.size == 0:
        return np.zeros(channel.shape, dtype=bool)
    share = FAINT if _amid(channel, border) else SHARE
    found: np.ndarray = distance > share * np.percentile(different, BRIGHT)
    return found


def _amid(channel: np.ndarray, border: float) -> bool:
    """Whether air is one value exactly, and tissue is darker as well as brighter than it."""
    if (_border(channel) == border).mean() <= 0.5:
        return False
    below, above = float((channel < border).mean()), float((channel > border).mean())
    return min(below, above) > BOTH * (below + above)


def _largest(mask: np.ndarray) -> np.ndarray:
    labels, count = ndimage.label(mask)
    if count <= 1:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    found: np.ndarray = labels == sizes.argmax()
    return found


def _filled(mask: np.ndarray) -> np.ndarray:
    found: np.ndarray = ndimage.binary_fill_holes(mask)
    return found
