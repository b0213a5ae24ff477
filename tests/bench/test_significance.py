from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlfp.bench.results import Row
from mlfp.bench.significance import Significance
from mlfp.errors import ParameterError
from mlfp.evaluation import intervals
from mlfp.types.estimate import Estimate, Resamples, Units


def row(label: str, share: float, seed: int, group: str = "") -> Row:
    names = np.array([f"s{place}" for place in range(40)], dtype=object)
    found = Units(names, names, (np.random.default_rng(seed).random(40) < share).astype(float), np.ones(40))
    metrics = {name: intervals.estimate(found, seed=0) for name in ("r.hit_at_1", "r.hit_at_1[A>B]")}
    return Row(label, "trained", 1, {**metrics, "r.area": Estimate(share, 0, 1, 40)}, {}, 1.0, group=group)


def rows() -> list[Row]:
    return [row("worst", 0.2, 0), row("best", 0.95, 1), row("middling", 0.6, 2)]


def test_by_itself_everyone_is_compared_with_the_best_at_the_price_of_all() -> None:
    found = Significance().apply(rows(), seed=0)
    assert [(item.metric, item.first, item.second) for item in found] == [
        ("r.hit_at_1", "worst", "best"),
        ("r.hit_at_1", "middling", "best"),
    ]
    assert {item.family for item in found} == {3}
    assert all(item.verdict == "lower" for item in found)


def test_a_named_baseline_comes_second_and_pays_for_its_tests_alone() -> None:
    found = Significance("worst").apply(rows(), seed=0)
    assert [(item.first, item.second) for item in found] == [("best", "worst"), ("middling", "worst")]
    assert {item.family for item in found} == {2}


def rate(label: str, value: float, seed: int) -> Row:
    values = value + 0.02 * np.random.default_rng(seed).normal(size=500)
    eer = Estimate(value, value - 0.04, value + 0.04, 80, resamples=Resamples(values, 30, "d", "t"))
    return Row(label, "trained", 1, {"v.eer": eer, "v.eer[A>B]": eer, "v.bytes": Estimate(1, 1, 1, 1)}, {}, 1.0)


def test_rates_over_pairs_are_tested_too_and_of_errors_the_lowest_is_the_best() -> None:
    found = Significance().apply([rate("poor", 0.4, 0), rate("good", 0.1, 1), rate("as good", 0.101, 2)], seed=0)
    assert [(item.metric, item.first, item.second, item.verdict) for item in found] == [
        ("v.eer", "poor", "good", "higher"),
        ("v.eer", "as good", "good", "none"),
    ]
    assert {(item.test, item.family) for item in found} == {("bootstrap", 3)}


def test_all_are_compared_with_all() -> None:
    assert len(Significance("all").apply(rows(), seed=0)) == 3


def test_rows_of_different_groups_are_not_compared() -> None:
    found = Significance("all").apply([*rows(), row("other", 0.5, 3, "folds"), row("more", 0.5, 4, "folds")], seed=0)
    assert {frozenset((item.first, item.second)) for item in found if item.family == 1} == {
        frozenset(("other", "more"))
    }
    assert len(found) == 4


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("best", "should be a mapping"),
        ({"baselin": "best"}, "unknown key 'baselin'"),
        ({"level": 0}, "between 0 and 1"),
        ({"level": "low"}, "level should be float"),
        ({"permutations": 9}, "99 or more"),
    ],
)
def test_what_is_wrong_is_said(value: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Significance.parse(value)


def test_a_baseline_that_is_no_method_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(ParameterError, match="no method of this comparison") as caught:
        Significance("triplett").check(["triplet", "infonce"])
    assert "Did you mean: triplet?" in str(caught.value)
