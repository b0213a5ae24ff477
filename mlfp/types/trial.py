"""What an evaluator is given: queries, a gallery, and how alike they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mlfp.execution.progress import Progress, silent
from mlfp.types.scan_table import ScanTable
from mlfp.types.spec import Spec


class Similarity(Protocol):
    """How alike queries and gallery scans are, block by block; never the whole matrix at once."""

    def block(self, queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
        """(Q, G) float32 similarity of the scans at these positions; higher is more alike.

        A new array each time: the caller may write into it.
        """
        ...


class Scans(Protocol):
    """What stands behind a trial: its scans, to make others of them and to look at them in another way."""

    def altered(self, before: Sequence[Spec], after: Sequence[Spec], *, both: bool = False) -> Trial:
        """The same trial with its queries made anew, and compared by the same method.

        Scans that cannot be made so are missing.

        :param before: preprocessors before all others: what happens in the scanner.
        :param after: preprocessors after all others.
        :param both: the gallery, too.
        """
        ...

    def scored_by(self, scorer: Spec) -> Trial:
        """The same trial, compared by another scorer."""
        ...

    def validation(self) -> Trial | None:
        """The same trial of the scans that weights are chosen on, to choose thresholds on; None where there is none."""
        ...

    def describe(self, count: int) -> int:
        """Describe (embed) some of the queries once more, which is timed.

        :param count: as many, at most.
        :returns: how many were described.
        """
        ...


#: Whether a query and a gallery scan of its subject, at these positions, count as mated.
MateRule = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Trial:
    """One comparison of queries with a gallery.

    A gallery scan with the query's own scan id is never eligible, nor one that agrees with the query in any
    column of ``ignore`` while showing the same subject (same session, same site, ...), nor one of another subject that
    does not agree with the query in every column of ``rivals``.

    :param queries: Q scans.
    :param gallery: G scans; it may hold the queries themselves.
    :param similarity: of query positions with gallery positions.
    :param ignore: columns in which a mated gallery scan must differ from the query.
    :param query_vectors: (Q, D) float32, or None when the method gives scores and no vectors.
    :param gallery_vectors: (G, D) float32, or None.
    :param distance: how vectors are compared.
    :param seed: for the bootstrap and for drawing episodes; the same for every method, so that methods are compared
        on the same draws.
    :param rivals: columns in which a gallery scan of another subject must agree with the query to count: with ``site``,
        nobody is told apart by the scanner.
    :param mates: a further rule of which gallery scans of the query's subject count.
    :param scans: what stands behind the trial, where there is more than vectors.
    :param progress: told of long work.
    """

    queries: ScanTable
    gallery: ScanTable
    similarity: Similarity
    ignore: tuple[str, ...] = ()
    query_vectors: np.ndarray | None = None
    gallery_vectors: np.ndarray | None = None
    distance: str = "cosine"
    seed: int = 0
    rivals: tuple[str, ...] = ()
    mates: MateRule | None = None
    scans: Scans | None = None
    progress: Progress = silent
