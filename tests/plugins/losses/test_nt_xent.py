"""SimCLR's loss against its equation and against both libraries'."""

from __future__ import annotations

import math

import pytest
import torch
from mlfp_plugins.losses.nt_xent import NTXentLoss
from monai.losses import ContrastiveLoss
from pytorch_metric_learning import losses

from mlfp.errors import ParameterError
from mlfp.plugins import registry
from mlfp.seeds import torch_generator
from mlfp.testing import check_loss
from mlfp.types.spec import Spec


def views(rows: int = 7) -> tuple[torch.Tensor, torch.Tensor]:
    first, second = (torch.randn(rows, 5, generator=torch_generator("view", view)) for view in range(2))
    return first, second


def equation_1(first: torch.Tensor, second: torch.Tensor, temperature: float) -> float:
    unit = torch.nn.functional.normalize(torch.cat([first, second]).double())
    rows, total = len(first), 0.0
    for i in range(2 * rows):
        scores = [math.exp(float(unit[i] @ unit[k]) / temperature) for k in range(2 * rows)]
        total -= math.log(scores[(i + rows) % (2 * rows)] / (sum(scores) - scores[i]))
    return total / (2 * rows)


@pytest.mark.parametrize("temperature", [0.07, 0.5])
def test_equals_the_equation_and_both_libraries(temperature: float) -> None:
    first, second = views()
    ours = NTXentLoss(temperature=temperature)(first, second)
    assert ours.item() == pytest.approx(equation_1(first, second, temperature), rel=1e-5)
    theirs = losses.SelfSupervisedLoss(losses.NTXentLoss(temperature=temperature))(first, second)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(ours, ContrastiveLoss(temperature=temperature)(first, second))


def test_the_views_may_change_places() -> None:
    first, second = views()
    torch.testing.assert_close(NTXentLoss()(first, second), NTXentLoss()(second, first))


def test_one_scan_has_nothing_to_be_told_from() -> None:
    first, second = views(1)
    value = NTXentLoss()(first.requires_grad_(), second)
    value.backward()
    assert value.item() == 0


def test_simclr_is_another_name_of_it() -> None:
    assert isinstance(registry().build("loss", Spec("simclr", {"temperature": "0.5"}), distance="l2"), NTXentLoss)
    with pytest.raises(ParameterError, match="temperature"):
        NTXentLoss(temperature=-1.0)


@pytest.mark.parametrize("distance", ["cosine", "l2", "inner"])
def test_keeps_the_contract_of_losses(distance: str) -> None:
    check_loss(NTXentLoss(distance=distance))
