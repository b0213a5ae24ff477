"""Resampling onto a grid with the same axes: coarser or finer voxels, stretched or not."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from mlfp.types.volume import Volume


def regrid(volume: Volume, shape: Sequence[int], steps: Sequence[float]) -> Volume:
    """The same scan on a grid about the same centre, with the same directions of its axes.

    Along each axis in turn, old voxels are averaged over a window as wide as a new one, so that a coarser grid shows no
    aliasing, and then interpolated linearly. Both are exact for values that change linearly: nothing moves.

    :param shape: spatial shape of the new grid in voxels.
    :param steps: size of the new voxels, in old voxels, along each axis.
    """
    data = volume.data.astype(np.float32)
    matrix = np.eye(volume.spatial_dims + 1)
    for axis, (new, step, old) in enumerate(zip(shape, steps, volume.shape, strict=True)):
        matrix[axis, axis], matrix[axis, -1] = step, _first(old, new, step)
        if new != old or step != 1:
            data = np.moveaxis(np.tensordot(data, _weights(old, new, step), axes=(axis + 1, 1)), -1, axis + 1)
    return volume.with_data(np.ascontiguousarray(data), affine=volume.affine @ matrix)


def _first(old: int, new: int, step: float) -> float:
    """Where the first new voxel lies, in old voxels, when both grids have one centre."""
    return (old - 1) / 2 - step * (new - 1) / 2


@lru_cache(maxsize=256)
def _weights(old: int, new: int, step: float) -> np.ndarray:
    """(new, old) float32; kept, as the scans of a data set come in few shapes."""
    places = _first(old, new, step) + step * np.arange(new)
    found: np.ndarray = (interpolating(old, places) @ averaging(old, step)).astype(np.float32)
    return found


def averaging(length: int, width: float) -> np.ndarray:
    """(length, length) weights for the mean over a window of this many voxels about each voxel.

    A window of one voxel or less is the voxel itself; what lies outside the image does not count.
    """
    distance = np.abs(np.subtract.outer(np.arange(length), np.arange(length)))
    overlap = np.clip(0.5 + max(width, 1.0) / 2 - distance, 0, 1)
    found: np.ndarray = overlap / overlap.sum(axis=1, keepdims=True)
    return found


def interpolating(length: int, places: np.ndarray) -> np.ndarray:
    """(P, length) weights for linear interpolation at P places in voxels; those outside take the nearest voxel."""
    clipped = np.clip(places, 0, length - 1)
    found: np.ndarray = np.clip(1 - np.abs(np.subtract.outer(clipped, np.arange(length))), 0, None)
    return found
