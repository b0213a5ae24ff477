"""One scan through the steps of :class:`~mlfp.preparing.settings.Settings`."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mlfp.data.masks import foreground
from mlfp.errors import ScanError
from mlfp.preparing.intensities import standardised, without_outliers
from mlfp.preparing.registration import place, register
from mlfp.preparing.settings import AXES, Settings
from mlfp.preparing.template import template
from mlfp.types.volume import Volume


@dataclass(frozen=True)
class Product:
    """What became of a scan.

    :param volume: ``(1, I, J, K)``, or ``(1, I, J)`` for a picture.
    :param brain: (I, J[, K]) bool, where a mask was given or found by a program; else None.
    :param matrix: (4, 4) mm of the template to mm of the scan; None where it was not registered.
    :param registered: ``affine``, ``rigid`` or ``similarity``; empty where it was not.
    :param fit: how well it was registered; not a number where it was not.
    """

    volume: Volume
    brain: np.ndarray | None = None
    matrix: np.ndarray | None = None
    registered: str = ""
    fit: float = float("nan")


def processed(volume: Volume, brain: np.ndarray | None, settings: Settings) -> Product:
    """Strip, register, remove outliers, normalise, slice.

    :param volume: of one channel.
    :param brain: (I, J, K) bool, or None.
    :raises ScanError: a step cannot be done.
    """
    if volume.data.shape[0] != 1:
        raise ScanError(f"it has {volume.data.shape[0]} channels, and one is prepared at a time")
    if brain is not None:
        volume = volume.with_data(np.where(brain, volume.data, np.float32(0)))
    product = _registered(volume, brain, settings)
    product = replace(product, volume=_normalised(product, settings))
    if settings.slice != "none":
        product = _sliced(product, settings)
    if np.ptp(product.volume.data) == 0:
        raise ScanError("every voxel has the same value", hints=["Is the scan empty?"])
    return product


def _registered(volume: Volume, brain: np.ndarray | None, settings: Settings) -> Product:
    if settings.register == "none":
        return Product(volume, brain)
    target = template(settings.template)
    found = register(volume, target, kind=settings.register, seed=settings.seed)
    grid = target.grid(settings.spacing)
    placed = place(volume, found.matrix, grid)
    if brain is not None:
        marked = volume.with_data(brain[np.newaxis].astype(np.float32))
        brain = place(marked, found.matrix, grid, fill=0.0).data[0] > 0.5
    return Product(placed, brain, found.matrix, found.kind, found.fit)


def _normalised(product: Product, settings: Settings) -> Volume:
    volume = product.volume
    inside = _inside(product, settings)
    values = volume.data[0]
    if settings.outliers != "none":
        values = without_outliers(values, inside, settings.outlier_share, settings.outliers)
    if settings.intensity == "zscore":
        values = standardised(values, inside)
    return volume.with_data(values[np.newaxis])


def _inside(product: Product, settings: Settings) -> np.ndarray:
    volume = product.volume
    if settings.within == "all" or (volume.spatial_dims == 2 and product.brain is None):
        return np.ones(volume.shape, dtype=bool)
    found = foreground(volume.data) if product.brain is None else product.brain
    if not found.any():
        raise ScanError("nothing in it differs from the air around", hints=["Is the scan empty?"])
    return found


def _sliced(product: Product, settings: Settings) -> Product:
    """A slab of slices, ``(1, I, J, K)`` with as many voxels along the axis."""
    volume = product.volume
    if volume.spatial_dims != 3:
        raise ScanError("slices are cut from volumes; this is a picture")
    axis = AXES[settings.slice]
    places = slice_places(product, axis, settings)
    affine = volume.affine.copy()
    affine[:3, 3] += affine[:3, axis] * places[0]
    affine[:3, axis] *= settings.step
    cut = volume.with_data(np.ascontiguousarray(volume.data.take(places, axis=axis + 1)), affine=affine)
    brain = None if product.brain is None else product.brain.take(places, axis=axis)
    return replace(product, volume=cut, brain=brain)


def slice_places(product: Product, axis: int, settings: Settings) -> list[int]:
    """Which voxels along an axis.

    :raises ScanError: they do not all lie in the volume.
    """
    length = product.volume.shape[axis]
    middle = length // 2
    if settings.position == "brain":
        inside = foreground(product.volume.data) if product.brain is None else product.brain
        filled = np.flatnonzero(inside.any(axis=tuple(other for other in range(3) if other != axis)))
        if not len(filled):
            raise ScanError("nothing in it differs from the air around", hints=["Is the scan empty?"])
        middle = int(filled[0] + filled[-1] + 1) // 2
    first = middle - (settings.slices // 2) * settings.step
    places = [first + settings.step * number for number in range(settings.slices)]
    if places[0] < 0 or places[-1] >= length:
        raise ScanError(f"{settings.slices} slices, {settings.step} apart around voxel {middle}, leave its {length}")
    return places
