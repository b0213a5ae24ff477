"""N-way K-shot episodes (Few-Shot Fingerprinting, section 2.5): how they are drawn, and how they are answered.

In an episode every one of N subjects gives one query and K supports, and each query looks for its K among all N * K.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from mlfp.evaluation.eligibility import Eligibility
from mlfp.evaluation.ranking import BUDGET, select, tie_order
from mlfp.seeds import numpy_generator
from mlfp.types.scan_table import ScanTable
from mlfp.types.trial import Similarity


@dataclass(frozen=True)
class Episode:
    """One draw.

    :param subjects: (N,) which of the subjects that qualify.
    :param queries: (N,) positions among the queries.
    :param supports: (N, K) positions in the gallery.
    """

    subjects: np.ndarray
    queries: np.ndarray
    supports: np.ndarray


class Episodes:
    """Draws episodes from what may be compared.

    A subject qualifies when it has a query with at least K scans in the gallery that the query may find: other scans,
    and other sessions, sites, ... where the trial ignores the same ones. The draw depends on the seed and on ids,
    neither on the order of rows nor on the method that is measured.

    :param queries: scans that queries are drawn from.
    :param gallery: scans that supports are drawn from.
    :param ignore: see :class:`~mlfp.types.trial.Trial`.
    :param shots: K.
    """

    def __init__(self, queries: ScanTable, gallery: ScanTable, ignore: tuple[str, ...], shots: int) -> None:
        self.shots = shots
        self._eligibility = Eligibility(queries, gallery, ignore)
        able = np.flatnonzero(self._eligibility.relevant_total >= shots)
        labels = self._eligibility.query_labels[able]
        order = np.lexsort((queries.scans[able].astype(str), labels))
        self._queries = able[order]
        _, self._starts, self._counts = np.unique(labels[order], return_index=True, return_counts=True)
        #: (S,) ids of the subjects that qualify, sorted.
        self.subjects = queries.subjects[self._queries[self._starts]]
        self._place = np.argsort(tie_order(gallery))

    def draw(self, ways: int, *, seed: int, episodes: int) -> Iterator[Episode]:
        """Episodes, one after another, each from a generator of its own.

        :param ways: N, at most the number of subjects that qualify.
        """
        for number in range(episodes):
            generator = numpy_generator(seed, "episode", ways, self.shots, number)
            subjects = np.sort(generator.choice(len(self.subjects), ways, replace=False))
            within = (generator.random(ways) * self._counts[subjects]).astype(np.int64)
            queries = self._queries[self._starts[subjects] + within]
            yield Episode(subjects, queries, self._supports(queries, generator))

    def _supports(self, queries: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """(N, K) gallery scans that each query may find, drawn without replacement."""
        rows, columns, eligible = self._eligibility.mated(queries)
        rows, columns = rows[eligible], columns[eligible]
        order = np.lexsort((self._place[columns], rows))
        rows, columns = rows[order], columns[order]
        shuffled = np.lexsort((generator.random(len(rows)), rows))
        starts = np.searchsorted(rows, np.arange(len(queries)))
        supports: np.ndarray = columns[shuffled[starts[:, None] + np.arange(self.shots)]]
        return supports

    def answer(self, episode: Episode, similarity: Similarity, k: int, *, budget: int = BUDGET) -> np.ndarray:
        """(N, k) whether each query's k nearest of all N * K supports are its own, nearest first.

        Ties are broken as in :mod:`mlfp.evaluation.ranking`. ``k`` beyond N * K is taken as N * K.
        """
        flat = episode.supports.ravel()
        order = np.argsort(self._place[flat])
        supports, owners = flat[order], order // self.shots
        height = max(1, budget // (4 * len(supports)))
        own = []
        for start in range(0, len(episode.queries), height):
            queries = episode.queries[start : start + height]
            block = torch.from_numpy(similarity.block(queries, supports))
            columns = select(block, min(k, len(supports)))[1].numpy()
            own.append(owners[columns] == np.arange(start, start + len(queries))[:, None])
        return np.concatenate(own)
