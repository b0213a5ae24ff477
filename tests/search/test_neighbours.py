"""Neighbours: against a loop over all pairs, for every index and metric."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlfp.errors import MlfpError, UsageError
from mlfp.plugins import registry
from mlfp.search import neighbours
from mlfp.types.spec import Spec

INDEXES = ("exact", "faiss-flat", "faiss-ivf")


def _slow(vectors: np.ndarray, metric: str) -> np.ndarray:
    """(N, N) similarities in float64, a pair at a time."""
    wide = vectors.astype(np.float64)
    found = np.empty((len(wide), len(wide)))
    for row, one in enumerate(wide):
        for column, two in enumerate(wide):
            if metric == "l2":
                found[row, column] = -np.sqrt(((one - two) ** 2).sum())
            else:
                scale = np.linalg.norm(one) * np.linalg.norm(two) if metric == "cosine" else 1
                found[row, column] = (one * two).sum() / scale
    return found


@pytest.mark.parametrize("metric", ["cosine", "inner", "l2"])
@pytest.mark.parametrize("name", INDEXES)
@settings(deadline=None, max_examples=12)
@given(seed=st.integers(0, 999), count=st.integers(2, 40), subjects=st.integers(1, 12), k=st.integers(1, 6))
def test_the_nearest_of_other_subjects(name: str, metric: str, seed: int, count: int, subjects: int, k: int) -> None:
    pytest.importorskip("faiss")
    generator = np.random.default_rng(seed)
    vectors = generator.normal(size=(count, 5)).astype(np.float32)
    groups = generator.integers(0, subjects, size=count)
    index = neighbours.build(Spec(name), vectors, metric)
    found = neighbours.nearest(index, vectors, k, queries=np.arange(count), groups=groups)
    truth = _slow(vectors, metric)
    truth[groups[:, None] == groups] = -np.inf
    best = -np.sort(-truth, axis=1)[:, :k]
    best = np.pad(best, ((0, 0), (0, k - best.shape[1])), constant_values=-np.inf)
    assert np.allclose(found.scores, best, atol=1e-4)
    there = found.places >= 0
    assert np.array_equal(there, np.isfinite(best))
    rows = np.repeat(np.arange(count)[:, None], k, axis=1)
    assert np.allclose(truth[rows[there], found.places[there]], best[there], atol=1e-4)


@pytest.mark.parametrize("name", INDEXES)
def test_l2_tells_near_duplicates_of_long_vectors(name: str) -> None:
    pytest.importorskip("faiss")
    base = np.full((1, 64), 100.0, dtype=np.float32)
    vectors = np.concatenate([base, base + 0.001, base + 0.1])
    index = registry().build("index", Spec(name, {"metric": "l2"}))
    index.add(["a", "b", "c"], vectors)
    names, scores = index.search(base, 3)
    assert list(names[0][[0, 2]]) == ["a", "c"] or name != "exact"
    assert scores[0, 0] == pytest.approx(0, abs=1e-6 if name == "exact" else 1)


@pytest.mark.parametrize("name", INDEXES)
def test_what_an_index_refuses_and_fills_up(name: str, tmp_path: Path) -> None:
    pytest.importorskip("faiss")
    index = registry().build("index", Spec(name))
    assert index.search(np.ones((2, 3), dtype=np.float32), 2)[0].tolist() == [["", ""], ["", ""]]
    index.add(["a"], np.ones((1, 3), dtype=np.float32))
    with pytest.raises(UsageError, match="already"):
        index.add(["a"], np.ones((1, 3), dtype=np.float32))
    names, scores = index.search(np.ones((1, 3), dtype=np.float32), 2)
    assert names.tolist() == [["a", ""]]
    assert scores[0, 1] == -np.inf
    index.save(tmp_path / "i")
    other = registry().build("index", Spec(name, {"metric": "l2"}))
    with pytest.raises(UsageError, match="is for cosine"):
        other.load(tmp_path / "i")
    with pytest.raises(UsageError, match="no index"):
        other.load(tmp_path / "none")


def test_lists_find_nearly_all_and_say_how_many() -> None:
    pytest.importorskip("faiss")
    generator = np.random.default_rng(0)
    vectors = (generator.normal(size=(6000, 12)) @ generator.normal(size=(12, 32))).astype(np.float32)
    groups, queries = np.arange(6000), np.arange(6000)
    found = neighbours.nearest(
        neighbours.build(Spec("faiss-ivf"), vectors, "cosine"), vectors, 5, queries=queries, groups=groups
    )
    share = neighbours.recall(found, vectors, "cosine", queries=queries, groups=groups, sample=200, seed=0)
    assert 0.9 < share <= 1
    worse = neighbours.nearest(
        neighbours.build(Spec("faiss-ivf", {"probes": 1}), vectors, "cosine"),
        vectors,
        5,
        queries=queries,
        groups=groups,
    )
    assert neighbours.recall(worse, vectors, "cosine", queries=queries, groups=groups, sample=200, seed=0) < share


def test_vectors_that_are_not_finite_are_refused() -> None:
    with pytest.raises(MlfpError, match="not finite"):
        neighbours.build(Spec("exact"), np.array([[1.0, np.nan]], dtype=np.float32), "cosine")


@pytest.mark.parametrize("name", ["faiss-flat", "faiss-ivf"])
def test_faiss_may_have_been_patched_for_tensors(name: str) -> None:
    # As pytorch-metric-learning does: the search it puts in faiss's place takes no parameters.
    pytest.importorskip("faiss.contrib.torch_utils")
    index = registry().build("index", Spec(name))
    index.add(["a", "b", "c"], np.eye(3, dtype=np.float32))
    ids, scores = index.search(np.eye(3, dtype=np.float32)[:1], 1, where=lambda item: item != "a")
    assert ids[0, 0] in {"b", "c"}
    assert scores[0, 0] == 0
