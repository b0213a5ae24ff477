"""What an evaluator is given: queries, a gallery, and how alike they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mlfp.types.scan_table import ScanTable


class Similarity(Protocol):
    """How alike queries and gallery scans are, block by block; never the whole matrix at once."""

    def block(self, queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
        """(Q, G) float32 similarity of the scans at these positions; higher is more alike.

        A new array each time: the caller may write into it.
        """
        ...


@dataclass(frozen=True)
class Trial:
    """One comparison of queries with a gallery.

    A gallery scan with the query's own scan id is never eligible, nor one that agrees with the query in any
    column of ``ignore`` while showing the same subject (same session, same site, ...).

    :param queries: Q scans.
    :param gallery: G scans; it may hold the queries themselves.
    :param similarity: of query positions with gallery positions.
    :param ignore: columns in which a mated gallery scan must differ from the query.
    :param query_vectors: (Q, D) float32, or None when the method gives scores and no vectors.
    :param gallery_vectors: (G, D) float32, or None.
    :param distance: how vectors are compared.
    :param seed: for the bootstrap and for drawing episodes; the same for every method, so that methods are compared
        on the same draws.
    """

    queries: ScanTable
    gallery: ScanTable
    similarity: Similarity
    ignore: tuple[str, ...] = ()
    query_vectors: np.ndarray | None = None
    gallery_vectors: np.ndarray | None = None
    distance: str = "cosine"
    seed: int = 0
