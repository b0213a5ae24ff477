"""ArcFace against its equation."""

from __future__ import annotations

import logging
import math

import pytest
import torch
from mlfp_plugins.losses.arcface import ArcFaceLoss

from mlfp.plugins import registry
from mlfp.seeds import seeded_globals, torch_generator
from mlfp.testing import check_loss
from mlfp.types.spec import Spec


@pytest.mark.parametrize(("margin", "scale"), [(28.6, 64.0), (10.0, 4.0)])
def test_equals_the_equation(margin: float, scale: float) -> None:
    rows, labels = torch.randn(8, 5, generator=torch_generator(0)), torch.arange(4).repeat(2)
    with seeded_globals("directions"):
        loss = ArcFaceLoss(num_classes=4, embedding_size=5, margin=margin, scale=scale)
    unit = torch.nn.functional.normalize(rows.double())
    directions = torch.nn.functional.normalize(loss.W.detach().double().T)
    total, added = 0.0, math.radians(margin)
    for row, label in zip(unit, labels.tolist(), strict=True):
        logits = [scale * float(row @ direction) for direction in directions]
        angle = math.acos(float(row @ directions[label]))
        beyond = math.cos(angle) - added * math.sin(added)
        logits[label] = scale * (math.cos(angle + added) if angle + added <= math.pi else beyond)
        total += math.log(sum(math.exp(value - logits[label]) for value in logits))
    assert loss(rows, labels).item() == pytest.approx(total / 8, rel=1e-4)


def test_half_a_radian_is_the_paper_s_margin() -> None:
    assert float(ArcFaceLoss(num_classes=4, embedding_size=5).margin) == pytest.approx(0.5, abs=1e-3)


def test_another_distance_is_answered_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    spec = Spec("arcface", {"weight_regularizer": {"use": "pml:LpRegularizer"}})
    with caplog.at_level(logging.WARNING, logger="mlfp"):
        loss = registry().build("loss", spec, num_classes=6, embedding_size=8, distance="l2")
    assert loss.distance.is_inverted
    assert loss.weight_regularizer is not None
    assert "ArcFaceLoss only works with its own distance" in caplog.text


def test_keeps_the_contract_of_losses() -> None:
    check_loss(ArcFaceLoss(num_classes=6, embedding_size=8))
