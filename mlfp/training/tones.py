"""What intensities mean, whatever normalisation an image went through: its background and its range."""

from __future__ import annotations

import torch
from torch import Tensor

#: Voxels a channel that the range is read from: percentiles of all would cost more than what they are for.
_SEEN = 4096


def background(batch: Tensor) -> Tensor:
    """(B, C) what lies around the subject: the median of blocks in the corners of ``(B, C, *spatial)`` images.

    In an MRI that is air, whatever the normalisation made of it; in an X-ray the tone of the corners.
    """
    corners = batch
    for axis in range(2, batch.ndim):
        width = max(1, batch.shape[axis] // 16)
        ends = [corners.narrow(axis, 0, width), corners.narrow(axis, batch.shape[axis] - width, width)]
        corners = torch.cat(ends, dim=axis)
    return corners.flatten(2).median(dim=2).values


def intensity_range(batch: Tensor) -> tuple[Tensor, Tensor]:
    """(B, C) the 0.5th and the 99.5th percentile, from every so many voxels; the second always above the first."""
    flat = batch.flatten(2)
    seen = flat[:, :, :: max(1, flat.shape[2] // _SEEN)]
    last = seen.shape[2] - 1
    low = seen.kthvalue(round(0.005 * last) + 1, dim=2).values
    high = seen.kthvalue(round(0.995 * last) + 1, dim=2).values
    return low, torch.maximum(high, low + 1e-6)


def extremes(batch: Tensor) -> tuple[Tensor, Tensor]:
    """(B, C) minimum and maximum of ``(B, C, *spatial)`` images."""
    low, high = batch.flatten(2).aminmax(dim=2)
    return low, high
