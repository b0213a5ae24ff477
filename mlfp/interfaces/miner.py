"""Miner: which rows of a batch are compared."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

#: (anchors, positives, negatives), or (anchors, positives, anchors, negatives); each an int64 vector of rows.
IndexTuple = tuple[Tensor, ...]


class Miner(Protocol):
    """Any miner of pytorch-metric-learning fits.

    A miner whose call has a ``pairs`` keyword is also given the (P, 2) rows of anchors and positives that the batch
    was built from. A miner that draws at random has an attribute ``generator``, set before every call.

    Where a term has a memory, ``ref_emb`` is the batch followed by what is remembered, so that ``pairs`` index it as
    well. A miner whose call has an ``own`` keyword is told the (B,) rows of ``ref_emb`` that are the embeddings
    themselves, which it must never compare with; any other is called once for every anchor, that row left out.
    """

    def __call__(
        self, embeddings: Tensor, labels: Tensor, ref_emb: Tensor | None = None, ref_labels: Tensor | None = None
    ) -> IndexTuple:
        """Mine (B, D) embeddings with (B,) integer labels; positives and negatives index ``ref_emb`` when given."""
        ...
