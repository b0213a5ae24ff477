"""Triplet margin loss."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from mlfp.errors import ParameterError
from mlfp.interfaces.miner import IndexTuple
from mlfp_plugins.losses.pairs import Distance, PairLoss


class TripletLoss(PairLoss):
    """``max(d(a, p) - d(a, n) + margin, 0)``, averaged over all triplets it is given.

    Equation 1 of Few-Shot Fingerprinting (Gaspar Alves et al. 2025; after Schroff et al. 2015), which names no margin:
    its released code has 4, for distances that are Euclidean and not normalised, and averages over all kept triplets,
    not only over those above zero. For a similarity ``s`` in place of a distance it is ``max(s(a, n) - s(a, p) +
    margin, 0)``.

    :param margin: how much nearer the positive should be, in units of the distance. 0.2 suits ``cosine`` (FaceNet);
        with ``distance: l2``, 4 is Few-Shot Fingerprinting's released value.
    :param distance: ``cosine``, ``l2`` or ``inner``.
    """

    def __init__(self, *, margin: float = 0.2, distance: Distance = "cosine") -> None:
        super().__init__(distance)
        if margin < 0:
            raise ParameterError(f"margin should not be negative, got {margin}", key=("margin",))
        self.margin = margin

    def of_matrix(
        self, matrix: Tensor, labels: Tensor, indices_tuple: IndexTuple | None, ref_labels: Tensor
    ) -> Tensor | None:
        """Mean over the tuple's triplets; of pairs, over all triplets they make."""
        violations = self.violations(matrix, labels, indices_tuple, ref_labels)
        return functional.relu(violations + self.margin).mean() if violations.numel() else None
