"""Mutual information of pixels."""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mlfp.errors import ParameterError
from mlfp_plugins.scorers.shrink import shrink


class MutualInformation:
    """How much the pixels of one image tell of those at the same places of another, whatever the contrasts.

    The measure of registration across modalities (Maes et al. 1997; Wells et al. 1996). Intensities are put into bins
    of equal width between each channel's lowest and highest; pairs of bins are counted over all places and channels.
    Normalised, it is ``2 I(X, Y) / (H(X) + H(Y))``, from 0 to 1: ``2 - 2 / Y`` of Studholme's Y (1999), and so ranks
    as his does. An image without contrast tells nothing: 0.

    :param bins: for intensities, at most 256; 32 is what SimpleITK and ANTs register with.
    :param normalized: whether it is a share of the mean entropy; else nats, of which more detailed images have more.
    :param size: voxels along the longest axis; larger images are averaged down. None compares them as they are.
    :param compiled: False leaves numba out: numpy gives the same numbers, slower.
    """

    symmetric = True

    def __init__(self, bins: int = 32, normalized: bool = True, size: int | None = None, compiled: bool = True) -> None:
        self.bins = bins
        self.normalized = normalized
        self.size = size
        self.compiled = compiled

    def describe(self, images: Tensor) -> Tensor:
        """``(B, C, *spatial)`` to (B, P) uint8: the bin of each pixel.

        :raises ParameterError: ``bins`` is not 2 to 256.
        """
        if not 2 <= self.bins <= 256:
            raise ParameterError(f"bins should be 2 to 256, got {self.bins}", key=("bins",))
        pixels = shrink(images, self.size).flatten(2)
        low, high = pixels.amin(dim=2, keepdim=True), pixels.amax(dim=2, keepdim=True)
        share = (pixels - low) / (high - low).masked_fill(high == low, 1)
        return (share * self.bins).clamp_(max=self.bins - 1).to(torch.uint8).flatten(1)

    def score(self, queries: Tensor, gallery: Tensor) -> Tensor:
        """(Q, P) and (G, P) bins to (Q, G): mutual information."""
        one, two = queries.numpy(), gallery.numpy()
        alone, others = self._entropies(one)[:, None], self._entropies(two)
        mutual = np.maximum(alone + others - self._joint(one, two), 0)
        if self.normalized:
            total = alone + others
            mutual = 2 * mutual / np.where(total > 0, total, 1)
        return torch.from_numpy(mutual.astype(np.float32))

    def _entropies(self, binned: np.ndarray) -> np.ndarray:
        """(B,) in nats."""
        counts = np.stack([np.bincount(image, minlength=self.bins) for image in binned])
        return _entropy(counts)

    def _joint(self, queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
        """(Q, G) in nats, a query a task."""
        kernel = _kernel() if self.compiled else None
        found = np.empty((len(queries), len(gallery)))

        def run(row: int) -> None:
            if kernel is not None:
                kernel(queries[row], gallery, self.bins, found[row])
            else:
                found[row] = [_joint_entropy(queries[row], other, self.bins) for other in gallery]

        with ThreadPoolExecutor(torch.get_num_threads()) as pool:
            list(pool.map(run, range(len(queries))))
        return found


@functools.cache
def _kernel() -> Callable[..., Any] | None:
    """The compiled kernel; None where numba cannot be imported, as with a numpy that is newer than it knows."""
    try:
        from mlfp_plugins.scorers.joint_compiled import joint_entropies
    except ImportError:
        return None
    return joint_entropies


def _joint_entropy(image: np.ndarray, other: np.ndarray, bins: int) -> float:
    return float(_entropy(np.bincount(image.astype(np.int64) * bins + other, minlength=bins * bins)))


def _entropy(counts: np.ndarray) -> np.ndarray:
    """``(..., bins)`` counts, of one sum, to ``(...)`` nats."""
    total = counts.sum(axis=-1)
    entropy: np.ndarray = np.log(total) - (counts * np.log(np.maximum(counts, 1))).sum(axis=-1) / total
    return entropy
