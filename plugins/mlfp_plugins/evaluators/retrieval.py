"""Every query ranks the gallery: how near the other scans of its subject are."""

from __future__ import annotations

from typing import Literal

import numpy as np

from mlfp.errors import ParameterError
from mlfp.evaluation import intervals, metrics
from mlfp.evaluation.ranking import rank
from mlfp.types.estimate import Estimate, Units
from mlfp.types.ranking import Ranking
from mlfp.types.trial import Trial


class Retrieval:
    """``precision_at_1``, ``r_precision``, ``map_at_r`` (Musgrave et al., 2020) and ``hit_at_k``.

    A query whose subject has no other eligible scan (a lone query) has nothing to find. It is left out of every
    average, whose ``n`` counts the others; its scans stay in the gallery. ``lone_queries`` is their share of all
    queries, and its ``n`` counts all.

    :param k: ranks at which ``hit_at_k`` is given.
    """

    needs: Literal["ranking"] = "ranking"

    def __init__(self, k: tuple[int, ...] = (1, 5, 10)) -> None:
        self.k = k

    def __call__(self, trial: Trial) -> dict[str, Estimate]:
        """Rank, and average over queries.

        :raises ParameterError: a rank below 1.
        """
        if any(k < 1 for k in self.k):
            raise ParameterError(f"ranks should be 1 or more, got k = {list(self.k)}", key=("k",))
        ranking = rank(trial, at_least=max(self.k, default=1), lone=False)
        values = {
            "precision_at_1": metrics.precision_at_1(ranking),
            "r_precision": metrics.r_precision(ranking),
            "map_at_r": metrics.map_at_r(ranking),
            **{f"hit_at_{k}": metrics.hit_at_k(ranking, k) for k in self.k},
        }
        estimates = {name: _average(trial, ranking, value) for name, value in values.items()}
        return {**estimates, "lone_queries": _lone(ranking)}


def _average(trial: Trial, ranking: Ranking, values: np.ndarray) -> Estimate:
    kept = ~ranking.lone
    units = Units(trial.queries.scans[kept], trial.queries.subjects[kept], values[kept], np.ones(int(kept.sum())))
    return intervals.estimate(units, seed=trial.seed)


def _lone(ranking: Ranking) -> Estimate:
    """A count of what was there, not a sample of it: the interval is the value."""
    share = float(ranking.lone.mean())
    return Estimate(share, share, share, len(ranking.lone))
