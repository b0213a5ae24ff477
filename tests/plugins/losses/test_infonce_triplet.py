"""Equation 3 of DeepBrainPrint, worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from mlfp_plugins.losses.infonce_triplet import InfoNCETripletLoss
from pytorch_metric_learning import losses, miners

from mlfp.seeds import torch_generator


def equation_3(rows: torch.Tensor, a: int, p: int, n: int, temperature: float) -> float:
    def similarity(i: int, j: int) -> float:
        left, right = rows[i].double(), rows[j].double()
        return float(left @ right / left.norm() / right.norm())

    positive = math.exp(similarity(a, p) / temperature)
    return -math.log(positive / (positive + math.exp(similarity(a, n) / temperature)))


ROWS = torch.randn(8, 6, generator=torch_generator("rows"))
LABELS = torch.arange(4).repeat(2)


@pytest.mark.parametrize(
    "triplets",
    [
        [(0, 4, 1)],  # exactly one, of which pytorch-metric-learning makes 0
        [(0, 4, 1), (0, 4, 2), (0, 4, 3)],  # several of one anchor, whose denominators it joins
        [(0, 4, 1), (1, 5, 2), (6, 2, 0)],
    ],
)
def test_mean_of_the_equation_over_triplets(triplets: list[tuple[int, int, int]]) -> None:
    expected = sum(equation_3(ROWS, *triplet, 0.07) for triplet in triplets) / len(triplets)
    mined = tuple(torch.tensor(column) for column in zip(*triplets, strict=True))
    assert InfoNCETripletLoss()(ROWS, LABELS, mined).item() == pytest.approx(expected, rel=1e-5)


def test_equals_the_released_code_where_each_anchor_has_one_triplet() -> None:
    mined = miners.BatchEasyHardMiner()(ROWS, LABELS)
    assert len(mined[0]) > 1
    theirs = losses.NTXentLoss(temperature=0.07)(ROWS, LABELS, mined)
    torch.testing.assert_close(InfoNCETripletLoss()(ROWS, LABELS, mined), theirs)


def test_without_a_miner_all_triplets_of_the_batch() -> None:
    triplets = [(a, (a + 4) % 8, n) for a in range(8) for n in range(8) if n % 4 != a % 4]
    expected = sum(equation_3(ROWS, *triplet, 0.5) for triplet in triplets) / len(triplets)
    assert InfoNCETripletLoss(temperature=0.5)(ROWS, LABELS).item() == pytest.approx(expected, rel=1e-5)


def test_nothing_mined_is_a_zero_with_a_gradient() -> None:
    rows = ROWS.clone().requires_grad_()
    nothing = tuple(torch.zeros(0, dtype=torch.int64) for _ in range(4))
    value = InfoNCETripletLoss()(rows, LABELS, nothing)
    value.backward()
    assert value.item() == 0
    assert torch.equal(rows.grad, torch.zeros_like(ROWS))


def test_a_single_triplet_trains_where_the_library_gives_nothing() -> None:
    one = tuple(torch.tensor([row]) for row in (0, 4, 1))
    rows = ROWS.clone().requires_grad_()
    assert losses.NTXentLoss(temperature=0.07)(rows, LABELS, (one[0], one[1], one[0], one[2])).item() == 0
    InfoNCETripletLoss()(rows, LABELS, one).backward()
    assert rows.grad[[0, 4, 1]].abs().sum(dim=1).gt(0).all()


def test_several_triplets_of_an_anchor_are_not_joined_as_the_library_does() -> None:
    mined = tuple(torch.tensor(column) for column in zip((0, 4, 1), (0, 4, 2), (0, 4, 3), strict=True))
    theirs = losses.NTXentLoss(temperature=0.07)(ROWS, LABELS, mined)
    assert InfoNCETripletLoss()(ROWS, LABELS, mined) < theirs, "one softmax over all three is the harder task"
