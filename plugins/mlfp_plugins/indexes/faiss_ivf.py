"""Search in lists, in faiss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import faiss
import numpy as np

from mlfp_plugins.indexes.faiss_flat import by_blas, flat, nearest, similarity
from mlfp_plugins.indexes.rows import Rows

#: Vectors a list that faiss learns the lists from, at most: it would choose as many itself.
SAMPLES = 64
#: Fewer vectors than this have one list: all are compared.
SMALL = 4096


class FaissIVF:
    """Vectors are sorted into lists by the nearest of as many centres; a query looks into the nearest lists.

    The lists are learnt when the index is first searched, and again when it has grown fourfold. What is found is
    compared exactly; what lies in a list that was not looked into is missed.

    :param metric: how vectors are compared; ``l2`` gives the negative distance.
    :param lists: how many; None is twice the square root of the number of vectors.
    :param probes: lists that a query looks into.
    """

    def __init__(
        self, metric: Literal["cosine", "inner", "l2"] = "cosine", lists: int | None = None, probes: int = 64
    ) -> None:
        self.metric = metric
        self.lists = lists
        self.probes = probes
        self._rows = Rows(metric)
        self._index: Any = None
        self._learnt_from = 0

    def add(self, ids: Sequence[str], vectors: np.ndarray) -> None:
        """Add (N, D) vectors under ids that are not there yet."""
        first = len(self._rows)
        added = self._rows.add(list(ids), vectors)
        if self._index is not None:
            self._index.add_with_ids(added, np.arange(first, len(self._rows)))

    def search(
        self, vectors: np.ndarray, k: int, where: Callable[[str], bool] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """(Q, D) to (Q, k) ids and (Q, k) similarities, best first; of those for which ``where`` holds."""
        queries, allowed = self._rows.prepared(vectors), self._rows.allowed(where)
        if not len(self._rows):
            return self._rows.named(np.zeros((len(queries), 0), dtype=np.int64), np.zeros((len(queries), 0)), k)
        if self._index is None or len(self._rows) > 4 * self._learnt_from:
            self._learn()
        given: dict[str, Any] = {"nprobe": self.probes}
        if allowed is not None:
            given["sel"] = faiss.IDSelectorBatch(np.flatnonzero(allowed))
        parameters = faiss.SearchParametersIVF(**given)
        scores, places = nearest(self._index, queries, min(k, len(self._rows)), parameters)
        return self._rows.named(places, similarity(scores, self.metric), k)

    def _learn(self) -> None:
        vectors = self._rows.vectors
        count = self.lists or (1 if len(vectors) < SMALL else int(2 * len(vectors) ** 0.5))
        count = max(1, min(count, len(vectors)))
        metric = faiss.METRIC_L2 if self.metric == "l2" else faiss.METRIC_INNER_PRODUCT
        # The quantizer is kept by Python as well: faiss does not own it.
        self._quantizer = flat(vectors.shape[1], self.metric)
        self._index = faiss.IndexIVFFlat(self._quantizer, vectors.shape[1], count, metric)
        self._index.cp.max_points_per_centroid = SAMPLES
        self._index.cp.min_points_per_centroid = 1
        with by_blas():
            self._index.train(vectors)
            self._index.add_with_ids(vectors, np.arange(len(vectors)))
        self._learnt_from = len(vectors)

    def remove(self, ids: Sequence[str]) -> None:
        """Forget these ids."""
        if len(self._rows.remove(ids)):
            # Positions have moved; the lists are learnt again at the next search.
            self._index = None

    def save(self, path: Path) -> None:
        """Write it, with its lists if they are learnt."""
        others = {} if self._index is None else {"lists": faiss.serialize_index(self._index)}
        self._rows.save(path, learnt_from=np.array(self._learnt_from), **others)

    def load(self, path: Path) -> None:
        """Read what :meth:`save` wrote."""
        others = self._rows.load(path)
        self._learnt_from = int(others["learnt_from"])
        self._index = faiss.deserialize_index(others["lists"]) if "lists" in others else None
