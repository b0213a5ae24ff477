"""The layer whose map is explained, found by its name or as the last convolution."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from mlfp.errors import UsageError, nearest
from mlfp.explain.placing import STRIDED, Lattice

_CONVOLUTIONS = (nn.Conv2d, nn.Conv3d)


def find_layer(
    model: nn.Module, forward: Callable[[Tensor], Tensor], images: Tensor, name: str | None
) -> tuple[str, Lattice]:
    """A layer that gives a map, and where its cells lie: the one asked for, else the last convolution of a scan's way.

    DeepBrainPrint (appendix C) targets "the last convolutional layer". Last is meant in the order of the work, which
    need not be that of the names.

    :param forward: images to fingerprints, through ``model``.
    :raises UsageError: there is no such layer, or no convolution.
    """
    maps = _maps(model, forward, images)
    if name is not None:
        if name in maps:
            return name, maps[name]
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
    return convolutions[-1], maps[convolutions[-1]]


def _maps(model: nn.Module, forward: Callable[[Tensor], Tensor], images: Tensor) -> dict[str, Lattice]:
    """Layers that give a map with more than one place, in the order in which a scan passes them.

    Where cells lie is followed from one size of map to the next, through the first convolution or pooling that leads
    there: another on the same way (a shortcut) leads to the same cells. What changes the size otherwise is taken to
    share the whole evenly.
    """
    found: list[tuple[str, tuple[int, ...]]] = []
    levels: dict[tuple[int, ...], Lattice] = {}
    handles = []

    def keep(layer: nn.Module, inputs: tuple[object, ...], output: object, name: str) -> None:
        if not isinstance(output, Tensor) or output.ndim != images.ndim or output[0, 0].numel() < 2:
            return
        shape = tuple(output.shape[2:])
        if isinstance(layer, STRIDED) and shape not in levels and isinstance(inputs[0], Tensor):
            before = tuple(inputs[0].shape[2:])
            levels[shape] = levels.get(before, Lattice.even(before)).after(layer)
        found.append((name, shape))

    for name, layer in model.named_modules():
        if name:
            handles.append(layer.register_forward_hook(functools.partial(keep, name=name)))
    try:
        with torch.inference_mode():
            forward(images)
    finally:
        for handle in handles:
            handle.remove()
    last = dict(reversed(found))
    return {name: levels.get(last[name], Lattice.even(last[name])) for name in reversed(last)}


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
