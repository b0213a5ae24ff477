"""Contrastive loss on pairs."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mlfp.interfaces.miner import IndexTuple
from mlfp_plugins.losses.pairs import Distance, PairLoss, negative_mask, positive_pairs


class ContrastiveLoss(PairLoss):
    """Pulls positives within one margin and pushes negatives beyond another (Hadsell et al. 2006).

    ``mean of max(d(a, p) - positive_margin, 0) + mean of max(negative_margin - d(a, n), 0)``, each mean over the pairs
    above zero, as in pytorch-metric-learning and in Musgrave et al. 2020; for similarities the differences turn
    round. It also stands, by itself and not squared, in Packhäuser et al. 2022.

    :param positive_margin: None means 1 for ``cosine``, and 0 for ``l2``: positives should coincide.
    :param negative_margin: None means 0 for ``cosine`` (negatives should be orthogonal), and 1 for ``l2``.
    :param distance: ``cosine``, ``l2`` or ``inner``. ``inner`` has no natural margins: give both.
    """

    def __init__(
        self,
        *,
        positive_margin: float | None = None,
        negative_margin: float | None = None,
        distance: Distance = "cosine",
    ) -> None:
        super().__init__(distance)
        if distance == "inner" and None in (positive_margin, negative_margin):
            raise ValueError("with the distance 'inner' give positive_margin and negative_margin, such as 1 and 0")
        ends = {"cosine": (1.0, 0.0), "l2": (0.0, 1.0), "inner": (1.0, 0.0)}[distance]
        self.positive_margin = ends[0] if positive_margin is None else positive_margin
        self.negative_margin = ends[1] if negative_margin is None else negative_margin

    def of_matrix(
        self, matrix: Tensor, labels: Tensor, indices_tuple: IndexTuple | None, ref_labels: Tensor
    ) -> Tensor | None:
        """Sum of the two means; a side without pairs adds nothing."""
        positives = matrix[positive_pairs(labels, indices_tuple, ref_labels)]
        negatives = matrix[negative_mask(labels, indices_tuple, ref_labels)]
        if not len(positives) + len(negatives):
            return None
        pull = self.violation(positives, torch.full_like(positives, self.positive_margin))
        push = self.violation(torch.full_like(negatives, self.negative_margin), negatives)
        return _mean_above_zero(pull) + _mean_above_zero(push)


def _mean_above_zero(violations: Tensor) -> Tensor:
    above = functional.relu(violations)
    return above.sum() / (above > 0).sum().clamp(min=1)
