"""Easy positives, semi-hard negatives."""

from __future__ import annotations

import torch
from pytorch_metric_learning.miners import BaseMiner
from torch import Tensor

from mlfp.libraries import pml
from mlfp_plugins.miners.separation import Distance, check_rows, separation

Pairs = tuple[Tensor, Tensor, Tensor, Tensor]


class EasyPositiveSemihardMiner(BaseMiner):  # type: ignore[misc]
    """For each anchor its nearest positive, and the nearest negative that is strictly farther than that positive.

    Xuan et al. 2020, the miner of DeepBrainPrint (section 2.4). "Semi-hard" has no upper margin here, unlike in
    FaceNet. Every row is an anchor; one without a positive, or without such a negative, is dropped. Of several as near,
    the first counts. It chooses as pytorch-metric-learning's BatchEasyHardMiner by default does, but for ties, which
    that one leaves to rounding: here distances are worked out in 64 bit, so that duplicates tie.

    :param distance: ``cosine``, ``l2`` or ``inner``.
    """

    def __init__(self, *, distance: Distance = "cosine") -> None:
        super().__init__(distance=pml.distance(distance))
        self.named_distance = distance

    def forward(
        self,
        embeddings: Tensor,
        labels: Tensor,
        ref_emb: Tensor | None = None,
        ref_labels: Tensor | None = None,
        own: Tensor | None = None,
    ) -> Pairs:
        """Mine (B, D) embeddings with (B,) labels.

        :param ref_emb: (R, D) rows that positives and negatives come from; the batch unless given.
        :param own: (B,) rows of ``ref_emb`` that are the embeddings themselves, and so not their own positives.
        :return: (T,) anchors, positives, the same anchors, and negatives, with T <= B, in the order of the anchors.
        :raises UsageError: the shapes do not fit.
        """
        check_rows(embeddings, labels)
        labels = labels.to(embeddings.device)
        if ref_emb is None or ref_labels is None:
            ref_emb, ref_labels, own = embeddings, labels, torch.arange(len(labels))
        with torch.no_grad():
            found = self._mine(embeddings, labels, ref_emb, ref_labels.to(labels.device), own)
        self.output_assertion(found)
        return found

    def _mine(self, rows: Tensor, labels: Tensor, others: Tensor, other_labels: Tensor, own: Tensor | None) -> Pairs:
        if not len(rows) or not len(others):
            nothing = torch.zeros(0, dtype=torch.int64, device=labels.device)
            return nothing, nothing, nothing, nothing
        apart = separation(rows, others, self.named_distance)
        same = labels[:, None] == other_labels[None]
        positive = same.clone()
        if own is not None:
            positive[torch.arange(len(rows), device=labels.device), own.to(labels.device)] = False
        reach, nearest = apart.masked_fill(~positive, torch.inf).min(dim=1)
        beyond = ~same & (apart > reach[:, None])
        negative = apart.masked_fill(~beyond, torch.inf).argmin(dim=1)
        anchors = (positive.any(dim=1) & beyond.any(dim=1)).nonzero().squeeze(1)
        return anchors, nearest[anchors], anchors, negative[anchors]
