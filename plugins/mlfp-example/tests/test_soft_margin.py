"""What this loss promises, and that mlfp finds it."""

from __future__ import annotations

import math

import mlfp_example
import pytest
import torch
from mlfp_example.soft_margin import SoftMarginTripletLoss

from mlfp.plugins import PluginHost
from mlfp.testing import assert_light_import, check_component, check_loss
from mlfp.types.spec import Spec


def test_equals_the_equation_worked_by_hand():
    embeddings = torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 2.0]])  # d(a, p) = 5, d(a, n) = 2
    value = SoftMarginTripletLoss()(embeddings, torch.tensor([0, 0, 1]), tuple(torch.tensor([[0], [1], [2]])))
    assert float(value) == pytest.approx(math.log(1 + math.exp(5 - 2)))


def test_similarities_count_the_other_way_round():
    embeddings = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])  # s(a, p) = 1, s(a, n) = 0
    value = SoftMarginTripletLoss(distance="cosine", sharpness=4)(
        embeddings, torch.tensor([0, 0, 1]), tuple(torch.tensor([[0], [1], [2]]))
    )
    assert float(value) == pytest.approx(math.log(1 + math.exp(4 * (0 - 1))))


def test_without_a_miner_it_averages_over_all_triplets():
    embeddings, labels = torch.randn(6, 4, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 0, 0, 1, 1, 2])
    loss = SoftMarginTripletLoss()
    triplets = [
        (a, p, n)
        for a in range(6)
        for p in range(6)
        for n in range(6)
        if a != p and labels[a] == labels[p] and labels[a] != labels[n]
    ]
    each = [loss(embeddings, labels, tuple(torch.tensor(triplet)[:, None])) for triplet in triplets]
    assert torch.allclose(loss(embeddings, labels), torch.stack(each).mean())


@pytest.mark.parametrize("distance", ["cosine", "l2", "inner"])
def test_keeps_the_contract_of_losses(distance):
    check_loss(SoftMarginTripletLoss(distance=distance))


def test_mlfp_finds_it(mlfp_host: PluginHost):
    mlfp_host.load("example", mlfp_example, "mlfp-example", "0.1.0")
    component = mlfp_host.registry.find("loss", "soft_margin")
    assert component.id == "example/soft-margin"
    check_component(mlfp_host.registry, component)
    loss = mlfp_host.registry.build("loss", Spec("soft-margin", {"sharpness": "4"}), distance="cosine")
    assert (loss.sharpness, loss.distance.is_inverted) == (4.0, True)


def test_listing_it_imports_no_torch():
    assert_light_import("mlfp_example")
