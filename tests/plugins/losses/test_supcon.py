"""SupCon against its equation."""

from __future__ import annotations

import math

import pytest
import torch
from mlfp_plugins.losses.supcon import SupConLoss

from mlfp.errors import ParameterError
from mlfp.plugins import registry
from mlfp.seeds import torch_generator
from mlfp.testing import check_loss
from mlfp.types.spec import Spec


def l_out(rows: torch.Tensor, labels: torch.Tensor, temperature: float) -> float:
    unit = torch.nn.functional.normalize(rows.double())
    each = []
    for a in range(len(rows)):
        others = [k for k in range(len(rows)) if k != a]
        positives = [k for k in others if labels[k] == labels[a]]
        if positives:
            total = math.log(sum(math.exp(float(unit[a] @ unit[k]) / temperature) for k in others))
            each.append(-sum(float(unit[a] @ unit[p]) / temperature - total for p in positives) / len(positives))
    return sum(each) / len(each)


@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_equals_the_equation(temperature: float) -> None:
    rows, labels = torch.randn(11, 4, generator=torch_generator(0)), torch.tensor([0, 0, 0, 1, 1, 2, 2, 3, 3, 3, 4])
    value = SupConLoss(temperature=temperature)(rows, labels)
    assert value.item() == pytest.approx(l_out(rows, labels, temperature), rel=1e-5)


def test_parameters_of_the_library_are_reached_and_misspelt_ones_refused() -> None:
    loss = registry().build("loss", Spec("supcon", {"reducer": {"use": "pml:MeanReducer"}}), distance="l2")
    assert type(loss.reducer).__name__ == "MeanReducer"
    assert not loss.distance.is_inverted
    with pytest.raises(ParameterError, match="no parameter 'temprature'"):
        registry().build("loss", Spec("supcon", {"temprature": 1}))
    with pytest.raises(ParameterError, match="temperature should be above 0"):
        SupConLoss(temperature=0.0)


def test_keeps_the_contract_of_losses() -> None:
    check_loss(SupConLoss())
