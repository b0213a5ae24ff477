"""The compiled resampling equals scipy's, and flows can be undone."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from mlfp_plugins.phantom.warp import flow, identity, resample
from scipy import ndimage


def obvious(images: np.ndarray, by: np.ndarray) -> np.ndarray:
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (1, 1)))  # zero beyond the border, linear up to it
    places = np.clip(identity(images.shape[1:]) + by + 1, 0, np.array(padded.shape[1:]).reshape(3, 1, 1, 1) - 1)
    return np.stack([ndimage.map_coordinates(image, places, order=1) for image in padded])


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), shape=st.tuples(*[st.integers(2, 7)] * 3), reach=st.floats(0, 6))
def test_resample_equals_scipy(seed: int, shape: tuple[int, int, int], reach: float) -> None:
    generator = np.random.default_rng(seed)
    images = generator.standard_normal((2, *shape), dtype=np.float32)
    by = np.float32(reach) * generator.standard_normal((3, *shape), dtype=np.float32)
    np.testing.assert_allclose(resample(images, by), obvious(images, by), atol=1e-4)


def test_no_displacement_changes_nothing() -> None:
    images = np.random.default_rng(0).standard_normal((3, 5, 6, 7), dtype=np.float32)
    np.testing.assert_array_equal(resample(images, np.zeros((3, 5, 6, 7), np.float32)), images)


def test_a_flow_is_undone_by_its_opposite() -> None:
    white = np.random.default_rng(1).standard_normal((3, 24, 24, 24))
    velocity = np.stack([ndimage.gaussian_filter(part, 4, mode="wrap") for part in white]).astype(np.float32)
    velocity *= 1.0 / velocity.std()
    window = np.zeros((24, 24, 24), np.float32)
    window[6:-6, 6:-6, 6:-6] = 1  # nothing crosses the border
    velocity *= ndimage.gaussian_filter(window, 1.5)
    there, back = flow(velocity, 6), flow(-velocity, 6)
    assert np.abs(there).max() > 1
    assert np.abs(there + resample(back, there)).max() < 0.15  # voxels; what interpolation costs
