"""Where a head lies: seven numbers, the matrix they stand for, and images read in another pose."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mlfp.training.maps import AffineMap, centred_grid, sample


def matrix_of(turn: Tensor, size: Tensor, shift: Tensor) -> Tensor:
    """(B, 4, 4) similarity, from mm to mm: turned, then scaled, then shifted.

    :param turn: (B, 3) rotation vectors in radians: along the axis, as long as the angle.
    :param size: (B,) logarithms of the scale.
    :param shift: (B, 3) in mm.
    """
    angle = turn.norm(dim=1).clamp_min(1e-8).view(-1, 1, 1)
    x, y, z = turn.unbind(1)
    none = torch.zeros_like(x)
    cross = torch.stack([none, -z, y, z, none, -x, -y, x, none], dim=1).view(-1, 3, 3) / angle
    one = torch.eye(3, device=turn.device)
    rotation = one + angle.sin() * cross + (1 - angle.cos()) * (cross @ cross)  # Rodrigues
    matrix = torch.eye(4, device=turn.device).repeat(len(turn), 1, 1)
    matrix[:, :3, :3] = rotation * size.exp().view(-1, 1, 1)
    matrix[:, :3, 3] = shift
    return matrix


def mean_of(matrices: Sequence[Tensor]) -> Tensor:
    """(B, 4, 4) the similarity nearest to the mean of several, each (B, 4, 4): its turn by the singular values."""
    found = torch.stack(list(matrices)).mean(0)
    left, sizes, right = torch.linalg.svd(found[:, :3, :3])
    found[:, :3, :3] = left @ right * sizes.mean(1).view(-1, 1, 1)
    return found


def grid_mm(shape: Sequence[int], spacing: float, device: torch.device | None = None) -> Tensor:
    """``(*shape, 3)`` places of voxels of this size in mm, about the middle."""
    return centred_grid(shape, device) * spacing


def read(images: Tensor, spacing: float, matrices: Tensor, grid: Tensor) -> Tensor:
    """Images in another pose, linearly interpolated; what lies beyond them is 0.

    :param images: ``(B, C, I, J, K)``.
    :param spacing: of their voxels, in mm.
    :param matrices: (B, 4, 4) from mm about the middle of the result to mm about the middle of the image.
    :param grid: ``(*shape, 3)`` in mm: where the result's voxels lie.
    :return: ``(B, C, *shape)``.
    """
    move = AffineMap(matrices[:, :3, :3], matrices[:, :3, 3])
    places = move(grid.expand(len(images), *grid.shape)) / spacing
    return sample(images, places, images.new_zeros(images.shape[:2]))
