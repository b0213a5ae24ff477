"""Algorithm 1 of Few-Shot Fingerprinting."""

from __future__ import annotations

from typing import Literal

import torch
from pytorch_metric_learning.miners import BaseMiner
from torch import Tensor

from mlfp.errors import UsageError
from mlfp.libraries import pml
from mlfp.seeds import torch_generator
from mlfp_plugins.miners.separation import Distance, check_rows, paired_separation, separation

Triplets = tuple[Tensor, Tensor, Tensor]


class BatchedHardMiner(BaseMiner):  # type: ignore[misc]
    """For each pair (a, p) a negative n, drawn uniformly from the *anchors* of other subjects.

    Only anchors that are at most as far from a as p is can be drawn; a pair without one is dropped. This is Algorithm
    1 of Few-Shot Fingerprinting (Gaspar Alves et al. 2025) as printed. Its released code takes only strictly
    nearer anchors, and for a pair without one the nearest anchor of another subject: ``ties: "<"`` with ``fallback:
    hardest``.
    Positives are never negatives, unlike in pytorch-metric-learning's TripletMarginMiner.

    Well-trained batches may keep nothing; the objective counts that.

    :param fallback: what to do with a pair that has no hard anchor: ``drop`` it, or take the ``hardest`` (nearest).
    :param ties: whether an anchor exactly as far as the positive is hard.
    :param distance: ``cosine``, ``l2`` or ``inner``.
    """

    def __init__(
        self,
        *,
        fallback: Literal["drop", "hardest"] = "drop",
        ties: Literal["<=", "<"] = "<=",
        distance: Distance = "cosine",
    ) -> None:
        super().__init__(distance=pml.distance(distance))
        self.fallback = fallback
        self.ties = ties
        self.named_distance = distance
        #: Where the draws come from; whoever mines sets it before a call.
        self.generator: torch.Generator | None = None

    def forward(
        self,
        embeddings: Tensor,
        labels: Tensor,
        ref_emb: Tensor | None = None,
        ref_labels: Tensor | None = None,
        pairs: Tensor | None = None,
        own: Tensor | None = None,
    ) -> Triplets:
        """Mine (B, D) embeddings with (B,) labels.

        With a memory the pairs stay those of the batch, and its anchors are joined by all that is remembered: a
        negative is drawn from the anchors and from past batches' rows of other subjects. Rows of the batch that are
        no anchors stay out.

        :param ref_emb: (R, D) rows that positives and negatives come from, such as a memory.
        :param pairs: (P, 2) rows of anchor and positive. Unless given, the first row of every subject is the anchor of
            its others, which is how a batch of m scans a subject lies; with ``ref_emb``, every row of the batch is the
            anchor of all of ``ref_emb`` that show its subject.
        :param own: (B,) rows of ``ref_emb`` that are the embeddings themselves, and so neither their own positive nor,
            where they are no anchors, anybody's negative.
        :return: (T,) anchors, positives and negatives, with T <= P, in the order of the pairs.
        :raises UsageError: the shapes do not fit.
        """
        check_rows(embeddings, labels)
        if pairs is not None and (pairs.ndim != 2 or pairs.shape[1] != 2):
            raise UsageError(f"pairs should be (P, 2) rows of anchor and positive, got {tuple(pairs.shape)}")
        with torch.no_grad():
            labels = labels.to(embeddings.device)
            if ref_emb is None or ref_labels is None:
                found = pairs_by_label(labels) if pairs is None else pairs.to(embeddings.device)
                triplets = self._mine(embeddings, labels, embeddings, labels, found, torch.unique(found[:, 0]))
            else:
                ref_labels = ref_labels.to(embeddings.device)
                found = _matches(labels, ref_labels, own) if pairs is None else pairs.to(labels.device)
                candidates = _candidates(ref_labels, found, own)
                triplets = self._mine(embeddings, labels, ref_emb, ref_labels, found, candidates)
        self.output_assertion(triplets)
        return triplets

    def _mine(
        self, rows: Tensor, labels: Tensor, others: Tensor, other_labels: Tensor, pairs: Tensor, candidates: Tensor
    ) -> Triplets:
        """Algorithm 1 with the loops over i and j as the axes of a (P, C) mask."""
        anchors, positives = pairs[:, 0], pairs[:, 1]
        reach = paired_separation(rows[anchors], others[positives], self.named_distance)[:, None]
        apart = separation(rows[anchors], others[candidates], self.named_distance)
        strange = labels[anchors][:, None] != other_labels[candidates][None]
        hard = strange & (apart <= reach if self.ties == "<=" else apart < reach)
        found = hard.any(dim=1)
        chosen = self._draw(hard)
        if self.fallback == "hardest" and len(candidates):
            nearest = apart.masked_fill(~strange, torch.inf).argmin(dim=1)
            chosen, found = torch.where(found, chosen, nearest), strange.any(dim=1)
        return anchors[found], positives[found], candidates[chosen[found]]

    def _draw(self, mask: Tensor) -> Tensor:
        """(P, C) mask to the (P,) column of a uniformly random True of each row; anything where there is none."""
        if self.generator is None:
            self.generator = torch_generator(0, "batched-hard")
        counts = mask.sum(dim=1)
        draws = torch.rand(len(mask), generator=self.generator, dtype=torch.float64)
        place = (draws.to(mask.device) * counts).long()  # the place-th True, counted from 0; draws are below 1
        rank = mask.cumsum(dim=1, dtype=torch.int32)
        return torch.searchsorted(rank, (place + 1).int()[:, None]).squeeze(1).clamp(max=max(mask.shape[1] - 1, 0))


def pairs_by_label(labels: Tensor) -> Tensor:
    """(B,) labels to the (P, 2) pairs of every subject's first row with each of its other rows."""
    _, subjects = torch.unique(labels, return_inverse=True)
    rows = torch.arange(len(labels), device=labels.device)
    first = torch.full((len(labels),), len(labels), device=labels.device).scatter_reduce(0, subjects, rows, "amin")
    anchors = first[subjects]
    return torch.stack([anchors, rows], dim=1)[anchors != rows]


def _matches(labels: Tensor, ref_labels: Tensor, own: Tensor | None) -> Tensor:
    """The (P, 2) pairs of a row with every reference that shows its subject, but itself."""
    same = labels[:, None] == ref_labels[None]
    if own is not None:
        same[torch.arange(len(labels), device=labels.device), own.to(labels.device)] = False
    return same.nonzero()


def _candidates(ref_labels: Tensor, pairs: Tensor, own: Tensor | None) -> Tensor:
    """Which references may be negatives: all but those rows of the batch that are no anchors."""
    allowed = torch.ones(len(ref_labels), dtype=torch.bool, device=ref_labels.device)
    if own is not None:
        own = own.to(ref_labels.device)
        allowed[own] = False
        allowed[own[pairs[:, 0]]] = True
    return allowed.nonzero().squeeze(1)
