"""InfoNCE with the one mined negative of DeepBrainPrint."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from mlfp.interfaces.miner import IndexTuple
from mlfp_plugins.losses.pairs import Distance, PairLoss
from mlfp_plugins.losses.temperature import checked_temperature


class InfoNCETripletLoss(PairLoss):
    """``-log(exp(s(a, p) / T) / (exp(s(a, p) / T) + exp(s(a, n) / T)))``, averaged over triplets.

    Equation 3 of DeepBrainPrint (Puglisi et al. 2023), which is ``softplus((s(a, n) - s(a, p)) / T)``. Its released
    code uses pytorch-metric-learning's NTXentLoss, which agrees where each anchor stands in one triplet and there are
    at least two: with several triplets of one anchor that joins their denominators, and of a single triplet it gives
    0.

    :param temperature: T. 0.07 is the paper's (section 2.4).
    :param distance: ``cosine`` is the paper's; for ``l2``, s is the negated distance.
    """

    def __init__(self, *, temperature: float = 0.07, distance: Distance = "cosine") -> None:
        super().__init__(distance)
        self.temperature = checked_temperature(temperature)

    def of_matrix(
        self, matrix: Tensor, labels: Tensor, indices_tuple: IndexTuple | None, ref_labels: Tensor
    ) -> Tensor | None:
        """Mean over the miner's triplets; of pairs, over all triplets they make."""
        violations = self.violations(matrix, labels, indices_tuple, ref_labels)
        return functional.softplus(violations / self.temperature).mean() if violations.numel() else None
