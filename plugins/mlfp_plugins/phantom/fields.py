"""Smooth random fields, made from white noise in the frequency domain."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import numpy as np
from scipy import fft

from mlfp_plugins.phantom.grid import Grid


@functools.lru_cache(maxsize=8)
def _squared_frequency(grid: Grid) -> np.ndarray:
    """(I, J, K // 2 + 1) squared angular frequency in rad²/mm²."""
    first = [2 * np.pi * fft.fftfreq(size, grid.spacing) for size in grid.shape[:2]]
    last = 2 * np.pi * fft.rfftfreq(grid.shape[2], grid.spacing)
    squared: np.ndarray = first[0][:, None, None] ** 2 + first[1][None, :, None] ** 2 + last[None, None, :] ** 2
    return squared.astype(np.float32)


@functools.lru_cache(maxsize=16)
def _low_pass(grid: Grid, sigma: float) -> np.ndarray:
    return np.exp(-0.5 * sigma**2 * _squared_frequency(grid))


def blur(image: np.ndarray, grid: Grid, sigma: float) -> np.ndarray:
    """The image under a Gaussian of this width in mm; the grid's opposite faces touch."""
    blurred = fft.irfftn(fft.rfftn(image) * _low_pass(grid, sigma), s=grid.shape)
    return np.asarray(blurred, dtype=np.float32)


def band(white: np.ndarray, grid: Grid, fine: float, coarse: float | None = None) -> np.ndarray:
    """White noise with what is finer than ``fine`` and, if given, coarser than ``coarse`` taken out.

    :param white: (I, J, K) standard normal.
    :param fine: width of the low-pass Gaussian in mm.
    :param coarse: width of the Gaussian that is subtracted, in mm.
    :return: (I, J, K) float32 of mean 0 and standard deviation 1.
    """
    response = _low_pass(grid, fine)
    if coarse is not None:
        response = response * (1 - _low_pass(grid, coarse))
    return _standardised(fft.irfftn(fft.rfftn(white) * response, s=grid.shape))


def mixture(white: np.ndarray, grid: Grid, amplitudes: Mapping[float, float]) -> np.ndarray:
    """The sum of independent smooth fields, of one transform: their spectra add.

    :param white: (I, J, K) standard normal.
    :param amplitudes: standard deviation of the field of each Gaussian width in mm.
    :return: (I, J, K) float32.
    """
    power = np.zeros_like(_squared_frequency(grid))
    for sigma, amplitude in amplitudes.items():
        response = _low_pass(grid, sigma) ** 2
        response.flat[0] = 0.0  # no offset: a mean displacement is no shape
        power += amplitude**2 * response / _variance(response, grid)
    return np.asarray(fft.irfftn(fft.rfftn(white) * np.sqrt(power), s=grid.shape), dtype=np.float32)


def _variance(power: np.ndarray, grid: Grid) -> float:
    """Variance that white noise keeps under a real-transform power response."""
    twice = 2 * power.sum(dtype=np.float64) - power[..., 0].sum(dtype=np.float64)
    if grid.shape[2] % 2 == 0:
        twice -= power[..., -1].sum(dtype=np.float64)
    return float(twice / np.prod(grid.shape))


def _standardised(field: np.ndarray) -> np.ndarray:
    field = field - field.mean(dtype=np.float64)
    return np.asarray(field / field.std(dtype=np.float64), dtype=np.float32)
