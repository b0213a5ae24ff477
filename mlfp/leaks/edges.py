"""Where edges run: the same in every contrast of one head, whichever side is brighter."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

#: Voxels along each axis over which an edge's strength is compared with its neighbours', and the share of the whole
#: image's mean that is added to theirs, so that noise in air is no edge.
AROUND, FLOOR = 5, 0.1


def directions(pixels: Tensor) -> Tensor:
    """``(n, *spatial)`` gradient of an image of n axes, its length 0 to 1 by how much it stands out among neighbours.

    Normalised gradient fields: Haber and Modersitzki 2006, MICCAI.
    """
    gradient = torch.stack(torch.gradient(pixels))
    squared = gradient.square().sum(0)
    pool = functional.avg_pool3d if pixels.ndim == 3 else functional.avg_pool2d
    around = pool(squared[None, None], AROUND, stride=1, padding=AROUND // 2, count_include_pad=False)[0, 0]
    scale = (squared + around + FLOOR * squared.mean()).clamp_min(1e-20).sqrt()
    return gradient / scale


def agreement(one: Tensor, two: Tensor, inside: Tensor) -> Tensor:
    """(S,) mean squared cosine between edges, the stronger counting more; 0 to 1, whichever way they point.

    :param one: (n, P) directions at points.
    :param two: (S, n, P) those that were laid over them.
    :param inside: (S, P) 1 where they fall into the other image, else 0.
    """
    along = (two * one).sum(1).square()
    strong = two.square().sum(1) * one.square().sum(0)
    return (along * inside).sum(1) / (strong * inside).sum(1).clamp_min(1e-6)
