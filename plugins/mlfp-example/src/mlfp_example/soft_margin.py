"""The soft-margin triplet loss."""

from __future__ import annotations

from typing import Literal

from pytorch_metric_learning.utils.loss_and_miner_utils import convert_to_triplets
from torch import Tensor, nn
from torch.nn import functional

from mlfp.interfaces.miner import IndexTuple
from mlfp.libraries.pml import distance as distance_named


class SoftMarginTripletLoss(nn.Module):
    """``log(1 + exp(d(a, p) - d(a, n)))``, averaged over the triplets.

    The hinge of the triplet loss stops once the margin is kept; its soft form goes on pulling subjects together, ever
    more gently (Hermans, Beyer & Leibe 2017, section 2, "Soft-margin"). They use it with Euclidean distances that are
    not normalised, ``distance: l2``, and with each anchor's hardest positive and negative (``pml:BatchHardMiner``).
    Cosine similarity lies within [-1, 1], where the curve is nearly straight: raise ``sharpness`` there.

    :param sharpness: factor on the difference of distances; the paper has 1.
    :param distance: ``cosine``, ``l2`` or ``inner``; that of the comparison unless given.
    """

    def __init__(self, *, sharpness: float = 1.0, distance: Literal["cosine", "l2", "inner"] = "l2") -> None:
        super().__init__()
        self.sharpness = sharpness
        self.distance = distance_named(distance)

    def forward(
        self,
        embeddings: Tensor,
        labels: Tensor,
        indices_tuple: IndexTuple | None = None,
        ref_emb: Tensor | None = None,
        ref_labels: Tensor | None = None,
    ) -> Tensor:
        """(B, D) embeddings with (B,) labels to a scalar.

        :param indices_tuple: a miner's triplets, or pairs to make triplets of; unless given, all triplets of the batch.
        :param ref_emb: (R, D) rows that positives and negatives come from; those of the batch unless given.
        """
        ref_labels = labels if ref_labels is None else ref_labels
        # "all": its own default would draw some at random, from a global generator.
        anchors, positives, negatives = convert_to_triplets(indices_tuple, labels, ref_labels, t_per_anchor="all")
        if len(anchors) == 0:
            return embeddings.sum() * 0  # nothing to compare, but still connected to the embeddings
        matrix = self.distance(embeddings, ref_emb)
        # How much farther the positive is than the negative, whether the distance grows or falls with likeness.
        violation = self.distance.margin(matrix[anchors, positives], matrix[anchors, negatives])
        value: Tensor = functional.softplus(self.sharpness * violation).mean()
        return value
