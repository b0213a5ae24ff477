"""Structural similarity."""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
import torch
from torch import Tensor

from mlfp.errors import ParameterError
from mlfp_plugins.scorers.shrink import shrink

Kernel = Callable[..., None]


class SSIM:
    """Mean structural similarity (Wang, Bovik, Sheikh, Simoncelli, 2004), in 2D and 3D.

    As ``skimage.metrics.structural_similarity`` has it by default: a uniform window of 7 voxels along each axis, sample
    covariance, K1 = 0.01, K2 = 0.03, the mean over all places where the window fits, and over channels. Means and
    variances within the windows are a matter of one image and computed once; a pair costs the one pass that the
    covariance needs, compiled with numba.

    Two images are compared over the range of values that the two span, unless ``data_range`` gives it.

    :param window: odd number of voxels.
    :param data_range: largest less smallest value that images can have.
    :param size: voxels along the longest axis; larger images are averaged down. None compares them as they are;
        Few-Shot Fingerprinting compares at 256.
    :param compiled: False leaves numba out: torch gives the same numbers, several times slower.
    """

    symmetric = True

    def __init__(
        self, window: int = 7, data_range: float | None = None, size: int | None = None, compiled: bool = True
    ) -> None:
        self.window = window
        self.data_range = data_range
        self.size = size
        self.compiled = compiled

    def describe(self, images: Tensor) -> Tensor:
        """``(B, C, *spatial)`` to ``(B, 3, C, *spatial)``: pixels, and mean and variance of the windows.

        A window stands at its first corner; places where none fits hold zeros.

        :raises ParameterError: the window is no odd number of 3 or more or larger than the images, or the range is not
            positive.
        """
        images = shrink(images, self.size)
        self._check(tuple(images.shape[2:]))
        count = self.window ** (images.ndim - 2)
        # In float32 the square of a large mean would drown the variance.
        pixels = images.double()
        mean = _means(pixels, self.window)
        variance = (_means(pixels.square(), self.window) - mean.square()).clamp_(min=0) * (count / (count - 1))
        described = images.new_zeros((len(images), 3, *images.shape[1:]))
        described[:, 0] = images
        for place, statistic in ((1, mean), (2, variance)):
            _fitting(described[:, place], self.window, images.ndim - 2).copy_(statistic)
        return described

    def score(self, queries: Tensor, gallery: Tensor) -> Tensor:
        """``(Q, 3, C, *spatial)`` and ``(G, 3, C, *spatial)`` to (Q, G) similarities in [-1, 1]."""
        ranges = self._ranges(queries, gallery)
        kernel = _kernel() if self.compiled else None
        if kernel is not None:
            return _compiled_scores(kernel, queries, gallery, ranges, self.window)
        rows = [_torch_scores(query, gallery, reach, self.window) for query, reach in zip(queries, ranges, strict=True)]
        return torch.stack(rows)

    def _check(self, spatial: tuple[int, ...]) -> None:
        if self.window < 3 or self.window % 2 == 0 or self.window > min(spatial):
            raise ParameterError(
                f"an SSIM window should be odd, 3 or more, and fit images of {spatial} voxels, got {self.window}",
                key=("window",),
            )
        if self.data_range is not None and self.data_range <= 0:
            raise ParameterError(f"data_range should be above 0, got {self.data_range}", key=("data_range",))

    def _ranges(self, queries: Tensor, gallery: Tensor) -> Tensor:
        """(Q, G) range of values of each pair."""
        if self.data_range is not None:
            return torch.full((len(queries), len(gallery)), self.data_range)
        pixels, others = queries[:, 0].flatten(1), gallery[:, 0].flatten(1)
        highest = torch.maximum(pixels.amax(dim=1)[:, None], others.amax(dim=1))
        reach = highest - torch.minimum(pixels.amin(dim=1)[:, None], others.amin(dim=1))
        # Two constant images of one value are alike whatever the range.
        return reach.masked_fill(reach == 0, 1)


@functools.cache
def _kernel() -> Kernel | None:
    """The compiled kernel, imported when the first pair is scored, for numba takes a second.

    None where numba cannot be imported, as with a numpy that is newer than it knows: torch does the same, slower.
    """
    try:
        from mlfp_plugins.scorers.ssim_compiled import row
    except ImportError:
        return None
    return row


def _compiled_scores(kernel: Kernel, queries: Tensor, gallery: Tensor, ranges: Tensor, window: int) -> Tensor:
    """(Q, G) similarities, on as many threads as torch uses: a task is a query with a part of the gallery."""
    depth = window if queries.ndim == 6 else 1
    left, right = _solid(queries), _solid(gallery)
    reach, scores = ranges.numpy(), np.empty(ranges.shape, dtype=np.float32)
    threads = torch.get_num_threads()
    parts = np.array_split(np.arange(len(right)), min(len(right), -(-threads // len(left))))

    def run(task: tuple[int, np.ndarray]) -> None:
        row, part = task[0], slice(task[1][0], task[1][-1] + 1)
        kernel(left[row], right[part], reach[row, part], depth, window, scores[row, part])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, product(range(len(left)), parts)))
    return torch.from_numpy(scores)


def _solid(described: Tensor) -> np.ndarray:
    """``(B, 3, C, I, J, K)``; a picture has I = 1."""
    solid: np.ndarray = (described if described.ndim == 6 else described.unsqueeze(3)).contiguous().numpy()
    return solid


def _torch_scores(query: Tensor, gallery: Tensor, reach: Tensor, window: int) -> Tensor:
    """(G,) similarities of one query; the same numbers as the kernel's."""
    axes = gallery.ndim - 3
    count = window**axes
    fit = functools.partial(_fitting, window=window, axes=axes)
    mean, means = fit(query[1]), fit(gallery[:, 1])
    offset, offsets = _corner(query[0], axes), _corner(gallery[:, 0], axes)
    products = _means((query[0] - offset) * (gallery[:, 0] - offsets), window)
    covariance = (products - (mean - offset) * (means - offsets)) * (count / (count - 1))
    one, two = ((factor * reach).square().reshape(-1, 1, *[1] * axes) for factor in (0.01, 0.03))
    above = (2 * mean * means + one) * (2 * covariance + two)
    below = (mean.square() + means.square() + one) * (fit(query[2]) + fit(gallery[:, 2]) + two)
    similarity: Tensor = (above / below).double().flatten(1).mean(dim=1).float()
    return similarity


def _means(images: Tensor, window: int) -> Tensor:
    """``(B, C, *spatial)`` means of the windows, where they fit: axis by axis."""
    two = images.ndim == 4
    pool: Callable[..., Tensor] = torch.nn.functional.avg_pool2d if two else torch.nn.functional.avg_pool3d
    for axis in range(images.ndim - 2):
        images = pool(images, [window if other == axis else 1 for other in range(images.ndim - 2)], stride=1)
    return images


def _fitting(images: Tensor, window: int, axes: int) -> Tensor:
    """``(..., *spatial)``, ``axes`` of them, at the places where a window fits."""
    for axis in range(-axes, 0):
        images = images.narrow(axis, 0, images.shape[axis] - window + 1)
    return images


def _corner(images: Tensor, axes: int) -> Tensor:
    """What is taken off an image's values before they are multiplied: of large values float32 keeps no covariance.

    Any value of the image will do; the first is at hand.
    """
    for axis in range(-axes, 0):
        images = images.narrow(axis, 0, 1)
    return images
