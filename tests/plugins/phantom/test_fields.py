"""Fields have the width and strength that they are asked for."""

from __future__ import annotations

import numpy as np
import pytest
from mlfp_plugins.phantom.fields import band, blur, mixture
from mlfp_plugins.phantom.grid import Grid
from scipy import ndimage

GRID = Grid(4.0)


def white(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(GRID.shape, dtype=np.float32)


def test_blur_equals_a_gaussian_filter_that_wraps() -> None:
    image = white(0)
    expected = ndimage.gaussian_filter(image.astype(np.float64), 10.0 / GRID.spacing, mode="wrap", truncate=6)
    np.testing.assert_allclose(blur(image, GRID, 10.0), expected, atol=1e-4)


@pytest.mark.parametrize("coarse", [None, 20.0])
def test_band_is_standardised(coarse: float | None) -> None:
    field = band(white(1), GRID, 8.0, coarse)
    assert field.mean() == pytest.approx(0, abs=1e-5)
    assert field.std() == pytest.approx(1, abs=1e-4)


def test_band_keeps_neither_fine_nor_coarse() -> None:
    field = band(white(2), GRID, 8.0, 20.0)
    assert blur(field, GRID, 40.0).std() < 0.1
    assert blur(field, GRID, 3.0).std() > 0.85


def test_mixture_adds_the_variances_asked_for() -> None:
    fields = np.stack([mixture(white(seed), GRID, {6.0: 3.0, 20.0: 4.0}) for seed in range(12)])
    assert fields.std() == pytest.approx(5.0, rel=0.1)
    assert fields.mean(axis=(1, 2, 3)) == pytest.approx(np.zeros(12), abs=1e-4)
