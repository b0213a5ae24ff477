from __future__ import annotations

import numpy as np

from mlfp.data.masks import foreground, head


def ball(shape: tuple[int, ...] = (20, 22, 18)) -> np.ndarray:
    axes = np.meshgrid(*(np.linspace(-1.4, 1.4, length) for length in shape), indexing="ij")
    return sum(axis**2 for axis in axes) < 1


def test_tissue_of_the_mean_intensity_is_no_air_after_a_z_score_within_the_head() -> None:
    inside = ball()
    values = np.random.default_rng(0).normal(0, 1, inside.shape)
    values[:, :10] *= 0.05  # half of the head is of nearly one intensity, the mean
    data = np.where(inside, values, 0).astype(np.float32)[None]
    assert (head(data)[inside]).mean() > 0.999
    assert not head(data)[~inside].any()
    assert foreground(data)[inside].mean() < 0.9  # which is told by how far a voxel lies from air


def test_raw_scans_and_negatives_are_seen_as_by_foreground() -> None:
    inside = ball()
    generator = np.random.default_rng(1)
    raw = np.where(inside, generator.normal(100, 10, inside.shape), generator.random(inside.shape)).astype(np.float32)
    for data in (raw[None], -raw[None], (raw[None] - raw.mean()) / raw.std()):
        assert (head(data) == foreground(data)).all()
