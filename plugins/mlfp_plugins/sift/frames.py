"""Which way a keypoint's neighbourhood points: the frames that its descriptors are taken in."""

from __future__ import annotations

import functools
from itertools import product

import numpy as np

from mlfp_plugins.sift.patches import gradients, sample, window
from mlfp_plugins.sift.scale_space import Octave

#: A direction counts when it has this share of the strongest one's gradients (Lowe 2004, section 5).
SHARE = 0.8
#: How narrowly gradients are gathered around a direction, as in exp(SHARPNESS (cos - 1)): half at 25 degrees.
SHARPNESS = 8.0
#: Directions of each kind, and frames of one keypoint, at most (Lowe's own images have 1.15 frames a keypoint).
SEVERAL = 2
#: Steps by which a direction is moved to the mean of the gradients around it.
STEPS = 5


def dominant(
    octave: Octave, places: np.ndarray, levels: np.ndarray, reach: float, samples: int
) -> tuple[np.ndarray, np.ndarray]:
    """(F,) keypoint and (F, n, n) frame of each way that the patches point.

    The first axis is a direction that most gradients have, the second one that most have across the first; in 3D the
    third is their cross product (Toews & Wells 2013; Allaire et al. 2008). In 2D the second is a right angle on.
    """
    dims = places.shape[1]
    still = np.broadcast_to(np.eye(dims), (len(places), dims, dims))
    slopes = gradients(sample(octave, places, levels, still, reach, samples)).astype(np.float64)
    slopes *= window(dims, samples)[:, None]
    owner, first = peaks(slopes)
    if dims == 2:
        return owner, np.stack([first, np.stack([-first[:, 1], first[:, 0]], axis=1)], axis=1)
    across = slopes[owner]
    across = across - np.einsum("fpi,fi->fp", across, first)[..., None] * first[:, None]
    again, second = peaks(across)
    owner, first = owner[again], first[again]
    # What the mean of directions across the first has along it is rounding.
    second = _unit(second - np.einsum("fi,fi->f", second, first)[:, None] * first)
    return owner, np.stack([first, second, np.cross(first, second)], axis=1)


def peaks(slopes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(F,) row and (F, n) unit vector of the directions that have most of a row's gradients, the strongest first.

    :param slopes: (N, P, n) weighted gradients. A row without any has no direction.
    """
    lengths = np.linalg.norm(slopes, axis=2)
    units = slopes / np.where(lengths > 0, lengths, 1)[..., None]
    seeds, near = _directions(slopes.shape[2])
    gathered = np.empty((len(slopes), len(seeds)))
    for row, (length, unit) in enumerate(zip(lengths, units, strict=True)):
        gathered[row] = length @ np.exp(SHARPNESS * (unit @ seeds.T - 1))
    highest = np.where(near, gathered[:, None], 0).max(axis=2)
    least = SHARE * gathered.max(axis=1, keepdims=True)
    strong = (gathered > 0) & (gathered >= highest) & (gathered >= least)
    order = np.argsort(np.where(strong, -gathered, np.inf), axis=1, kind="stable")[:, :SEVERAL]
    rows, kept = np.nonzero(np.take_along_axis(strong, order, axis=1))
    found = seeds[order[rows, kept]]
    for _ in range(STEPS):
        pull = lengths[rows] * np.exp(SHARPNESS * (np.einsum("fpi,fi->fp", units[rows], found) - 1))
        found = _unit(np.einsum("fp,fpi->fi", pull, units[rows]))
    return rows, found


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    found: np.ndarray = vectors / np.where(lengths > 0, lengths, 1)
    return found


@functools.cache
def _directions(dims: int) -> tuple[np.ndarray, np.ndarray]:
    """(D, n) unit vectors over all directions, the same seen along any axis; (D, D) which are neighbours."""
    if dims == 2:
        angles = np.arange(36) * (2 * np.pi / 36)
        found, width = np.stack([np.cos(angles), np.sin(angles)], axis=1), np.deg2rad(11)
    else:
        steps = np.array([step for step in product((-2, -1, 0, 1, 2), repeat=3) if np.gcd.reduce(step) == 1])
        found, width = steps / np.linalg.norm(steps, axis=1, keepdims=True), np.deg2rad(32)
    return found, found @ found.T >= np.cos(width)
