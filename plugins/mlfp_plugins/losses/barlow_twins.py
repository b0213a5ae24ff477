"""Barlow Twins: two views of a scan should agree in each component, and components should not repeat each other."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mlfp.errors import ParameterError, UsageError


class BarlowTwinsLoss(nn.Module):
    """``sum over i of (1 - c_ii)^2 + redundancy x sum over i, j != i of c_ij^2``, c the correlations of two views.

    Zbontar et al. 2021, as equation 2 of DeepBrainPrint (Puglisi et al. 2023): both views are batch-normalised without
    a learned scale and shift, and ``c = e1^T e2 / B``. That normalisation divides by the biased deviation of the batch,
    so that equal views have c_ii = 1. ``monai:BarlowTwinsLoss`` divides by the unbiased one: its c is smaller by
    (B - 1) / B, and the diagonal never reaches 1 (4 % less loss at B = 64, far off at small B).

    It sums over D and D^2 entries, so it is large beside a loss that averages: see a term's ``scale``.

    :param redundancy: the paper's lambda; 0.0051 is that of both papers (DeepBrainPrint, section 2.4).
    :param eps: added to the variance under the root, as in ``torch.nn.BatchNorm1d``.
    """

    def __init__(self, *, redundancy: float = 0.0051, eps: float = 1e-5) -> None:
        super().__init__()
        if redundancy < 0:
            raise ParameterError(f"redundancy should not be negative, got {redundancy}", key=("redundancy",))
        if not eps > 0:
            raise ParameterError(f"eps should be above 0, got {eps}", key=("eps",))
        self.redundancy = redundancy
        self.eps = eps

    def forward(self, z1: Tensor, z2: Tensor) -> Tensor:
        """Two (B, D) views, row i of both showing the same scan, to a scalar.

        :raises UsageError: the views differ in shape, or hold one row, which has no deviation.
        """
        if z1.shape != z2.shape or z1.ndim != 2 or len(z1) < 2:
            raise UsageError(
                f"Barlow Twins compares two views of at least 2 scans, got {tuple(z1.shape)} and {tuple(z2.shape)}",
                hints=["Expected (B, D) twice. Give batches more subjects or scans."],
            )
        first, second = (functional.batch_norm(view, None, None, training=True, eps=self.eps) for view in (z1, z2))
        correlation = first.T @ second / len(z1)
        squares = correlation.square()
        agreement = (1 - correlation.diagonal()).square().sum()
        # The off-diagonal by a mask, not by total minus trace: that difference cancels where little is repeated.
        apart = ~torch.eye(len(correlation), dtype=torch.bool, device=correlation.device)
        return agreement + self.redundancy * squares[apart].sum()
