"""Methods compared by what is no average of queries: areas, error rates and identification rates over pairs.

There is nothing of a subject to swap, for a pair has two. So subjects are resampled, on both sides of every pair and
the same for all methods; the deviation of the difference over resamples is its standard error, and the difference is
held against a t distribution with one degree of freedom less than there are subjects (as pROC's bootstrap test does
with a normal one; Robin et al. 2011). Pairs of two subjects count as often as the product of both, which makes the
deviation no smaller than it is (Owen 2007, the pigeonhole bootstrap).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy import special

from mlfp.evaluation import intervals, paired
from mlfp.evaluation.comparing import PERMUTATIONS, Comparison, compare
from mlfp.evaluation.paired import TTest
from mlfp.types.estimate import Estimate

#: Fewer subjects tell nothing of their spread.
FEWEST = 3


def testable(estimate: Estimate) -> bool:
    """Whether there is what a test needs."""
    return estimate.units is not None or estimate.resamples is not None


def compare_estimates(
    metric: str,
    measured: Mapping[str, Estimate],
    *,
    seed: int,
    against: str | None = None,
    level: float = 0.05,
    permutations: int = PERMUTATIONS,
) -> list[Comparison]:
    """Compare every two methods, or each with one, by the test that fits the metric; those without values are passed.

    See :func:`mlfp.evaluation.comparing.compare`.
    """
    units = {label: item.units for label, item in measured.items() if item.units is not None}
    if len(units) > 1:
        named = against if against in units else None
        return compare(metric, units, seed=seed, against=named, level=level, permutations=permutations)
    rates = {label: item for label, item in measured.items() if item.resamples is not None}
    return compare_rates(metric, rates, against=against if against in rates else None, level=level)


def compare_rates(
    metric: str, measured: Mapping[str, Estimate], *, against: str | None = None, level: float = 0.05
) -> list[Comparison]:
    """Compare by resamples; Holm's correction is over all tests made here.

    Methods that were not measured on the same scans, or of which not the same subjects were drawn, are not compared.

    :param measured: by method, with resamples.
    """
    pairs = [
        (one, other)
        for one, other in itertools.combinations(measured, 2)
        if (against is None or against in (one, other)) and _alike(measured[one], measured[other])
    ]
    found = [_compared(metric, one, other, measured[one], measured[other], level) for one, other in pairs]
    corrected = paired.holm(np.array([item.p for item in found], dtype=np.float64))
    return [replace(item, p_holm=float(p), family=len(found)) for item, p in zip(found, corrected, strict=True)]


def _alike(one: Estimate, other: Estimate) -> bool:
    first, second = one.resamples, other.resamples
    return (
        first is not None
        and second is not None
        and (first.drawn, first.trial) == (second.drawn, second.trial)
        and first.subjects >= FEWEST
        and math.isfinite(one.value - other.value)
    )


def _compared(metric: str, first: str, second: str, one: Estimate, other: Estimate, level: float) -> Comparison:
    assert one.resamples is not None, "only these are paired"
    assert other.resamples is not None, "only these are paired"
    difference = one.value - other.value
    resampled = one.resamples.values - other.resamples.values
    low, high = intervals.bounds(difference, resampled)
    p = _p(difference, resampled[np.isfinite(resampled)], one.resamples.subjects)
    return Comparison(
        metric=metric, first=first, second=second, difference=difference, low=low, high=high, queries=one.n,
        subjects=one.resamples.subjects, p=p, p_holm=p, family=1, least=0.0, higher=0, lower=0, same=0,
        effect=math.nan, level=level, mcnemar=None, t_test=TTest(math.nan, 0, math.nan), test="bootstrap",
    )  # fmt: skip


def _p(difference: float, resampled: np.ndarray, subjects: int) -> float:
    """Two-sided; where the difference is the same in all resamples, what so many of them can tell at most."""
    deviation = float(resampled.std(ddof=1)) if len(resampled) > 1 else math.nan
    if difference == 0 or math.isnan(deviation):
        return 1.0
    if deviation == 0:
        return 2 / (len(resampled) + 1)
    return 2 * float(special.stdtr(subjects - 1, -abs(difference) / deviation))
