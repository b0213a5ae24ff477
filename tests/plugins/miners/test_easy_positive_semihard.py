"""Easy positives and semi-hard negatives against loops."""

from __future__ import annotations

import pytest
import torch
from mlfp_plugins.miners.easy_positive_semihard import EasyPositiveSemihardMiner

from mlfp.seeds import torch_generator


def by_loops(rows: torch.Tensor, labels: torch.Tensor, distance: str) -> list[tuple[int, int, int]]:
    if distance == "cosine":
        rows = torch.nn.functional.normalize(rows)
    found = []
    for a in range(len(rows)):
        away = [float((rows[a] - row).norm()) if distance != "inner" else -float(rows[a] @ row) for row in rows]
        positives = [j for j in range(len(rows)) if j != a and labels[j] == labels[a]]
        if not positives:
            continue
        p = min(positives, key=away.__getitem__)
        beyond = [j for j in range(len(rows)) if labels[j] != labels[a] and away[j] > away[p]]
        if beyond:
            found.append((a, p, min(beyond, key=away.__getitem__)))
    return found


@pytest.mark.parametrize("distance", ["cosine", "l2", "inner"])
@pytest.mark.parametrize("seed", range(3))
def test_equals_brute_force(distance: str, seed: int) -> None:
    rows = torch.randn(24, 3, generator=torch_generator(seed, "rows"))
    labels = torch.randint(0, 10, (24,), generator=torch_generator(seed, "labels"))
    a, p, a_again, n = EasyPositiveSemihardMiner(distance=distance)(rows, labels)
    assert torch.equal(a, a_again)
    assert list(zip(a.tolist(), p.tolist(), n.tolist(), strict=True)) == by_loops(rows, labels, distance)


def test_nothing_without_positives() -> None:
    assert [len(i) for i in EasyPositiveSemihardMiner()(torch.randn(5, 3), torch.arange(5))] == [0, 0, 0, 0]
