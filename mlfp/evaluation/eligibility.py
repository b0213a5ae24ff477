"""Which gallery scans a query may find, and which of those it should."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pandas as pd

from mlfp.types.scan_table import ScanTable
from mlfp.types.trial import MateRule, Trial

#: Pairs of mated scans looked at at a time: some tens of megabytes.
PAIRS = 1 << 20


class Eligibility:
    """The rules of :class:`~mlfp.types.trial.Trial`, worked out from the scan tables alone.

    A gallery scan is not eligible for a query when it is the same scan, or when it shows the same subject and agrees
    with the query in any of the columns ``ignore``, or breaks a further rule. Two blanks agree: nothing says that they
    differ. Nor is one of another subject that differs from the query in any of the columns ``rivals``.

    Ids are text and are mapped to integers once, so that ``007``, ``7`` and numbers beyond 2**24 stay apart.

    :param queries: Q scans.
    :param gallery: G scans.
    :param ignore: columns of both.
    :param rivals: columns of both.
    :param mates: which pairs of one subject's scans count.
    :raises ParameterError: a column is missing.
    """

    def __init__(
        self,
        queries: ScanTable,
        gallery: ScanTable,
        ignore: tuple[str, ...] = (),
        rivals: tuple[str, ...] = (),
        mates: MateRule | None = None,
    ) -> None:
        self.query_labels, self.gallery_labels = _codes(queries.subjects, gallery.subjects)
        #: (Q,) where the gallery holds the query's own scan; -1 where it does not.
        self.own = pd.Index(gallery.scans.astype(str)).get_indexer(pd.Index(queries.scans.astype(str)))
        self._ignored = [_codes(queries.column(name), gallery.column(name)) for name in ignore]
        self._rivals = [_codes(queries.column(name), gallery.column(name)) for name in rivals]
        self._mates = mates
        self._order = np.argsort(self.gallery_labels, kind="stable")
        subjects = int(max(self.query_labels.max(initial=-1), self.gallery_labels.max(initial=-1))) + 1
        self._starts = np.concatenate([[0], np.cumsum(np.bincount(self.gallery_labels, minlength=subjects))])

    @classmethod
    def of(cls, trial: Trial) -> Eligibility:
        """The rules of a trial."""
        return cls(trial.queries, trial.gallery, trial.ignore, trial.rivals, trial.mates)

    def mated(self, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All pairs of these queries with gallery scans of their subjects.

        :returns: (P,) places in ``queries``, in order; (P,) gallery positions; (P,) whether eligible.
        """
        labels = self.query_labels[queries]
        counts = self._starts[labels + 1] - self._starts[labels]
        rows = np.repeat(np.arange(len(queries)), counts)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        columns = self._order[np.repeat(self._starts[labels], counts) + within]
        asking = queries[rows]
        eligible = columns != self.own[asking]
        for query_values, gallery_values in self._ignored:
            eligible &= query_values[asking] != gallery_values[columns]
        if self._mates is not None:
            eligible &= self._mates(asking, columns)
        return rows, columns, eligible

    def barred(self, queries: np.ndarray, gallery: np.ndarray) -> np.ndarray | None:
        """(Q, G) which scans of other subjects are no rivals of these queries; None where all are."""
        if not self._rivals:
            return None
        differs = np.zeros((len(queries), len(gallery)), dtype=bool)
        for query_values, gallery_values in self._rivals:
            differs |= query_values[queries][:, None] != gallery_values[gallery]
        barred: np.ndarray = differs & (self.query_labels[queries][:, None] != self.gallery_labels[gallery])
        return barred

    def excluded(self, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """All pairs of these queries with gallery scans that they may not find: places in ``queries``, positions."""
        rows, columns, eligible = self.mated(queries)
        # The query's own scan, should the two tables call its subject differently.
        own = np.flatnonzero(self.own[queries] >= 0)
        rows = np.concatenate([rows[~eligible], own])
        return rows, np.concatenate([columns[~eligible], self.own[queries[own]]])

    @cached_property
    def relevant_total(self) -> np.ndarray:
        """(Q,) eligible gallery scans of each query's subject."""
        queries = np.arange(len(self.query_labels))
        counts = self._starts[self.query_labels + 1] - self._starts[self.query_labels]
        parts = np.split(queries, np.flatnonzero(np.diff(np.cumsum(counts) // PAIRS)) + 1)
        return np.concatenate([self._relevant(part) for part in parts])

    def _relevant(self, queries: np.ndarray) -> np.ndarray:
        rows, _, eligible = self.mated(queries)
        return np.bincount(rows[eligible], minlength=len(queries))


def _codes(queries: np.ndarray, gallery: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two columns of text as int64, equal numbers for equal text, numbered in the order of the text."""
    codes, _ = pd.factorize(np.concatenate([queries, gallery]).astype(str).astype(object), sort=True)
    codes = codes.astype(np.int64)
    return codes[: len(queries)], codes[len(queries) :]
