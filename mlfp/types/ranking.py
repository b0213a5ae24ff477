"""What every ranking metric reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Ranking:
    """The nearest gallery scans of each query, best first.

    :param neighbours: (Q, k) positions in the gallery; -1 where fewer than k scans were eligible.
    :param scores: (Q, k) similarity, higher is nearer; ``-inf`` where there is no neighbour.
    :param relevant: (Q, k) whether the neighbour shows the query's subject.
    :param relevant_total: (Q,) eligible gallery scans of the query's subject; 0 makes it a lone query.
    :param first: (Q,) at which rank among all eligible scans the first of the query's subject stands, from 1, however
        far beyond k; 0 for a lone query.
    :param first_scores: (Q,) its similarity; ``-inf`` for a lone query.
    """

    neighbours: np.ndarray
    scores: np.ndarray
    relevant: np.ndarray
    relevant_total: np.ndarray
    first: np.ndarray
    first_scores: np.ndarray

    @property
    def lone(self) -> np.ndarray:
        """(Q,) queries whose subject has no other eligible scan: they are counted, not scored."""
        lone: np.ndarray = np.equal(self.relevant_total, 0)
        return lone
