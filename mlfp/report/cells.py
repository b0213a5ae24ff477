"""How numbers of a comparison are written, whatever the table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Any

from mlfp.bench.results import NOTES, BenchResult, Row
from mlfp.evaluation.direction import merit
from mlfp.types.estimate import Estimate
from mlfp.wording import counted

#: In place of a value that there is not.
MISSING = "-"
#: What an evaluator reports besides how good a method is, and how a table says it.
ASIDE = {
    "lone_queries": "of the queries have no other scan of their subject to find, and are not scored",
    "left_out_subjects": "of the subjects have too few scans for an episode",
}


def value(estimate: Estimate | None) -> str:
    """``0.912``."""
    return MISSING if estimate is None or math.isnan(estimate.value) else f"{estimate.value:.3f}"


def interval(estimate: Estimate | None) -> str:
    """``0.871-0.943``: the 95 % interval; nothing where there is none, as with a single subject."""
    if estimate is None or math.isnan(estimate.low) or math.isnan(estimate.high):
        return ""
    return f"{estimate.low:.3f}-{estimate.high:.3f}"


def spread(row: Row, metric: str) -> str:
    """``±0.012``: the standard deviation over seeds; nothing where there is one seed."""
    found = row.spread.get(metric)
    return "" if found is None else f"±{found:.3f}"


def seconds(duration: float) -> str:
    """``0.4 s``, ``38 s``, ``12 min``, ``1.5 h``."""
    if duration < 10:
        return f"{duration:.1f} s"
    if duration < 120:
        return f"{duration:.0f} s"
    return f"{duration / 60:.0f} min" if duration < 5400 else f"{duration / 3600:.1f} h"


def parameters(count: int | None) -> str:
    """``1.2 M``."""
    if count is None:
        return ""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if count >= size:
            return f"{count / size:.1f} {letter}"
    return str(count)


def several_seeds(result: BenchResult) -> bool:
    """Whether a standard deviation over seeds means anything here."""
    return any(row.seeds > 1 for row in result.rows)


def metrics(result: BenchResult, *, pairs: bool = False) -> list[str]:
    """The metrics of a result, the ranked one first, then the evaluations' in turn.

    :param pairs: those of single pairs (``metric[T1>FLAIR]``) instead of the others.
    """
    names = dict.fromkeys(name for row in result.rows for name in row.metrics)
    chosen = [name for name in names if ("[" in name) == pairs and _plain(name) not in ASIDE]
    by_evaluation: dict[str, list[str]] = {}
    for name in chosen:
        by_evaluation.setdefault(name.split(".")[0], []).append(name)
    turns = [name for turn in zip_longest(*by_evaluation.values()) for name in turn if name is not None]
    return sorted(turns, key=lambda name: name != result.rank_by)


def _plain(name: str) -> str:
    """The metric without its evaluation and its pair."""
    return name.partition(".")[2].partition("[")[0]


def _aside(result: BenchResult) -> Iterator[str]:
    """What evaluators report besides, where it is not nothing."""
    found = {name: estimate.value for row in result.rows for name, estimate in row.metrics.items() if "[" not in name}
    told: dict[str, list[str]] = {}
    for name, share in found.items():
        if _plain(name) in ASIDE and share > 0:
            told.setdefault(f"{share:.0%} {ASIDE[_plain(name)]}.", []).append(name.partition(".")[0])
    yield from (f"{', '.join(evaluations)}: {said}" for said, evaluations in told.items())


def best(rows: Sequence[Row], metric: str) -> float:
    """The best value of a metric: the highest, of errors and costs the lowest; ``nan`` where nobody has one."""
    found = [row.metrics[metric].value for row in rows if metric in row.metrics]
    numbers = (number for number in found if not math.isnan(number))
    return max(numbers, key=lambda number: merit(metric, number), default=math.nan)


def queries(result: BenchResult) -> int:
    """The number of queries (or episodes) behind the ranked metric; 0 where it was not measured."""
    return next((row.metrics[result.rank_by].n for row in result.rows if result.rank_by in row.metrics), 0)


def subject(result: BenchResult) -> list[str]:
    """What was compared, on what, and how to read it: a few sentences."""
    data = result.data
    lines = []
    if result.rows:
        lines.append(f"{_count(len(result.rows), 'method')} ranked by {result.rank_by}, n = {queries(result)}.")
    if data:
        lines.append(f"Data: {_source(data)}; {_sides(data)}.")
        if data.get("failed"):
            lines.append(f"Left out, for they could not be read: {_some(data['failed'])}.")
    lines += _aside(result)
    lines.append("Intervals: 95 %, by bootstrap over the subjects that ask.")
    if several_seeds(result):
        lines.append(f"Means over {max(row.seeds for row in result.rows)} seeds; ± is the deviation over them.")
    return lines


def failures(result: BenchResult) -> list[str]:
    """What failed and why, a line for each reason."""
    return _by_reason((failure.reason, f"{failure.label}, seed {failure.seed}") for failure in result.failures)


def notes(result: BenchResult) -> list[str]:
    """What could not be measured and why, a line for each reason, with the methods where it is not all."""
    told: dict[str, list[str]] = {}
    for row in result.rows:
        for note in filter(None, row.note.split(NOTES)):
            told.setdefault(note, []).append(row.label)
    everyone = len(result.rows) if len(result.rows) > 1 else 0
    return [note if len(found) == everyone else f"{note} ({'; '.join(found)})" for note, found in told.items()]


def _by_reason(told: Iterable[tuple[str, str]]) -> list[str]:
    names: dict[str, list[str]] = {}
    for reason, name in told:
        names.setdefault(reason, []).append(name)
    return [f"{reason} ({'; '.join(found)})" for reason, found in names.items()]


def _source(data: dict[str, Any]) -> str:
    """``scans.csv (mlfp/manifest)``, or ``mlfp/phantom`` for a data set that reads no file."""
    component = next((word for word in str(data.get("dataset", "")).split() if "/" in word), "")
    source = str(data.get("source", ""))
    return f"{source} ({component})" if source and not component.endswith(f"/{source}") else component


def _sides(data: dict[str, Any]) -> str:
    sides = [(name, data[name]) for name in ("train", "val", "test") if name in data]
    return ", ".join(
        f"{name} {counted(side['subjects'], 'subject')} with {counted(side['scans'], 'scan')}" for name, side in sides
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _some(names: Iterable[str], most: int = 5) -> str:
    listed = list(names)
    rest = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {rest} more" if rest > 0 else "")
