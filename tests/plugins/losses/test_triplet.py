"""The triplet loss against its equation and against pytorch-metric-learning."""

from __future__ import annotations

import pytest
import torch
from mlfp_plugins.losses.triplet import TripletLoss
from pytorch_metric_learning import distances, losses, miners, reducers

from mlfp.errors import ParameterError
from mlfp.plugins import registry
from mlfp.seeds import torch_generator
from mlfp.types.spec import Spec


def batch(rows: int = 12, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(rows, 5, generator=torch_generator(seed)), torch.arange(rows // 3).repeat(3)


def test_mean_over_all_given_triplets_by_hand() -> None:
    rows = torch.tensor([[0.0], [1.0], [3.0], [1.5]])
    triplets = (torch.tensor([0, 0]), torch.tensor([1, 1]), torch.tensor([2, 3]))
    # max(1 - 3 + 1, 0) = 0 and max(1 - 1.5 + 1, 0) = 0.5; the zero counts too
    value = TripletLoss(margin=1.0, distance="l2")(rows, torch.tensor([0, 0, 1, 2]), triplets)
    assert value.item() == pytest.approx(0.25)


def test_one_triplet_counts() -> None:
    one = tuple(torch.tensor([i]) for i in (0, 1, 2))
    rows = torch.tensor([[0.0], [2.0], [1.0]])
    assert TripletLoss(margin=4.0, distance="l2")(rows, torch.tensor([0, 0, 1]), one).item() == pytest.approx(5.0)


@pytest.mark.parametrize("distance", ["cosine", "l2", "inner"])
def test_equals_pytorch_metric_learning_with_mean_reducer(distance: str) -> None:
    theirs_distance = {
        "cosine": distances.CosineSimilarity(),
        "l2": distances.LpDistance(normalize_embeddings=False),
        "inner": distances.DotProductSimilarity(normalize_embeddings=False),
    }[distance]
    theirs = losses.TripletMarginLoss(margin=0.3, distance=theirs_distance, reducer=reducers.MeanReducer())
    ours = TripletLoss(margin=0.3, distance=distance)
    rows, labels = batch()
    mined = {
        "everything": None,
        "triplets": miners.TripletMarginMiner(margin=0.5)(rows, labels),
        "pairs": miners.MultiSimilarityMiner()(rows, labels),
    }
    for name, indices in mined.items():
        torch.testing.assert_close(ours(rows, labels, indices), theirs(rows, labels, indices), msg=name)


def test_reference_rows_are_indexed_by_positives_and_negatives() -> None:
    rows, labels = batch()
    memory, memory_labels = batch(18, seed=1)
    theirs = losses.TripletMarginLoss(margin=0.3, distance=distances.CosineSimilarity(), reducer=reducers.MeanReducer())
    ours = TripletLoss(margin=0.3)(rows, labels, None, memory, memory_labels)
    torch.testing.assert_close(ours, theirs(rows, labels, None, memory, memory_labels))


def test_nothing_to_compare_is_a_zero_with_a_gradient() -> None:
    rows = torch.randn(4, 3, requires_grad=True)
    nothing = tuple(torch.zeros(0, dtype=torch.int64) for _ in range(3))
    for indices, labels in ((nothing, torch.arange(4)), (None, torch.arange(4)), (None, torch.zeros(4).long())):
        value = TripletLoss()(rows, labels, indices)
        value.backward()
        assert value.item() == 0
        assert torch.equal(rows.grad, torch.zeros(4, 3))


def test_gradient_is_finite_between_equal_rows() -> None:
    rows = torch.ones(6, 3, requires_grad=True)
    TripletLoss(margin=1.0, distance="l2")(rows, torch.arange(3).repeat(2)).backward()
    assert rows.grad.isfinite().all()


def test_negative_margin_is_refused() -> None:
    with pytest.raises(ParameterError, match="margin should not be negative"):
        TripletLoss(margin=-1.0)


def test_few_shot_fingerprinting_s_released_values() -> None:
    """Euclidean distances that are not normalised, margin 4, mean over all kept triplets."""
    loss = registry().build("loss", Spec("triplet", {"margin": 4}), distance="l2")
    rows = torch.tensor([[3.0, 4.0], [0.0, 0.0], [6.0, 8.0], [3.0, 16.0]])
    triplets = (torch.tensor([0, 0]), torch.tensor([1, 1]), torch.tensor([2, 3]))
    # d(a, p) = 5; d(a, n) = 5 and 12: max(5 - 5 + 4, 0) = 4 and max(5 - 12 + 4, 0) = 0, which counts in the mean
    assert loss(rows, torch.tensor([0, 0, 1, 2]), triplets).item() == pytest.approx(2.0)
