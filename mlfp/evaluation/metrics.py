"""Retrieval metrics of each query, from a ranking. Lone queries get 0 and must be left out of averages.

Musgrave, Belongie, Lim: A Metric Learning Reality Check (ECCV 2020) define ``precision_at_1``, ``r_precision`` and
``map_at_r``; R is the number of gallery scans that a query should find. ``hit_at_k`` is DeepBrainPrint's R@K (equation
7), Few-Shot Fingerprinting's H@K (equation 3) and biometrics' cumulative match characteristic at rank k. The mean of
``reciprocal_rank`` is the MRR (Voorhees, TREC-8 1999).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from mlfp.types.ranking import Ranking

#: What the precisions at the hits among the k nearest are divided by. All four are published as "mAP@k".
Divisor = Literal["min", "k", "relevant", "hits"]


def hit_at_k(ranking: Ranking, k: int) -> np.ndarray:
    """(Q,) 1 where one of the k nearest shows the query's subject."""
    hits: np.ndarray = np.any(ranking.relevant[:, :k], axis=1).astype(np.float64)
    return hits


def precision_at_1(ranking: Ranking) -> np.ndarray:
    """(Q,) 1 where the nearest shows the query's subject."""
    return hit_at_k(ranking, 1)


def reciprocal_rank(ranking: Ranking) -> np.ndarray:
    """(Q,) one over the rank of the first that shows the query's subject, however far down it stands."""
    reciprocal: np.ndarray = np.where(ranking.first > 0, 1 / np.maximum(ranking.first, 1), 0.0)
    return reciprocal


def r_precision(ranking: Ranking) -> np.ndarray:
    """(Q,) the share of the R nearest that show the query's subject."""
    return _per_relevant(_within_r(ranking), ranking)


def map_at_r(ranking: Ranking) -> np.ndarray:
    """(Q,) the mean over the R nearest of the precision at each that is relevant, and 0 at each that is not."""
    relevant = _within_r(ranking)
    precision = np.cumsum(relevant, axis=1) / np.arange(1, relevant.shape[1] + 1)
    return _per_relevant(precision * relevant, ranking)


def map_at_k(ranking: Ranking, k: int, divisor: Divisor) -> np.ndarray:
    """(Q,) the sum of the precision at each hit among the k nearest, divided by one of four numbers.

    :param divisor: ``k``: DeepBrainPrint's equation 6 with R = 3; a subject with fewer other scans cannot reach 1.
        ``min``: min(R, k), its released code; perfect is 1. ``relevant``: R, pytorch-metric-learning's
        ``mean_average_precision``; a subject with more scans than k cannot reach 1. ``hits``: those found,
        OpenMetricLearning's; it says nothing of those not found.
    """
    relevant = ranking.relevant[:, :k]
    precision = np.cumsum(relevant, axis=1) / np.arange(1, relevant.shape[1] + 1)
    below = {
        "min": np.minimum(ranking.relevant_total, k),
        "k": np.full(len(relevant), k),
        "relevant": ranking.relevant_total,
        "hits": relevant.sum(axis=1),
    }[divisor]
    found: np.ndarray = np.sum(precision * relevant, axis=1) / np.maximum(below, 1)
    return found


def _per_relevant(terms: np.ndarray, ranking: Ranking) -> np.ndarray:
    quotient: np.ndarray = np.sum(terms, axis=1) / np.maximum(ranking.relevant_total, 1)
    return quotient


def _within_r(ranking: Ranking) -> np.ndarray:
    """(Q, k) relevant neighbours among each query's R nearest."""
    most, kept = int(ranking.relevant_total.max(initial=0)), ranking.relevant.shape[1]
    if kept < most:
        raise ValueError(f"R-metrics need the {most} nearest, but only {kept} were ranked: rank with k=None or more")
    places = np.arange(kept)
    within: np.ndarray = ranking.relevant & (places < ranking.relevant_total[:, None])
    return within
