"""Averages with their intervals: whole subjects are resampled, for the scans of one are not independent.

Field, Welsh: Bootstrapping clustered data (2007), the cluster bootstrap. Percentile intervals.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from mlfp.errors import MlfpError
from mlfp.seeds import numpy_generator
from mlfp.types.estimate import Estimate, Units

#: Bytes of resampled subject numbers held at a time.
BUDGET = 1 << 25
#: Resamples that an interval is read from, and how much of them it holds.
RESAMPLES, LEVEL = 1000, 0.95


def estimate(
    units: Units,
    *,
    seed: int,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    n: int | None = None,
    proportion: bool = True,
) -> Estimate:
    """The weighted mean of units, with an interval from resampling their subjects.

    The draw depends on the seed and the number of subjects alone: metrics and methods measured on the same subjects
    are resampled alike. The gallery is not resampled: the interval speaks of other queries of this population, against
    this gallery. With one subject there is nothing to resample, and the interval is ``nan``.

    :param n: what to report as the count behind the value; the number of units that count unless given.
    :param proportion: the values lie in [0, 1]. Where all are 0, or all 1, resampling sees no variation and would
        claim certainty; the interval then is that of Clopper and Pearson (1934) for as many trials as subjects.
    """
    counted = int(np.count_nonzero(units.weights)) if n is None else n
    totals, weights = _per_subject(units)
    if len(weights) == 0:
        return Estimate(math.nan, math.nan, math.nan, counted, units)
    value = float(totals.sum() / weights.sum())
    if len(weights) == 1:
        return Estimate(value, math.nan, math.nan, counted, units)
    tail = (1 - level) / 2
    used = units.values[units.weights > 0]
    if proportion and (np.all(used == 0) or np.all(used == 1)):
        slack = 1 - tail ** (1 / len(weights))
        low, high = (0.0, slack) if value == 0 else (1 - slack, 1.0)
    else:
        means = _resampled(totals, weights, seed=seed, resamples=resamples)
        low, high = (float(bound) for bound in np.quantile(means, [tail, 1 - tail]))
    return Estimate(value, low, high, counted, units)


def _per_subject(units: Units) -> tuple[np.ndarray, np.ndarray]:
    """Sum of weighted values, and of weights, of each subject that counts, in the order of their ids."""
    used = units.weights > 0
    _, codes = np.unique(units.subjects[used].astype(str), return_inverse=True)
    weights = units.weights[used].astype(np.float64)
    totals = np.bincount(codes, weights * units.values[used])
    return totals, np.bincount(codes, weights)


def _resampled(totals: np.ndarray, weights: np.ndarray, *, seed: int, resamples: int) -> np.ndarray:
    """(resamples,) weighted means of as many subjects drawn with replacement as there are.

    :param totals: (S,) sum of each subject.
    """
    means = [(times @ totals) / (times @ weights) for times in draws(len(weights), seed=seed, resamples=resamples)]
    return np.concatenate(means)


def draws(subjects: int, *, seed: int, resamples: int = RESAMPLES) -> Iterator[np.ndarray]:
    """(some, S) how often each subject is drawn in each resample, block by block: ``resamples`` rows altogether."""
    generator = numpy_generator(seed, "bootstrap", subjects)
    rows = max(1, BUDGET // (8 * subjects))
    for start in range(0, resamples, rows):
        count = min(rows, resamples - start)
        drawn = generator.integers(0, subjects, (count, subjects)) + subjects * np.arange(count)[:, None]
        yield np.bincount(drawn.ravel(), minlength=count * subjects).reshape(count, subjects).astype(np.float64)


def bands(
    subjects: np.ndarray, values: np.ndarray, *, seed: int, resamples: int = RESAMPLES, level: float = LEVEL
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mean of every column of values, with an interval from resampling subjects: for curves.

    Drawn as :func:`estimate` draws, so that a point of the curve and the metric of its name agree.

    :param subjects: (U,) whose each row is.
    :param values: (U, P).
    :returns: (P,) means, lower and upper ends; ``nan`` where there is nothing to measure or to resample.
    """
    nothing = np.full(values.shape[1], np.nan)
    if len(values) == 0:
        return nothing, nothing, nothing
    names, codes = np.unique(subjects.astype(str), return_inverse=True)
    weights = np.bincount(codes).astype(np.float64)
    totals = np.stack([np.bincount(codes, column) for column in values.T], axis=1)
    mean = totals.sum(axis=0) / weights.sum()
    if len(names) == 1:
        return mean, nothing, nothing
    means = [
        (times @ totals) / (times @ weights)[:, None] for times in draws(len(names), seed=seed, resamples=resamples)
    ]
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2], axis=0)
    return mean, low, high


def bounds(value: float, resampled: np.ndarray) -> tuple[float, float]:
    """The percentile interval that resamples give, which is made to hold the value; ``nan`` where none is finite."""
    found = resampled[np.isfinite(resampled)]
    if len(found) == 0:
        return math.nan, math.nan
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return min(float(low), value), max(float(high), value)


def pool(estimates: Sequence[Estimate], *, seed: int) -> Estimate:
    """Several trials as one: every unit counts as it did in its own.

    Estimates without units are averaged by their counts, in every resample where the same subjects were drawn; else
    their bounds are averaged, too: no narrower than the truth.
    """
    filled = [item for item in estimates if item.n > 0]
    total = sum(item.n for item in filled)
    if not filled:
        return Estimate(math.nan, math.nan, math.nan, 0)
    units = [item.units for item in filled if item.units is not None]
    if len(units) < len(filled):
        return _without_units(filled, [item.n for item in filled], n=total)
    return estimate(_joined(units), seed=seed, n=total)


def _joined(units: Sequence[Units]) -> Units:
    return Units(
        np.concatenate([item.names for item in units]),
        np.concatenate([item.subjects for item in units]),
        np.concatenate([item.values for item in units]),
        np.concatenate([item.weights for item in units]),
    )


def _without_units(estimates: Sequence[Estimate], weights: Sequence[int], *, n: int) -> Estimate:
    kept = [item.resamples for item in estimates if item.resamples is not None]
    if len(kept) == len(estimates) and len({item.drawn for item in kept}) == 1:
        value = float(np.average([item.value for item in estimates], weights=weights))
        values = np.average([item.values for item in kept], axis=0, weights=weights)
        trial = "+".join(dict.fromkeys(item.trial for item in kept))
        low, high = bounds(value, values)
        return Estimate(value, low, high, n, resamples=replace(kept[0], values=values, trial=trial))
    numbers = np.average([[item.value, item.low, item.high] for item in estimates], axis=0, weights=weights)
    return Estimate(float(numbers[0]), float(numbers[1]), float(numbers[2]), n)


def average(estimates: Sequence[Estimate], *, seed: int) -> tuple[Estimate, float | None]:
    """One method over the seeds of its training: each unit's mean over the seeds, resampled by subject.

    :returns: the estimate, and the standard deviation of the value over seeds (None with one seed): the interval is
        over subjects and does not hold it.
    :raises MlfpError: the seeds were not measured on the same units.
    """
    values = np.array([item.value for item in estimates])
    spread = float(values.std(ddof=1)) if len(values) > 1 else None
    if len(estimates) == 1:
        return estimates[0], spread
    units = [item.units for item in estimates if item.units is not None]
    if len(units) < len(estimates):
        return _without_units(estimates, [1] * len(estimates), n=estimates[0].n), spread
    first = units[0]
    for other in units[1:]:
        if not (np.array_equal(first.names, other.names) and np.array_equal(first.weights, other.weights)):
            raise MlfpError(
                "the seeds of a method were measured on different queries, so they cannot be averaged",
                hints=[f"{len(first.names)} and {len(other.names)} of them. Delete the older results and run again."],
            )
    means = np.mean([item.values for item in units], axis=0)
    mean = Units(first.names, first.subjects, means, first.weights)
    return estimate(mean, seed=seed, n=estimates[0].n), spread
