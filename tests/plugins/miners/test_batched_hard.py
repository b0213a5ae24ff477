"""Algorithm 1 against its own printed loops."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mlfp_plugins.miners.batched_hard import BatchedHardMiner, pairs_by_label
from torch import Tensor

from mlfp.errors import ParameterError, UsageError
from mlfp.plugins import registry
from mlfp.seeds import torch_generator
from mlfp.types.spec import Spec


def distance_of(name: str, left: Tensor, right: Tensor) -> np.float32:
    """Worked out in 64 bit, one pair at a time."""
    a, b = left.double().numpy(), right.double().numpy()
    if name == "l2":
        return np.float32(np.sqrt(((a - b) ** 2).sum()))
    if name == "cosine":
        a, b = a / max(np.sqrt((a * a).sum()), 1e-12), b / max(np.sqrt((b * b).sum()), 1e-12)
        return -np.float32(round((a * b).sum(), 12))
    return -np.float32((a * b).sum())


def hard_sets(rows: Tensor, labels: Tensor, pairs: Tensor, distance: str, ties: str) -> list[set[int]]:
    """Lines 3 to 13 of Algorithm 1: for every pair the anchors of other subjects that are hard."""
    anchors = sorted(set(pairs[:, 0].tolist()))
    found = []
    for i, p in pairs.tolist():
        reach = distance_of(distance, rows[i], rows[p])
        hard = set()
        for j in anchors:
            if labels[i] != labels[j]:
                away = distance_of(distance, rows[i], rows[j])
                if away <= reach if ties == "<=" else away < reach:
                    hard.add(j)
        found.append(hard)
    return found


@st.composite
def batches(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    """Rows of small whole numbers, as half precision holds them: full of duplicates and exact ties."""
    count, dims = draw(st.integers(0, 12)), draw(st.integers(1, 3))
    rows = draw(st.lists(st.lists(st.integers(-2, 2), min_size=dims, max_size=dims), min_size=count, max_size=count))
    labels = draw(st.lists(st.integers(0, 4), min_size=count, max_size=count))
    kind = draw(st.sampled_from([torch.float16, torch.bfloat16, torch.float32]))
    return torch.tensor(rows, dtype=kind).reshape(count, dims), torch.tensor(labels, dtype=torch.int64)


@settings(deadline=None, max_examples=60)
@given(batches(), st.sampled_from(["l2", "cosine", "inner"]), st.sampled_from(["<=", "<"]))
def test_choices_are_exactly_those_of_the_printed_loops(batch: tuple[Tensor, Tensor], distance: str, ties: str) -> None:
    rows, labels = batch
    pairs = pairs_by_label(labels)
    expected = hard_sets(rows, labels, pairs, distance, ties)
    miner = BatchedHardMiner(distance=distance, ties=ties)
    anchors, positives, negatives = (index.tolist() for index in miner(rows, labels))
    kept = [(int(a), int(p)) for (a, p), hard in zip(pairs, expected, strict=True) if hard]
    assert list(zip(anchors, positives, strict=True)) == kept
    for negative, hard in zip(negatives, [hard for hard in expected if hard], strict=True):
        assert negative in hard


@settings(deadline=None, max_examples=40)
@given(batches(), st.sampled_from(["l2", "cosine"]))
def test_fallback_takes_the_nearest_anchor_of_another_subject(batch: tuple[Tensor, Tensor], distance: str) -> None:
    rows, labels = batch
    pairs = pairs_by_label(labels)
    sets = hard_sets(rows, labels, pairs, distance, "<")
    miner = BatchedHardMiner(distance=distance, ties="<", fallback="hardest")
    triplets = list(zip(*(index.tolist() for index in miner(rows, labels)), strict=True))
    anchors = sorted(set(pairs[:, 0].tolist()))
    place = 0
    for (a, p), hard in zip(pairs.tolist(), sets, strict=True):
        others = [j for j in anchors if labels[j] != labels[a]]
        if not others:
            continue
        assert triplets[place][:2] == (a, p)
        nearest = min(distance_of(distance, rows[a], rows[j]) for j in others)
        n = triplets[place][2]
        assert n in hard if hard else distance_of(distance, rows[a], rows[n]) == nearest
        place += 1
    assert place == len(triplets)


def test_large_random_batch_equals_the_loops() -> None:
    generator = torch_generator("batch")
    rows = torch.randn(90, 16, generator=generator)
    labels = torch.arange(30).repeat(3)
    for distance in ("l2", "cosine", "inner"):
        pairs = pairs_by_label(labels)
        expected = hard_sets(rows, labels, pairs, distance, "<=")
        a, p, n = BatchedHardMiner(distance=distance)(rows, labels)
        assert [(int(i), int(k)) for i, k in zip(a, p, strict=True)] == [
            tuple(pair) for pair, hard in zip(pairs.tolist(), expected, strict=True) if hard
        ]
        assert all(int(j) in hard for j, hard in zip(n, [hard for hard in expected if hard], strict=True))


def test_choice_is_uniform_and_independent_of_the_place() -> None:
    """Anchor 0 has a far positive; 7 other anchors are nearer: each comes up as often (chi-squared, 6 degrees)."""
    rows = torch.cat([torch.zeros(1, 2), torch.eye(2).repeat(4, 1)[:7] * torch.linspace(0.1, 1, 7)[:, None]])
    rows = torch.cat([rows, rows + 10.0])
    labels = torch.arange(8).repeat(2)
    pairs = torch.tensor([[0, 8], *[[k, 8 + k] for k in range(1, 8)]])
    miner = BatchedHardMiner(distance="l2")
    miner.generator = torch_generator(1, "uniform")
    counts: Counter[int] = Counter()
    draws = 2800
    for _ in range(draws):
        a, _, n = miner(rows, labels, pairs=pairs)
        counts[int(n[a == 0])] += 1
    assert set(counts) == set(range(1, 8))
    chi_squared = sum((count - draws / 7) ** 2 / (draws / 7) for count in counts.values())
    assert chi_squared < 22.5  # 1 in 1000 by chance


def test_generator_decides_the_draw() -> None:
    rows, labels = torch.randn(64, 4, generator=torch_generator(0)), torch.arange(32).repeat(2)
    miner = BatchedHardMiner()
    drawn = []
    for seed in (0, 0, 1):
        miner.generator = torch_generator(seed, "draw")
        drawn.append(miner(rows, labels))
    assert torch.equal(drawn[0][2], drawn[1][2])
    assert not torch.equal(drawn[0][2], drawn[2][2])


def test_positives_are_never_negatives() -> None:
    rows, labels = torch.randn(60, 3, generator=torch_generator(0)), torch.arange(20).repeat(3)
    _, _, negatives = BatchedHardMiner()(rows, labels)
    assert int(negatives.max()) < 20


def test_given_pairs_replace_those_by_label() -> None:
    rows = torch.tensor([[0.0], [1.0], [5.0], [2.0]])
    labels = torch.tensor([0, 1, 0, 1])
    a, p, n = BatchedHardMiner(distance="l2")(rows, labels, pairs=torch.tensor([[2, 0], [3, 1]]))
    assert (a.tolist(), p.tolist(), n.tolist()) == ([2], [0], [3])


def test_one_pair_has_nobody_to_compare_with() -> None:
    for fallback in ("drop", "hardest"):
        triplets = BatchedHardMiner(fallback=fallback)(torch.randn(2, 4), torch.tensor([3, 3]))
        assert [len(index) for index in triplets] == [0, 0, 0]


@pytest.mark.parametrize("fallback", ["drop", "hardest"])
def test_singletons_and_an_empty_batch_give_nothing(fallback: str) -> None:
    miner = BatchedHardMiner(fallback=fallback)
    for rows, labels in ((torch.randn(5, 4), torch.arange(5)), (torch.randn(0, 4), torch.arange(0))):
        triplets = miner(rows, labels)
        assert all(index.dtype == torch.int64 and not len(index) for index in triplets)


def test_reference_rows_are_positives_and_candidates() -> None:
    rows, labels = torch.tensor([[0.0], [9.0]]), torch.tensor([0, 1])
    memory, memory_labels = torch.tensor([[3.0], [1.0], [2.0], [5.0]]), torch.tensor([0, 1, 2, 3])
    a, p, n = BatchedHardMiner(distance="l2")(rows, labels, memory, memory_labels)
    triplets = list(zip(a.tolist(), p.tolist(), n.tolist(), strict=True))
    assert {t[:2] for t in triplets} == {(0, 0), (1, 1)}
    assert {t[2] for t in triplets if t[0] == 0} <= {1, 2}
    assert {t[2] for t in triplets if t[0] == 1} <= {0, 2, 3}


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(UsageError, match=r"\(4, 2\) and labels \(3,\)"):
        BatchedHardMiner()(torch.randn(4, 2), torch.arange(3))
    with pytest.raises(UsageError, match=r"pairs should be \(P, 2\)"):
        BatchedHardMiner()(torch.randn(4, 2), torch.arange(4), pairs=torch.zeros(3))


def test_registry_hands_it_the_comparison_s_distance() -> None:
    miner = registry().build("miner", Spec("batched-hard"), distance="l2")
    assert miner.named_distance == "l2"
    with pytest.raises(ParameterError, match="distance"):
        registry().build("miner", Spec("batched-hard", {"distance": "manhattan"}))


@settings(deadline=None, max_examples=60)
@given(batches(), st.integers(0, 12), st.sampled_from(["l2", "cosine", "inner"]), st.booleans())
def test_with_a_memory_choices_are_those_of_the_loops(
    batch: tuple[Tensor, Tensor], size: int, distance: str, paired: bool
) -> None:
    """The batch's pairs, or every row's with all that shows its subject; the anchors and the memory as candidates."""
    everything, labels = batch
    rows, whose = everything[:size], labels[:size]
    count, own = len(rows), torch.arange(len(rows))
    pairs = pairs_by_label(whose) if paired else None
    found = BatchedHardMiner(distance=distance)(rows, whose, everything, labels, pairs=pairs, own=own)
    given = (
        pairs.tolist()
        if pairs is not None
        else [[a, b] for a in range(count) for b in range(len(labels)) if a != b and labels[a] == labels[b]]
    )
    anchors = {a for a, _ in given}
    candidates = [j for j in range(len(labels)) if j >= count or j in anchors]
    expected = []
    for a, p in given:
        reach = distance_of(distance, rows[a], everything[p])
        hard = {
            j for j in candidates if labels[j] != labels[a] and distance_of(distance, rows[a], everything[j]) <= reach
        }
        if hard:
            expected.append((a, p, hard))
    triplets = list(zip(*(index.tolist() for index in found), strict=True))
    assert [t[:2] for t in triplets] == [(a, p) for a, p, _ in expected]
    assert all(t[2] in hard for t, (_, _, hard) in zip(triplets, expected, strict=True))
