"""SoftTriple against its equation."""

from __future__ import annotations

import math

import pytest
import torch
from mlfp_plugins.losses.soft_triple import SoftTripleLoss

from mlfp.plugins import registry
from mlfp.seeds import seeded_globals, torch_generator
from mlfp.testing import check_loss
from mlfp.types.spec import Spec


def made(**parameters: object) -> SoftTripleLoss:
    with seeded_globals("centres"):
        return SoftTripleLoss(num_classes=4, embedding_size=5, **parameters)


def by_loops(loss: SoftTripleLoss, rows: torch.Tensor, labels: torch.Tensor, gamma: float) -> float:
    unit = torch.nn.functional.normalize(rows.double())
    centres = torch.nn.functional.normalize(loss.fc.detach().double().T).reshape(4, loss.centers_per_class, 5)
    total = 0.0
    for row, label in zip(unit, labels.tolist(), strict=True):
        likeness = []
        for subject in range(4):
            each = [float(row @ centre) for centre in centres[subject]]
            weights = [math.exp(value / gamma) for value in each]
            likeness.append(sum(w * s for w, s in zip(weights, each, strict=True)) / sum(weights))
        likeness[label] -= loss.margin
        scores = [math.exp(loss.la * value) for value in likeness]
        total -= math.log(scores[label] / sum(scores))
    return total / len(rows)


@pytest.mark.parametrize(("centres", "la", "gamma", "margin"), [(10, 20.0, 0.1, 0.01), (2, 5.0, 0.5, 0.3)])
def test_equals_the_equation(centres: int, la: float, gamma: float, margin: float) -> None:
    rows, labels = torch.randn(8, 5, generator=torch_generator(0)), torch.arange(4).repeat(2)
    loss = made(centers_per_class=centres, la=la, gamma=gamma, margin=margin)
    assert loss(rows, labels).item() == pytest.approx(by_loops(loss, rows, labels, gamma), rel=1e-5)


def test_engine_tells_subjects_and_length_and_the_library_s_parameters_are_reached() -> None:
    spec = Spec("soft-triple", {"centers_per_class": 3, "weight_regularizer": {"use": "pml:LpRegularizer"}})
    loss = registry().build("loss", spec, num_classes=6, embedding_size=8, distance="inner")
    assert loss.fc.shape == (8, 18)
    assert loss.weight_regularizer is not None
    assert not loss.distance.normalize_embeddings


def test_keeps_the_contract_of_losses() -> None:
    check_loss(SoftTripleLoss(num_classes=6, embedding_size=8))
