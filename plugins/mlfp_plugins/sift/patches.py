"""Patches around keypoints, in their own scale and frame."""

from __future__ import annotations

import functools

import numpy as np
from scipy import ndimage

from mlfp_plugins.sift.scale_space import SCALES, Octave


@functools.cache
def grid(dims: int, samples: int) -> np.ndarray:
    """(P, n) places of a patch's samples, each axis from -1 to 1; the last axis runs fastest."""
    axis = np.linspace(-1, 1, samples)
    return np.stack(np.meshgrid(*[axis] * dims, indexing="ij"), axis=-1).reshape(-1, dims)


@functools.cache
def window(dims: int, samples: int) -> np.ndarray:
    """(P,) Gaussian weight of a patch's samples, half the patch's reach wide; 0 beyond the ball that turning keeps."""
    squares = (grid(dims, samples) ** 2).sum(axis=1)
    found: np.ndarray = np.where(squares <= 1 + 1e-9, np.exp(-squares / (2 * 0.5**2)), 0)
    return found


def sample(
    octave: Octave, places: np.ndarray, levels: np.ndarray, frames: np.ndarray, reach: float, samples: int
) -> np.ndarray:
    """``(N, *[samples] * n)`` float32 patches, by linear interpolation in the level nearest in blur.

    :param places: (N, n) in samples of the octave.
    :param levels: (N,) between levels.
    :param frames: (N, n, n), the rows a patch's axes.
    :param reach: half a patch's side, in the keypoint's scale. Beyond the image its border goes on.
    """
    dims = places.shape[1]
    reaches = reach * octave.blur(levels)
    where = places[:, None] + reaches[:, None, None] * (grid(dims, samples) @ frames)
    found = np.empty(where.shape[:2], dtype=np.float32)
    nearest = np.clip(np.rint(levels), 0, SCALES + 2).astype(int)
    for level in np.unique(nearest):
        chosen = nearest == level
        found[chosen] = ndimage.map_coordinates(
            octave.levels[level], np.moveaxis(where[chosen], -1, 0), order=1, mode="nearest"
        )
    return found.reshape(len(places), *[samples] * dims)


def gradients(patches: np.ndarray) -> np.ndarray:
    """``(N, *[samples] * n)`` to (N, P, n): differences along a patch's axes."""
    dims = patches.ndim - 1
    slopes = np.stack(np.gradient(patches, axis=tuple(range(1, dims + 1))), axis=-1)
    return slopes.reshape(len(patches), patches.shape[1] ** dims, dims)
