from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from mlfp_plugins.sift.keypoints import Keypoints, cornerness, extrema, find, refined
from mlfp_plugins.sift.scale_space import BLUR, SCALES, Octave, octaves
from scipy import ndimage


def noise(shape: tuple[int, ...], sigma: float = 1.5, seed: int = 0) -> np.ndarray:
    smooth = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), sigma)
    return (smooth / np.abs(smooth).max()).astype(np.float32)


def slow_extrema(differences: np.ndarray, least: float) -> set[tuple[int, ...]]:
    """Sample by sample, neighbour by neighbour."""
    found = set()
    for place in product(*(range(1, length - 1) for length in differences.shape)):
        around = [
            differences[tuple(np.add(place, offset))]
            for offset in product((-1, 0, 1), repeat=differences.ndim)
            if any(offset)
        ]
        value = differences[place]
        if abs(value) > 0.8 * least and ((value > 0 and value > max(around)) or (value < 0 and value < min(around))):
            found.add(place)
    return found


@pytest.mark.parametrize("shape", [(14, 17), (11, 9, 12)])
@pytest.mark.parametrize("least", [0.0, 0.05])
def test_extrema_are_those_that_a_slow_search_finds(shape: tuple[int, ...], least: float) -> None:
    differences = noise((5, *shape), 0.7)
    expected = slow_extrema(differences, least)
    found = extrema(differences, least)
    assert len(expected) > 5
    assert len(found) == len(expected)
    assert {tuple(map(int, place)) for place in found} == expected


def test_a_plateau_has_no_extremum() -> None:
    assert len(extrema(np.ones((5, 9, 9), dtype=np.float32), 0.0)) == 0


def test_extrema_between_samples_are_those_of_the_quadratic() -> None:
    """A quadratic is its own quadratic: place and value come out exactly."""
    peak, value = np.array([2.2, 6.3, 4.6]), 0.7
    axes = np.meshgrid(np.arange(5), np.arange(12), np.arange(10), indexing="ij")
    offsets = np.stack([axis - centre for axis, centre in zip(axes, peak, strict=True)], axis=-1)
    bend = np.array([[0.02, 0.005, 0.0], [0.005, 0.03, 0.004], [0.0, 0.004, 0.01]])
    differences = value - np.einsum("...i,ij,...j->...", offsets, bend, offsets)
    found = refined(differences, np.rint(peak)[None].astype(int))
    np.testing.assert_allclose(np.r_[found.levels, found.places[0]], peak, atol=1e-9)
    np.testing.assert_allclose(found.strengths, value, atol=1e-9)


@pytest.mark.parametrize("dims", [2, 3])
def test_a_blob_is_found_where_it_is_at_its_size(dims: int) -> None:
    """The difference of Gaussians of a Gaussian blob of width s is extreme at blur ``s sqrt(2 / n)``."""
    centre, width = np.array([30.0, 33.0, 28.0])[:dims], 4.0
    axes = np.meshgrid(*[np.arange(64)] * dims, indexing="ij")
    squares = sum((axis - at) ** 2 for axis, at in zip(axes, centre, strict=True))
    image = np.exp(-squares / (2 * width**2)).astype(np.float32)
    found = [
        (keypoints.places[place] * octave.step, octave.blur(keypoints.levels[place]) * octave.step)
        for octave in octaves(image, double=False)
        for keypoints in [find(octave, contrast=0.02, corner=0.1)]
        for place in range(len(keypoints))
    ]
    assert len(found) == 1
    place, scale = found[0]
    np.testing.assert_allclose(place, centre, atol=0.1)
    # Of levels k apart the lower of the two is named, which lies below the blur that the derivative is extreme at.
    extreme = width * (2 / dims) ** 0.5 / 2 ** (0.5 / SCALES)
    assert scale == pytest.approx(extreme, rel=0.1)


@pytest.mark.parametrize("dims", [2, 3])
def test_a_ball_is_a_corner_and_an_edge_is_none(dims: int) -> None:
    axes = np.meshgrid(*[np.arange(33) - 16.0] * dims, indexing="ij")
    ball = np.exp(-sum(axis**2 for axis in axes) / 18)
    edge = np.tanh(axes[0])
    middle = Keypoints(np.full((1, dims), 16.0), np.ones(1), np.ones(1))
    for image, expected in ((ball, 1.0), (edge, 0.0)):
        octave = Octave(np.stack([image.astype(np.float32)] * (SCALES + 3)), 1.0)
        assert cornerness(octave, middle)[0] == pytest.approx(expected, abs=0.02)


def test_levels_are_the_image_blurred_once() -> None:
    """Blur upon blur is one blur: level 3 of the first octave has twice BLUR, less what the image came with."""
    image = noise((65, 65), 1.0)
    octave = next(octaves(image, double=False))
    for level in (0, 3):
        blur = BLUR * 2 ** (level / SCALES)
        once = ndimage.gaussian_filter(image, (blur**2 - 0.5**2) ** 0.5, mode="nearest")
        inner = slice(16, -16)  # at the border, what goes on beyond it is blurred, too
        np.testing.assert_allclose(octave.levels[level][inner, inner], once[inner, inner], atol=2e-3)


@pytest.mark.parametrize("double", [False, True])
def test_octaves_halve_until_little_is_left(double: bool) -> None:
    found = list(octaves(noise((33, 40)), double=double))
    assert [octave.step for octave in found] == ([0.5, 1.0, 2.0, 4.0] if double else [1.0, 2.0, 4.0])
    assert all(min(octave.levels.shape[1:]) >= 8 for octave in found)


def test_doubling_keeps_the_samples() -> None:
    image = noise((20, 21), 3.0)
    doubled = next(octaves(image, double=True))
    assert doubled.levels.shape[1:] == (39, 41)
    plain = next(octaves(image, double=False))
    # Three levels up the blur is twice as many samples, which are half as far apart.
    inner = slice(4, -4)
    np.testing.assert_allclose(doubled.levels[3][::2, ::2][inner, inner], plain.levels[0][inner, inner], atol=0.03)
