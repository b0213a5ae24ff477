"""From an image to its described keypoints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlfp_plugins.sift import descriptors, frames
from mlfp_plugins.sift.keypoints import Keypoints, find, strongest
from mlfp_plugins.sift.scale_space import Octave, octaves

#: Keypoints whose patches are held at a time.
BLOCK = 256


@dataclass(frozen=True)
class Features:
    """N described keypoints of one image.

    :param descriptors: (N, L) float32 ranks, see :func:`mlfp_plugins.sift.descriptors.ranked`.
    :param places: (N, n) in voxels.
    :param scales: (N,) blur at which each is found, in voxels.
    :param strengths: (N,) how strong, in the image's range of values.
    """

    descriptors: np.ndarray
    places: np.ndarray
    scales: np.ndarray
    strengths: np.ndarray


def features(
    image: np.ndarray, *, count: int, contrast: float, corner: float, reach: float, oriented: bool, double: bool
) -> Features:
    """The strongest keypoints of an image, described.

    :param image: ``(*spatial)``, two or three axes.
    :param count: at most so many descriptors.
    :param contrast: see :func:`mlfp_plugins.sift.keypoints.find`; share of the image's range of values.
    :param reach: half the side of a described patch, in the keypoint's scale.
    :param oriented: describe patches in the frames of their dominant gradients, else as they lie.
    """
    scaled = in_range(image)
    found: list[tuple[Octave, Keypoints]] = []
    for octave in octaves(scaled, double=double):
        found.append((octave, strongest(find(octave, contrast=contrast, corner=corner), count)))
    strengths = np.concatenate([np.abs(keypoints.strengths) for _, keypoints in found] or [np.empty(0)])
    least = np.sort(strengths)[-count] if len(strengths) > count else 0.0
    parts = [
        _described(octave, keypoints.take(np.abs(keypoints.strengths) >= least), reach, oriented)
        for octave, keypoints in found
    ]
    return _joined(parts, count, image.ndim)


def in_range(image: np.ndarray) -> np.ndarray:
    """float32, less its lowest value, by the reach of all values but the 0.1 % lowest and highest.

    So that a contrast means the same however bright a scan is.
    """
    values = np.asarray(image, dtype=np.float64)
    low, high = np.percentile(values, [0.1, 99.9])
    if high <= low:
        low, high = values.min(), values.max()
    scaled: np.ndarray = ((values - low) / (high - low if high > low else 1)).astype(np.float32)
    return scaled


def _described(octave: Octave, keypoints: Keypoints, reach: float, oriented: bool) -> Features:
    dims = keypoints.places.shape[1]
    histograms, owners = [np.empty((0, descriptors.length(dims)))], [np.empty(0, dtype=int)]
    for start in range(0, len(keypoints), BLOCK):
        block = keypoints.take(np.arange(start, min(start + BLOCK, len(keypoints))))
        owner, axes = np.arange(len(block)), np.broadcast_to(np.eye(dims), (len(block), dims, dims))
        if oriented:
            owner, axes = frames.dominant(octave, block.places, block.levels, reach, descriptors.SAMPLES[dims])
        histograms.append(descriptors.describe(octave, block.places[owner], block.levels[owner], axes, reach))
        owners.append(start + owner)
    chosen = keypoints.take(np.concatenate(owners))
    return Features(
        descriptors.ranked(np.concatenate(histograms)),
        chosen.places * octave.step,
        octave.blur(chosen.levels) * octave.step,
        np.abs(chosen.strengths),
    )


def _joined(parts: list[Features], count: int, dims: int) -> Features:
    if not parts:
        return Features(
            np.empty((0, descriptors.length(dims)), np.float32), np.empty((0, dims)), np.empty(0), np.empty(0)
        )
    together = [
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("descriptors", "places", "scales", "strengths")
    ]
    order = np.argsort(-together[3], kind="stable")[:count]
    return Features(*(part[order] for part in together))
