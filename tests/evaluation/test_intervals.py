from __future__ import annotations

import math

import numpy as np
import pytest

from mlfp.errors import MlfpError
from mlfp.evaluation import intervals
from mlfp.types.estimate import Estimate, Units


def units(values: list[float], subjects: list[str], weights: list[float] | None = None) -> Units:
    names = np.array([f"scan-{place}" for place in range(len(values))], dtype=object)
    return Units(
        names, np.array(subjects, dtype=object), np.array(values, float), np.array(weights or [1.0] * len(values))
    )


def many(subjects: int, scans: int, seed: int = 0) -> Units:
    """Scans of a subject share its luck altogether: there are as many facts as subjects."""
    luck = np.random.default_rng(seed).random(subjects) < 0.5
    return units(
        list(np.repeat(luck, scans).astype(float)), [f"{place}" for place in range(subjects) for _ in range(scans)]
    )


def test_value_is_the_weighted_mean() -> None:
    measured = intervals.estimate(units([1, 0, 0.5], ["a", "b", "b"], [2, 1, 1]), seed=0)
    assert measured.value == pytest.approx(2.5 / 4)
    assert measured.n == 3
    assert measured.low <= measured.value <= measured.high


def test_interval_is_that_of_the_binomial_when_each_subject_is_one_coin() -> None:
    measured = intervals.estimate(many(200, 1), seed=0, resamples=4000)
    spread = 1.96 * math.sqrt(measured.value * (1 - measured.value) / 200)
    assert measured.low == pytest.approx(measured.value - spread, abs=0.012)
    assert measured.high == pytest.approx(measured.value + spread, abs=0.012)


def test_scans_that_share_their_subjects_luck_add_no_certainty() -> None:
    one, ten = (intervals.estimate(many(60, scans), seed=0) for scans in (1, 10))
    assert (ten.low, ten.high) == pytest.approx((one.low, one.high))
    assert ten.n == 10 * one.n


def test_every_case_of_two_subjects_is_seen() -> None:
    """Of two subjects with 0 and 1, resamples are 0, 1/2, 1/2, 1: the 2.5 % and 97.5 % points are 0 and 1."""
    measured = intervals.estimate(units([0, 1], ["a", "b"]), seed=3)
    assert (measured.value, measured.low, measured.high) == (0.5, 0.0, 1.0)


def test_the_same_subjects_are_drawn_for_every_metric_whatever_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = intervals.estimate(many(50, 3), seed=7)
    monkeypatch.setattr(intervals, "BUDGET", 1)
    again = intervals.estimate(many(50, 3), seed=7)
    assert (again.low, again.high) == (measured.low, measured.high)
    assert intervals.estimate(many(50, 3), seed=8).low != measured.low


def test_row_order_does_not_matter() -> None:
    given = many(40, 2)
    order = np.random.default_rng(1).permutation(len(given.names))
    shuffled = Units(given.names[order], given.subjects[order], given.values[order], given.weights[order])
    one, other = intervals.estimate(given, seed=0), intervals.estimate(shuffled, seed=0)
    assert (one.low, one.high) == (other.low, other.high)


@pytest.mark.parametrize(("value", "low", "high"), [(1.0, 0.025 ** (1 / 20), 1.0), (0.0, 0.0, 1 - 0.025 ** (1 / 20))])
def test_success_throughout_is_no_certainty(value: float, low: float, high: float) -> None:
    """Clopper and Pearson's bounds for 20 of 20, and for 0 of 20."""
    measured = intervals.estimate(units([value] * 40, [f"{place // 2}" for place in range(40)]), seed=0)
    assert (measured.low, measured.high) == pytest.approx((low, high))


def test_no_units_give_no_number_and_one_subject_no_interval() -> None:
    nothing, alone = intervals.estimate(units([], []), seed=0), intervals.estimate(units([1, 0], ["a", "a"]), seed=0)
    assert math.isnan(nothing.value)
    assert nothing.n == 0
    assert alone.value == 0.5
    assert math.isnan(alone.low)


def test_pooled_trials_count_every_unit() -> None:
    one = intervals.estimate(units([1, 1, 0], ["a", "b", "c"]), seed=0)
    other = intervals.estimate(units([0], ["a"]), seed=0)
    empty = intervals.estimate(units([], []), seed=0)
    pooled = intervals.pool([one, other, empty], seed=0)
    assert pooled.value == 0.5
    assert pooled.n == 4
    assert pooled.units is not None
    assert list(pooled.units.subjects) == ["a", "b", "c", "a"]
    assert math.isnan(intervals.pool([empty], seed=0).value)


def test_average_over_seeds_averages_each_unit() -> None:
    one = intervals.estimate(units([1, 0, 1], ["a", "b", "c"]), seed=0)
    other = intervals.estimate(units([1, 1, 0], ["a", "b", "c"]), seed=0)
    mean, spread = intervals.average([one, other], seed=0)
    assert mean.value == pytest.approx(2 / 3)
    assert mean.units is not None
    assert list(mean.units.values) == [1, 0.5, 0.5]
    assert spread == pytest.approx(0.0)
    assert intervals.average([one], seed=0) == (one, None)


def test_average_of_estimates_without_units_has_averaged_bounds() -> None:
    mean, spread = intervals.average([Estimate(0.4, 0.3, 0.5, 9), Estimate(0.6, 0.5, 0.9, 9)], seed=0)
    assert (mean.value, mean.low, mean.high, mean.n) == pytest.approx((0.5, 0.4, 0.7, 9))
    assert spread == pytest.approx(math.sqrt(0.02))


def test_seeds_measured_on_different_queries_are_refused() -> None:
    one, other = (intervals.estimate(units([1.0] * size, ["a"] * size), seed=0) for size in (2, 3))
    with pytest.raises(MlfpError, match="different queries"):
        intervals.average([one, other], seed=0)


def test_a_point_of_a_band_is_the_estimate_of_its_column() -> None:
    rng = np.random.default_rng(3)
    subjects = rng.integers(0, 20, 80).astype(str)
    values = (rng.random((80, 3)) < 0.6).astype(float)
    mean, low, high = intervals.bands(subjects, values, seed=5)
    for place, column in enumerate(values.T):
        one = intervals.estimate(Units(subjects, subjects, column, np.ones(80)), seed=5)
        assert (mean[place], low[place], high[place]) == pytest.approx((one.value, one.low, one.high))


def test_a_band_of_nothing_or_of_one_subject_has_no_width() -> None:
    assert np.isnan(intervals.bands(np.array([]), np.zeros((0, 2)), seed=0)[0]).all()
    mean, low, _ = intervals.bands(np.array(["a", "a"]), np.array([[0.0], [1.0]]), seed=0)
    assert (mean[0], np.isnan(low[0])) == (0.5, True)


@pytest.mark.slow
def test_intervals_cover_the_truth_at_the_stated_rate() -> None:
    """Subjects of 1 to 8 scans whose hits depend on the subject: near 95 of 100 hold the population's mean."""
    held, rounds = 0, 1000
    for turn in range(rounds):
        rng = np.random.default_rng(turn)
        counts = rng.integers(1, 9, 60)
        chance = np.repeat(rng.beta(2, 1, 60), counts)  # of mean 2/3, whatever the number of scans
        names = np.repeat(np.arange(60).astype(str), counts)
        hits = (rng.random(len(chance)) < chance).astype(float)
        found = intervals.estimate(Units(names, names, hits, np.ones(len(hits))), seed=turn)
        held += found.low <= 2 / 3 <= found.high
    assert 0.93 * rounds <= held <= 0.965 * rounds, held
