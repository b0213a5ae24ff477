"""Clusters and bridges: against searching anew for every edge left out."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from mlfp.leaks.clusters import cluster


def _components(people: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """By person."""
    count = int(people.max()) + 1
    ends = people[edges]
    graph = coo_matrix((np.ones(len(edges)), (ends[:, 0], ends[:, 1])), shape=(count, count))
    return connected_components(graph, directed=False)[1]


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 9999), scans=st.integers(2, 25), count=st.integers(0, 30))
def test_components_and_bridges(seed: int, scans: int, count: int) -> None:
    generator = np.random.default_rng(seed)
    people = np.unique(generator.integers(0, scans, size=scans), return_inverse=True)[1]
    edges = generator.integers(0, scans, size=(count, 2))
    found = cluster(people, edges, generator.random(count), most=999)
    truth = _components(people, edges)[people]
    assert np.array_equal(found.of[:, None] == found.of, truth[:, None] == truth)
    assert not found.cut.any()
    whole = len(set(_components(people, edges)))
    for place in range(count):
        without = np.delete(edges, place, axis=0)
        assert found.bridges[place] == (len(set(_components(people, without))) > whole)
    assert list(dict.fromkeys(found.of)) == sorted(set(found.of)), "numbered in the order of first scans"


def test_a_chain_of_mistakes_does_not_join_everybody() -> None:
    people = np.arange(40)
    edges = np.stack([np.arange(39), np.arange(1, 40)], axis=1)
    found = cluster(people, edges, np.full(39, 0.6), most=8)
    assert np.bincount(found.of).max() <= 8
    assert found.cut.sum() == len(np.unique(found.of)) - 1
    strong = np.where(np.arange(39) < 3, 0.99, 0.6)
    assert len(set(cluster(people, edges, strong, most=4).of[:4])) == 1, "the surest are kept"
