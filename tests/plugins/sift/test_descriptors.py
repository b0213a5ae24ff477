from __future__ import annotations

import numpy as np
import pytest
from mlfp_plugins.sift.descriptors import CELLS, SAMPLES, describe, directions, length, ranked
from mlfp_plugins.sift.frames import dominant, peaks
from mlfp_plugins.sift.patches import sample
from mlfp_plugins.sift.scale_space import BLUR, SCALES, Octave
from scipy import ndimage
from scipy.stats import spearmanr


def octave_of(image: np.ndarray) -> Octave:
    return Octave(np.stack([image.astype(np.float32)] * (SCALES + 3)), 1.0)


def texture(dims: int, side: int = 33) -> np.ndarray:
    return ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(side,) * dims), 2.0)


def still(dims: int) -> np.ndarray:
    return np.eye(dims)[None]


@pytest.mark.parametrize("dims", [2, 3])
def test_a_patch_is_the_image_around_the_place(dims: int) -> None:
    """Samples one apart, from a place on the grid, are the image's own."""
    image = texture(dims)
    place, reach = np.full((1, dims), 16.0), 5 / BLUR
    patch = sample(octave_of(image), place, np.zeros(1), still(dims), reach, 11)
    np.testing.assert_allclose(patch[0], image[(slice(11, 22),) * dims], atol=1e-5)


@pytest.mark.parametrize("dims", [2, 3])
def test_a_histogram_is_that_of_loops(dims: int) -> None:
    image, place = texture(dims), np.full((1, dims), 16.0)
    samples, cells = SAMPLES[dims], CELLS[dims]
    patch = sample(octave_of(image), place, np.zeros(1), still(dims), 4.0, samples)[0]
    slopes = np.stack(np.gradient(patch), axis=-1)
    expected = np.zeros((*[cells] * dims, 8))
    for index in np.ndindex(*patch.shape):
        slope = slopes[index]
        nearest = int(np.argmax(directions(dims) @ slope))
        for cell in np.ndindex(*[cells] * dims):
            centres = [(2 * part + 1) / cells - 1 for part in cell]
            places = [2 * part / (samples - 1) - 1 for part in index]
            share = np.prod([max(0, 1 - abs(a - b) * cells / 2) for a, b in zip(places, centres, strict=True)])
            expected[(*cell, nearest)] += share * np.linalg.norm(slope)
    found = describe(octave_of(image), place, np.zeros(1), still(dims), 4.0)
    assert found.shape == (1, length(dims))
    np.testing.assert_allclose(found[0], expected.ravel(), rtol=1e-3, atol=1e-5)


def test_lengths_are_those_of_the_papers() -> None:
    assert (length(2), length(3)) == (128, 64)


def test_products_of_ranks_are_spearmans_correlation() -> None:
    rng = np.random.default_rng(0)
    histograms = np.round(rng.random((2, 64)), 1)  # with ties
    one, other = ranked(histograms)
    assert float(one @ other) == pytest.approx(float(spearmanr(*histograms).statistic), abs=1e-6)


def test_ranks_do_not_change_when_values_grow_together() -> None:
    histograms = np.random.default_rng(0).random((5, 64))
    np.testing.assert_array_equal(ranked(histograms), ranked(3 * histograms**2 + 7))


def test_an_empty_patch_is_like_nothing() -> None:
    assert not ranked(np.zeros((1, 64))).any()


@pytest.mark.parametrize("dims", [2, 3])
def test_frames_are_rotations(dims: int) -> None:
    places = np.random.default_rng(0).uniform(10, 22, (20, dims))
    owners, axes = dominant(octave_of(texture(dims)), places, np.zeros(20), 3.0, 11)
    assert set(owners) == set(range(20))
    np.testing.assert_allclose(axes @ axes.transpose(0, 2, 1), np.broadcast_to(np.eye(dims), axes.shape), atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(axes), 1)


@pytest.mark.parametrize("dims", [2, 3])
def test_the_first_axis_is_where_most_gradients_point(dims: int) -> None:
    wanted = np.array([0.36, 0.48, 0.8])[-dims:] / np.linalg.norm([0.36, 0.48, 0.8][-dims:])
    axes = np.meshgrid(*[np.arange(33.0)] * dims, indexing="ij")
    slope = sum(part * axis for part, axis in zip(wanted, axes, strict=True))
    rows, found = peaks(np.tile(wanted, (1, 50, 1)))
    assert len(rows) == 1
    np.testing.assert_allclose(found[0], wanted, atol=1e-6)
    if dims == 2:
        _, frames = dominant(octave_of(slope), np.full((1, dims), 16.0), np.zeros(1), 3.0, 11)
        np.testing.assert_allclose(frames[0, 0], wanted, atol=1e-5)


def test_two_directions_of_almost_one_strength_both_count_and_a_weak_one_does_not() -> None:
    slopes = np.repeat(np.diag([1.0, 0.9, 0.5]), 10, axis=0)
    rows, found = peaks(slopes[None])
    assert rows.tolist() == [0, 0]
    np.testing.assert_allclose(found, [[1, 0, 0], [0, 1, 0]], atol=0.01)


def test_a_patch_without_gradients_has_no_frame() -> None:
    assert len(peaks(np.zeros((3, 50, 3)))[0]) == 0
    assert len(peaks(np.zeros((0, 50, 3)))[0]) == 0
