"""Multi-similarity against its equation."""

from __future__ import annotations

import math

import pytest
import torch
from mlfp_plugins.losses.multi_similarity import MultiSimilarityLoss

from mlfp.plugins import registry
from mlfp.seeds import torch_generator
from mlfp.testing import check_loss
from mlfp.types.spec import Spec


@pytest.mark.parametrize(("alpha", "beta", "base"), [(2.0, 50.0, 0.5), (1.0, 10.0, 0.2)])
def test_equals_the_equation(alpha: float, beta: float, base: float) -> None:
    rows, labels = torch.randn(9, 4, generator=torch_generator(0)), torch.arange(3).repeat(3)
    unit = torch.nn.functional.normalize(rows.double())
    total = 0.0
    for a in range(9):
        near = [float(unit[a] @ unit[k]) for k in range(9) if k != a and labels[k] == labels[a]]
        far = [float(unit[a] @ unit[k]) for k in range(9) if labels[k] != labels[a]]
        total += math.log(1 + sum(math.exp(-alpha * (s - base)) for s in near)) / alpha
        total += math.log(1 + sum(math.exp(beta * (s - base)) for s in far)) / beta
    value = MultiSimilarityLoss(alpha=alpha, beta=beta, base=base)(rows, labels)
    assert value.item() == pytest.approx(total / 9, rel=1e-5)


def test_takes_the_comparison_s_distance_and_the_library_s_parameters() -> None:
    spec = Spec("multi-similarity", {"beta": "40", "embedding_regularizer": {"use": "pml:LpRegularizer"}})
    loss = registry().build("loss", spec, num_classes=6, embedding_size=8, distance="l2")
    assert loss.beta == 40
    assert loss.embedding_regularizer is not None
    assert not loss.distance.normalize_embeddings


def test_keeps_the_contract_of_losses() -> None:
    check_loss(MultiSimilarityLoss())
