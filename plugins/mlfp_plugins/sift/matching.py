"""How much two sets of keypoints have in common."""

from __future__ import annotations

import torch
from torch import Tensor

from mlfp_plugins.sift.extract import Features

#: Columns of a packed keypoint before its descriptor: 1 where there is one, squared distance to the nearest other
#: descriptor of its image, scale and three coordinates in voxels.
PRESENT, OWN, SCALE, PLACE, DESCRIPTOR = 0, 1, 2, slice(3, 6), 6
#: Squared distance of two rank vectors that are not correlated: what a keypoint without company is compared with.
UNRELATED = 2.0


def packed(features: Features, count: int) -> Tensor:
    """(count, 6 + L) float32: one row a keypoint, then rows of zeros."""
    found = torch.from_numpy(features.descriptors[:count])
    rows = torch.zeros(count, DESCRIPTOR + features.descriptors.shape[1])
    rows[: len(found), PRESENT] = 1
    rows[: len(found), OWN] = _company(found)
    rows[: len(found), SCALE] = torch.from_numpy(features.scales[:count]).float()
    places = torch.from_numpy(features.places[:count]).float()
    rows[: len(found), PLACE.start : PLACE.start + places.shape[1]] = places
    rows[: len(found), DESCRIPTOR:] = found
    return rows


def present(rows: Tensor) -> Tensor:
    """The rows that hold a keypoint."""
    return rows[rows[:, PRESENT] > 0]


def soft_jaccard(queries: Tensor, gallery: Tensor, *, bandwidth: float, geometry: bool) -> float:
    """``v / (|A| + |B| - v)`` of two sets, v their soft intersection (Chauvin et al. 2021, section 3).

    A keypoint belongs to the intersection as far as the kernel between it and its nearest of the other set says, and
    only if each is the other's nearest, so that none is counted twice and both directions agree.

    :param queries: (A, 6 + L) rows that are present.
    :param gallery: (B, 6 + L), likewise.
    """
    if len(queries) == 0 or len(gallery) == 0:
        return 0.0
    exponents = _exponents(queries, gallery, bandwidth, geometry)
    lowest, nearest = exponents.min(dim=1)
    mutual = exponents.argmin(dim=0)[nearest] == torch.arange(len(queries))
    shared = float(lowest[mutual].neg().exp().sum(dtype=torch.float64))
    return shared / (len(queries) + len(gallery) - shared)


def _exponents(queries: Tensor, gallery: Tensor, bandwidth: float, geometry: bool) -> Tensor:
    """(A, B): the kernel is ``exp(-this)``.

    Appearance: squared distance of descriptors, by that from the keypoint to the next of its own image, the larger of
    both sides. The paper takes that to the next of all other images, which would make the score of a pair depend on
    which others are there. Geometry: squared distance by the product of the scales, and squared log ratio of scales.
    """
    squares = (2 - 2 * (queries[:, DESCRIPTOR:] @ gallery[:, DESCRIPTOR:].T)).clamp_(min=0)
    exponents = squares.div_(bandwidth**2 * torch.maximum(queries[:, OWN][:, None], gallery[:, OWN]))
    if geometry:
        scales = queries[:, SCALE][:, None], gallery[:, SCALE]
        apart = torch.cdist(queries[:, PLACE], gallery[:, PLACE], compute_mode="donot_use_mm_for_euclid_dist")
        exponents += apart.square() / (scales[0] * scales[1]) + (scales[0] / scales[1]).log().square()
    return exponents


def _company(descriptors: Tensor) -> Tensor:
    """(N,) squared distance of each descriptor to the nearest other of its image; 0 would make a kernel of no width."""
    if len(descriptors) < 2:
        return torch.full((len(descriptors),), UNRELATED)
    squares = 2 - 2 * (descriptors @ descriptors.T)
    return squares.fill_diagonal_(torch.inf).min(dim=1).values.clamp_(min=1e-4)
