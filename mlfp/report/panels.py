"""Panels of readings (the shortcuts) of all methods at a glance: a row a reading, a column a method."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from mlfp.bench.results import BenchResult
from mlfp.report import cells
from mlfp.report.tables import table
from mlfp.types.exhibit import Panel, Reading

#: Beside a reading that speaks against its method.
ALARM = "▲"


@dataclass(frozen=True)
class Glance:
    """One panel of several methods.

    :param name: ``evaluation.name``.
    :param methods: best first.
    :param rows: what was looked at, and each method's reading; None where it has none.
    """

    name: str
    title: str
    methods: list[str]
    rows: list[tuple[str, list[Reading | None]]]

    def alarms(self) -> Iterator[tuple[str, list[Reading]]]:
        """Each method with the readings that speak against it."""
        for place, method in enumerate(self.methods):
            readings = (found[place] for _, found in self.rows)
            yield method, [item for item in readings if item is not None and item.alarm]


def glances(result: BenchResult) -> list[Glance]:
    """Every panel that an evaluation of the result has."""
    found: dict[str, dict[str, Panel]] = {}
    for row in result.rows:
        for name, shown in row.exhibits.items():
            if isinstance(shown, Panel):
                found.setdefault(name, {})[row.label] = shown
    return [_glance(name, panels) for name, panels in found.items()]


def _glance(name: str, panels: dict[str, Panel]) -> Glance:
    readings = {label: {item.name: item for item in panel.readings} for label, panel in panels.items()}
    names = dict.fromkeys(item for of_method in readings.values() for item in of_method)
    rows = [(item, [of_method.get(item) for of_method in readings.values()]) for item in names]
    return Glance(name, next(iter(panels.values())).title, list(panels), rows)


def between(reading: Reading, dash: str = "-") -> str:
    """``0.571-0.843``; nothing where there is no interval."""
    return "" if math.isnan(reading.low) else f"{reading.low:.3f}{dash}{reading.high:.3f}"


def lines(result: BenchResult, *, level: int = 2) -> Iterator[str]:
    """A section of Markdown for each panel: what was found of each method, and what the alarms mean.

    :param level: of the heading.
    """
    for glance in glances(result):
        yield from (f"{'#' * level} {glance.title}", "")
        body = [[name, *(_cell(reading) for reading in readings)] for name, readings in glance.rows]
        yield from table(["what was looked at", *glance.methods], body)
        yield f"{ALARM} speaks against the method. {' '.join(_meant(glance))}".rstrip()
        yield ""


def brief(result: BenchResult) -> Iterator[str]:
    """A few lines for the terminal: who raised the alarm and by what, who did not."""
    for glance in glances(result):
        quiet = [method for method, raised in glance.alarms() if not raised]
        for method, raised in glance.alarms():
            told = "; ".join(f"{item.name} {_beside(item)}" for item in raised)
            yield from [f"{glance.title}: {ALARM} {method}: {told}."] if raised else []
        if quiet:
            yield f"{glance.title}: nothing speaks against {', '.join(quiet)}."


def _beside(reading: Reading) -> str:
    told = f"{reading.value:.3f}" + (f" ({between(reading)})" if between(reading) else "")
    return told if math.isnan(reading.reference) else f"{told} beside {reading.reference:.3f}"


def _meant(glance: Glance) -> Iterator[str]:
    for method, raised in glance.alarms():
        if raised:
            yield f"{method}: {' '.join(dict.fromkeys(item.says for item in raised))}"


def _cell(reading: Reading | None) -> str:
    if reading is None:
        return cells.MISSING
    mark = f"{ALARM} " if reading.alarm else ""
    told = f"{mark}{reading.value:.3f}"
    return f"{told} ({between(reading)})" if between(reading) else told
