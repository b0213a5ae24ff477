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
#: Lone queries that are named.
NAMED = 3


class Retrieval:
    """``precision_at_1``, ``r_precision`` and ``map_at_r`` (Musgrave et al.), ``mrr``, ``hit_at_k`` and ``map_at_k``.

    ``hit_at_k`` for every k up to 20 is the curve ``cmc`` (cumulative match characteristic); ``mrr`` is the mean of one
    over the rank of the first scan of the query's subject, looked for in the whole gallery.

    A query whose subject has no other eligible scan (a lone query) has nothing to find. It is left out of every
    average, whose ``n`` counts the others; its scans stay in the gallery. ``lone_queries`` is their share of all
    queries, its ``n`` counts all, and a note names some.

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

    def check(self, trial: Trial) -> None:
        """See :class:`mlfp.interfaces.evaluator.CheckingEvaluator`."""
        for name, ranks in (("k", self.k), ("map_k", self.map_k)):
            if any(k < 1 for k in ranks):
                raise ParameterError(f"ranks should be 1 or more, got {name} = {list(ranks)}", key=(name,))

    def __call__(self, trial: Trial) -> Measured:
        """Rank, and average over queries.

        :raises ParameterError: a rank below 1.
        """
        self.check(trial)
        ranking = rank(trial, at_least=max((*self.k, *self.map_k, CMC)), lone=False)
        values = {
            "precision_at_1": metrics.precision_at_1(ranking),
            "r_precision": metrics.r_precision(ranking),
            "map_at_r": metrics.map_at_r(ranking),
            "mrr": metrics.reciprocal_rank(ranking),
            **{f"hit_at_{k}": metrics.hit_at_k(ranking, k) for k in self.k},
            **{
                f"map_at_{k}_{divisor}": metrics.map_at_k(ranking, k, divisor)
                for k in self.map_k
                for divisor in self.map_divisor
            },
        }
        estimates = {name: _average(trial, ranking, value) for name, value in values.items()}
        return Measured(
            {**estimates, "lone_queries": _lone(ranking)},
            exhibits={"cmc": _cmc(trial, ranking)},
            notes=lone_notes(trial, ranking.lone),
        )


def _average(trial: Trial, ranking: Ranking, values: np.ndarray) -> Estimate:
    kept = ~ranking.lone
    units = Units(trial.queries.scans[kept], trial.queries.subjects[kept], values[kept], np.ones(int(kept.sum())))
    return intervals.estimate(units, seed=trial.seed)


def lone_notes(trial: Trial, lone: np.ndarray) -> list[str]:
    """Which queries have nothing to find, if some have."""
    names = trial.queries.scans[lone]
    if len(names) == 0:
        return []
    rest = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    have = "query has" if len(names) == 1 else "queries have"
    return [f"{len(names):,} {have} no other scan of their subject to find: {', '.join(names[:NAMED])}{rest}"]


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
