"""SimCLR's loss on two views."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mlfp_plugins.losses.infonce import InfoNCELoss
from mlfp_plugins.losses.pairs import Distance


class NTXentLoss(nn.Module):
    """``-log(exp(s(i, j) / T) / sum over k != i of exp(s(i, k) / T))``, averaged over all 2 B rows.

    Equation 1 of SimCLR (Chen et al. 2020): j is the other view of i, and all other rows of both views are negatives,
    those of the same subject too, for labels are not looked at. It equals pytorch-metric-learning's
    ``SelfSupervisedLoss(NTXentLoss())`` and ``monai:ContrastiveLoss``, in (2 B, 2 B) memory.

    :param temperature: T; 0.1 is the best of SimCLR's table 5.
    :param distance: ``cosine`` is the paper's; for ``l2``, s is the negated distance.
    """

    def __init__(self, *, temperature: float = 0.1, distance: Distance = "cosine") -> None:
        super().__init__()
        self.rows = InfoNCELoss(temperature=temperature, distance=distance)

    def forward(self, z1: Tensor, z2: Tensor) -> Tensor:
        """Two (B, D) views, row i of both showing the same scan, to a scalar."""
        scans = torch.arange(len(z1), device=z1.device)
        value: Tensor = self.rows(torch.cat([z1, z2]), scans.repeat(2))
        return value
