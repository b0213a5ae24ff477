"""Gradients in bfloat16 on a CPU: what is computed of memory that nobody wrote differs from call to call."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from mlfp.training.small_maps import sound_gradients

CPU = torch.device("cpu")


def gradient(shape: tuple[int, ...], stride: int, dilation: int = 1) -> Tensor:
    """Of a convolution's weights, in memory that held NaN before."""
    torch.manual_seed(0)
    layer = {2: nn.Conv2d, 3: nn.Conv3d}[len(shape)](64, 64, 3, stride=stride, padding=dilation, dilation=dilation)
    images = torch.randn(12, 64, *shape)
    dirty = [torch.full((2**power,), float("nan")) for power in range(4, 22)]
    del dirty
    with sound_gradients(CPU, "bf16-mixed"), torch.autocast("cpu", dtype=torch.bfloat16):
        found = layer(images)
    found.float().square().mean().backward()
    assert layer.weight.grad is not None
    return layer.weight.grad


@pytest.mark.parametrize(
    ("shape", "stride"), [((2, 2, 1), 1), ((2, 2, 2), 1), ((6, 6, 1), 2), ((1, 1, 1), 2), ((2, 1), 2)]
)
def test_gradients_of_small_maps_are_the_same_at_every_call_and_right(shape: tuple[int, ...], stride: int) -> None:
    first = gradient(shape, stride)
    for _ in range(4):
        torch.testing.assert_close(gradient(shape, stride), first, rtol=0, atol=0)
    torch.manual_seed(0)
    layer = {2: nn.Conv2d, 3: nn.Conv3d}[len(shape)](64, 64, 3, stride=stride, padding=1).double()
    layer(torch.randn(12, 64, *shape).double()).square().mean().backward()
    assert layer.weight.grad is not None
    torch.testing.assert_close(first.double(), layer.weight.grad, rtol=1e-2, atol=1e-3)


def output(shape: tuple[int, ...], dilation: int) -> torch.dtype:
    layer = nn.Conv2d(1, 4, 3, padding=dilation, dilation=dilation)
    with sound_gradients(CPU, "bf16-mixed"), torch.autocast("cpu", dtype=torch.bfloat16):
        found: Tensor = layer(torch.zeros(1, 1, *shape))
    return found.dtype


def test_only_small_maps_leave_half_precision() -> None:
    assert output((3, 3), 1) == torch.bfloat16
    assert output((5, 5), 2) == torch.bfloat16
    assert output((4, 5), 2) == torch.float32
    assert output((2, 9), 1) == torch.float32


def test_elsewhere_nothing_is_done() -> None:
    with sound_gradients(CPU, "32-true"):
        assert not torch.overrides._get_current_function_mode_stack()
    with sound_gradients(torch.device("meta"), "bf16-mixed"):
        assert not torch.overrides._get_current_function_mode_stack()
