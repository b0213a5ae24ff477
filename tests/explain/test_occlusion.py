"""Occlusion against covering voxel by voxel, and against models of which it is known where they look."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor

from mlfp.explain.occlusion import changed, occlusion, starts


def heads(shape: tuple[int, ...]) -> Tensor:
    """(1, 1, *shape): noise in the middle half of each axis, air at 7 around it."""
    images = torch.full((1, 1, *shape), 7.0)
    inner = tuple(slice(length // 4, -(length // 4)) for length in shape)
    images[(0, 0, *inner)] += torch.randn(images[(0, 0, *inner)].shape, generator=torch.Generator().manual_seed(0))
    return images


def slow(forward, images: Tensor, side: list[int]) -> np.ndarray:
    """The mean of 1 - cosine over all cubes that cover a voxel, as much as the voxel is no air."""
    shape = tuple(images.shape[2:])
    away = np.abs(images[0, 0].numpy() - 7.0)
    weight = np.minimum(away / (0.1 * np.percentile(away[away > 0], 98)), 1)
    whole = forward(images)[0]
    values: list[list[float]] = [[] for _ in range(int(np.prod(shape)))]
    for place in product(*(starts(length, size) for length, size in zip(shape, side, strict=True))):
        covered = images.clone()
        mask = np.zeros(shape, bool)
        mask[tuple(slice(start, start + size) for start, size in zip(place, side, strict=True))] = True
        covered[0, 0][torch.from_numpy(mask)] = 7.0
        moved = 1 - float(torch.cosine_similarity(forward(covered)[0], whole, dim=0))
        if weight[mask].max() < 1:
            moved = 0.0  # no tissue in it
        for voxel in np.flatnonzero(mask):
            values[voxel].append(moved)
    found = np.array([np.mean(item) for item in values]).reshape(shape) * weight
    return found / found.max()


@pytest.mark.parametrize(("shape", "side"), [((20, 16), [4, 4]), ((10, 12, 9), [2, 2, 2])])
def test_it_is_the_mean_way_of_the_fingerprint_over_all_that_cover_a_voxel(shape, side) -> None:
    images = heads(shape)
    weights = torch.randn(5, images[0].numel(), generator=torch.Generator().manual_seed(1))

    def forward(batch: Tensor) -> Tensor:
        return torch.tanh(batch.flatten(1) - 7) @ weights.T

    found = occlusion(forward, images)
    assert found.shape == shape
    assert found.max() == 1
    assert np.allclose(found, slow(forward, images, side), atol=1e-4)
    assert found[images[0, 0].numpy() == 7].max() == 0  # air covered by air


def test_it_shows_where_the_model_looks_and_nothing_where_it_looks_nowhere() -> None:
    images = heads((20, 20))

    def corner(batch: Tensor) -> Tensor:
        seen = batch[:, 0, 5:7, 5:7].flatten(1)
        return torch.cat([seen, torch.ones_like(seen[:, :1])], dim=1)

    found = occlusion(corner, images)
    assert all(4 <= place < 8 for place in np.unravel_index(found.argmax(), found.shape))
    assert max(found[10:].max(), found[:, 10:].max()) < 1e-3  # what float32 rounds
    assert occlusion(lambda batch: torch.ones(len(batch), 3), images).max() == 0


def test_noise_in_air_counts_as_little_as_it_changes() -> None:
    images = heads((20, 20)).numpy()[0]
    images[0, 5:15, 5:15] = 107
    images[0, 0, 0] = 8
    found = changed(images)
    assert (found[5:15, 5:15] == 1).all()
    assert found[0, 0] == pytest.approx(0.1)
    assert found[0, 1] == 0
    assert changed(np.concatenate([images, np.full_like(images, 3)])) == pytest.approx(found)


@pytest.mark.parametrize(("length", "size"), [(20, 4), (21, 4), (5, 5), (7, 2), (9, 3)])
def test_every_voxel_is_covered(length: int, size: int) -> None:
    covered = {place for start in starts(length, size) for place in range(start, start + size)}
    assert covered == set(range(length))
