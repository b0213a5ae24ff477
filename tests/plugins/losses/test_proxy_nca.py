"""ProxyNCA against its equation, with the true proxy in the sum."""

from __future__ import annotations

import math

import pytest
import torch
from mlfp_plugins.losses.proxy_nca import ProxyNCALoss

from mlfp.plugins import registry
from mlfp.seeds import seeded_globals, torch_generator
from mlfp.testing import check_loss
from mlfp.types.spec import Spec


@pytest.mark.parametrize("scale", [1.0, 8.0])
def test_equals_the_equation(scale: float) -> None:
    rows, labels = torch.randn(8, 5, generator=torch_generator(0)), torch.arange(4).repeat(2)
    with seeded_globals("proxies"):
        loss = ProxyNCALoss(num_classes=4, embedding_size=5, softmax_scale=scale)
    unit = torch.nn.functional.normalize(rows.double())
    proxies = torch.nn.functional.normalize(loss.proxies.detach().double())
    total = 0.0
    for row, label in zip(unit, labels.tolist(), strict=True):
        scores = [math.exp(-scale * float((row - proxy).square().sum())) for proxy in proxies]
        total -= math.log(scores[label] / sum(scores))
    assert loss(rows, labels).item() == pytest.approx(total / 8, rel=1e-5)


def test_engine_tells_subjects_and_length_and_the_library_s_parameters_are_reached() -> None:
    spec = Spec("proxy-nca", {"softmax_scale": "4", "reducer": {"use": "pml:AvgNonZeroReducer"}})
    loss = registry().build("loss", spec, num_classes=6, embedding_size=8, distance="cosine")
    assert loss.proxies.shape == (6, 8)
    assert loss.softmax_scale == 4
    assert type(loss.reducer).__name__ == "AvgNonZeroReducer"
    assert loss.distance.power == 2, "squared on the sphere orders as the cosine does, so it stays"


def test_keeps_the_contract_of_losses() -> None:
    check_loss(ProxyNCALoss(num_classes=6, embedding_size=8))
