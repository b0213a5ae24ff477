"""Augmentation: a batch of images to another, drawn apart from applied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol, runtime_checkable

from torch import Generator, Tensor


class Augmentation(Protocol):
    """Intensity augmentation: ``draw`` holds all the randomness, ``apply`` none.

    An optional attribute ``scope`` says what shares a draw: ``"view"`` (the default: every scan in every view has its
    own), or ``"subject"`` (all scans and views of a subject in a batch share one). An optional attribute ``views`` says
    which views go through it: ``"both"`` (the default), ``"first"`` or ``"second"``.
    """

    def draw(self, generators: Sequence[Generator], batch: Tensor) -> Any:
        """Draw for every row of ``(B, C, *spatial)`` from the row's own generator.

        Row i's parameters depend on ``generators[i]`` and the image size only, not on the other rows.
        """
        ...

    def apply(self, batch: Tensor, parameters: Any) -> Tensor:
        """``(B, C, *spatial)`` to the same shape, on the batch's device."""
        ...


@runtime_checkable
class SpatialAugmentation(Protocol):
    """An augmentation that moves pixels gives a coordinate map, so that a chain of them resamples once.

    An optional attribute ``fill`` says what comes into view from outside: a number, or ``"background"`` (the default).
    Neighbours that say different things are resampled one after the other.
    """

    scope: Literal["view", "subject"]

    def draw(self, generators: Sequence[Generator], batch: Tensor) -> Any:
        """As for :class:`Augmentation`."""
        ...

    def locate(self, points: Tensor, parameters: Any) -> Tensor:
        """Where in the input each output point is taken from.

        :param points: ``(B, *spatial, n)`` voxel coordinates, relative to the image centre, axes in the order of the
            image's.
        """
        ...


class Preset(Protocol):
    """Several augmentations under one name; a chain takes its steps in its place."""

    @property
    def steps(self) -> Sequence[Any]:
        """Augmentations, transforms of one sample, or other presets, in order."""
        ...
