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
    sizes = zip(shape, coefficients.shape[2:], strict=True)
    return combine(coefficients, [basis(size, count).to(coefficients.device) for size, count in sizes])


def combine(coefficients: Tensor, weights: Sequence[Tensor]) -> Tensor:
    """``(B, n, *counts)`` coefficients of products of functions, whose values along each axis are (size, count)."""
    field = coefficients
    for axis, along in enumerate(weights, start=2):
        field = torch.movedim(torch.movedim(field, axis, -1) @ along.T, -1, axis)
    return field.contiguous()


def deviation(dims: int) -> float:
    """Standard deviation, averaged over places, of a field whose coefficients are independent and standard normal."""
    return float((basis(1001, 13)[385:615] ** 2).sum(dim=1).mean() ** (dims / 2))
