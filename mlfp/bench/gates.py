"""Gates for continuous integration: the best method is good enough, and no method worse than it was."""

from __future__ import annotations

from collections.abc import Sequence

from mlfp.bench.results import BenchResult, Row
from mlfp.errors import GateError, UsageError, nearest
from mlfp.evaluation.direction import lower_is_better, merit
from mlfp.types.estimate import Estimate


def fail_under(result: BenchResult, metric: str, least: float) -> None:
    """Complain if no method reaches a value; of a metric that is better when lower, if all lie above it.

    :raises UsageError: nobody was measured by the metric.
    :raises GateError: none does.
    """
    rows = _measured(result, metric, "--fail-under")
    best = max(rows, key=lambda row: merit(metric, row.metrics[metric].value))
    value = best.metrics[metric].value
    if not merit(metric, value) >= merit(metric, least):
        wanted = "less" if lower_is_better(metric) else "more"
        raise GateError(f"{metric} is at best {value:.3f} ({best.label}), and should be {least:g} or {wanted}")


def fail_if_worse(result: BenchResult, before: BenchResult, metric: str, delta: float) -> None:
    """Complain of every method that is worse than it was by more than ``delta``.

    :param before: an earlier result; methods that it has not are not judged.
    :raises UsageError: nobody was measured by the metric, now or before, or no method was there before.
    :raises GateError: a method is worse, or is gone.
    """
    now = {row.label: row.metrics[metric] for row in _measured(result, metric, "--fail-if-worse")}
    then = {row.label: row.metrics[metric] for row in _measured(before, metric, "--fail-if-worse")}
    if not set(now) & set(then) and not result.failures:
        raise UsageError(
            f"--fail-if-worse: the earlier result {before.name!r} has none of the methods of {result.name!r}",
            hints=[f"Methods then: {', '.join(then)}", f"Methods now: {', '.join(now)}"],
        )
    hints = []
    for label, old in then.items():
        if label not in now:
            failed = next((item.reason for item in result.failures if item.label == label), "")
            if failed:
                hints.append(f"{label}: {old.value:.3f} before, failed now: {failed}")
        elif not merit(metric, now[label].value) >= merit(metric, old.value) - delta:
            hints.append(f"{label}: {_said(now[label])}, was {_said(old)}")
    if hints:
        raise GateError(f"{metric} is worse than it was by more than {delta:g}", hints=hints)


def _said(item: Estimate) -> str:
    return f"{item.value:.3f} ({item.low:.3f}-{item.high:.3f})"


def _measured(result: BenchResult, metric: str, option: str) -> Sequence[Row]:
    found = [row for row in result.rows if metric in row.metrics]
    if not found:
        known = dict.fromkeys(name for row in result.rows for name in row.metrics)
        raise UsageError(
            f"{option}: nobody was measured by {metric!r}",
            hints=[*nearest(metric, known), f"Metrics: {', '.join(name for name in known if '[' not in name)}"],
        )
    return found
