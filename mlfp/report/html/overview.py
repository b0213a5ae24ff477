"""What the page says first: the outcome in words, and the ranked table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from mlfp.bench.results import BenchResult, Row
from mlfp.evaluation.comparing import Comparison, said_p, signed
from mlfp.report import cautions, cells, differences
from mlfp.report.svg.charts import Dot, whisker
from mlfp.report.svg.element import DASH, MINUS, colour, drawing, mark, tag
from mlfp.report.svg.scale import Scale, around
from mlfp.wording import counted

_KINDS = {"trained": "trained", "untrained": "random weights", "scorer": "no training"}


@dataclass(frozen=True)
class Cell:
    """A number of the table.

    :param value: as written.
    :param sort: by what the column is sorted; empty where there is no number.
    :param between: the interval.
    :param best: whether none is higher.
    """

    value: str
    sort: str
    between: str = ""
    spread: str = ""
    best: bool = False


@dataclass(frozen=True)
class Line:
    """A method in the table.

    :param style: number of its colour and shape in every chart.
    :param swatch: these, drawn.
    :param drawn: its interval, drawn.
    :param cells: its numbers, a metric each.
    :param against: the difference to the method that the others are compared with, and what the test says of it.
    """

    rank: int
    label: str
    kind: str
    style: int
    swatch: Markup
    drawn: Markup
    cells: list[Cell]
    against: Cell
    seconds: Cell
    parameters: Cell
    note: str = ""


def styles(rows: Sequence[Row]) -> dict[str, int]:
    """Each method's number of colour and shape: the trained ones first, best first, then the others."""
    order = sorted(rows, key=lambda row: row.kind != "trained")
    return {row.label: place for place, row in enumerate(order)}


def swatch(style: int) -> Markup:
    """A method's colour and shape, for legends and names."""
    return drawing(14, 14, mark(style, 7, 7), label="", class_=f"swatch {colour(style)}")


def table(result: BenchResult, names: Sequence[str]) -> list[Line]:
    """The rows of the table, best first."""
    numbers = styles(result.rows)
    found = [row.metrics.get(result.rank_by) for row in result.rows]
    low, high = around([value for item in found if item for value in (item.value, item.low, item.high)])
    scale = Scale(low, high, 6, 154)
    return [
        Line(
            rank=place + 1,
            label=row.label,
            kind=_KINDS.get(row.kind, row.kind),
            style=numbers[row.label],
            swatch=swatch(numbers[row.label]),
            drawn=_interval(scale, row, result.rank_by, numbers[row.label]),
            cells=[_cell(row, name, result.rows) for name in names],
            against=_against(result, row),
            seconds=Cell(cells.seconds(row.seconds), f"{row.seconds:.6g}"),
            parameters=Cell(cells.parameters(row.parameters) or DASH, str(row.parameters or "")),
            note=row.note,
        )
        for place, row in enumerate(result.rows)
    ]


def _interval(scale: Scale, row: Row, metric: str, style: int) -> Markup:
    estimate = row.metrics.get(metric)
    if estimate is None or math.isnan(estimate.value):
        return Markup("")
    dot = Dot(row.label, style, estimate.value, estimate.low, estimate.high)
    base = tag("line", x1=6, x2=154, y1=11, y2=11, class_="grid")
    said = f"{cells.value(estimate)}, 95 % interval {cells.interval(estimate) or 'unknown'}"
    return drawing(160, 22, base, whisker(scale, dot, 11), label=said, class_=f"inline {colour(style)}")


def _cell(row: Row, name: str, rows: Sequence[Row]) -> Cell:
    estimate = row.metrics.get(name)
    if estimate is None or math.isnan(estimate.value):
        return Cell(DASH, "")
    best = estimate.value == cells.best(rows, name)
    between = cells.interval(estimate).replace("-", DASH)
    return Cell(cells.value(estimate), f"{estimate.value:.9g}", between, cells.spread(row, name), best)


def _against(result: BenchResult, row: Row) -> Cell:
    best = differences.baseline(result, result.rank_by)
    item = differences.between(result, result.rank_by, row.label, best)
    if item is None:
        return Cell("baseline" if row.label == best and result.comparisons else "", "")
    return Cell(signed(item.difference).replace("-", MINUS), f"{item.difference:.9g}", verdict(item))


def verdict(item: Comparison) -> str:
    """What a test says, with a mark for the eye."""
    if item.verdict == "none":
        return f"{differences.NOT_SHOWN} no difference shown"
    mark = "▼" if item.verdict == "lower" else "▲"
    return f"{mark} {item.verdict}, {said_p(item.p_holm)}"


@dataclass(frozen=True)
class Test:
    """A comparison of two methods, as a row of a table."""

    first: str
    second: str
    difference: str
    between: str
    p: str
    effect: str
    subjects: str
    verdict: str


def tests(result: BenchResult) -> list[Test]:
    """All comparisons by the ranked metric."""
    return [
        Test(
            first=item.first,
            second=item.second,
            difference=signed(item.difference).replace("-", MINUS),
            between=f"{signed(item.low)} to {signed(item.high)}".replace("-", MINUS),
            p=said_p(item.p_holm).removeprefix("p ").removeprefix("= "),
            effect=DASH if math.isnan(item.effect) else f"{item.effect:+.2f}".replace("-", MINUS),
            subjects=f"{item.higher} / {item.lower} / {item.same}" if item.test == "permutation" else DASH,
            verdict=verdict(item),
        )
        for item in differences.by_metric(result, result.rank_by)
    ]


def outcome(result: BenchResult) -> list[Markup]:
    """What came out, in a few sentences: who is first, by how much, and before whom."""
    measured = [row for row in result.rows if result.rank_by in row.metrics]
    if not measured:
        return [Markup("No method could be measured.")]
    first, *others = measured
    said = [_first(result, first)]
    second = next((row for row in others if row.group == first.group), None)
    trained, plain = (
        next((row for row in others if (row.kind == "trained") == kind and row is not second), None)
        for kind in (True, False)
    )
    if second is not None:
        said.append(_behind(result, first, second, Markup("Second is <strong>{}</strong>").format(second.label)))
    if first.kind == "trained" and plain is not None and (second is None or second.kind == "trained"):
        what = Markup("The best without training is <strong>{}</strong>").format(plain.label)
        said.append(_behind(result, first, plain, what))
    if first.kind != "trained" and trained is not None and (second is None or second.kind != "trained"):
        what = Markup("The best trained method is <strong>{}</strong>").format(trained.label)
        said.append(_behind(result, first, trained, what))
    return said


def _first(result: BenchResult, row: Row) -> Markup:
    estimate = row.metrics[result.rank_by]
    between = cells.interval(estimate).replace("-", " to ")
    told = f" (95 % interval {between})" if between else ""
    without = ", and needs no training" if row.kind == "scorer" else ""
    subjects = result.data.get("test", {}).get("subjects")
    on = f" on {counted(subjects, 'subject')}" if subjects else ""
    line = Markup("<strong>{}</strong> ranks first by <code>{}</code>{}: {}{}{}.")
    return line.format(row.label, result.rank_by, on, cells.value(estimate), told, without)


def _behind(result: BenchResult, first: Row, other: Row, who: Markup) -> Markup:
    """What another reaches, how far the first is ahead of it, and whether that could be chance."""
    line = Markup("{} with {}").format(who, cells.value(other.metrics[result.rank_by]))
    item = differences.between(result, result.rank_by, first.label, other.label)
    if item is None:
        return line + Markup("; they were not tested against each other.")
    ahead = cautions.lead(result, first, other)
    if item.verdict == "none":
        return line + Markup(", behind by {}: <em>no difference is shown</em> ({}).").format(ahead, said_p(item.p_holm))
    return line + Markup(", behind by {}, and the test shows it ({}).").format(ahead, said_p(item.p_holm))
