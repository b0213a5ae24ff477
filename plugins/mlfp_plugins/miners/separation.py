"""How far apart rows are, to the last bit, for miners that compare distances with <=."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from mlfp.errors import ParameterError, UsageError, nearest

Distance = Literal["cosine", "l2", "inner"]
#: Cosines are whole multiples of its inverse: far above the noise of 64 bit, far below the steps of 32 bit.
_FINE = 2.0**40


def separation(rows: Tensor, others: Tensor, distance: str) -> Tensor:
    """(R, D) and (O, D) to (R, O) float32 numbers that grow with the distance.

    Worked out in 64 bit and rounded to 32, so that equal vectors tie whatever the order of summation: duplicates and
    half-precision embeddings make ties that Algorithm 1's ``<=`` must see.

    :param distance: ``cosine``, ``l2`` or ``inner``.
    :raises ParameterError: another distance.
    """
    if rows.device.type == "mps":  # has no 64 bit
        return separation(rows.cpu(), others.cpu(), distance).to(rows.device)
    left, right = rows.double(), others.double()
    if distance == "l2":
        return torch.cdist(left, right, compute_mode="donot_use_mm_for_euclid_dist").float()
    if distance == "cosine":
        likeness = functional.normalize(left) @ functional.normalize(right).T
        # Rounding to 32 bit is relative, and leaves the noise in what should be 0, such as of orthogonal rows.
        return -(likeness * _FINE).round().div(_FINE).float()
    if distance == "inner":
        return -(left @ right.T).float()
    known = ("cosine", "l2", "inner")
    raise ParameterError(
        f"unknown distance {distance!r}",
        key=("distance",),
        hints=[*nearest(distance, known), f"Known: {', '.join(known)}"],
    )


def paired_separation(rows: Tensor, others: Tensor, distance: str) -> Tensor:
    """(R, D) and (R, D) to the (R,) diagonal of :func:`separation`."""
    blocks = [
        separation(left, right, distance).diagonal()
        for left, right in zip(torch.split(rows, 32), torch.split(others, 32), strict=True)
    ]
    return torch.cat(blocks) if blocks else rows.new_zeros(0, dtype=torch.float32)


def check_rows(embeddings: Tensor, labels: Tensor) -> None:
    """Refuse what is no batch.

    :raises UsageError: it is not (B, D) with (B,).
    """
    if embeddings.ndim != 2 or labels.shape != embeddings.shape[:1]:
        raise UsageError(
            f"embeddings {tuple(embeddings.shape)} and labels {tuple(labels.shape)} do not fit",
            hints=["Expected (B, D) and (B,)."],
        )
