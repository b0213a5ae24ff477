"""Averaging images down before they are compared pixel by pixel."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def shrink(images: Tensor, size: int | None) -> Tensor:
    """``(B, C, *spatial)`` so that the longest axis has at most ``size`` voxels, by area averages.

    Axes keep their proportions; None, or images that are small enough, change nothing.
    """
    spatial = images.shape[2:]
    if size is None or max(spatial) <= size:
        return images
    shape = tuple(max(1, round(length * size / max(spatial))) for length in spatial)
    two = len(spatial) == 2
    pool: Callable[..., Tensor] = (
        torch.nn.functional.adaptive_avg_pool2d if two else torch.nn.functional.adaptive_avg_pool3d
    )
    return pool(images, shape)
