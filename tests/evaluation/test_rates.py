from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from mlfp_plugins.evaluators.open_set import OpenSet
from mlfp_plugins.evaluators.verification import Verification
from scipy import stats

from mlfp.evaluation import intervals
from mlfp.evaluation.rates import compare_estimates, compare_rates
from mlfp.testing.trials import trial
from mlfp.types.estimate import Estimate, Resamples, Units


def of(value: float, values: np.ndarray, *, drawn: str = "d", compared: str = "t", subjects: int = 20) -> Estimate:
    return Estimate(value, value - 0.1, value + 0.1, 99, resamples=Resamples(values, subjects, drawn, compared))


def three() -> dict[str, Estimate]:
    rng = np.random.default_rng(0)
    luck = 0.05 * rng.normal(size=1000)  # shared: the same subjects were drawn for all
    return {
        "a": of(0.9, 0.9 + luck + 0.01 * rng.normal(size=1000)),
        "b": of(0.8, 0.8 + luck + 0.01 * rng.normal(size=1000)),
        "c": of(0.795, 0.795 + luck + 0.01 * rng.normal(size=1000)),
    }


def test_the_deviation_is_that_of_the_difference_and_not_of_the_values() -> None:
    measured = three()
    found = {(item.first, item.second): item for item in compare_rates("v.roc_auc", measured)}
    best = found["a", "b"]
    assert best.difference == pytest.approx(0.1)
    assert 0.06 < best.low < best.difference < best.high < 0.14
    assert best.verdict == "higher"
    assert best.test == "bootstrap"
    assert found["b", "c"].verdict == "none"
    assert "no difference shown" in found["b", "c"].say()
    first, second = measured["a"].resamples, measured["b"].resamples
    assert first is not None
    assert second is not None
    deviation = (first.values - second.values).std(ddof=1)
    assert best.p == pytest.approx(2 * stats.t.sf(best.difference / deviation, 19))


def test_holm_is_over_all_tests_of_the_metric() -> None:
    found = compare_rates("m", three())
    assert {item.family for item in found} == {3}
    assert sorted(item.p_holm for item in found)[0] == pytest.approx(3 * min(item.p for item in found))
    against = compare_rates("m", three(), against="b")
    assert {frozenset((item.first, item.second)) for item in against} == {frozenset("ab"), frozenset("bc")}
    assert {item.family for item in against} == {2}


def test_what_was_measured_on_other_scans_or_drawn_otherwise_is_not_compared() -> None:
    a, values = of(0.9, np.zeros(10)), np.zeros(10)
    for other in (of(0.8, values, drawn="x"), of(0.8, values, compared="x"), Estimate(0.8, 0, 1, 9)):
        assert compare_rates("m", {"a": a, "b": other} if other.resamples else {"a": a}) == []
    assert compare_rates("m", {"a": of(0.9, values, subjects=2), "b": of(0.8, values, subjects=2)}) == []


def test_equal_methods_show_no_difference_and_one_that_never_varies_is_held_against_the_resamples() -> None:
    same = np.full(999, 0.5)
    assert compare_rates("m", {"a": of(0.5, same), "b": of(0.5, same)})[0].p == 1.0
    assert compare_rates("m", {"a": of(1.0, same + 0.5), "b": of(0.5, same)})[0].p == pytest.approx(2 / 1000)
    nothing = np.full(10, np.nan)
    assert compare_rates("m", {"a": of(0.9, nothing), "b": of(0.5, nothing)})[0].p == 1.0


def test_averages_are_compared_by_their_queries() -> None:
    names = np.array([f"s{place}" for place in range(20)], dtype=object)
    rng = np.random.default_rng(0)
    both = {
        name: intervals.estimate(Units(names, names, rng.random(20), np.ones(20)), seed=0) for name in ("one", "other")
    }
    assert compare_estimates("m", both, seed=0)[0].test == "permutation"
    assert compare_estimates("m", three(), seed=0)[0].test == "bootstrap"


def measured(noise: Mapping[str, float], seed: int, subjects: int = 40) -> dict[str, dict[str, Estimate]]:
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(subjects), 3)
    centres = rng.normal(size=(subjects, 6))[labels]
    found = {}
    for name, spread in noise.items():
        given = trial(labels, centres + spread * rng.normal(size=centres.shape), "l2")
        found[name] = {**Verification(fmr=(0.1,))(given), **OpenSet(fpir=(0.3,))(given)}
    return found


def test_verification_and_open_set_are_told_apart_where_they_differ() -> None:
    found = measured({"good": 0.3, "poor": 1.2}, seed=0, subjects=30)
    for metric in ("roc_auc", "eer", "tar_at_fmr_1e-1", "dir_at_fpir_3e-1"):
        (item,) = compare_rates(metric, {name: values[metric] for name, values in found.items()})
        assert item.verdict == ("lower" if metric == "eer" else "higher")
        assert item.subjects == 30


def test_the_mean_over_seeds_is_taken_in_every_resample() -> None:
    one, other = measured({"a": 0.9}, 0)["a"]["eer"], measured({"a": 1.1}, 0)["a"]["eer"]
    mean, spread = intervals.average([one, other], seed=0)
    assert mean.value == pytest.approx((one.value + other.value) / 2)
    assert spread == pytest.approx(np.std([one.value, other.value], ddof=1))
    assert one.resamples is not None
    assert other.resamples is not None
    assert mean.resamples is not None
    assert mean.resamples.values == pytest.approx((one.resamples.values + other.resamples.values) / 2)
    assert mean.low <= mean.value <= mean.high
    foreign = measured({"a": 1.1}, 0, subjects=30)["a"]["eer"]
    assert intervals.average([one, foreign], seed=0)[0].resamples is None


@pytest.mark.slow
def test_equal_methods_are_told_apart_no_more_often_than_the_level_says() -> None:
    p: dict[str, list[float]] = {}
    for seed in range(80):
        found = measured({"one": 1.0, "other": 1.0}, seed=seed + 1, subjects=25)
        for metric in ("roc_auc", "eer", "tar_at_fmr_1e-1", "dir_at_fpir_3e-1"):
            (item,) = compare_rates(metric, {name: values[metric] for name, values in found.items()})
            p.setdefault(metric, []).append(item.p)
    # Of 80 tests at 0.05 more than 10 have a chance of 0.2 %; of 80 at 0.5 more than 52 have one of 0.2 %.
    for values in p.values():
        assert np.sum(np.array(values) < 0.05) <= 10
        assert np.sum(np.array(values) < 0.5) <= 52
