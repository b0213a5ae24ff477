"""The layer whose map is explained, found by its name or as the last convolution."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from mlfp.errors import UsageError, nearest

_CONVOLUTIONS = (nn.Conv2d, nn.Conv3d)


def find_layer(model: nn.Module, forward: Callable[[Tensor], Tensor], images: Tensor, name: str | None) -> str:
    """The name of a layer that gives a map: the one asked for, else the last convolution that a scan passes.

    DeepBrainPrint (appendix C) targets "the last convolutional layer". Last is meant in the order of the work, which
    need not be that of the names.

    :param forward: images to fingerprints, through ``model``.
    :raises UsageError: there is no such layer, or no convolution.
    """
    maps = _maps(model, forward, images)
    if name is not None:
        if name in maps:
            return name
        raise UsageError(
            f"the model has no layer {name!r} that gives a map",
            hints=[*nearest(name, maps), f"The last ones: {', '.join(list(maps)[-6:])}"],
        )
    layers = dict(model.named_modules())
    convolutions = [found for found in maps if isinstance(layers[found], _CONVOLUTIONS)]
    if not convolutions:
        raise UsageError(
            "the model has no convolution to explain",
            hints=[f"Name a layer: --layer {list(maps)[-1]}" if maps else "No layer of it gives a map of the image."],
        )
    return convolutions[-1]


def _maps(model: nn.Module, forward: Callable[[Tensor], Tensor], images: Tensor) -> list[str]:
    """Layers that give a map with more than one place, in the order in which a scan passes them."""
    found: list[str] = []
    handles = []
    for name, layer in model.named_modules():
        if name:

            def keep(_: nn.Module, __: object, output: object, name: str = name) -> None:
                if isinstance(output, Tensor) and output.ndim == images.ndim and output[0, 0].numel() > 1:
                    found.append(name)

            handles.append(layer.register_forward_hook(keep))
    try:
        with torch.inference_mode():
            forward(images)
    finally:
        for handle in handles:
            handle.remove()
    return list(dict.fromkeys(reversed(found)))[::-1]


@contextlib.contextmanager
def tapped(layer: nn.Module) -> Iterator[list[Tensor]]:
    """What a layer gives while the block runs, each cut off from what came before it.

    So gradients are followed from the fingerprint back to this layer and no further. What comes after works on a copy:
    an activation in place would change the map.
    """
    found: list[Tensor] = []

    def tap(_: nn.Module, __: object, output: Tensor) -> Tensor:
        found.append(output.detach().requires_grad_())
        return found[-1].clone()

    handle = layer.register_forward_hook(tap)
    try:
        yield found
    finally:
        handle.remove()
