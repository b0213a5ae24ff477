"""Moving images: trilinear resampling, and the flow of a velocity field."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _inside(image: np.ndarray, a: int, b: int, c: int, x: np.float32, y: np.float32, z: np.float32) -> np.float32:
    """Between the eight voxels from (a, b, c) on, at these fractions of a voxel."""
    one = np.float32(1)
    near = (one - y) * ((one - z) * image[a, b, c] + z * image[a, b, c + 1])
    near += y * ((one - z) * image[a, b + 1, c] + z * image[a, b + 1, c + 1])
    far = (one - y) * ((one - z) * image[a + 1, b, c] + z * image[a + 1, b, c + 1])
    far += y * ((one - z) * image[a + 1, b + 1, c] + z * image[a + 1, b + 1, c + 1])
    return (one - x) * near + x * far  # type: ignore[no-any-return]


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _border(image: np.ndarray, a: int, b: int, c: int, x: np.float32, y: np.float32, z: np.float32) -> np.float32:
    """The same, with zero for voxels that are not there."""
    one, total = np.float32(1), np.float32(0)
    for i in range(max(a, 0), min(a + 2, image.shape[0])):
        for j in range(max(b, 0), min(b + 2, image.shape[1])):
            for k in range(max(c, 0), min(c + 2, image.shape[2])):
                weight = (x if i > a else one - x) * (y if j > b else one - y) * (z if k > c else one - z)
                total += weight * image[i, j, k]
    return total


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _resample(images: np.ndarray, by: np.ndarray, out: np.ndarray) -> None:
    channels, across, along, up = images.shape
    for i in range(across):
        for j in range(along):
            for k in range(up):
                x, y, z = i + by[0, i, j, k], j + by[1, i, j, k], k + by[2, i, j, k]
                a, b, c = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
                fx, fy, fz = np.float32(x - a), np.float32(y - b), np.float32(z - c)
                if 0 <= a < across - 1 and 0 <= b < along - 1 and 0 <= c < up - 1:
                    for channel in range(channels):
                        out[channel, i, j, k] = _inside(images[channel], a, b, c, fx, fy, fz)
                else:
                    for channel in range(channels):
                        out[channel, i, j, k] = _border(images[channel], a, b, c, fx, fy, fz)


def resample(images: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Trilinear values of images at each voxel's own index plus a displacement.

    :param images: (C, I, J, K) float32.
    :param by: (3, I, J, K) float32 voxels; outside the images the value is zero.
    :return: (C, I, J, K) float32.
    """
    out = np.empty_like(images, dtype=np.float32)
    _resample(np.ascontiguousarray(images, dtype=np.float32), np.ascontiguousarray(by, dtype=np.float32), out)
    return out


def identity(shape: tuple[int, ...]) -> np.ndarray:
    """(3, I, J, K) float32: each voxel's own index."""
    return np.stack(np.meshgrid(*(np.arange(size, dtype=np.float32) for size in shape), indexing="ij"))


def flow(velocity: np.ndarray, steps: int = 4) -> np.ndarray:
    """The displacement that a stationary velocity field leads to in unit time: invertible, so nothing tears.

    Scaling and squaring (Arsigny 2006, "A log-Euclidean framework for statistics on diffeomorphisms").

    :param velocity: (3, I, J, K) voxels.
    :param steps: doublings.
    :return: (3, I, J, K) voxels.
    """
    by = velocity / np.float32(2**steps)
    for _ in range(steps):
        by = by + resample(by, by)
    return by
