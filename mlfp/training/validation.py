"""Validation by retrieval: the number that chooses the best weights and ends the training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlfp.evaluation import metrics
from mlfp.evaluation.ranking import rank
from mlfp.evaluation.similarity import VectorSimilarity
from mlfp.types.scan_table import ScanTable
from mlfp.types.trial import Trial


def map_at_r(table: ScanTable, vectors: np.ndarray, distance: str) -> float:
    """Mean average precision at R (Musgrave et al. 2020) with every scan as a query against all others.

    :param vectors: (N, D) float32, in the order of the table.
    :returns: the mean over queries that have something to find.
    """
    trial = Trial(table, table, VectorSimilarity(vectors, vectors, distance), distance=distance)
    ranking = rank(trial)
    return float(metrics.map_at_r(ranking)[~ranking.lone].mean())


def can_validate(table: ScanTable) -> bool:
    """Whether any subject has two scans, so that one can be asked for the other."""
    return len(table) > 0 and bool((np.unique(table.labels(), return_counts=True)[1] > 1).any())


@dataclass
class Watch:
    """The best validation so far, and how long ago it was.

    :param patience: validations without a better value after which to stop; None never stops.
    :param min_delta: what counts as better.
    """

    patience: int | None
    min_delta: float
    best: float | None = None
    best_epoch: int | None = None
    since: int = 0

    def better(self, value: float, epoch: int) -> bool:
        """Take note of a validation; whether it is the best so far. Of equal ones the first is."""
        if self.best is None or value > self.best + self.min_delta:
            self.best, self.best_epoch, self.since = value, epoch, 0
            return True
        self.since += 1
        return False

    @property
    def over(self) -> bool:
        """Whether it is time to stop."""
        return self.patience is not None and self.since >= self.patience
