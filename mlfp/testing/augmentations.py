"""The contract of augmentations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Generator, Tensor

from mlfp.seeds import torch_generator
from mlfp.testing.contract import global_randomness_untouched, images, name_of, reported, require, same
from mlfp.training.augment import AugmentationChain

_SHAPES = {2: (24, 20), 3: (12, 16, 10)}


def check_augmentation(augmentation: Any, *, spatial_dims: int, in_channels: int = 1) -> None:
    """Check an augmentation against :mod:`mlfp.interfaces.augmentation`, or a transform of one sample.

    :param augmentation: an object with ``draw`` and ``apply`` or ``locate``, or with ``steps`` that are such, or a
        transform of ``(C, *spatial)``.
    :param spatial_dims: 2 or 3.
    :raises ContractError: a row's result does not follow from its own generator alone, the shape or type changes, the
        batch given is changed, or a global generator is drawn from.
    """
    name, batch = name_of(augmentation), images(4, in_channels, _SHAPES[spatial_dims])
    for step in getattr(augmentation, "steps", [augmentation]):
        if hasattr(step, "draw"):
            _check_parts(name_of(step), step, batch)
    kept = batch.clone()
    with reported(f"{name} on images {tuple(batch.shape)}"), global_randomness_untouched(name):
        made = _chained(augmentation, batch, range(8))
    require(torch.equal(batch, kept), f"{name} changes the batch it is given")
    require(made.shape == (8 * 4, *batch.shape[1:]), f"{name} should keep the shape {tuple(batch.shape)}")
    require(bool(made.isfinite().all()), f"{name} gives values that are not finite")
    require(same(made, _chained(augmentation, batch, range(8))), f"{name} gives another result for the same generators")
    other = _chained(augmentation, batch, range(8, 16))
    require(not same(made, other, 1e-6), f"{name} gives the same result for 16 different generators")
    alone = _chained(augmentation, batch[1:2], range(1), offset=1)
    require(same(made[1:2], alone), f"{name}: an image's result depends on the others of its batch")


def _chained(augmentation: Any, batch: Tensor, draws: Sequence[int], offset: int = 0) -> Tensor:
    """The batch augmented once a draw, by the chain that trainings use."""
    chain = AugmentationChain([augmentation])
    rows = range(offset, offset + len(batch))
    results = []
    for draw in draws:
        keys = [("mlfp.testing", draw, row) for row in rows]
        results.append(chain(batch, keys=keys, subject_keys=keys))
    return torch.cat(results)


def _check_parts(name: str, augmentation: Any, batch: Tensor) -> None:
    scope = getattr(augmentation, "scope", "view")
    require(scope in ("view", "subject"), f"{name}: scope should be 'view' or 'subject', is {scope!r}")
    spatial = hasattr(augmentation, "locate")
    require(spatial or hasattr(augmentation, "apply"), f"{name} has 'draw' but neither 'apply' nor 'locate'")
    with reported(f"{name}.draw"), global_randomness_untouched(f"{name}.draw"):
        drawn = augmentation.draw(_generators(len(batch)), batch)
    if spatial:
        points = torch.stack(
            torch.meshgrid(*(torch.arange(size).float() for size in batch.shape[2:]), indexing="ij"), -1
        )
        points = points.expand(len(batch), *points.shape).contiguous()
        with reported(f"{name}.locate"):
            found = augmentation.locate(points.clone(), drawn)
        require(
            found.shape == points.shape, f"{name}.locate should give {tuple(points.shape)}, gave {tuple(found.shape)}"
        )
        require(bool(found.isfinite().all()), f"{name}.locate gives points that are not finite")
    else:
        with reported(f"{name}.apply"), global_randomness_untouched(f"{name}.apply"):
            first, second = (augmentation.apply(batch.clone(), drawn) for _ in range(2))
        require(first.dtype == torch.float32, f"{name}.apply should keep float32, gave {first.dtype}")
        require(same(first, second), f"{name}.apply draws at random: all randomness belongs into draw")


def _generators(count: int) -> list[Generator]:
    return [torch_generator("mlfp.testing", "augmentation", row) for row in range(count)]
