"""Exact search, in faiss."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import faiss
import numpy as np

from mlfp_plugins.indexes.rows import Rows

#: Queries times D from which faiss multiplies matrices. Its own 128,000 leaves batches of fewer than 1,000 queries of
#: 128 numbers to a loop: 4 to 10 times as slow for 16 to 300 queries against a million.
BLAS_THRESHOLD = 2000


class FaissFlat:
    """Every vector is compared, by faiss.

    :param metric: how vectors are compared; ``l2`` gives the negative distance.
    """

    def __init__(self, metric: Literal["cosine", "inner", "l2"] = "cosine") -> None:
        self.metric = metric
        self._rows = Rows(metric)
        self._index: Any = None

    def add(self, ids: Sequence[str], vectors: np.ndarray) -> None:
        """Add (N, D) vectors under ids that are not there yet."""
        added = self._rows.add(list(ids), vectors)
        if self._index is None:
            self._index = flat(added.shape[1], self.metric)
        self._index.add(added)

    def search(
        self, vectors: np.ndarray, k: int, where: Callable[[str], bool] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """(Q, D) to (Q, k) ids and (Q, k) similarities, best first; of those for which ``where`` holds."""
        queries, allowed = self._rows.prepared(vectors), self._rows.allowed(where)
        if self._index is None:
            return self._rows.named(np.zeros((len(queries), 0), dtype=np.int64), np.zeros((len(queries), 0)), k)
        parameters: Any = None
        if allowed is not None:
            told: dict[str, Any] = {"sel": faiss.IDSelectorBatch(np.flatnonzero(allowed))}
            parameters = faiss.SearchParameters(**told)
        scores, places = nearest(self._index, queries, min(k, len(self._rows)), parameters)
        return self._rows.named(places, similarity(scores, self.metric), k)

    def remove(self, ids: Sequence[str]) -> None:
        """Forget these ids."""
        gone = self._rows.remove(ids)
        if self._index is not None and len(gone):
            self._index.remove_ids(gone)

    def save(self, path: Path) -> None:
        """Write it."""
        self._rows.save(path)

    def load(self, path: Path) -> None:
        """Read what :meth:`save` wrote."""
        self._rows.load(path)
        vectors = self._rows.vectors
        self._index = None
        if len(vectors):
            self._index = flat(vectors.shape[1], self.metric)
            self._index.add(vectors)


def flat(dim: int, metric: str) -> Any:
    """An empty index of faiss's that compares all."""
    return faiss.IndexFlatL2(dim) if metric == "l2" else faiss.IndexFlatIP(dim)


def similarity(scores: np.ndarray, metric: str) -> np.ndarray:
    """What faiss gives (squared distances for ``l2``) as similarities."""
    return -np.sqrt(np.maximum(scores, 0)) if metric == "l2" else scores


def nearest(index: Any, queries: np.ndarray, k: int, parameters: Any) -> tuple[np.ndarray, np.ndarray]:
    """(Q, k) scores and places, as faiss's own search gives them.

    Whoever imports ``faiss.contrib.torch_utils``, as pytorch-metric-learning does, puts a search in place of faiss's
    that takes no parameters; what it replaced is kept as ``search_numpy``.
    """
    search = getattr(index, "search_numpy", index.search)
    with by_blas():
        found: tuple[np.ndarray, np.ndarray] = search(queries, k, params=parameters)
    return found


@contextlib.contextmanager
def by_blas() -> Iterator[None]:
    """Let faiss multiply matrices for small batches too; its setting is global, and is put back."""
    before = faiss.cvar.distance_compute_blas_threshold
    faiss.cvar.distance_compute_blas_threshold = BLAS_THRESHOLD
    try:
        yield
    finally:
        faiss.cvar.distance_compute_blas_threshold = before
