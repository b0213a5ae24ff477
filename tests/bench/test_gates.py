from __future__ import annotations

from pathlib import Path

import pytest

from mlfp.bench import gates
from mlfp.bench.results import BenchResult, Row, RunFailure
from mlfp.errors import GateError, UsageError
from mlfp.types.estimate import Estimate


def result(failures: tuple[str, ...] = (), metric: str = "r.map", **values: float) -> BenchResult:
    rows = [
        Row(label, "trained", 1, {metric: Estimate(value, value - 0.1, value + 0.1, 9)}, {}, 1.0)
        for label, value in values.items()
    ]
    failed = [RunFailure(label, 0, "not finite", Path("x")) for label in failures]
    return BenchResult("c", Path("c"), rows, failed, metric)


def test_the_best_method_has_to_be_good_enough() -> None:
    gates.fail_under(result(a=0.5, b=0.9), "r.map", 0.9)
    with pytest.raises(GateError, match=r"at best 0\.900 \(b\), and should be 0\.95 or more"):
        gates.fail_under(result(a=0.5, b=0.9), "r.map", 0.95)


def test_an_error_rate_has_to_be_low_enough() -> None:
    measured = result(metric="verification.eer", a=0.2, b=0.05)
    gates.fail_under(measured, "verification.eer", 0.1)
    with pytest.raises(GateError, match=r"at best 0\.050 \(b\), and should be 0\.01 or less"):
        gates.fail_under(measured, "verification.eer", 0.01)


def test_a_value_that_is_no_number_holds_no_gate() -> None:
    with pytest.raises(GateError):
        gates.fail_under(result(a=float("nan")), "r.map", 0.0)
    with pytest.raises(GateError):
        gates.fail_if_worse(result(a=float("nan")), result(a=0.5), "r.map", 0.9)


def test_no_method_may_be_worse_than_it_was() -> None:
    gates.fail_if_worse(result(a=0.48, b=0.95, new=0.1), result(a=0.5, b=0.9), "r.map", 0.03)
    with pytest.raises(GateError, match=r"worse than it was by more than 0\.01") as caught:
        gates.fail_if_worse(result(a=0.48, b=0.95), result(a=0.5, b=0.9), "r.map", 0.01)
    assert "a: 0.480 (0.380-0.580), was 0.500 (0.400-0.600)" in str(caught.value)
    assert "b:" not in str(caught.value)


def test_an_error_rate_may_not_rise() -> None:
    before = result(metric="verification.eer", a=0.1)
    gates.fail_if_worse(result(metric="verification.eer", a=0.02), before, "verification.eer", 0.01)
    with pytest.raises(GateError):
        gates.fail_if_worse(result(metric="verification.eer", a=0.12), before, "verification.eer", 0.01)


def test_a_method_that_fails_now_is_worse_than_it_was() -> None:
    with pytest.raises(GateError, match="worse") as caught:
        gates.fail_if_worse(result(failures=("a",), b=0.9), result(a=0.5, b=0.9), "r.map", 0.01)
    assert "a: 0.500 before, failed now: not finite" in str(caught.value)


def test_nothing_in_common_is_no_pass() -> None:
    with pytest.raises(UsageError, match="none of the methods"):
        gates.fail_if_worse(result(a=0.5), result(b=0.5), "r.map", 0.1)
    with pytest.raises(UsageError, match="nobody was measured by"):
        gates.fail_if_worse(result(a=0.5), result(a=0.5), "r.mapp", 0.1)
