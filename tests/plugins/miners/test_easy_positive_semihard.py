"""Easy positives and semi-hard negatives against loops, ties and all."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mlfp_plugins.miners.easy_positive_semihard import EasyPositiveSemihardMiner
from pytorch_metric_learning.miners import BatchEasyHardMiner
from torch import Tensor

from mlfp.errors import UsageError
from mlfp.libraries import pml
from mlfp.seeds import torch_generator

DISTANCES = ["cosine", "l2", "inner"]


def away(name: str, left: Tensor, right: Tensor) -> np.float32:
    """Worked out in 64 bit, one pair at a time."""
    a, b = left.double().numpy(), right.double().numpy()
    if name == "l2":
        return np.float32(np.sqrt(((a - b) ** 2).sum()))
    if name == "cosine":
        a, b = a / max(np.sqrt((a * a).sum()), 1e-12), b / max(np.sqrt((b * b).sum()), 1e-12)
        return -np.float32(round((a * b).sum(), 12))
    return -np.float32((a * b).sum())


def by_loops(
    rows: Tensor, labels: Tensor, distance: str, others: Tensor, other_labels: Tensor, own: list[int | None]
) -> list[tuple[int, int, int]]:
    found = []
    for a in range(len(rows)):
        far = [away(distance, rows[a], row) for row in others]
        positives = [j for j in range(len(others)) if j != own[a] and other_labels[j] == labels[a]]
        if not positives:
            continue
        p = min(positives, key=far.__getitem__)  # the first of several as near
        beyond = [j for j in range(len(others)) if other_labels[j] != labels[a] and far[j] > far[p]]
        if beyond:
            found.append((a, p, min(beyond, key=far.__getitem__)))
    return found


def triplets(found: tuple[Tensor, ...]) -> list[tuple[int, ...]]:
    assert torch.equal(found[0], found[2])
    return list(zip(*(found[place].tolist() for place in (0, 1, 3)), strict=True))


@st.composite
def batches(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    """Rows of small whole numbers in whatever precision holds them: empty, alone, duplicates, exact ties."""
    count, dims = draw(st.integers(0, 12)), draw(st.integers(1, 3))
    rows = draw(st.lists(st.lists(st.integers(-2, 2), min_size=dims, max_size=dims), min_size=count, max_size=count))
    labels = draw(st.lists(st.integers(0, 4), min_size=count, max_size=count))
    kind = draw(st.sampled_from([torch.float16, torch.bfloat16, torch.float32]))
    return torch.tensor(rows, dtype=kind).reshape(count, dims), torch.tensor(labels, dtype=torch.int64)


@settings(deadline=None, max_examples=80)
@given(batches(), st.sampled_from(DISTANCES))
def test_equals_the_loops_ties_and_all(batch: tuple[Tensor, Tensor], distance: str) -> None:
    rows, labels = batch
    found = triplets(EasyPositiveSemihardMiner(distance=distance)(rows, labels))
    assert found == by_loops(rows, labels, distance, rows, labels, list(range(len(rows))))


@settings(deadline=None, max_examples=60)
@given(batches(), st.integers(0, 12), st.sampled_from(DISTANCES), st.booleans())
def test_with_references_too(batch: tuple[Tensor, Tensor], anchors: int, distance: str, told: bool) -> None:
    rows, labels = batch
    first, whose = rows[:anchors], labels[:anchors]
    own = torch.arange(len(first)) if told else None
    found = triplets(EasyPositiveSemihardMiner(distance=distance)(first, whose, rows, labels, own=own))
    nobody: list[int | None] = list(range(len(first))) if told else [None] * len(first)
    assert found == by_loops(first, whose, distance, rows, labels, nobody)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("seed", range(3))
def test_without_ties_it_chooses_as_pytorch_metric_learning(distance: str, seed: int) -> None:
    rows = torch.randn(40, 6, generator=torch_generator(seed, "rows"))
    labels = torch.randint(0, 12, (40,), generator=torch_generator(seed, "labels"))
    ours = EasyPositiveSemihardMiner(distance=distance)(rows, labels)
    theirs = BatchEasyHardMiner(distance=pml.distance(distance))(rows, labels)
    assert len(ours[0]) > 10
    assert all(map(torch.equal, ours, theirs))


def test_a_duplicate_of_the_positive_is_not_beyond_it() -> None:
    rows = torch.tensor([[0.1, 0.3, 0.7], [0.2, 0.6, 1.4], [0.3, 0.9, 2.1], [1.0, 0.0, 0.0]])
    # Rows 0 to 2 point the same way, rounding or not: of the strangers only row 3 is farther than the positive.
    found = EasyPositiveSemihardMiner()(rows, torch.tensor([0, 0, 1, 2]))
    assert triplets(found) == [(0, 1, 3), (1, 0, 3)]


def test_orthogonal_rows_and_rows_of_zeros_tie() -> None:
    """All have the cosine 0 with row 1, though 64 bit makes 1e-17 of one of them."""
    rows = torch.tensor([[0.0, 0.0], [1.0, 1.0], [1.0, -1.0]])
    assert triplets(EasyPositiveSemihardMiner()(rows, torch.tensor([0, 0, 1]))) == []


def test_one_pair_alone_singletons_and_an_empty_batch_give_nothing() -> None:
    miner = EasyPositiveSemihardMiner()
    for labels in (torch.tensor([7, 7]), torch.arange(5), torch.arange(0)):
        found = miner(torch.randn(len(labels), 3), labels)
        assert [len(index) for index in found] == [0, 0, 0, 0]
        assert all(index.dtype == torch.int64 for index in found)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(UsageError, match=r"\(4, 2\) and labels \(3,\)"):
        EasyPositiveSemihardMiner()(torch.randn(4, 2), torch.arange(3))
