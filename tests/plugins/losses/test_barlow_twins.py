"""Equation 2 of DeepBrainPrint by hand in 64 bit, and how MONAI's form of it differs."""

from __future__ import annotations

import pytest
import torch
from mlfp_plugins.losses.barlow_twins import BarlowTwinsLoss
from monai.losses import BarlowTwinsLoss as MonaiBarlowTwins

from mlfp.errors import ParameterError, UsageError
from mlfp.seeds import torch_generator
from mlfp.testing import check_loss


def equation_2(one: torch.Tensor, other: torch.Tensor, redundancy: float, *, unbiased: bool = False) -> float:
    """The printed sums, entry by entry."""
    rows, dims = one.shape
    one, other = one.double(), other.double()

    def normal(view: torch.Tensor) -> torch.Tensor:
        return (view - view.mean(dim=0)) / view.std(dim=0, correction=int(unbiased))

    e1, e2 = normal(one), normal(other)
    total = 0.0
    for i in range(dims):
        for j in range(dims):
            c = float(sum(e1[b, i] * e2[b, j] for b in range(rows)) / rows)
            total += (1 - c) ** 2 if i == j else redundancy * c**2
    return total


def views(rows: int, dims: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    first = 3 * torch.randn(rows, dims, generator=torch_generator(seed, "first")) + 1
    return first, first + 0.5 * torch.randn(rows, dims, generator=torch_generator(seed, "second"))


@pytest.mark.parametrize(("rows", "dims"), [(2, 3), (8, 5), (32, 4)])
def test_equals_the_equation_worked_out_in_64_bit(rows: int, dims: int) -> None:
    first, second = views(rows, dims)
    for redundancy in (0.0051, 1.0):
        loss = BarlowTwinsLoss(redundancy=redundancy, eps=1e-14)
        exact = loss(first.double(), second.double()).item()
        assert exact == pytest.approx(equation_2(first, second, redundancy), rel=1e-11)
        assert loss(first, second).item() == pytest.approx(exact, rel=1e-5)


def test_the_default_eps_is_that_of_batch_normalisation() -> None:
    first, second = views(16, 6)
    norm = torch.nn.BatchNorm1d(6, affine=False)
    c = norm(first).T @ norm(second) / 16
    expected = (1 - c.diagonal()).square().sum() + 0.0051 * (c - torch.diag(c.diagonal())).square().sum()
    torch.testing.assert_close(BarlowTwinsLoss()(first, second), expected)


def test_two_by_two_by_hand() -> None:
    # Two rows normalise to +1 and -1. c = [[1, -1], [1, -1]]: agreement 0 and 4, repetition 1 + 1.
    first, second = torch.tensor([[0.0, 5.0], [2.0, 7.0]]), torch.tensor([[1.0, 4.0], [9.0, 0.0]])
    assert BarlowTwinsLoss(redundancy=0.5, eps=1e-9)(first, second).item() == pytest.approx(0 + 4 + 0.5 * 2)


def test_equal_views_without_repetition_are_at_the_minimum() -> None:
    rows = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    assert BarlowTwinsLoss()(rows, rows).item() == pytest.approx(0.0, abs=1e-8)


def test_monai_divides_by_the_unbiased_deviation() -> None:
    for rows, least in ((64, 0.03), (4, 0.2)):
        first, second = views(rows, 6)
        ours = BarlowTwinsLoss(redundancy=0.0051)(first, second).item()
        theirs = MonaiBarlowTwins(lambd=0.0051)(first, second).item()
        assert theirs == pytest.approx(equation_2(first, second, 0.0051, unbiased=True), rel=1e-4)
        assert abs(theirs - ours) / ours > least
    # Its diagonal can reach (B - 1) / B, so that equal views are not at the minimum.
    assert MonaiBarlowTwins(lambd=0.0)(first, first).item() == pytest.approx(6 * (1 - 3 / 4) ** 2, rel=1e-4)


def test_a_component_that_does_not_vary_has_a_finite_gradient() -> None:
    first = torch.ones(6, 3, requires_grad=True)
    value = BarlowTwinsLoss()(first, torch.ones(6, 3))
    value.backward()
    assert value.item() == pytest.approx(3.0)
    assert first.grad.isfinite().all()


def test_what_has_no_deviation_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 2 scans"):
        BarlowTwinsLoss()(torch.randn(1, 3), torch.randn(1, 3))
    with pytest.raises(UsageError, match="two views"):
        BarlowTwinsLoss()(torch.randn(4, 3), torch.randn(4, 2))
    with pytest.raises(ParameterError, match="redundancy should not be negative"):
        BarlowTwinsLoss(redundancy=-1.0)
    with pytest.raises(ParameterError, match="eps should be above 0"):
        BarlowTwinsLoss(eps=0.0)


def test_keeps_the_contract_of_losses() -> None:
    check_loss(BarlowTwinsLoss())
