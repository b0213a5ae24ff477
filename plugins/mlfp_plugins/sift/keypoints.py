"""Where in space and scale an image has a structure of its own: extrema of the difference of Gaussians."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from mlfp_plugins.sift.patches import gradients, sample, window
from mlfp_plugins.sift.scale_space import Octave

#: Half the side of the patch whose gradients tell a corner from an edge, in the keypoint's scale, and its samples.
CORNER_REACH, CORNER_SAMPLES = 2.0, 5


@dataclass(frozen=True)
class Keypoints:
    """N places of one octave.

    :param places: (N, n) in samples of the octave.
    :param levels: (N,) between 0 and SCALES + 1.
    :param strengths: (N,) difference of Gaussians there; negative for a bright blob.
    """

    places: np.ndarray
    levels: np.ndarray
    strengths: np.ndarray

    def __len__(self) -> int:
        return len(self.places)

    def take(self, chosen: np.ndarray) -> Keypoints:
        """Those at these positions, or where a mask is true."""
        return Keypoints(self.places[chosen], self.levels[chosen], self.strengths[chosen])


def find(octave: Octave, *, contrast: float, corner: float) -> Keypoints:
    """All keypoints of an octave.

    :param contrast: least difference of Gaussians.
    :param corner: least :func:`cornerness`.
    """
    differences = octave.differences
    found = refined(differences, extrema(differences, contrast))
    found = found.take(np.abs(found.strengths) >= contrast)
    return found.take(cornerness(octave, found) >= corner) if corner > 0 else found


def extrema(differences: np.ndarray, least: float) -> np.ndarray:
    """(N, 1 + n) level and place of samples above, or below, each of their ``3 ** (1 + n) - 1`` neighbours.

    :param differences: ``(SCALES + 2, *spatial)``; samples at an end of any axis lack neighbours and do not count.
    :param least: how far from 0 a sample should be, before its peak between the samples is known: 80 % of it will do.
    """
    inner = (slice(1, -1),) * differences.ndim
    strides = np.cumprod([1, *differences.shape[:0:-1]])[::-1]
    around = [sum(o * s for o, s in zip(offset, strides, strict=True)) for offset in _neighbours(differences.ndim)]
    places = []
    for sign in (1, -1):
        values = sign * differences
        # The axis neighbours rule out nearly all samples, and all samples at once; the rest go one by one.
        candidates = values[inner] > max(0.8 * least, 0.0)
        candidates &= values[inner] > values[(*inner[:-1], slice(2, None))]
        candidates &= values[inner] > values[(*inner[:-1], slice(None, -2))]
        flat = np.ravel_multi_index(tuple(part + 1 for part in np.nonzero(candidates)), differences.shape)
        line = values.reshape(-1)
        for offset in around:
            flat = flat[line[flat] > line[flat + offset]]
        places.append(np.stack(np.unravel_index(flat, differences.shape), axis=1))
    return np.concatenate(places)


def refined(differences: np.ndarray, places: np.ndarray) -> Keypoints:
    """Extrema between the samples: one step of Newton's method on the quadratic of the neighbours (Brown & Lowe 2002).

    A step of more than a sample in any direction is not to be trusted: such an extremum stays where it is.
    """
    dims = differences.ndim
    values = differences[tuple(places.T)].astype(np.float64)
    if len(places) == 0:
        return Keypoints(np.empty((0, dims - 1)), np.empty(0), np.empty(0))
    unit = np.eye(dims, dtype=int)

    def at(offset: np.ndarray) -> np.ndarray:
        found: np.ndarray = differences[tuple((places + offset).T)].astype(np.float64)
        return found

    slope = np.stack([(at(axis) - at(-axis)) / 2 for axis in unit], axis=1)
    curvature = np.empty((len(places), dims, dims))
    for one, other in product(range(dims), repeat=2):
        if one == other:
            curvature[:, one, one] = at(unit[one]) - 2 * values + at(-unit[one])
        elif one < other:
            plus, minus = unit[one] + unit[other], unit[one] - unit[other]
            curvature[:, one, other] = curvature[:, other, one] = (at(plus) + at(-plus) - at(minus) - at(-minus)) / 4
    step = -np.einsum("nij,nj->ni", np.linalg.pinv(curvature, hermitian=True), slope)
    step[np.abs(step).max(axis=1) > 1] = 0
    strengths = values + np.einsum("ni,ni->n", step, slope) / 2
    moved = places + step
    return Keypoints(moved[:, 1:], moved[:, 0], strengths)


def cornerness(octave: Octave, keypoints: Keypoints) -> np.ndarray:
    """(N,) how evenly gradients point every way around each keypoint: 1 for a ball, 0 for a plane or a line.

    The structure tensor's eigenvalues l (Toews & Wells 2013; Rohr 1997): their product by that of as many equal ones
    of the same sum, ``prod(l) / mean(l) ** n``. In 2D it is ``4 det / trace ** 2``, Lowe's (2004, section 4.1) ratio.
    """
    dims = keypoints.places.shape[1]
    still = np.broadcast_to(np.eye(dims), (len(keypoints), dims, dims))
    patches = sample(octave, keypoints.places, keypoints.levels, still, CORNER_REACH, CORNER_SAMPLES)
    slopes = gradients(patches).astype(np.float64)
    tensors = np.einsum("p,npi,npj->nij", window(dims, CORNER_SAMPLES), slopes, slopes)
    mean = np.trace(tensors, axis1=1, axis2=2) / dims
    found: np.ndarray = np.linalg.det(tensors) / np.where(mean > 0, mean, 1) ** dims
    return found


def strongest(keypoints: Keypoints, count: int) -> Keypoints:
    """The ones of the largest difference of Gaussians, the strongest first; of equals, the first."""
    return keypoints.take(np.argsort(-np.abs(keypoints.strengths), kind="stable")[:count])


def _neighbours(dims: int) -> list[tuple[int, ...]]:
    return [offset for offset in product((-1, 0, 1), repeat=dims) if any(offset)]
