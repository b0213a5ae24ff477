"""Two finished comparisons, or two methods of one, set against each other by the values of their single queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from typing import Any

import numpy as np

from mlfp.bench.records import RunFolder
from mlfp.bench.results import BenchResult, Row, row
from mlfp.errors import UsageError, nearest
from mlfp.evaluation.comparing import PERMUTATIONS, Comparison
from mlfp.evaluation.paired import holm
from mlfp.evaluation.rates import compare_estimates, testable


@dataclass(frozen=True)
class Duel:
    """What came of it.

    :param comparisons: by metric, then by method.
    :param notes: what a reader has to know: other data, other queries, what could not be compared.
    """

    comparisons: list[Comparison]
    notes: list[str]

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {"comparisons": [item.to_json() for item in self.comparisons], "notes": self.notes}


@dataclass(frozen=True)
class Fighter:
    """One side: a comparison, and the one method of it that counts, or all.

    :param result: with the folder that holds its runs.
    :param label: of the method; None for every method that the other side has as well.
    """

    result: BenchResult
    label: str | None = None


def duel(
    first: Fighter,
    second: Fighter,
    *,
    metrics: Sequence[str] = (),
    level: float = 0.05,
    seed: int = 0,
    permutations: int = PERMUTATIONS,
) -> Duel:
    """Compare each method of the one with its namesake of the other, or one method with one.

    Holm's correction is over all methods compared by a metric.

    :param metrics: patterns of ``evaluation.metric``; the first's ranked one unless given.
    :raises UsageError: there is nothing to compare, or the values of single queries are not kept.
    """
    pairs = _pairs(first, second)
    loaded = [(_units(first.result, one), _units(second.result, other)) for one, other in pairs]
    notes = list(_notes(first.result, second.result))
    found: list[Comparison] = []
    for metric in _metrics(first, loaded, metrics):
        names = [_names(first, second, one.label, other.label) for one, other in loaded]
        made = []
        for (a, b), (one, other) in zip(names, loaded, strict=True):
            both = {a: one.metrics[metric], b: other.metrics[metric]}
            compared = compare_estimates(metric, both, seed=seed, level=level, permutations=permutations)
            made += compared
            units = [len(item.units.names) for item in both.values() if item.units is not None]
            if not compared:
                notes.append(f"{metric}: {a} and {b} have no query in common, or nothing was kept to test them by.")
            elif (most := max(units, default=0)) > compared[0].queries:
                notes.append(f"{metric}: {a} and {b} have {compared[0].queries} of {most} queries in common.")
        found += _corrected(made)
    return Duel(found, list(dict.fromkeys(notes)))


def _corrected(made: Sequence[Comparison]) -> list[Comparison]:
    raised = holm(np.array([item.p for item in made]))
    return [replace(item, p_holm=float(p), family=len(made)) for item, p in zip(made, raised, strict=True)]


def _pairs(first: Fighter, second: Fighter) -> list[tuple[Row, Row]]:
    mine = {row.label: row for row in first.result.rows}
    theirs = {row.label: row for row in second.result.rows}
    if first.label is not None or second.label is not None:
        one, other = first.label or second.label or "", second.label or first.label or ""
        return [(_named(mine, one, first), _named(theirs, other, second))]
    if first.result.folder.resolve() == second.result.folder.resolve():
        raise UsageError(
            "a comparison is compared with itself", hints=[f"Name two methods of it: {first.result.folder}:METHOD"]
        )
    common = [(mine[label], theirs[label]) for label in mine if label in theirs]
    if not common:
        raise UsageError(
            f"{first.result.folder} and {second.result.folder} have no method of the same name",
            hints=[
                f"{side.result.folder}: {', '.join(row.label for row in side.result.rows)}" for side in (first, second)
            ],
        )
    return common


def _named(rows: Mapping[str, Row], label: str, side: Fighter) -> Row:
    if label not in rows:
        hints = [*nearest(label, rows), f"Methods: {', '.join(rows)}"]
        raise UsageError(f"{side.result.folder} has no method {label!r}", hints=hints)
    return rows[label]


def _names(first: Fighter, second: Fighter, one: str, other: str) -> tuple[str, str]:
    """What two methods are called: with their folders where these differ."""
    here, there = first.result.folder, second.result.folder
    if here.resolve() == there.resolve():
        return one, other
    short = here.name != there.name
    return f"{here.name if short else here}: {one}", f"{there.name if short else there}: {other}"


def _units(result: BenchResult, given: Row) -> Row:
    """A row with the values of single queries, from the folders of its runs.

    :raises UsageError: they are not there.
    """
    runs = []
    for name in given.runs:
        folder = RunFolder(result.folder / "runs" / name)
        record = folder.record()
        if record is not None:
            keys = {evaluation: key for evaluation, key in result.evaluations.items() if key in record.evaluations}
            runs.append((record, {evaluation: folder.estimates(record, key) for evaluation, key in keys.items()}))
    if not runs or len(runs) < len(given.runs):
        raise UsageError(
            f"{result.folder} does not hold the values of single queries of {given.label!r}",
            hints=["Run the comparison again with this version of mlfp; what is done is not done again."],
        )
    return row(given.label, runs, cached=0, seed=0)


def _metrics(first: Fighter, loaded: Sequence[tuple[Row, Row]], patterns: Sequence[str]) -> list[str]:
    known = list(dict.fromkeys(name for one, other in loaded for name in one.metrics if name in other.metrics))
    wanted = patterns or (first.result.rank_by,)
    # What a pattern means is what can be tested; what is named is told of, whatever it is.
    averages = {name for one, other in loaded for name in known if _tested(name, one) and _tested(name, other)}
    found = [
        name
        for name in known
        if name in wanted or (name in averages and any(fnmatch(name, pattern) for pattern in wanted))
    ]
    if not found:
        raise UsageError(
            f"no metric that both sides have is called {' or '.join(map(repr, wanted))}",
            hints=[*nearest(wanted[0], known), f"Metrics: {', '.join(name for name in known if '[' not in name)}"],
        )
    return found


def _tested(metric: str, given: Row) -> bool:
    estimate = given.metrics.get(metric)
    return estimate is not None and testable(estimate)


def _notes(first: BenchResult, second: BenchResult) -> Iterator[str]:
    for key, what in (("digest", "scans, or prepared them differently"), ("split", "splits")):
        if first.data.get(key) != second.data.get(key):
            yield f"The two were measured on other {what}: only common queries are compared, and galleries may differ."
            return
