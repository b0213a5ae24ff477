from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mlfp_plugins.sift.descriptors import ranked
from mlfp_plugins.sift.extract import Features
from mlfp_plugins.sift.matching import packed, present, soft_jaccard
from torch import Tensor


def keypoints(count: int, seed: int, size: int = 64) -> Features:
    rng = np.random.default_rng(seed)
    return Features(
        ranked(rng.random((count, size))), rng.uniform(0, 50, (count, 3)), rng.uniform(1, 8, count), np.ones(count)
    )


def rows(features: Features) -> Tensor:
    return present(packed(features, len(features.scales) + 3))


def slow(one: Features, other: Features, bandwidth: float, geometry: bool) -> float:
    """Pair by pair."""

    def next_of_its_own(features: Features, place: int) -> float:
        squares = [
            float(((features.descriptors[place] - row) ** 2).sum())
            for at, row in enumerate(features.descriptors)
            if at != place
        ]
        return min(squares, default=2.0)

    kernel = np.empty((len(one.scales), len(other.scales)))
    for a, b in np.ndindex(*kernel.shape):
        width = max(next_of_its_own(one, a), next_of_its_own(other, b)) * bandwidth**2
        kernel[a, b] = np.exp(-((one.descriptors[a] - other.descriptors[b]) ** 2).sum() / width)
        if geometry:
            apart = ((one.places[a] - other.places[b]) ** 2).sum()
            kernel[a, b] *= np.exp(-apart / (one.scales[a] * other.scales[b]))
            kernel[a, b] *= np.exp(-(np.log(one.scales[a] / other.scales[b]) ** 2))
    shared = sum(
        kernel[a, b] for a, b in np.ndindex(*kernel.shape) if kernel[a].argmax() == b and kernel[:, b].argmax() == a
    )
    return float(shared / (sum(kernel.shape) - shared))


@pytest.mark.parametrize("geometry", [False, True])
@pytest.mark.parametrize("counts", [(7, 5), (1, 4), (1, 1)])
def test_it_is_the_soft_jaccard_index_of_loops(counts: tuple[int, int], geometry: bool) -> None:
    one, other = keypoints(counts[0], 0), keypoints(counts[1], 1)
    found = soft_jaccard(rows(one), rows(other), bandwidth=0.8, geometry=geometry)
    assert found == pytest.approx(slow(one, other, 0.8, geometry), rel=1e-3)


@settings(deadline=None, max_examples=25)
@given(a=st.integers(0, 12), b=st.integers(0, 12), geometry=st.booleans())
def test_it_is_symmetric_and_a_share(a: int, b: int, geometry: bool) -> None:
    one, other = rows(keypoints(a, 0)), rows(keypoints(b, 1))
    there = soft_jaccard(one, other, bandwidth=0.5, geometry=geometry)
    assert there == pytest.approx(soft_jaccard(other, one, bandwidth=0.5, geometry=geometry), abs=1e-6)
    assert 0 <= there <= 1


def test_a_set_shares_all_with_itself_and_half_of_it_a_half() -> None:
    whole = rows(keypoints(20, 0))
    assert soft_jaccard(whole, whole, bandwidth=0.5, geometry=True) == pytest.approx(1, abs=1e-4)
    # 10 of 20 + 10 - 10.
    assert soft_jaccard(whole, whole[:10], bandwidth=0.5, geometry=False) == pytest.approx(0.5, abs=1e-4)


def test_places_count_only_when_asked() -> None:
    here = keypoints(10, 0)
    there = Features(here.descriptors, here.places + 30, here.scales, here.strengths)
    assert soft_jaccard(rows(here), rows(there), bandwidth=0.5, geometry=False) == pytest.approx(1, abs=1e-4)
    assert soft_jaccard(rows(here), rows(there), bandwidth=0.5, geometry=True) < 0.01


def test_packing_fills_with_rows_that_are_no_keypoints() -> None:
    found = packed(keypoints(4, 0), 6)
    assert found.shape == (6, 70)
    assert len(present(found)) == 4
    assert not found[4:].any()
    assert packed(keypoints(4, 0, 128), 3).shape == (3, 134)
    assert torch.equal(present(packed(keypoints(0, 0), 2)), torch.empty(0, 70))
