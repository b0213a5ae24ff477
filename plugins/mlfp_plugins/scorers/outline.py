"""The shape of the mask, and nothing else: the opponent that shows how much of a result the outline explains."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mlfp.data.masks import foreground
from mlfp.errors import ParameterError
from mlfp_plugins.scorers.shrink import shrink


class Outline:
    """Overlap (Dice) of the masks of head or body, as they lie or with their centres of mass on each other.

    The higher of the two counts: scans that were aligned, or masked with one common mask, are matched where they lie,
    those that were moved by their shape. Intensities decide what is air and what is not (see
    :func:`mlfp.data.masks.foreground`) and are then forgotten. Two empty masks say nothing: 0.

    :param size: voxels along the longest axis at which masks are compared.
    """

    symmetric = True

    def __init__(self, size: int = 64) -> None:
        self.size = size

    def describe(self, images: Tensor) -> Tensor:
        """``(B, C, *spatial)`` to ``(B, 2, P)``: each channel's mask, as it lies and centred.

        :raises ParameterError: the size is below 1.
        """
        if self.size < 1:
            raise ParameterError(f"size should be 1 or more, got {self.size}", key=("size",))
        found = np.stack([[foreground(channel[None]) for channel in image] for image in images.numpy()])
        masks = shrink(torch.from_numpy(found.astype(np.float32)), self.size)
        return torch.stack([masks.flatten(1), _centred(masks).flatten(1)], dim=1)

    def score(self, queries: Tensor, gallery: Tensor) -> Tensor:
        """(Q, 2, P) and (G, 2, P) to (Q, G) overlaps in [0, 1]."""
        return torch.maximum(_overlap(queries[:, 0], gallery[:, 0]), _overlap(queries[:, 1], gallery[:, 1]))


def _overlap(queries: Tensor, gallery: Tensor) -> Tensor:
    """Dice's coefficient for shares of a voxel: 1 for a mask and itself."""
    total = queries.square().sum(dim=1)[:, None] + gallery.square().sum(dim=1)
    return (2 * (queries @ gallery.T) / total.masked_fill(total == 0, 1)).clamp_(0, 1)


def _centred(masks: Tensor) -> Tensor:
    """``(B, C, *spatial)`` moved so that the centre of mass of all channels together is the image's centre."""
    spatial = masks.shape[2:]
    together = masks.sum(dim=1)
    mass = together.flatten(1).sum(dim=1).clamp(min=1e-6)
    shifts = []
    for axis, length in enumerate(spatial):
        others = [other + 1 for other in range(len(spatial)) if other != axis]
        # grid_sample's coordinates: -1 to 1 from edge to edge.
        places = (2 * torch.arange(length) + 1) / length - 1
        shifts.append((together.sum(dim=others) * places).sum(dim=1) / mass)
    # It counts axes from the last.
    shift = torch.stack(shifts[::-1], dim=1)[:, :, None]
    still = torch.eye(len(spatial)).expand(len(masks), -1, -1)
    grid = torch.nn.functional.affine_grid(torch.cat([still, shift], dim=2), list(masks.shape), align_corners=False)
    return torch.nn.functional.grid_sample(masks, grid, align_corners=False)
