from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlfp.bench.records import to_json
from mlfp.evaluation import intervals
from mlfp.evaluation.comparing import Comparison, compare, signed
from mlfp.types.estimate import Units


def units(values: np.ndarray, scans: int = 3) -> Units:
    """Queries, so many of each subject."""
    count = len(values)
    names = np.array([f"s{place // scans}-{place % scans}" for place in range(count)], dtype=object)
    subjects = np.array([f"s{place // scans}" for place in range(count)], dtype=object)
    return Units(names, subjects, values.astype(float), np.ones(count))


def shuffled(given: Units, seed: int) -> Units:
    order = np.random.default_rng(seed).permutation(len(given.names))
    return Units(given.names[order], given.subjects[order], given.values[order], given.weights[order])


def three(subjects: int = 20, seed: int = 0) -> dict[str, Units]:
    generator = np.random.default_rng(seed)
    luck = np.repeat(generator.random(subjects), 3)
    shares = {"good": 0.9, "middling": 0.6, "poor": 0.3}
    return {name: units(generator.random(3 * subjects) < share * (0.5 + luck / 2)) for name, share in shares.items()}


def by_hand(first: Units, second: Units) -> float:
    return float(first.values.mean() - second.values.mean())


def test_every_two_methods_are_compared_with_their_difference_and_interval() -> None:
    measured = three()
    found = compare("r.hit", measured, seed=0)
    assert [(item.first, item.second) for item in found] == [
        ("good", "middling"),
        ("good", "poor"),
        ("middling", "poor"),
    ]
    for item in found:
        assert item.difference == pytest.approx(by_hand(measured[item.first], measured[item.second]))
        assert item.low <= item.difference <= item.high
        assert (item.queries, item.subjects, item.family) == (60, 20, 3)
        assert item.higher + item.lower + item.same == 20
        assert item.p <= item.p_holm
    assert found[1].verdict == "higher"


def test_the_interval_is_that_of_the_differences() -> None:
    measured = three()
    found = compare("r.hit", measured, seed=5)[1]
    first, second = measured["good"], measured["poor"]
    differences = Units(first.names, first.subjects, first.values - second.values, first.weights)
    wanted = intervals.estimate(differences, seed=5, proportion=False)
    assert (found.difference, found.low, found.high) == pytest.approx((wanted.value, wanted.low, wanted.high))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**20))
def test_neither_the_order_of_rows_nor_that_of_methods_matters(seed: int) -> None:
    measured = three(subjects=15, seed=seed % 7)
    values = {
        name: Units(u.names, u.subjects, u.values * (1 + np.arange(45) / 7), u.weights) for name, u in measured.items()
    }
    mixed = {name: shuffled(values[name], seed + place) for place, name in enumerate(values)}
    assert compare("m", mixed, seed=0, permutations=199) == compare("m", values, seed=0, permutations=199)
    backwards = {name: values[name] for name in reversed(values)}
    found = {frozenset((item.first, item.second)): item for item in compare("m", backwards, seed=0, permutations=199)}
    for item in compare("m", values, seed=0, permutations=199):
        other = found[frozenset((item.first, item.second))].turned()
        assert (other.p, other.difference, other.low, other.high) == pytest.approx(
            (item.p, item.difference, item.low, item.high)
        )


def test_a_named_baseline_is_compared_with_each_other_and_pays_for_these_tests_alone() -> None:
    found = compare("m", three(), seed=0, against="middling")
    assert [{item.first, item.second} for item in found] == [{"good", "middling"}, {"middling", "poor"}]
    assert {item.family for item in found} == {2}


def test_scans_that_share_their_subjects_luck_add_no_certainty() -> None:
    """Ten copies of a query are no ten queries: the t-test over queries falls for them, the permutation does not."""
    generator = np.random.default_rng(1)
    first, second = generator.random(12), generator.random(12)
    one = compare("m", {"a": units(first, 1), "b": units(second, 1)}, seed=0)[0]
    ten = compare("m", {"a": units(np.repeat(first, 10), 10), "b": units(np.repeat(second, 10), 10)}, seed=0)[0]
    assert ten.p == one.p
    assert ten.effect == pytest.approx(one.effect)
    assert ten.t_test.p < one.t_test.p


def test_methods_that_are_the_same_show_no_difference() -> None:
    same = three()["good"]
    found = compare("m", {"a": same, "b": same}, seed=0)[0]
    assert (found.difference, found.p, found.verdict, found.same) == (0, 1, "none", 20)
    assert math.isnan(found.effect)
    assert "no difference shown" in found.say()


def test_too_few_subjects_are_said_to_be_too_few() -> None:
    """Five subjects that all point one way give 2 / 2^5 = 0.0625, and nothing less is to be had."""
    found = compare("m", {"a": units(np.ones(15)), "b": units(np.zeros(15))}, seed=0)[0]
    assert found.p == found.least == 2 / 2**5
    assert found.verdict == "none"
    assert "too few" in found.say()
    assert compare("m", {"a": units(np.ones(18)), "b": units(np.zeros(18))}, seed=0)[0].verdict == "higher"


def test_only_common_queries_are_compared() -> None:
    first, second = three()["good"], three()["poor"]
    part = Units(first.names[6:], first.subjects[6:], first.values[6:], first.weights[6:])
    found = compare("m", {"a": part, "b": second}, seed=0)[0]
    assert (found.queries, found.subjects) == (54, 18)
    assert found.difference == pytest.approx(first.values[6:].mean() - second.values[6:].mean())
    strangers = Units(np.array(["x"], dtype=object), np.array(["x"], dtype=object), np.ones(1), np.ones(1))
    assert compare("m", {"a": strangers, "b": second}, seed=0) == []


def test_a_query_that_asks_in_several_trials_counts_in_each() -> None:
    twice = [
        np.concatenate([getattr(three()[name], field) for name in ("good", "poor")]) for field in ("names", "subjects")
    ]
    first, second = (Units(*twice, np.random.default_rng(seed).random(120), np.ones(120)) for seed in (0, 1))
    found = compare("m", {"a": first, "b": shuffled_within(second)}, seed=0)[0]
    assert found.queries == 120
    assert found.difference == pytest.approx(first.values.mean() - second.values.mean())


def shuffled_within(given: Units) -> Units:
    """The same rows, the first trial's in another order."""
    order = np.concatenate([np.arange(60)[::-1], np.arange(60, 120)])
    return Units(given.names[order], given.subjects[order], given.values[order], given.weights[order])


def test_queries_that_weigh_differently_are_not_compared() -> None:
    first = three()["good"]
    heavier = Units(first.names, first.subjects, first.values, 2 * first.weights)
    assert compare("m", {"a": first, "b": heavier}, seed=0) == []


def test_json_and_back() -> None:
    measured = {**three(), "as good": three()["good"], "in between": units(np.random.default_rng(0).random(60))}
    found = compare("m", measured, seed=0)
    assert {item.mcnemar is None for item in found} == {True, False}
    for item in found:
        told = json.loads(to_json(item.to_json()))
        again = Comparison.of_json(told)
        assert to_json(again.to_json()) == to_json(item.to_json())
        assert told["words"] == item.say()
        assert item.turned().turned().say() == item.say()


@pytest.mark.slow
def test_holm_keeps_false_alarms_below_the_level() -> None:
    """Four methods that are the same but for luck, 300 times: in about 5 % of them at most any difference is shown."""
    alarms = 0
    for trial in range(300):
        generator = np.random.default_rng(trial)
        measured = {name: units(generator.random(60) < 0.7) for name in "abcd"}
        alarms += any(
            item.verdict != "none" for item in compare("m", measured, seed=trial, permutations=499, resamples=10)
        )
    assert alarms <= 300 * 0.05 + 3 * math.sqrt(300 * 0.05 * 0.95)


@pytest.mark.parametrize(
    ("value", "text"), [(0.135, "+0.135"), (-0.0131, "-0.013"), (-0.0001, "0.000"), (0.0, "0.000")]
)
def test_a_difference_that_rounds_to_nothing_has_no_sign(value: float, text: str) -> None:
    assert signed(value) == text
