from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from mlfp.errors import MlfpError, ParameterError
from mlfp.evaluation.similarity import ScorerSimilarity, VectorSimilarity


class Counting:
    """A scorer whose score is a plain product, and that counts the pairs it is asked for."""

    def __init__(self, *, symmetric: bool) -> None:
        self.symmetric = symmetric
        self.pairs = 0

    def describe(self, images: Tensor) -> Tensor:
        return images

    def score(self, queries: Tensor, gallery: Tensor) -> Tensor:
        self.pairs += len(queries) * len(gallery)
        return queries @ gallery.T


def vectors(rows: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, 6)).astype(np.float32)


def test_l2_keeps_the_distance_of_near_duplicates() -> None:
    """The product form in float32 gives about 0.04 for a vector of this length and itself."""
    large = 50 + vectors(64)
    close = large + np.float32(1e-3)
    every = np.arange(64)
    same = VectorSimilarity(large, large, "l2").block(every, every)
    near = VectorSimilarity(large, close, "l2").block(every, every)
    assert np.abs(np.diag(same)).max() < 1e-5
    np.testing.assert_allclose(-np.diag(near), np.linalg.norm(close - large, axis=1), rtol=1e-3)


def test_any_positions_may_be_asked_for() -> None:
    queries, gallery = vectors(9), vectors(7, seed=1)
    whole = VectorSimilarity(queries, gallery).block(np.arange(9), np.arange(7))
    rows, columns = np.array([8, 0, 3]), np.array([2, 2, 6, 1])
    part = VectorSimilarity(queries, gallery).block(rows, columns)
    np.testing.assert_allclose(part, whole[np.ix_(rows, columns)], atol=1e-6)


@pytest.mark.parametrize("distance", ["cosine", "l2", "inner"])
def test_positions_that_are_asked_for_again_or_changed_in_place_give_their_own(distance: str) -> None:
    queries, gallery = vectors(9), vectors(7, seed=1)
    similarity = VectorSimilarity(queries, gallery, distance)
    whole = similarity.block(np.arange(9), np.arange(7))
    rows, columns = np.array([4, 2]), np.array([6, 0, 3])
    for _ in range(2):
        np.testing.assert_allclose(similarity.block(rows, columns), whole[np.ix_(rows, columns)], atol=1e-6)
    columns[0] = 1
    np.testing.assert_allclose(similarity.block(rows, columns), whole[np.ix_(rows, columns)], atol=1e-6)
    np.testing.assert_allclose(similarity.block(rows, columns[:2]), whole[np.ix_(rows, columns[:2])], atol=1e-6)


def test_a_vector_of_zeros_is_like_nothing() -> None:
    similarity = VectorSimilarity(np.zeros((1, 6), np.float32), vectors(3))
    np.testing.assert_array_equal(similarity.block(np.arange(1), np.arange(3)), 0)


def test_wrong_requests_are_refused() -> None:
    with pytest.raises(ParameterError, match="Did you mean: cosine"):
        VectorSimilarity(vectors(2), vectors(2), "cosin")
    with pytest.raises(ParameterError, match="different models"):
        VectorSimilarity(vectors(2), vectors(2)[:, :3])
    bad = vectors(3)
    bad[1, 2] = np.nan
    with pytest.raises(MlfpError, match="1 of 3 fingerprints"):
        VectorSimilarity(bad, vectors(2))


@pytest.mark.parametrize("remember", [0, 1 << 20])
@pytest.mark.parametrize("symmetric", [True, False])
def test_scores_are_the_scorers_whatever_is_remembered(remember: int, symmetric: bool) -> None:
    features = torch.from_numpy(vectors(150))
    similarity = ScorerSimilarity(Counting(symmetric=symmetric), features, features, remember=remember)
    expected = (features @ features.T).numpy()
    rng = np.random.default_rng(0)
    for _ in range(12):
        rows, columns = rng.choice(150, 20, replace=False), rng.choice(150, 40, replace=False)
        np.testing.assert_allclose(similarity.block(rows, columns), expected[np.ix_(rows, columns)], atol=1e-5)
    every = np.arange(150)
    np.testing.assert_allclose(similarity.block(every, every), expected, atol=1e-5)


def test_no_pair_is_scored_twice_and_a_symmetric_one_once() -> None:
    features, every = torch.from_numpy(vectors(320)), np.arange(320)
    for scorer, most in ((Counting(symmetric=False), 320**2), (Counting(symmetric=True), 0.61 * 320**2)):
        similarity = ScorerSimilarity(scorer, features, features)
        similarity.block(every, every)
        similarity.block(every[::3], every)
        assert scorer.pairs <= most


def test_a_scorer_that_gives_no_number_is_named() -> None:
    features = torch.full((3, 2), torch.nan)
    every = np.arange(3)
    with pytest.raises(MlfpError, match=r"9 of 9 scores are not finite[\s\S]*Counting\.score"):
        ScorerSimilarity(Counting(symmetric=True), features, features).block(every, every)


def test_a_scorer_that_gives_the_wrong_shape_is_named() -> None:
    class Flat(Counting):
        def score(self, queries: Tensor, gallery: Tensor) -> Tensor:
            return super().score(queries, gallery).flatten()

    features = torch.ones(3, 2)
    with pytest.raises(MlfpError, match=r"should give \(3, 3\) scores, got \(9,\)"):
        ScorerSimilarity(Flat(symmetric=False), features, features).block(np.arange(3), np.arange(3))


class Relative:
    """A scorer whose score is how far a pair lies above the mean of the gallery; it notes the galleries it is given."""

    relative = True

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def describe(self, images: Tensor) -> Tensor:
        return images

    def score(self, queries: Tensor, gallery: Tensor) -> Tensor:
        self.asked.append((len(queries), len(gallery)))
        product = queries @ gallery.T
        return product - product.mean(1, keepdim=True)


@pytest.mark.parametrize("remember", [0, 1 << 20])
def test_a_relative_scorer_sees_the_whole_gallery_that_is_asked_about_and_nobody_else(remember: int) -> None:
    queries, gallery = torch.from_numpy(vectors(80)), torch.from_numpy(vectors(90, seed=1))
    scorer = Relative()
    similarity = ScorerSimilarity(scorer, queries, gallery, remember=remember)
    for chosen in (np.arange(90), np.array([7, 3, 88, 41])):
        product = (queries @ gallery[chosen].T).numpy()
        expected = product - product.mean(1, keepdims=True)
        for rows in (np.arange(80), np.array([5, 0])):
            np.testing.assert_allclose(similarity.block(rows, chosen), expected[rows], atol=1e-5)
            turned = similarity.block(rows, chosen[::-1])
            np.testing.assert_allclose(turned, expected[rows][:, ::-1], atol=1e-5)
    assert {size for _, size in scorer.asked} == {90, 4}
    if remember:
        assert scorer.asked == [(64, 90), (16, 90), (64, 4), (16, 4)], "no row is scored twice"
