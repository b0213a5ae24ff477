"""Exact search, in torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from mlfp_plugins.indexes.rows import Rows

#: Queries and vectors a matrix product: 32 MB of scores.
QUERIES, VECTORS = 512, 16384


class Exact:
    """Every vector is compared: blocks of a matrix product, of which the best are kept.

    ``l2`` is the negative distance. The product form loses the digits of near duplicates in float32; so it only chooses
    the candidates, whose distances are then taken in float64.

    :param metric: how vectors are compared.
    """

    def __init__(self, metric: Literal["cosine", "inner", "l2"] = "cosine") -> None:
        self.metric = metric
        self._rows = Rows(metric)

    def add(self, ids: Sequence[str], vectors: np.ndarray) -> None:
        """Add (N, D) vectors under ids that are not there yet."""
        self._rows.add(list(ids), vectors)

    def search(
        self, vectors: np.ndarray, k: int, where: Callable[[str], bool] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """(Q, D) to (Q, k) ids and (Q, k) similarities, best first; of those for which ``where`` holds."""
        queries = torch.from_numpy(self._rows.prepared(vectors))
        gallery = torch.from_numpy(self._rows.vectors)
        allowed = self._rows.allowed(where)
        columns = torch.arange(len(self._rows)) if allowed is None else torch.from_numpy(np.flatnonzero(allowed))
        if allowed is not None:
            gallery = gallery[columns]
        wanted = min(k + (8 if self.metric == "l2" else 0), len(gallery))
        places = torch.full((len(queries), wanted), -1)
        scores = torch.full((len(queries), wanted), -torch.inf)
        for start in range(0, len(queries), QUERIES):
            block = queries[start : start + QUERIES]
            best, chosen = self._block(block, gallery, wanted)
            scores[start : start + QUERIES], places[start : start + QUERIES] = best, columns[chosen]
        return self._rows.named(places.numpy(), scores.numpy(), k)

    def _block(self, queries: Tensor, gallery: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """(B, k) similarities and columns of the best."""
        best, chosen = torch.empty((len(queries), 0)), torch.empty((len(queries), 0), dtype=torch.int64)
        for left in range(0, len(gallery), VECTORS):
            part = gallery[left : left + VECTORS]
            product = queries @ part.T
            if self.metric == "l2":
                product = 2 * product - part.square().sum(1)
            top, columns = product.topk(min(k, len(part)), dim=1)
            best, chosen = torch.cat([best, top], dim=1), torch.cat([chosen, columns + left], dim=1)
            best, order = best.topk(min(k, best.shape[1]), dim=1)
            chosen = chosen.gather(1, order)
        if self.metric == "l2" and k:
            distances = (gallery[chosen].double() - queries[:, None].double()).norm(dim=2)
            distances, order = distances.sort(dim=1)
            best, chosen = -distances.float(), chosen.gather(1, order)
        return best, chosen

    def remove(self, ids: Sequence[str]) -> None:
        """Forget these ids."""
        self._rows.remove(ids)

    def save(self, path: Path) -> None:
        """Write it."""
        self._rows.save(path)

    def load(self, path: Path) -> None:
        """Read what :meth:`save` wrote."""
        self._rows.load(path)
