"""The ranked table: one row a method, averaged over its seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlfp.bench.records import Record
from mlfp.evaluation import exhibits, intervals
from mlfp.types import exhibit
from mlfp.types.estimate import Estimate
from mlfp.types.exhibit import Exhibit
from mlfp.types.measured import Measured


@dataclass(frozen=True)
class Row:
    """A method's results.

    :param label: its name.
    :param kind: ``trained``, ``untrained`` or ``scorer``.
    :param seeds: how many trainings are averaged.
    :param metrics: ``evaluation.metric`` to the mean over seeds, with an interval over subjects.
    :param spread: the standard deviation over seeds; None with one seed.
    :param seconds: to train and evaluate, mean over seeds.
    :param parameters: of the model; None for a scorer.
    :param cached: how many of its runs were done before.
    :param note: what could not be measured, and why.
    :param exhibits: ``evaluation.name`` to what a report draws, averaged over seeds.
    """

    label: str
    kind: str
    seeds: int
    metrics: dict[str, Estimate]
    spread: dict[str, float | None]
    seconds: float
    parameters: int | None = None
    cached: int = 0
    note: str = ""
    exhibits: dict[str, Exhibit] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Everything but the per-query values."""
        metrics = {
            name: {**estimate.to_json(), "sd_over_seeds": self.spread.get(name)}
            for name, estimate in self.metrics.items()
        }
        return {
            "label": self.label, "kind": self.kind, "seeds": self.seeds, "metrics": metrics, "seconds": self.seconds,
            "parameters": self.parameters, "cached": self.cached, "note": self.note,
            "exhibits": {name: exhibit.to_json(item) for name, item in self.exhibits.items()},
        }  # fmt: skip


@dataclass(frozen=True)
class RunFailure:
    """A run that failed; the others went on.

    :param reason: one line.
    :param details: the file with the traceback.
    """

    label: str
    seed: int
    reason: str
    details: Path


@dataclass(frozen=True)
class BenchResult:
    """What a comparison came to.

    :param rows: best first by ``rank_by``.
    :param failures: runs that failed.
    :param data: what it was measured on: id, digest, scans and subjects on each side of the split, failed scans.
    :param papers: works behind the components used.
    :param description: the configuration's own words on what is compared.
    """

    name: str
    folder: Path
    rows: list[Row]
    failures: list[RunFailure]
    rank_by: str
    data: dict[str, Any] = field(default_factory=dict)
    papers: list[str] = field(default_factory=list)
    description: str = ""

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        failures = [{"label": item.label, "seed": item.seed, "reason": item.reason} for item in self.failures]
        return {
            "name": self.name, "rank_by": self.rank_by, "data": self.data,
            "rows": [row.to_json() for row in self.rows], "failures": failures, "papers": self.papers,
        }  # fmt: skip


def row(
    label: str,
    runs: Sequence[tuple[Record, Mapping[str, Mapping[str, Estimate]]]],
    *,
    cached: int,
    seed: int,
) -> Row:
    """Average a method's runs.

    :param runs: each run's record, and its estimates by evaluation name.
    :param seed: of the bootstrap.
    """
    records = [record for record, _ in runs]
    collected: dict[str, list[Estimate]] = {}
    for _, evaluations in runs:
        for evaluation, estimates in evaluations.items():
            for metric, estimate in estimates.items():
                collected.setdefault(f"{evaluation}.{metric}", []).append(estimate)
    metrics, spread = {}, {}
    for name, found in collected.items():
        metrics[name], spread[name] = intervals.average(found, seed=seed)
    return Row(
        label=label,
        kind=records[0].kind,
        seeds=len(records),
        metrics=metrics,
        spread=spread,
        seconds=sum(sum(record.seconds.values()) for record in records) / len(records),
        parameters=records[0].parameters,
        cached=cached,
        note=_note(records),
        exhibits=exhibits.merged([_exhibits(evaluations) for _, evaluations in runs]),
    )


def _exhibits(evaluations: Mapping[str, Mapping[str, Estimate]]) -> dict[str, Exhibit]:
    return {
        f"{evaluation}.{name}": shown
        for evaluation, measured in evaluations.items()
        for name, shown in Measured.of(measured).exhibits.items()
    }


def _note(records: Iterable[Record]) -> str:
    notes: dict[str, None] = {}
    for record in records:
        for evaluation in record.evaluations.values():
            if "skipped" in evaluation:
                notes[f"{evaluation['name']}: {evaluation['skipped']}"] = None
            for note in evaluation.get("notes", ()):
                notes[f"{evaluation['name']}: {note}"] = None
    return "; ".join(notes)


def ranked(rows: Iterable[Row], rank_by: str) -> list[Row]:
    """Best first; methods without the metric last."""

    def key(item: Row) -> float:
        estimate = item.metrics.get(rank_by)
        return -math.inf if estimate is None or math.isnan(estimate.value) else estimate.value

    return sorted(rows, key=key, reverse=True)
