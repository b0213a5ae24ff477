"""Convolutions of small maps in single precision: on a CPU, their bfloat16 gradients are wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_CONVOLUTIONS: tuple[Any, ...] = (torch.conv1d, torch.conv2d, torch.conv3d)


def sound_gradients(device: torch.device, precision: str) -> contextlib.AbstractContextManager[Any]:
    """A context for forward passes that are to be differentiated; it does something with bfloat16 on a CPU alone."""
    if device.type == "cpu" and precision == "bf16-mixed":
        return _SmallMapsInSinglePrecision()
    return contextlib.nullcontext()


class _SmallMapsInSinglePrecision(TorchFunctionMode):
    """Takes a convolution out of autocast where its kernel is longer than the map along some axis.

    There, the backward pass of torch's CPU library (seen in 2.14.1, oneDNN with avx512_bf16) reads memory that nobody
    wrote: gradients differ from call to call, and are NaN at times. The last stage of a 3D ResNet on a small volume is
    such a case. Of 682 shapes drawn at random in which no axis is shorter than the kernel, none was wrong.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        if func in _CONVOLUTIONS and _longer_than_map(*args, **given):
            with torch.autocast("cpu", enabled=False):
                single: list[Any] = [value.float() if isinstance(value, Tensor) else value for value in args]
                named: dict[str, Any] = {
                    key: value.float() if isinstance(value, Tensor) else value for key, value in given.items()
                }
                return func(*single, **named)
        return func(*args, **given)


def _longer_than_map(
    input: Tensor,  # noqa: A002 (as torch calls it)
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> bool:
    """Whether the kernel reaches farther than the map, padding left aside; the arguments of torch's convolutions."""
    axes = weight.ndim - 2
    spread = [dilation] * axes if isinstance(dilation, int) else list(dilation) * (axes if len(dilation) == 1 else 1)
    reach = [(size - 1) * step + 1 for size, step in zip(weight.shape[2:], spread, strict=True)]
    return any(have < need for have, need in zip(input.shape[2:], reach, strict=True))
