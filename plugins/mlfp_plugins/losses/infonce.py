"""InfoNCE with all negatives of the batch."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from mlfp.interfaces.miner import IndexTuple
from mlfp_plugins.losses.pairs import Distance, PairLoss, negative_mask, positive_pairs
from mlfp_plugins.losses.temperature import checked_temperature


class InfoNCELoss(PairLoss):
    """``-log(exp(s(a, p) / T) / (exp(s(a, p) / T) + sum over n of exp(s(a, n) / T)))``, averaged over positive pairs.

    Oord et al. 2018, as NT-Xent in SimCLR; other positives of the anchor are in no denominator. With
    ``negatives: mined`` it is pytorch-metric-learning's NTXentLoss. The matrix form needs (B, R) memory, where that
    one needs positives x negatives.

    :param temperature: T. 0.07 is DeepBrainPrint's (section 2.4).
    :param negatives: ``batch`` compares with every other subject's row, whatever the miner chose besides the positive;
        ``mined`` only with the negatives the miner chose for the anchor.
    :param distance: ``cosine`` or ``inner``; for ``l2``, s is the negated distance.
    """

    def __init__(
        self,
        *,
        temperature: float = 0.07,
        negatives: Literal["batch", "mined"] = "batch",
        distance: Distance = "cosine",
    ) -> None:
        super().__init__(distance)
        self.temperature = checked_temperature(temperature)
        self.negatives = negatives

    def of_matrix(
        self, matrix: Tensor, labels: Tensor, indices_tuple: IndexTuple | None, ref_labels: Tensor
    ) -> Tensor | None:
        """Mean over the positive pairs of anchors that have a negative."""
        anchors, positives = positive_pairs(labels, indices_tuple, ref_labels)
        counts = negative_mask(labels, indices_tuple if self.negatives == "mined" else None, ref_labels)
        usable = counts.any(dim=1)[anchors]
        anchors, positives = anchors[usable], positives[usable]
        if not len(anchors):
            return None
        similarity = (matrix if self.distance.is_inverted else -matrix) / self.temperature
        # Rows without negatives are not read, but -inf in all of one would make its gradient nan.
        rows, which = torch.unique(anchors, return_inverse=True)
        against = torch.logsumexp(similarity[rows].masked_fill(~counts[rows], -torch.inf), dim=1)
        return functional.softplus(against[which] - similarity[anchors, positives]).mean()
