"""Every query ranks the gallery: how near the other scans of its subject are."""

from __future__ import annotations

from typing import Literal

import numpy as np

from mlfp.errors import ParameterError
from mlfp.evaluation import intervals, metrics
from mlfp.evaluation.ranking import rank
from mlfp.types.estimate import Estimate, Units
from mlfp.types.exhibit import Axis, Curve, Line
from mlfp.types.measured import Measured
from mlfp.types.ranking import Ranking
from mlfp.types.trial import Trial

#: Ranks that the CMC curve shows.
CMC = 20


class Retrieval:
    """``precision_at_1``, ``r_precision``, ``map_at_r`` (Musgrave et al., 2020), ``hit_at_k``, and ``map_at_k``.

    A query whose subject has no other eligible scan (a lone query) has nothing to find. It is left out of every
    average, whose ``n`` counts the others; its scans stay in the gallery. ``lone_queries`` is their share of all
    queries, and its ``n`` counts all.

    :param k: ranks at which ``hit_at_k`` is given.
    :param map_k: ranks at which the mean average precision is given: DeepBrainPrint has ``[3]``.
    :param map_divisor: what it is divided by, which is in its name (``map_at_3_min``): ``min`` of k and the mated scans
        (DeepBrainPrint's released code), ``k`` (its equation 6), ``relevant`` (all mated scans) or ``hits`` (those
        found).
    """

    needs: Literal["ranking"] = "ranking"

    def __init__(
        self,
        k: tuple[int, ...] = (1, 5, 10),
        map_k: tuple[int, ...] = (),
        map_divisor: tuple[metrics.Divisor, ...] = ("min",),
    ) -> None:
        self.k = k
        self.map_k = map_k
        self.map_divisor = map_divisor

    def __call__(self, trial: Trial) -> Measured:
        """Rank, and average over queries.

        :raises ParameterError: a rank below 1.
        """
        for name, ranks in (("k", self.k), ("map_k", self.map_k)):
            if any(k < 1 for k in ranks):
                raise ParameterError(f"ranks should be 1 or more, got {name} = {list(ranks)}", key=(name,))
        ranking = rank(trial, at_least=max((*self.k, *self.map_k, CMC)), lone=False)
        values = {
            "precision_at_1": metrics.precision_at_1(ranking),
            "r_precision": metrics.r_precision(ranking),
            "map_at_r": metrics.map_at_r(ranking),
            **{f"hit_at_{k}": metrics.hit_at_k(ranking, k) for k in self.k},
            **{
                f"map_at_{k}_{divisor}": metrics.map_at_k(ranking, k, divisor)
                for k in self.map_k
                for divisor in self.map_divisor
            },
        }
        estimates = {name: _average(trial, ranking, value) for name, value in values.items()}
        return Measured({**estimates, "lone_queries": _lone(ranking)}, exhibits={"cmc": _cmc(trial, ranking)})


def _average(trial: Trial, ranking: Ranking, values: np.ndarray) -> Estimate:
    kept = ~ranking.lone
    units = Units(trial.queries.scans[kept], trial.queries.subjects[kept], values[kept], np.ones(int(kept.sum())))
    return intervals.estimate(units, seed=trial.seed)


def _cmc(trial: Trial, ranking: Ranking) -> Curve:
    """Cumulative match characteristic: the share of queries that have found their subject by each rank."""
    kept, ranks = ~ranking.lone, np.arange(1.0, CMC + 1)
    hits = np.stack([metrics.hit_at_k(ranking, rank)[kept] for rank in range(1, CMC + 1)], axis=1)
    mean, low, high = intervals.bands(trial.queries.subjects[kept], hits, seed=trial.seed)
    line = Line("", ranks, mean, low, high, n=int(kept.sum()))
    return Curve("Cumulative match characteristic", Axis("rank"), Axis("queries that found their subject"), (line,))


def _lone(ranking: Ranking) -> Estimate:
    """A count of what was there, not a sample of it: the interval is the value."""
    share = float(ranking.lone.mean())
    return Estimate(share, share, share, len(ranking.lone))
