"""What a keypoint's neighbourhood looks like: ranks of the strengths of its gradients, by place and direction."""

from __future__ import annotations

import functools
from itertools import product

import numpy as np
from scipy.stats import rankdata

from mlfp_plugins.sift.patches import gradients, grid, sample
from mlfp_plugins.sift.scale_space import Octave

#: Cells along an axis: 4 x 4 (Lowe 2004, section 6.2) and 2 x 2 x 2 (Toews & Wells 2013), with 8 directions each.
CELLS = {2: 4, 3: 2}
#: Samples of a patch along an axis; 11 in 3D as the authors' program has, 16 in 2D as Lowe's.
SAMPLES = {2: 16, 3: 11}


def length(dims: int) -> int:
    """Elements of a descriptor: 128 in 2D, 64 in 3D."""
    elements: int = 8 * CELLS[dims] ** dims
    return elements


def describe(octave: Octave, places: np.ndarray, levels: np.ndarray, frames: np.ndarray, reach: float) -> np.ndarray:
    """(N, L) histograms: how strong gradients of each of 8 directions are in each cell of the patch.

    A gradient counts for the direction nearest to its own and is shared out linearly among the cells around it.

    :param frames: (N, n, n), the rows a patch's axes; directions are told apart within it.
    """
    dims = places.shape[1]
    samples = SAMPLES[dims]
    slopes = gradients(sample(octave, places, levels, frames, reach, samples))
    strengths = np.linalg.norm(slopes, axis=2)
    nearest = (slopes @ directions(dims).T.astype(np.float32)).argmax(axis=2)
    shared = np.where(nearest[..., None] == np.arange(8), strengths[..., None], np.float32(0))
    histograms: np.ndarray = np.einsum("pc,npo->nco", _shares(dims), shared, optimize=True)
    return histograms.reshape(len(places), -1)


def ranked(histograms: np.ndarray) -> np.ndarray:
    """(N, L) ranks, 0 for the smallest element (Toews & Wells 2009), centred and of unit length; ties have their mean.

    The product of two is then Spearman's correlation, and their distance that of the ranks in other units.
    """
    if len(histograms) == 0:
        return histograms.astype(np.float32)
    ranks = rankdata(histograms, axis=1) - (histograms.shape[1] + 1) / 2
    lengths = np.linalg.norm(ranks, axis=1, keepdims=True)
    found: np.ndarray = (ranks / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return found


@functools.cache
def directions(dims: int) -> np.ndarray:
    """(8, n) unit vectors: every 45 degrees in 2D, the corners of a cube in 3D."""
    if dims == 3:
        return np.array(list(product((-1, 1), repeat=3))) / 3**0.5
    angles = np.arange(8) * (np.pi / 4)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


@functools.cache
def _shares(dims: int) -> np.ndarray:
    """(P, C) how much of each sample each cell is given: linear between the cells' centres, along every axis."""
    cells = CELLS[dims]
    places = (grid(dims, SAMPLES[dims]) + 1) / 2 * cells - 0.5
    near = np.clip(1 - np.abs(places[:, :, None] - np.arange(cells)), 0, 1)
    found: np.ndarray = near[:, 0]
    for axis in range(1, dims):
        found = (found[:, :, None] * near[:, axis, None, :]).reshape(len(found), -1)
    shares: np.ndarray = found.astype(np.float32)
    return shares
