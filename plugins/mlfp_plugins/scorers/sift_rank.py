"""SIFT-Rank: what keypoints two images have in common."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mlfp.errors import ParameterError
from mlfp_plugins.sift.binary import extract
from mlfp_plugins.sift.descriptors import length
from mlfp_plugins.sift.extract import Features, features
from mlfp_plugins.sift.matching import packed, present, soft_jaccard

#: An image is begun at twice its samples while these are no more: 128 voxels along each axis of a volume.
DOUBLED = 1 << 24
#: Half the side of a described patch, in the keypoint's scale: 4 cells of 3 (Lowe 2004, section 6.1) in 2D.
REACH = {2: 6.0, 3: 4.0}


class SIFTRank:
    """Soft Jaccard index of two images' keypoints, in 2D and 3D (Toews & Wells 2013; Chauvin et al. 2020, 2021).

    Keypoints are extrema of the difference of Gaussians over space and scale, less those of flat contrast and those on
    planes and lines. Each is described by the strengths of its gradients in 2 x 2 x 2 cells and 8 directions (pictures:
    4 x 4 cells), of which only the ranks are kept (Toews & Wells 2009). Two keypoints match when each is the other's
    nearest of the two images, and count the less the farther apart their descriptors are; see
    :func:`mlfp_plugins.sift.matching.soft_jaccard`. Where a keypoint lies plays no part unless ``geometry`` is set.
    The nearest of each image, not of the whole gallery, is looked for, so that no index comes in and the score of a
    pair is a matter of the pair.

    Written from the papers. What they leave open, and the thresholds, were chosen on the phantom: T1 of one session
    among T1 and FLAIR of another, moved as ``{rotate: 10, shift: 10, scale: 0.05}``.

    :param keypoints: descriptors an image keeps at most, of the strongest keypoints.
    :param contrast: least difference of Gaussians at a keypoint, as a share of the image's range of values.
    :param corner: least evenness of the gradients' directions around a keypoint: 1 for a ball, 0 for a plane or a line.
    :param reach: half the side of a described patch, in the scale of its keypoint. Unless given, 6 in 2D and 4 in 3D.
    :param oriented: describe each patch in the frames of its dominant gradients, so that turning the image changes
        nothing. Heads that lie within some degrees of each other are told better without.
    :param double: begin at twice the samples, which finds structures of one voxel. Unless given, images that have no
        more than 2 ** 24 samples then (128 voxels along each axis) are.
    :param bandwidth: width of the kernel between descriptors, in distances of a keypoint to the next of its own image.
    :param geometry: count only keypoints at the same place and scale, too: for scans that are aligned.
    :param binary: path of the authors' featExtract, to find and describe keypoints instead; 3D only. ``contrast``,
        ``corner``, ``reach`` and ``double`` are then its own, and the largest keypoints count as the strongest.
    """

    symmetric = True

    def __init__(
        self,
        keypoints: int = 500,
        contrast: float = 0.01,
        corner: float = 0.02,
        reach: float | None = None,
        oriented: bool = False,
        double: bool | None = None,
        bandwidth: float = 0.5,
        geometry: bool = False,
        binary: str | None = None,
    ) -> None:
        self.keypoints = keypoints
        self.contrast = contrast
        self.corner = corner
        self.reach = reach
        self.oriented = oriented
        self.double = double
        self.bandwidth = bandwidth
        self.geometry = geometry
        self.binary = binary

    def describe(self, images: Tensor) -> Tensor:
        """``(B, C, *spatial)`` to (B, K, 6 + L): the keypoints of all channels, see :mod:`mlfp_plugins.sift.matching`.

        :raises ParameterError: a parameter out of its range, or a binary that cannot be run.
        """
        self._check()
        return torch.stack([self._image(image.numpy()) for image in images])

    def score(self, queries: Tensor, gallery: Tensor) -> Tensor:
        """(Q, K, 6 + L) and (G, K, 6 + L) to (Q, G) in [0, 1]. Images without keypoints are like nothing: 0."""
        others = [present(rows) for rows in gallery]
        scores = [
            [soft_jaccard(query, other, bandwidth=self.bandwidth, geometry=self.geometry) for other in others]
            for query in map(present, queries)
        ]
        return torch.tensor(scores, dtype=torch.float32).reshape(len(queries), len(gallery))

    def _image(self, image: np.ndarray) -> Tensor:
        found = [self._features(channel) for channel in image]
        strengths = np.concatenate([part.strengths for part in found])
        order = np.argsort(-strengths, kind="stable")[: self.keypoints]
        descriptors, places, scales = (
            np.concatenate([getattr(part, name) for part in found])[order]
            for name in ("descriptors", "places", "scales")
        )
        assert descriptors.shape[1] == length(image.ndim - 1), "one length a dimensionality"
        return packed(Features(descriptors, places, scales, strengths[order]), self.keypoints)

    def _features(self, channel: np.ndarray) -> Features:
        if self.binary is not None:
            return extract(self.binary, channel, oriented=self.oriented)
        double = channel.size * 2**channel.ndim <= DOUBLED if self.double is None else self.double
        return features(
            channel,
            count=self.keypoints,
            contrast=self.contrast,
            corner=self.corner,
            reach=REACH[channel.ndim] if self.reach is None else self.reach,
            oriented=self.oriented,
            double=double,
        )

    def _check(self) -> None:
        if self.keypoints < 1:
            raise ParameterError(f"keypoints should be 1 or more, got {self.keypoints}", key=("keypoints",))
        for name in ("contrast", "corner"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise ParameterError(f"{name} is a share from 0 to below 1, got {value}", key=(name,))
        for name in ("reach", "bandwidth"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ParameterError(f"{name} should be above 0, got {value}", key=(name,))
