"""VICReg against its terms, worked out by hand."""

from __future__ import annotations

import pytest
import torch
from mlfp_plugins.losses.vicreg import VICRegLoss

from mlfp.plugins import registry
from mlfp.seeds import torch_generator
from mlfp.testing import check_loss
from mlfp.types.spec import Spec


def terms(first: torch.Tensor, second: torch.Tensor, eps: float = 1e-4) -> tuple[float, float, float]:
    """s(Z, Z'), v(Z) + v(Z') and c(Z) + c(Z') of equations 1 to 5."""
    rows, dims = first.shape
    first, second = first.double(), second.double()
    invariance = sum(float((first[i, j] - second[i, j]) ** 2) for i in range(rows) for j in range(dims)) / rows / dims
    variance = covariance = 0.0
    for view in (first, second):
        centred = view - view.mean(dim=0)
        c = centred.T @ centred / (rows - 1)
        variance += sum(max(0.0, 1 - float(c[j, j] + eps) ** 0.5) for j in range(dims)) / dims
        covariance += sum(float(c[i, j]) ** 2 for i in range(dims) for j in range(dims) if i != j) / dims
    return invariance, variance, covariance


def views() -> tuple[torch.Tensor, torch.Tensor]:
    first = 0.6 * torch.randn(9, 4, generator=torch_generator("first"))
    return first, first + 0.3 * torch.randn(9, 4, generator=torch_generator("second"))


def test_equals_its_terms_with_the_mean_of_both_variances() -> None:
    first, second = views()
    invariance, variance, covariance = terms(first, second)
    assert variance > 0
    expected = 25 * invariance + 25 * variance / 2 + covariance
    assert VICRegLoss()(first, second).item() == pytest.approx(expected, rel=1e-5)
    # As equation 6 prints it, which adds the two:
    printed = 25 * invariance + 25 * variance + covariance
    assert VICRegLoss(variance_mu=50.0)(first, second).item() == pytest.approx(printed, rel=1e-5)


def test_each_weight_weighs_its_term() -> None:
    first, second = views()
    invariance, variance, covariance = terms(first, second)
    given = {"invariance_lambda": "2", "variance_mu": 3, "covariance_v": 5, "eps": 1e-4}
    value = registry().build("loss", Spec("vicreg", given), distance="l2")(first, second)
    assert value.item() == pytest.approx(2 * invariance + 3 * variance / 2 + 5 * covariance, rel=1e-5)


def test_keeps_the_contract_of_losses() -> None:
    check_loss(VICRegLoss())
