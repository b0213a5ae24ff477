"""InfoNCE against a loop over its equation and against pytorch-metric-learning."""

from __future__ import annotations

import math

import pytest
import torch
from mlfp_plugins.losses.infonce import InfoNCELoss
from pytorch_metric_learning import losses, miners

from mlfp.errors import ParameterError
from mlfp.seeds import torch_generator


def by_loops(rows: torch.Tensor, labels: torch.Tensor, pairs: list[tuple[int, int]], temperature: float) -> float:
    unit = torch.nn.functional.normalize(rows.double())
    total = 0.0
    for a, p in pairs:
        positive = math.exp(float(unit[a] @ unit[p]) / temperature)
        negatives = sum(
            math.exp(float(unit[a] @ unit[n]) / temperature) for n in range(len(rows)) if labels[n] != labels[a]
        )
        total -= math.log(positive / (positive + negatives))
    return total / len(pairs)


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(12, 4, generator=torch_generator(0)), torch.arange(4).repeat(3)


def test_all_pairs_equal_the_equation(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    rows, labels = batch
    pairs = [(a, p) for a in range(12) for p in range(12) if a != p and labels[a] == labels[p]]
    assert InfoNCELoss(temperature=0.2)(rows, labels).item() == pytest.approx(by_loops(rows, labels, pairs, 0.2))


def test_mined_positives_meet_all_negatives_of_the_batch(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    rows, labels = batch
    mined = miners.BatchEasyHardMiner()(rows, labels)
    pairs = list(zip(mined[0].tolist(), mined[1].tolist(), strict=True))
    expected = by_loops(rows, labels, pairs, 0.07)
    assert InfoNCELoss()(rows, labels, mined).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("distance", ["cosine", "l2"])
def test_mined_negatives_alone_are_ntxent(batch: tuple[torch.Tensor, torch.Tensor], distance: str) -> None:
    rows, labels = batch
    ours = InfoNCELoss(temperature=0.5, negatives="mined", distance=distance)
    theirs = losses.NTXentLoss(temperature=0.5, distance=ours.distance)
    # Without repeated pairs: theirs counts a pair as often as it stands in a triplet.
    for miner in (None, miners.MultiSimilarityMiner(), miners.BatchEasyHardMiner()):
        indices = miner and miner(rows, labels)
        torch.testing.assert_close(ours(rows, labels, indices), theirs(rows, labels, indices))


def test_small_temperature_neither_overflows_nor_loses_its_gradient(
    batch: tuple[torch.Tensor, torch.Tensor],
) -> None:
    rows = batch[0].clone().requires_grad_()
    value = InfoNCELoss(temperature=1e-3)(rows, batch[1])
    value.backward()
    assert value.isfinite()
    assert rows.grad.isfinite().all()
    assert rows.grad.abs().sum() > 0


def test_no_negatives_is_a_zero_with_a_gradient() -> None:
    rows = torch.randn(4, 3, requires_grad=True)
    value = InfoNCELoss()(rows, torch.zeros(4).long())
    value.backward()
    assert value.item() == 0
    assert torch.equal(rows.grad, torch.zeros(4, 3))


def test_temperature_must_be_above_zero() -> None:
    with pytest.raises(ParameterError, match="temperature"):
        InfoNCELoss(temperature=0.0)
