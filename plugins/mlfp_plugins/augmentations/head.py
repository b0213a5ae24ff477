"""The head in an image."""

from __future__ import annotations

import torch
from torch import Tensor

from mlfp.training.tones import background, intensity_range

#: How much, as a share of the intensity range, still counts as background.
TOLERANCE = 0.1


def head(batch: Tensor) -> Tensor:
    """``(B, C, *spatial)`` bool: between the outermost voxels, along every axis, that differ from the background.

    Along each line through the image everything between the first and the last such voxel counts, so that ventricles
    and sinuses belong to the head however dark they are.
    """
    low, high = intensity_range(batch)
    shape = (*low.shape, *[1] * (batch.ndim - 2))
    tissue = (batch - background(batch).view(shape)).abs() > (TOLERANCE * (high - low)).view(shape)
    inside = torch.ones_like(tissue)
    for axis in range(2, batch.ndim):
        inside &= _between(tissue, axis)
    return inside


def _between(mask: Tensor, axis: int) -> Tensor:
    """Whether a voxel lies between the first and the last True of its line."""
    size = mask.shape[axis]
    bytes_ = mask.to(torch.uint8)
    first = bytes_.argmax(dim=axis, keepdim=True)
    last = size - 1 - bytes_.flip(axis).argmax(dim=axis, keepdim=True)
    place = torch.arange(size, device=mask.device).view(-1, *[1] * (mask.ndim - 1 - axis))
    return (place >= first) & (place <= last) & mask.any(dim=axis, keepdim=True)
