"""Gauges of collapse: whether the embeddings still spread."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize


@torch.no_grad()
def gauges(embeddings: Tensor, distance: str = "cosine") -> dict[str, float]:
    """Two numbers that fall when embeddings collapse, to a point or to a line.

    ``mean_distance`` is the mean distance of two different rows: ``1 - cosine`` for ``cosine``, Euclidean for the
    others; 0 when all are one point. ``effective_rank`` is the exponential of the entropy of the normalised singular
    values of the centred embeddings (Roy & Vetterli, EUSIPCO 2007): the number of directions that they use, at most
    ``min(B - 1, D)``; 0 when all are one point.

    :param embeddings: (B, D), two rows or more.
    """
    rows = embeddings.detach().double()
    if distance == "cosine":
        rows = normalize(rows, dim=1)
    return {"mean_distance": _mean_distance(rows, distance), "effective_rank": _effective_rank(rows)}


def _mean_distance(rows: Tensor, distance: str) -> float:
    count = len(rows)
    if count < 2:
        return 0.0
    if distance == "cosine":
        # The sum over all pairs is that of the summed rows with itself, less every row with itself.
        alike = (rows.sum(0).square().sum() - rows.square().sum()) / (count * (count - 1))
        return float(1 - alike)
    return float(torch.pdist(rows).mean())


def _effective_rank(rows: Tensor) -> float:
    values = torch.linalg.svdvals(rows - rows.mean(0))
    # Rounding leaves a point with values near 1e-17 of its length, which would count as directions.
    values = values[values > 1e-9 * max(1.0, float(rows.norm(dim=1).max()))]
    if len(values) == 0:
        return 0.0
    shares = values / values.sum()
    return float(torch.exp(-(shares * shares.log()).sum()))
