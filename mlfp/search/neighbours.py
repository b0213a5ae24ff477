"""The k nearest neighbours of many fingerprints, other than those known to be of the same subject."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlfp.errors import MlfpError
from mlfp.execution.progress import Progress, silent
from mlfp.interfaces.index import Index
from mlfp.plugins import registry
from mlfp.types.spec import Spec

#: Queries at a time.
BLOCK = 4096
#: Up to so many vectors all are compared; above, an approximate index is worth its misses.
EXACT_UP_TO = 50_000


@dataclass(frozen=True)
class Neighbours:
    """Of each of Q queries, the nearest of N.

    :param places: (Q, k) positions, nearest first; -1 where there are fewer.
    :param scores: (Q, k) similarities; minus infinity where there are fewer.
    """

    places: np.ndarray
    scores: np.ndarray


def chosen_index(name: str, count: int) -> Spec:
    """The index of a name; ``auto`` compares all as long as that is quick, then looks into lists if faiss is there."""
    if name != "auto":
        return Spec(name)
    return Spec("faiss-ivf" if count > EXACT_UP_TO and importlib.util.find_spec("faiss") else "exact")


def build(spec: Spec, vectors: np.ndarray, metric: str) -> Index:
    """An index over (N, D) vectors, whose ids are their positions as text.

    :raises MlfpError: a vector is not finite.
    """
    if not np.isfinite(vectors).all():
        bad = int((~np.isfinite(vectors).all(axis=1)).sum())
        raise MlfpError(f"{bad} of {len(vectors)} fingerprints are not finite", hints=["Embed these scans again."])
    index: Index = registry().build("index", Spec(spec.use, {"metric": metric, **spec.parameters}))
    index.add([str(place) for place in range(len(vectors))], vectors)
    return index


def nearest(
    index: Index,
    vectors: np.ndarray,
    k: int,
    *,
    queries: Sequence[int] | np.ndarray,
    groups: np.ndarray,
    among: np.ndarray | None = None,
    progress: Progress = silent,
) -> Neighbours:
    """Of the vectors at the positions ``queries``, the k nearest of another group.

    :param index: over the (N, D) vectors, as :func:`build` makes it.
    :param among: positions of the vectors that the index is over; all unless given.
    :param groups: (N,) numbers; vectors of one group are no candidates for each other. A vector is in its own group.
    """
    queries = np.asarray(queries, dtype=np.int64)
    sizes = np.bincount(groups)[groups[queries]]
    places = np.full((len(queries), k), -1, dtype=np.int64)
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    # Those with many of their own group must look further; so they are asked together.
    order = np.argsort(sizes, kind="stable")
    for start in range(0, len(order), BLOCK):
        rows = order[start : start + BLOCK]
        fetched = min(len(vectors if among is None else among), k + int(sizes[rows].max()))
        names, found = index.search(vectors[queries[rows]], fetched)
        there = _positions(names)
        if among is not None:
            there = np.where(there < 0, -1, among[there])
        _take(rows, queries, groups, there, found, places, scores)
        progress("searching", min(start + BLOCK, len(order)), len(order))
    return Neighbours(places, scores)


def _positions(names: np.ndarray) -> np.ndarray:
    names = np.where(names == "", "-1", names)
    return names.astype(str).astype(np.int64)


def _take(
    rows: np.ndarray,
    queries: np.ndarray,
    groups: np.ndarray,
    there: np.ndarray,
    found: np.ndarray,
    places: np.ndarray,
    scores: np.ndarray,
) -> None:
    """The first k of each row that are of another group, in their order."""
    k = places.shape[1]
    wanted = (there >= 0) & (groups[there] != groups[queries[rows]][:, None])
    order = np.argsort(~wanted, axis=1, kind="stable")[:, :k]
    kept = np.take_along_axis(wanted, order, axis=1)
    width = order.shape[1]
    places[rows, :width] = np.where(kept, np.take_along_axis(there, order, axis=1), -1)
    scores[rows, :width] = np.where(kept, np.take_along_axis(found, order, axis=1), -np.inf)


def recall(
    found: Neighbours,
    vectors: np.ndarray,
    metric: str,
    *,
    queries: np.ndarray,
    groups: np.ndarray,
    sample: int,
    seed: int,
    among: np.ndarray | None = None,
) -> float:
    """The share of the true k nearest neighbours that were found, over a sample of the queries."""
    chosen = np.sort(np.random.default_rng(seed).permutation(len(queries))[:sample])
    exact = build(Spec("exact"), vectors if among is None else vectors[among], metric)
    truth = nearest(exact, vectors, found.places.shape[1], queries=queries[chosen], groups=groups, among=among)
    hits = sum(
        len(set(mine[mine >= 0]) & set(true[true >= 0]))
        for mine, true in zip(found.places[chosen], truth.places, strict=True)
    )
    return hits / max(1, int((truth.places >= 0).sum()))
