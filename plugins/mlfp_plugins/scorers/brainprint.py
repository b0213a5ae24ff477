"""The spectra of tissue surfaces: shape alone, wherever the head lies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from lapy import Solver, TriaMesh
from lapy.shapedna import normalize_ev, reweight_ev
from scipy import ndimage
from torch import Tensor

from mlfp.data.masks import foreground
from mlfp.errors import ParameterError
from mlfp.seeds import numpy_generator
from mlfp_plugins.scorers.shrink import shrink

#: Times that a surface is smoothed, so that its area is that of the tissue and not that of the voxels' faces.
SMOOTH = 10
#: Voxels of the width of the Gaussian that masks are smoothed with before their surface is taken.
BLUR = 0.7


class BrainPrint:
    """Distance of the Laplace-Beltrami spectra of tissue surfaces, negative: the idea of BrainPrint.

    BrainPrint (Wachinger et al. 2015) describes each structure that FreeSurfer finds by the lowest eigenvalues of the
    Laplace-Beltrami operator on its surface (ShapeDNA, Reuter et al. 2006): what a drum of this shape would sound like,
    the same however the head is turned and moved. Here no atlas finds structures. In their place stand the head or
    brain itself and classes of tissue, by k-means of intensities inside it, numbered from dark to bright; each with its
    largest connected part. So classes mean the same tissue in scans of one contrast only.

    Surfaces are those of the masks' voxels, smoothed (Taubin); eigenvalues are divided by the area and by their number,
    as BrainPrint does, with lapy.

    :param classes: of tissue; 0 leaves the head or brain itself.
    :param eigenvalues: of each surface, after the first, which is 0.
    :param size: voxels along the longest axis; time grows with a bit more than its square.
    :param normalize: whether surfaces are brought to one area, so that size tells nothing.
    :param spacing: mm along each axis; that of the comparison.
    """

    symmetric = True

    def __init__(
        self,
        classes: int = 3,
        eigenvalues: int = 30,
        size: int = 40,
        normalize: bool = True,
        spacing: Sequence[float] | None = None,
    ) -> None:
        self.classes = classes
        self.eigenvalues = eigenvalues
        self.size = size
        self.normalize = normalize
        self.spacing = spacing

    def describe(self, images: Tensor) -> Tensor:
        """``(B, C, I, J, K)`` to (B, C * (1 + classes) * eigenvalues); noughts where there is no such tissue.

        :raises ParameterError: the scans are pictures, or a parameter is too small.
        """
        if images.ndim != 5:
            raise ParameterError("brainprint takes volumes, and the scans are pictures", key=("use",))
        for name, least in (("classes", 0), ("eigenvalues", 1), ("size", 8)):
            if getattr(self, name) < least:
                raise ParameterError(f"{name} should be {least} or more, got {getattr(self, name)}", key=(name,))
        small = shrink(images, self.size)
        ratio = np.array(images.shape[2:]) / np.array(small.shape[2:])
        steps = ratio * np.array(self.spacing or (1.0, 1.0, 1.0))
        found = [
            np.concatenate([self._spectrum(mask, steps) for channel in scan for mask in tissues(channel, self.classes)])
            for scan in small.numpy()
        ]
        return torch.from_numpy(np.stack(found).astype(np.float32))

    def score(self, queries: Tensor, gallery: Tensor) -> Tensor:
        """(Q, D) and (G, D) to (Q, G): the Euclidean distance, negative."""
        return -torch.cdist(queries, gallery, compute_mode="donot_use_mm_for_euclid_dist")

    def _spectrum(self, mask: np.ndarray, steps: np.ndarray) -> np.ndarray:
        """(eigenvalues,) of the surface of ``(I, J, K)`` with voxels of so many mm."""
        points, corners = surface(mask)
        if len(points) <= self.eigenvalues + 1:
            return np.zeros(self.eigenvalues)
        mesh = TriaMesh(points * steps, corners)
        mesh.smooth_(SMOOTH)
        # Any start will do but the constant, which is the first eigenvector.
        start = numpy_generator("brainprint").normal(size=len(points))
        values, _ = Solver(mesh).eigs(self.eigenvalues + 1, v0=start)
        values = normalize_ev(mesh, values) if self.normalize else values
        weighed: np.ndarray = reweight_ev(values[1:])
        return weighed


def tissues(channel: np.ndarray, classes: int) -> Iterator[np.ndarray]:
    """``(I, J, K)`` to masks: what is no air, and each class of intensity in it from dark to bright."""
    inside = foreground(channel[None])
    yield inside
    if classes == 0:
        return
    values = channel[inside] if inside.any() else channel.ravel()
    centres = _centres(np.sort(values.astype(np.float64)), classes)
    nearest = np.abs(channel[..., None] - centres).argmin(axis=-1)
    for number in range(classes):
        yield _smoothed(inside & (nearest == number))


def surface(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``(I, J, K)`` bool to its surface: (V, 3) places in voxels, and (T, 3) triangles, which wind outwards.

    Every face between a voxel inside and one outside makes two triangles.
    """
    padded = np.pad(mask, 1)
    shape = np.array(padded.shape) + 1
    quads = []
    for axis in range(3):
        change = np.diff(padded.astype(np.int8), axis=axis)
        one, two = np.eye(3, dtype=int)[[(axis + 1) % 3, (axis + 2) % 3]]
        for sign, sides in ((-1, (one, one + two, two)), (1, (two, one + two, one))):
            first = np.argwhere(change == sign) + np.eye(3, dtype=int)[axis]
            quads.append(np.stack([first, *(first + side for side in sides)], axis=1))
    corners = np.concatenate(quads)
    used, places = np.unique(np.ravel_multi_index(tuple(corners.reshape(-1, 3).T), tuple(shape)), return_inverse=True)
    faces = places.reshape(-1, 4)
    triangles = np.concatenate([faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]])
    return np.stack(np.unravel_index(used, tuple(shape)), axis=1).astype(float), triangles


def _centres(values: np.ndarray, classes: int, rounds: int = 30) -> np.ndarray:
    """(classes,) centres of k-means of sorted numbers, in order, from evenly spaced quantiles on."""
    centres = np.quantile(values, (np.arange(classes) + 0.5) / classes)
    sums = np.concatenate([[0], np.cumsum(values)])
    for _ in range(rounds):
        ends = np.searchsorted(values, (centres[1:] + centres[:-1]) / 2)
        bounds = np.concatenate([[0], ends, [len(values)]])
        counts = np.diff(bounds)
        centres = np.where(counts > 0, np.diff(sums[bounds]) / np.maximum(counts, 1), centres)
    found: np.ndarray = centres
    return found


def _smoothed(mask: np.ndarray) -> np.ndarray:
    """The largest connected part of the mask without its single voxels."""
    smooth: np.ndarray = ndimage.gaussian_filter(mask.astype(np.float32), BLUR) > 0.5
    labels, count = ndimage.label(smooth)
    if count <= 1:
        return smooth
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    found: np.ndarray = labels == sizes.argmax()
    return found
