"""The ranked table: one row a method, averaged over its seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlfp.bench.expected import Beside, Expectation, beside
from mlfp.bench.records import Record
from mlfp.evaluation import exhibits, intervals
from mlfp.evaluation.comparing import Comparison
from mlfp.evaluation.direction import merit
from mlfp.types import exhibit
from mlfp.types.estimate import Estimate
from mlfp.types.exhibit import Exhibit
from mlfp.types.measured import Measured

#: Between the notes of a method.
NOTES = "; "


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
    :param runs: ids of its runs, whose folders hold the values of single queries.
    :param group: rows are tested against those of the same group alone.
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
    runs: list[str] = field(default_factory=list)
    group: str = ""

    def over_trainings(self, metric: str) -> tuple[float, float] | None:
        """The 95 % t-interval of the mean over seeds: what another training might have given; None with one seed."""
        spread = self.spread.get(metric)
        if spread is None or self.seeds < 2:
            return None
        from scipy import special

        reach = float(special.stdtrit(self.seeds - 1, 0.975)) * spread / math.sqrt(self.seeds)
        value = self.metrics[metric].value
        return value - reach, value + reach

    def to_json(self) -> dict[str, Any]:
        """Everything but the per-query values."""
        metrics = {
            name: {**estimate.to_json(), "sd_over_seeds": self.spread.get(name), **self._over_trainings(name)}
            for name, estimate in self.metrics.items()
        }
        return {
            "label": self.label, "kind": self.kind, "seeds": self.seeds, "metrics": metrics, "seconds": self.seconds,
            "parameters": self.parameters, "cached": self.cached, "note": self.note, "runs": self.runs,
            "group": self.group, "exhibits": {name: exhibit.to_json(item) for name, item in self.exhibits.items()},
        }  # fmt: skip

    def _over_trainings(self, metric: str) -> dict[str, float]:
        found = self.over_trainings(metric)
        return {} if found is None else {"trainings_low": found[0], "trainings_high": found[1]}


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
    :param comparisons: methods in pairs; which ones, ``significance`` says.
    :param significance: the settings of the comparisons.
    :param evaluations: name of each evaluation to the key under which the runs' folders have its values.
    :param protocol: what the fair protocol searched and trained; empty without it.
    :param expected: what a paper printed.
    """

    name: str
    folder: Path
    rows: list[Row]
    failures: list[RunFailure]
    rank_by: str
    data: dict[str, Any] = field(default_factory=dict)
    papers: list[str] = field(default_factory=list)
    description: str = ""
    comparisons: list[Comparison] = field(default_factory=list)
    significance: dict[str, Any] = field(default_factory=dict)
    evaluations: dict[str, str] = field(default_factory=dict)
    protocol: dict[str, Any] = field(default_factory=dict)
    expected: tuple[Expectation, ...] = ()

    @property
    def beside(self) -> list[Beside]:
        """What a paper printed, each number with ours."""
        return beside(self.expected, self.rows)

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        failures = [{"label": item.label, "seed": item.seed, "reason": item.reason} for item in self.failures]
        return {
            "name": self.name, "rank_by": self.rank_by, "data": self.data,
            "rows": [row.to_json() for row in self.rows], "failures": failures, "papers": self.papers,
            "comparisons": [item.to_json() for item in self.comparisons], "significance": self.significance,
            "evaluations": self.evaluations, "protocol": self.protocol,
            "expected": [item.to_json() for item in self.beside],
        }  # fmt: skip


def row(
    label: str,
    runs: Sequence[tuple[Record, Mapping[str, Mapping[str, Estimate]]]],
    *,
    cached: int,
    seed: int,
    group: str = "",
) -> Row:
    """Average a method's runs: first those of one seed, which differ in the fold they were trained on, then the seeds.

    :param runs: each run's record, and its estimates by evaluation name.
    :param seed: of the bootstrap.
    :param group: see :class:`Row`.
    """
    records = [record for record, _ in runs]
    collected: dict[str, dict[int, list[Estimate]]] = {}
    for record, evaluations in runs:
        for evaluation, estimates in evaluations.items():
            for metric, estimate in estimates.items():
                collected.setdefault(f"{evaluation}.{metric}", {}).setdefault(record.seed, []).append(estimate)
    metrics, spread = {}, {}
    for name, by_seed in collected.items():
        found = [intervals.average(folds, seed=seed)[0] for folds in by_seed.values()]
        metrics[name], spread[name] = intervals.average(found, seed=seed)
    return Row(
        label=label,
        kind=records[0].kind,
        seeds=len({record.seed for record in records}),
        metrics=metrics,
        spread=spread,
        seconds=sum(sum(record.seconds.values()) for record in records) / len(records),
        parameters=records[0].parameters,
        cached=cached,
        note=_note(records),
        exhibits=exhibits.merged([_exhibits(evaluations) for _, evaluations in runs]),
        runs=[record.id for record in records],
        group=group,
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
    return NOTES.join(notes)


def ranked(rows: Iterable[Row], rank_by: str) -> list[Row]:
    """Best first; methods without the metric last."""

    def key(item: Row) -> float:
        estimate = item.metrics.get(rank_by)
        return -math.inf if estimate is None or math.isnan(estimate.value) else merit(rank_by, estimate.value)

    return sorted(rows, key=key, reverse=True)
