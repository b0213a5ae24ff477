"""The contrastive loss against pytorch-metric-learning, and by hand where that gives up."""

from __future__ import annotations

import pytest
import torch
from mlfp_plugins.losses.contrastive import ContrastiveLoss
from pytorch_metric_learning import distances, losses, miners

from mlfp.seeds import torch_generator


@pytest.mark.parametrize(("distance", "margins"), [("cosine", (1, 0)), ("l2", (0, 1))])
def test_equals_pytorch_metric_learning(distance: str, margins: tuple[float, float]) -> None:
    theirs_distance = (
        distances.CosineSimilarity() if distance == "cosine" else distances.LpDistance(normalize_embeddings=False)
    )
    theirs = losses.ContrastiveLoss(*margins, distance=theirs_distance)
    ours = ContrastiveLoss(distance=distance)
    rows, labels = torch.randn(12, 4, generator=torch_generator(0)), torch.arange(4).repeat(3)
    for indices in (None, miners.MultiSimilarityMiner()(rows, labels), miners.TripletMarginMiner()(rows, labels)):
        if indices is not None and len(indices) == 3:
            # The same pair in several triplets counts once here: a pair is pulled or pushed, not weighted.
            positives = torch.stack(indices[:2]).unique(dim=1)
            negatives = torch.stack((indices[0], indices[2])).unique(dim=1)
            expected = theirs(rows, labels, (*positives, *negatives))
            torch.testing.assert_close(ours(rows, labels, (*positives, *negatives)), expected)
        else:
            torch.testing.assert_close(ours(rows, labels, indices), theirs(rows, labels, indices))


def test_one_pair_counts() -> None:
    rows = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    nothing = torch.zeros(0, dtype=torch.int64)
    one = (torch.tensor([0]), torch.tensor([1]), nothing, nothing)
    assert ContrastiveLoss(distance="l2")(rows, torch.tensor([0, 0]), one).item() == pytest.approx(5.0)


def test_margins_are_asked_for_where_none_is_natural() -> None:
    with pytest.raises(ValueError, match="positive_margin and negative_margin"):
        ContrastiveLoss(distance="inner")


def test_nothing_to_compare_is_a_zero_with_a_gradient() -> None:
    rows = torch.randn(1, 3, requires_grad=True)
    value = ContrastiveLoss()(rows, torch.tensor([0]))
    value.backward()
    assert value.item() == 0
    assert torch.equal(rows.grad, torch.zeros(1, 3))
