"""Smooth random fields: cubic B-splines on a coarse grid of control points."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def control_points(length: float, apart: float) -> int:
    """How many control points, ``apart`` from each other, a cubic B-spline over ``length`` needs."""
    return max(1, math.ceil(length / apart)) + 3


def basis(size: int, controls: int) -> Tensor:
    """(size, controls) weights of uniform cubic B-splines at equally spaced points from end to end."""
    place = torch.linspace(0, controls - 3, size, dtype=torch.float64)
    away = (place[:, None] - torch.arange(-1, controls - 1)).abs()
    near = 2 / 3 - away**2 + away**3 / 2
    far = (2 - away).clamp(min=0) ** 3 / 6
    return torch.where(away < 1, near, far).float()


def spread(coefficients: Tensor, shape: Sequence[int]) -> Tensor:
    """``(B, n, *controls)`` coefficients to ``(B, n, *shape)`` fields, axis by axis."""
    field = coefficients
    for axis, size in enumerate(shape):
        weights = basis(size, coefficients.shape[2 + axis]).to(coefficients.device)
        field = torch.movedim(torch.movedim(field, 2 + axis, -1) @ weights.T, -1, 2 + axis)
    return field.contiguous()


def deviation(dims: int) -> float:
    """Standard deviation, averaged over places, of a field whose coefficients are independent and standard normal."""
    return float((basis(1001, 13)[385:615] ** 2).sum(dim=1).mean() ** (dims / 2))
