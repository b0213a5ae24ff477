from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage

from mlfp.data.masks import foreground
from mlfp.plugins import registry
from mlfp.types.spec import Spec


def ball(shape: tuple[int, ...] = (20, 22, 18)) -> np.ndarray:
    axes = np.meshgrid(*(np.linspace(-1.4, 1.4, length) for length in shape), indexing="ij")
    return sum(axis**2 for axis in axes) < 1


def z_scored() -> tuple[np.ndarray, np.ndarray]:
    """A head whose values are normalised within it, half of them near the mean, and air at 0: (1, ...) and the mask."""
    inside = ball()
    values = np.random.default_rng(0).normal(0, 1, inside.shape)
    values[:, :10] *= 0.05
    return np.where(inside, values, 0).astype(np.float32)[None], inside


def test_tissue_of_the_mean_intensity_is_no_air_after_a_z_score_within_the_head() -> None:
    data, inside = z_scored()
    assert foreground(data)[inside].mean() > 0.999
    assert not foreground(data)[~inside].any()
    both = np.concatenate([data, np.where(inside, 100.0, 0.0)[None].astype(np.float32)])
    assert (foreground(both) == inside).all()


def test_large_ones_and_doubles_too() -> None:
    data, inside = (np.repeat(np.repeat(item, 12, axis=-1), 12, axis=-2) for item in z_scored())
    large = data.repeat(4, axis=1).astype(np.float64)
    assert (foreground(large) != inside.repeat(4, axis=0)).mean() < 0.01


def test_what_a_blur_leaves_beside_the_head_is_air() -> None:
    data, inside = z_scored()
    blurred = ndimage.gaussian_filter(data, (0, 0.5, 0.5, 0.5))
    assert not foreground(blurred)[~ndimage.binary_dilation(inside, iterations=3)].any()


def test_where_air_is_not_one_value_amid_tissue_the_distance_from_it_decides() -> None:
    inside = ball()
    generator = np.random.default_rng(1)
    raw = np.where(inside, generator.normal(100, 10, inside.shape), generator.random(inside.shape)).astype(np.float32)
    for data in (raw[None], -raw[None], (raw[None] - raw.mean()) / raw.std()):
        assert (foreground(data) == inside).all()


def test_scorers_see_the_whole_of_a_z_scored_head() -> None:
    """The outline of a scan is that of its mask, whatever lies in it."""
    data, inside = z_scored()
    plain = np.where(inside, 1.0, 0.0).astype(np.float32)[None]
    outline = registry().build("scorer", Spec("outline"))
    described = outline.describe(torch.from_numpy(np.stack([data, plain])))
    assert float(outline.score(described[:1], described[1:])) > 0.999
