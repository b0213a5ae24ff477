"""Loss: vectors to a number. Two kinds, told apart by how they can be called."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from mlfp.interfaces.miner import IndexTuple


class LabelLoss(Protocol):
    """Any loss of pytorch-metric-learning fits. ``indices_tuple`` comes from the term's miner."""

    def __call__(
        self,
        embeddings: Tensor,
        labels: Tensor,
        indices_tuple: IndexTuple | None = None,
        ref_emb: Tensor | None = None,
        ref_labels: Tensor | None = None,
    ) -> Tensor:
        """(B, D) embeddings with (B,) integer labels to a scalar."""
        ...


class ViewLoss(Protocol):
    """A loss on two views of the same scans, such as Barlow Twins. It takes no labels."""

    def __call__(self, z1: Tensor, z2: Tensor) -> Tensor:
        """Two (B, D) tensors, row i of both showing the same scan, to a scalar."""
        ...
