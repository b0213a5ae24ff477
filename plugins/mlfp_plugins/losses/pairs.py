"""What our losses on pairs share: a matrix of distances, and which of its entries count."""

from __future__ import annotations

from typing import Literal

import torch
from pytorch_metric_learning.utils import loss_and_miner_utils
from torch import Tensor, nn

from mlfp.interfaces.miner import IndexTuple
from mlfp.libraries import pml

Distance = Literal["cosine", "l2", "inner"]


class PairLoss(nn.Module):
    """A loss on anchors, positives and negatives, called as those of pytorch-metric-learning.

    With nothing to compare the value is a zero that hangs on the embeddings, so that it can be differentiated.

    :param distance: ``cosine`` (similarity), ``l2`` (Euclidean, not normalised) or ``inner`` (product).
    """

    def __init__(self, distance: Distance) -> None:
        super().__init__()
        self.distance = pml.distance(distance)

    def forward(
        self,
        embeddings: Tensor,
        labels: Tensor,
        indices_tuple: IndexTuple | None = None,
        ref_emb: Tensor | None = None,
        ref_labels: Tensor | None = None,
    ) -> Tensor:
        """Scalar loss of (B, D) embeddings with (B,) labels.

        :param indices_tuple: (anchors, positives, negatives) or (anchors, positives, anchors, negatives); None means
            all pairs.
        :param ref_emb: (R, D) what positives and negatives index; the embeddings themselves unless given.
        :param ref_labels: (R,) labels of those.
        """
        if ref_emb is None:
            ref_emb, ref_labels = embeddings, labels
        elif ref_labels is None:
            raise TypeError("ref_emb was given without ref_labels")
        matrix = self.distance(embeddings, ref_emb)
        value = self.of_matrix(matrix, labels, indices_tuple, ref_labels)
        return value if value is not None else (embeddings * 0).sum()

    def of_matrix(
        self, matrix: Tensor, labels: Tensor, indices_tuple: IndexTuple | None, ref_labels: Tensor
    ) -> Tensor | None:
        """The loss of a (B, R) matrix of distances (or similarities, for ``cosine`` and ``inner``).

        :return: None when there is nothing to compare.
        """
        raise TypeError(f"{type(self).__name__} should define of_matrix")

    def violation(self, positive: Tensor, negative: Tensor) -> Tensor:
        """By how much a positive is farther than a negative; negative numbers where it is nearer."""
        margin: Tensor = self.distance.margin(positive, negative)
        return margin

    def violations(
        self, matrix: Tensor, labels: Tensor, indices_tuple: IndexTuple | None, ref_labels: Tensor
    ) -> Tensor:
        """(T,) violations of the tuple's triplets; of pairs, of all triplets that share an anchor."""
        if indices_tuple is not None and len(indices_tuple) == 3:
            anchors, positives, negatives = indices_tuple
            return self.violation(matrix[anchors, positives], matrix[anchors, negatives])
        anchors, positives = positive_pairs(labels, indices_tuple, ref_labels)
        counts = negative_mask(labels, indices_tuple, ref_labels)[anchors]
        return self.violation(matrix[anchors, positives][:, None], matrix[anchors])[counts]


def positive_pairs(labels: Tensor, indices_tuple: IndexTuple | None, ref_labels: Tensor) -> tuple[Tensor, Tensor]:
    """(P,) anchors and (P,) positives: the tuple's, or all of the batch, itself excepted."""
    if indices_tuple is not None:
        return indices_tuple[0], indices_tuple[1]
    anchors, positives, _, _ = loss_and_miner_utils.get_all_pairs_indices(labels, ref_labels)
    return anchors, positives


def negative_mask(labels: Tensor, indices_tuple: IndexTuple | None, ref_labels: Tensor) -> Tensor:
    """(B, R) whether a row is a negative of an anchor: those of the tuple, or all of the batch."""
    if indices_tuple is None:
        return labels[:, None] != ref_labels[None, :]
    mask = torch.zeros(len(labels), len(ref_labels), dtype=torch.bool, device=labels.device)
    mask[indices_tuple[-2] if len(indices_tuple) == 4 else indices_tuple[0], indices_tuple[-1]] = True
    return mask
